-- Signs with the key of the domain that logged in, whatever the message says; without a signature it waits at its sender (451).
local login = odkim.get_mtasymbol(ctx, "{auth_authen}")
local domain = login and string.match(login, "@([^@]+)$")
if domain == nil or odkim.sign(ctx, domain) ~= 1 then
  odkim.set_result(ctx, SMFIS_TEMPFAIL)
end
