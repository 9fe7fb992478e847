-- The From: header must name the mailbox that logged in, and nothing else; all the strings of it that a mail program may show as an
-- address are looked at, not only the one that a parser would take.
local login = odkim.get_mtasymbol(ctx, "{auth_authen}")
local from = odkim.get_header(ctx, "From", 0)
local other = odkim.get_header(ctx, "From", 1)
local ok = false
if login ~= nil and from ~= nil and other == nil then
  local text = string.gsub(from, "%s+", " ")
  text = string.gsub(text, "\\.", "")          -- quoted pairs
  text = string.gsub(text, '"[^"]*"', " ")     -- quoted strings
  text = string.gsub(text, "%b()", " ")        -- comments
  local name, address = string.match(text, "^([^<>]*)<([^<>]*)> *$")
  if address == nil then
    name, address = "", text
  end
  address = string.lower(string.gsub(address, " ", ""))
  ok = address == string.lower(login) and string.find(name, '[,:;@"()]') == nil
end
if not ok then
  odkim.set_reply(ctx, "550", "5.7.1", "From: must be the mailbox that is logged in, and only that")
  odkim.set_result(ctx, SMFIS_REJECT)
end
