#include "core/money.h"

bool money_add(cents *total, cents a, int64_t count) {
    cents part, sum;
    if (__builtin_mul_overflow(a, count, &part) || __builtin_add_overflow(*total, part, &sum)) return false;
    if (sum < 0 || sum > CENTS_MAX) return false;
    *total = sum;
    return true;
}

static void add_digit(struct buf *out, uint64_t digit) {
    buf_add_byte(out, (char)('0' + digit));
}

/* The whole dollars with their sign; the cents that are left are returned. */
static uint64_t add_dollars(struct buf *out, cents amount) {
    uint64_t size = amount < 0 ? -(uint64_t)amount : (uint64_t)amount;
    if (amount < 0) buf_add_byte(out, '-');
    buf_add_int(out, (int64_t)(size / 100));
    return size % 100;
}

void money_json(struct buf *out, cents amount) {
    uint64_t rest = add_dollars(out, amount);
    if (!rest) return;
    buf_add_byte(out, '.');
    add_digit(out, rest / 10);
    if (rest % 10) add_digit(out, rest % 10);
}

void money_text(struct buf *out, cents amount) {
    uint64_t rest = add_dollars(out, amount);
    buf_add_byte(out, '.');
    add_digit(out, rest / 10);
    add_digit(out, rest % 10);
}

/* VALUE with TEXT's digits after it; false when one is not a digit or the amount is too large. */
static bool add_digits(struct str text, cents *value) {
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') return false;
        *value = *value * 10 + (text.p[i] - '0');
        if (*value > CENTS_MAX) return false;
    }
    return true;
}

bool money_parse(struct str text, cents *ret) {
    struct str rest;
    struct str dollars = str_cut(text, '.', &rest);
    bool has_point = dollars.n != text.n;
    if (!dollars.n || rest.n > 2 || (has_point && !rest.n)) return false;
    cents value = 0;
    if (!add_digits(dollars, &value) || !add_digits(rest, &value)) return false;
    for (size_t i = rest.n; i < 2; i++) value *= 10;
    if (value > CENTS_MAX) return false;
    *ret = value;
    return true;
}
