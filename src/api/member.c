#include "api/member.h"

#include "base/clock.h"

void member_text(struct buf *out, const char *name, struct str value) {
    buf_printf(out, ",\"%s\":", name);
    if (value.n)
        buf_add_json(out, value);
    else
        BUF_LIT(out, "null");
}

void member_time(struct buf *out, const char *name, int64_t ms) {
    char text[TIME_TEXT] = "";
    if (ms) time_format(ms, text);
    member_text(out, name, str_of(text));
}

void member_money(struct buf *out, const char *name, cents amount) {
    buf_printf(out, ",\"%s\":", name);
    money_json(out, amount);
}

void member_scopes(struct buf *out, const char *name, struct str scopes) {
    buf_printf(out, ",\"%s\":[", name);
    for (bool first = true; scopes.n; first = false) {
        if (!first) buf_add_byte(out, ',');
        buf_add_json(out, str_cut(scopes, ' ', &scopes));
    }
    BUF_LIT(out, "]");
}
