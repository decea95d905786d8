-- For wrk: each connection waits so many milliseconds before every request.
--   wrk -c CONNECTIONS -s paced.lua URL -- MILLISECONDS
local pause

function init(arguments)
  pause = tonumber(arguments[1])
end

function delay()
  return pause
end
