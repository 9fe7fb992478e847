#include "text.h"

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

struct str text_join(const char *const *words, size_t n, struct arena *arena) {
    struct str text = STR("");
    for (size_t i = 0; i < n; i++) text = arena_printf(arena, "%.*s%s%s", STR_ARG(text), i ? ", " : "", words[i]);
    return text;
}
