-- Signs with the key of the domain that logged in, whatever the message says; without a signature it waits at its sender (451).
local login = odkim.get_mtasymbol(ctx, "{auth_authen}")
local domain = login and string.match(login, "@([^@]+)$")
-- While dfyd commits, which takes milliseconds, keys cannot be read, and that is answered at once.
local signed = 0
local tries = 0
while domain ~= nil and signed ~= 1 and tries < 10 do
  if tries > 0 then
    local until_then = os.clock() + 0.02
    while os.clock() < until_then do end
  end
  signed = odkim.sign(ctx, domain)
  tries = tries + 1
end
if signed ~= 1 then
  odkim.set_result(ctx, SMFIS_TEMPFAIL)
end
