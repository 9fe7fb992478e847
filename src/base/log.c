#include "base/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

enum { LINE_MAX_BYTES = 4096, VALUE_MAX = 400 };

static _Atomic int min_level = LOG_INFO;
static const struct clock *_Atomic shown_clock;
static _Thread_local struct str request_id;

void log_set_level(enum log_level level) {
    atomic_store(&min_level, (int)level);
}

bool log_enabled(enum log_level level) {
    return (int)level >= atomic_load_explicit(&min_level, memory_order_relaxed);
}

void log_set_clock(const struct clock *clock) {
    atomic_store(&shown_clock, clock);
}

void log_set_request(struct str id) {
    request_id = id;
}

static bool is_plain(struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) return false;
    }
    return text.n > 0;
}

static void add_field(struct buf *line, const char *key, struct str value) {
    if (value.n > VALUE_MAX) value.n = VALUE_MAX;
    buf_add_byte(line, ' ');
    buf_add(line, str_of(key));
    buf_add_byte(line, '=');
    if (is_plain(value))
        buf_add(line, value);
    else
        buf_add_json(line, value);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n) {
    static const char *const names[] = {"debug", "info", "warn", "error"};
    struct clock system = clock_system();
    const struct clock *clock = atomic_load(&shown_clock);
    char now[TIME_TEXT];
    time_format(clock_now(clock ? clock : &system), now);

    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    buf_printf(&line, "time=%s level=%s event=%s", now, names[level], event);
    if (request_id.n) add_field(&line, "request", request_id);
    for (size_t i = 0; i < n; i++) {
        if (fields[i].is_number)
            buf_printf(&line, " %s=%lld", fields[i].key, (long long)fields[i].number);
        else if (fields[i].text.n)
            add_field(&line, fields[i].key, fields[i].text);
    }
    buf_add_byte(&line, '\n');
    /* A log that cannot be written must not stop an order. */
    if (buf_ok(&line) && write(STDERR_FILENO, line.p, line.n) < 0) (void)0;
    buf_finish(&line);
}
