-- For wrk: sends the token that a file holds, so that it stands in no command line.
-- wrk -s vault.lua URL -- TOKEN_FILE
function init(arguments)
  wrk.headers["Authorization"] = "Bearer " .. io.lines(arguments[1])()
end
