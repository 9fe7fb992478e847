-- A second signature, for who prefers it. Without such a key the first one is enough (RFC 8463 section 4).
local login = odkim.get_mtasymbol(ctx, "{auth_authen}")
local domain = login and string.match(login, "@([^@]+)$")
if domain ~= nil then
  odkim.sign(ctx, domain)
end
