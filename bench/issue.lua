-- For wrk: gets codes, and writes each that it got into a file.  wrk -s issue.lua URL -- CODES_FILE
function init(arguments)
  codes = io.open(arguments[1], "w")
  codes:setvbuf("line")
end

function response(status, headers, body)
  local code = body:match('"code":"([^"]+)"')
  if code then codes:write(code, "\n") end
end
