-- The same request again and again: nothing but the report.
require("report")
