/*
 * log: one event a line on standard error, as key=value pairs (logfmt). Every line carries time, level and event;
 * the thread's request id is added by the logger. Values are quoted when they need it and cut at 400 bytes; a field
 * with an empty text is left out.
 * Secrets (keys, passwords, tokens, bodies) are never handed to it. Safe from any thread; one write(2) a line.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

struct log_field {
    const char *key;
    struct str text;
    int64_t number;
    bool is_number;
};

#define LOG_STR(k, s) ((struct log_field){.key = (k), .text = (s)})
#define LOG_TEXT(k, cstr) ((struct log_field){.key = (k), .text = str_of(cstr)})
#define LOG_INT(k, v) ((struct log_field){.key = (k), .number = (int64_t)(v), .is_number = true})

/* Process-wide; the default is LOG_INFO. */
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
/* The request id of this thread's next lines; the empty text for none. Borrowed until replaced. */
void log_set_request(struct str id);
/* Where lines have their time from: borrowed until replaced. NULL, as at first: the system's clock. */
struct clock;
void log_set_clock(const struct clock *clock);
void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n);
/* log_event(LOG_INFO, "order_placed", LOG_TEXT("order", id), LOG_INT("cents", 1500)); at least one field. */
#define log_event(level, event, ...)                                                                                   \
    do {                                                                                                               \
        if (log_enabled(level))                                                                                        \
            log_write((level), (event), (const struct log_field[]){__VA_ARGS__},                                       \
                      sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field));                     \
    } while (0)
