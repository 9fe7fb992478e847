#define _GNU_SOURCE /* timegm */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t system_now(const struct clock *clock) {
    (void)clock;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t manual_now(const struct clock *clock) {
    return clock->manual_ms;
}

static int64_t sandbox_now(const struct clock *clock) {
    return system_now(clock) + atomic_load_explicit(&clock->ahead_ms, memory_order_relaxed);
}

struct clock clock_system(void) {
    return (struct clock){.now = system_now};
}

struct clock clock_manual(int64_t start_ms) {
    return (struct clock){.now = manual_now, .manual_ms = start_ms};
}

struct clock clock_sandbox(int64_t ahead_ms) {
    return (struct clock){.now = sandbox_now, .ahead_ms = ahead_ms};
}

void clock_move(struct clock *clock, int64_t ahead_ms) {
    int64_t now = atomic_load(&clock->ahead_ms);
    while (now < ahead_ms && !atomic_compare_exchange_weak(&clock->ahead_ms, &now, ahead_ms))
        ;
}

int64_t clock_steady_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_now(const struct clock *clock) {
    return clock->now(clock);
}

static void put_digits(char *to, int count, unsigned value) {
    while (count--) {
        to[count] = (char)('0' + value % 10);
        value /= 10;
    }
}

void time_format(int64_t ms, char ret_text[TIME_TEXT]) {
    time_t seconds = (time_t)(ms / 1000);
    int rest = (int)(ms % 1000);
    if (rest < 0) rest += 1000, seconds--;
    struct tm t;
    gmtime_r(&seconds, &t);
    memcpy(ret_text, "0000-00-00T00:00:00.000Z", TIME_TEXT);
    put_digits(ret_text, 4, (unsigned)(t.tm_year + 1900));
    put_digits(ret_text + 5, 2, (unsigned)(t.tm_mon + 1));
    put_digits(ret_text + 8, 2, (unsigned)t.tm_mday);
    put_digits(ret_text + 11, 2, (unsigned)t.tm_hour);
    put_digits(ret_text + 14, 2, (unsigned)t.tm_min);
    put_digits(ret_text + 17, 2, (unsigned)t.tm_sec);
    put_digits(ret_text + 20, 3, (unsigned)rest);
}

bool time_parse(struct str text, int64_t *ret_ms) {
    static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";
    if (text.n != sizeof form - 1) return false;
    int part[7] = {0}, at = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (form[i] == 'd') {
            if (text.p[i] < '0' || text.p[i] > '9') return false;
            part[at] = part[at] * 10 + (text.p[i] - '0');
        } else {
            if (text.p[i] != form[i]) return false;
            at++;
        }
    }
    struct tm t = {.tm_year = part[0] - 1900,
                   .tm_mon = part[1] - 1,
                   .tm_mday = part[2],
                   .tm_hour = part[3],
                   .tm_min = part[4],
                   .tm_sec = part[5]};
    int64_t ms = (int64_t)timegm(&t) * 1000 + part[6];
    /* timegm folds 31 February into March; only a time that prints as itself was a real one. */
    char again[TIME_TEXT];
    time_format(ms, again);
    if (!str_is(text, again)) return false;
    *ret_ms = ms;
    return true;
}

bool time_span_parse(struct str text, int64_t *ret_ms) {
    enum { SECOND = 1000 };
    static const struct {
        char letter;
        int64_t ms;
    } units[] = {
        {'s', SECOND},
        {'m', INT64_C(60) * SECOND},
        {'h', INT64_C(3600) * SECOND},
        {'d', INT64_C(86400) * SECOND},
        {'w', INT64_C(7) * 86400 * SECOND},
        {'y', INT64_C(365) * 86400 * SECOND},
    };
    int64_t sum = 0;
    for (size_t at = 0; at < text.n; at++) {
        size_t from = at, unit = 0;
        while (at < text.n && text.p[at] >= '0' && text.p[at] <= '9') at++;
        while (at < text.n && unit < ARRAY_LEN(units) && units[unit].letter != text.p[at]) unit++;
        int64_t count;
        if (at == text.n || unit == ARRAY_LEN(units) ||
            !str_to_int((struct str){text.p + from, at - from}, 0, TIME_SPAN_MAX / units[unit].ms, &count))
            return false;
        sum += count * units[unit].ms;
        if (sum > TIME_SPAN_MAX) return false;
    }
    if (sum <= 0) return false;
    *ret_ms = sum;
    return true;
}
