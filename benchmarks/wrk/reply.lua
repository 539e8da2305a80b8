-- Replies that nobody sent before: another author, page, text and key each time, to ours or to Isso.
require("report")

local number, run, pages, kind = 0, "", 1, ""
local form = { ["Content-Type"] = "application/x-www-form-urlencoded", ["Accept"] = "application/json" }
local json = { ["Content-Type"] = "application/json" }
local lore = "Wider is good news for everybody who ever pushed a twin pram over the old bridge and had to wait there. "
lore = (lore .. lore .. lore):sub(1, 270)

function init(args)
  local values = told(args)
  run, pages, kind = values.run, tonumber(values.pages), values.kind
end

function request()
  number = number + 1
  local name = run .. "x" .. number
  -- Not the large threads: Isso's are dearer to write to.
  local page = "%2Fnews%2F" .. (3 + number % (pages - 3))
  local text = lore .. "Number " .. name .. "."
  if kind == "isso" then
    return wrk.format("POST", "/new?uri=" .. page, json, string.format(
      '{"author": "%s", "email": "%s@home.example", "website": null, "parent": null, "text": "%s"}', name, name, text))
  end
  return wrk.format("POST", "/sites/courier/replies", form, string.format(
    "author=%s&email=%s%%40home.example&url=&page=https%%3A%%2F%%2Fcourier.example%s&key=%s&comment=%s",
    name, name, page, "benchmark-key-" .. name, (text:gsub(" ", "+"))))
end
