-- For wrk: submits each code of a file once, then stops.  wrk -s verify.lua URL -- CODES_FILE MILLISECONDS
-- Each connection waits so long before every request: a steady load instead of all that goes.
local codes, given, pause = {}, 0, 0

function init(arguments)
  for code in io.lines(arguments[1]) do codes[#codes + 1] = code end
  pause = tonumber(arguments[2])
end

function delay()
  return pause
end

function request()
  given = given + 1
  -- Those that come while the others are still under way.
  if given > #codes then return wrk.format("GET", "/healthz") end
  return wrk.format("POST", "/api/v1/verify", { ["Content-Type"] = "application/json" },
                    '{"code":"' .. codes[given] .. '"}')
end

-- wrk itself waits until its time is over: load.py interrupts it at this word.
function response()
  if given > #codes then
    wrk.thread:stop()
    io.stderr:write("used up\n")
  end
end
