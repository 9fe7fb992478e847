-- Finds the key of a domain (query) in dkim.db, which dfyd keeps. Not by a dsn: that has one connection for all messages, does not wait
-- while dfyd commits, and then answers the next message with what the one before had asked for.
if query == nil then
  return -- only tried at start
end
local sqlite = require("luasql.sqlite3").sqlite3()
local db = assert(sqlite:connect("@MAILHOST_DIR@/signer/dkim.db", 3000)) -- milliseconds that a lock is waited for
local rows = assert(db:execute("SELECT domain, selector, private_key FROM dkim_signer WHERE algorithm = 'ed25519' AND domain = '"
  .. db:escape(query) .. "'"))
local domain, selector, key = rows:fetch()
rows:close()
db:close()
sqlite:close()
if domain == query then
  return domain, selector, key
end
