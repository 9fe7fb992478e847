#include "text.h"

#include <string.h>

#include "base/clock.h"

enum { AMOUNT_BYTES = 32 };

struct str text_amount(cents amount, struct arena *arena) {
    struct buf buf;
    buf_init(&buf, AMOUNT_BYTES);
    money_text(&buf, amount);
    struct str text = arena_str(arena, buf_str(&buf));
    buf_finish(&buf);
    return text;
}

struct str text_time(int64_t ms, struct arena *arena) {
    char text[TIME_TEXT];
    time_format(ms, text);
    return arena_str(arena, str_of(text));
}

struct str text_second(int64_t ms, struct arena *arena) {
    char text[TIME_TEXT];
    time_format(ms, text);
    struct str second = str_of(text);
    return arena_printf(arena, "%.*sZ", (int)(second.n - (sizeof ".000Z" - 1)), text);
}

bool text_parse_time(const char *flag, const char *text, int64_t *ret_ms, struct error *reterr) {
    static const char whole[] = "0000-00-00T00:00:00.000Z";
    enum { DAY = 10, MINUTE = 16, SECOND = 19, ALL = sizeof whole - 1 };
    size_t n = strlen(text);
    bool is_day = n == DAY, has_zone = n > 0 && text[n - 1] == 'Z';
    size_t kept = is_day ? n : n - 1;
    if (is_day || (has_zone && (kept == MINUTE || kept == SECOND || n == ALL))) {
        char full[sizeof whole];
        memcpy(full, whole, sizeof whole);
        memcpy(full, text, kept);
        if (time_parse(str_of(full), ret_ms)) return true;
    }
    return error_set(reterr, ERR_INVALID,
                     "--%s must be a day or a time in UTC, such as 2026-12-01 or 2026-12-01T08:30Z; not \"%.40s\"",
                     flag, text);
}

struct str text_join(const char *const *words, size_t n, struct arena *arena) {
    struct str text = STR("");
    for (size_t i = 0; i < n; i++) text = arena_printf(arena, "%.*s%s%s", STR_ARG(text), i ? ", " : "", words[i]);
    return text;
}
