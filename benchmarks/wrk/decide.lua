-- One decision a request, each about another held reply; what to ask stands in a file, a line each.
require("report")

local lines, place = {}, 0
local headers, kind = {}, ""

function init(args)
  local values = told(args)
  kind = values.kind
  for line in io.lines(values.file) do lines[#lines + 1] = line end
  if kind ~= "isso" then
    headers = {
      ["Content-Type"] = "application/x-www-form-urlencoded", ["Accept"] = "application/json",
      ["Cookie"] = values.cookie, ["X-CSRFToken"] = values.token,
    }
  end
end

function request()
  place = place + 1
  -- Beyond the last line nothing that anybody has: the round fails rather than count what decides nothing.
  local line = lines[place] or "none-left"
  if kind == "isso" then return wrk.format("POST", "/id/" .. line, headers, "") end
  return wrk.format("POST", "/queue/decisions", headers, "action=approve&revision=" .. line)
end
