#include "history.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { HISTORY_MAX = 4 * 1024 * 1024, SHORT_ID = 6 };

void history_init(struct history *history, bool is_printing) {
    *history = (struct history){.is_printing = is_printing};
    buf_init(&history->lines, HISTORY_MAX);
}

void history_finish(struct history *history) {
    buf_finish(&history->lines);
}

void history_start(struct history *history, const struct clock *clock) {
    buf_clear(&history->lines);
    history->clock = clock;
    history->start_ms = clock_now(clock);
    history->depth = 0;
}

void history_add(struct history *history, const char *fmt, ...) {
    int64_t ms = clock_now(history->clock) - history->start_ms;
    size_t from = history->lines.n;
    buf_printf(&history->lines, "%7lld.%03llds  %*s", (long long)(ms / 1000), (long long)(ms < 0 ? -ms : ms) % 1000,
               2 * history->depth, "");
    char text[600];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    buf_add(&history->lines, str_of(text));
    buf_add_byte(&history->lines, '\n');
    if (history->is_printing && buf_ok(&history->lines))
        fwrite(history->lines.p + from, 1, history->lines.n - from, stdout);
}

struct str history_id(struct str id) {
    return id.n > SHORT_ID ? (struct str){id.p + id.n - SHORT_ID, SHORT_ID} : id;
}
