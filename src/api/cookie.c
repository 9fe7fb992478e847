#include "api/cookie.h"

#include <inttypes.h>
#include <stdio.h>

/* Browsers take the second only over https, for all of its host and from no other. */
static const char *const names[] = {"dfyd_session", "__Host-dfyd_session"};

struct str cookie_find(struct str header, const char *name) {
    while (header.n) {
        struct str value = STR(""), key = str_trim(str_cut(str_cut(header, ';', &header), '=', &value));
        if (str_is(key, name)) return str_trim(value);
    }
    return STR("");
}

struct str cookie_token(const struct http_request *request, bool is_https) {
    return cookie_find(http_header(request, "Cookie", NULL), names[is_https]);
}

bool cookie_check_origin(const struct http_request *request, struct error *reterr) {
    bool is_said;
    struct str site = http_header(request, "Sec-Fetch-Site", &is_said);
    bool only_reads = str_is(request->method, "GET") || str_is(request->method, "HEAD");
    bool is_own = !is_said || str_is(site, "same-origin") || (only_reads && str_is(site, "none"));
    if (!is_own)
        return error_set(reterr, ERR_FORBIDDEN, "The console's cookie counts for requests of its own pages only");
    if (only_reads || str_is(http_header(request, "x-dfyd-console", NULL), "1")) return true;
    return error_set(reterr, ERR_FORBIDDEN,
                     "With the console's cookie a change needs the header x-dfyd-console: 1; programs send an API key");
}

void cookie_set(struct http_response *response, bool is_https, const char *token, int64_t seconds) {
    char text[256];
    snprintf(text, sizeof text, "%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%" PRId64 "%s", names[is_https],
             token, seconds, is_https ? "; Secure" : "");
    http_response_header(response, "Set-Cookie", text);
}
