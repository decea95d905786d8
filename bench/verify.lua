-- For wrk: submits each code of a file once, then stops.  wrk -s verify.lua URL -- CODES_FILE
local codes, given = {}, 0

function init(arguments)
  for code in io.lines(arguments[1]) do codes[#codes + 1] = code end
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
