#include "store/postgres/numbers.h"

static void put(char *to, uint64_t value, size_t n) {
    for (size_t i = n; i-- > 0; value >>= 8) to[i] = (char)(value & 0xff);
}

void number_put32(char *to, int32_t value) {
    put(to, (uint32_t)value, 4);
}

void number_put64(char *to, int64_t value) {
    put(to, (uint64_t)value, 8);
}

int64_t number_get(const char *p, size_t n) {
    uint64_t value = n && ((unsigned char)p[0] & 0x80) ? UINT64_MAX : 0;
    for (size_t i = 0; i < n; i++) value = value << 8 | (unsigned char)p[i];
    return (int64_t)value;
}

/* Four int16: how many digits of base 10,000, the weight of the first, sign, scale; then the digits. */
int64_t number_numeric(const char *p, size_t n) {
    enum { HEADER = 8, NEGATIVE = 0x4000, NOT_A_NUMBER = 0xc000 };
    if (n < HEADER) return 0;
    int64_t digits = number_get(p, 2), weight = number_get(p + 2, 2), sign = number_get(p + 4, 2) & 0xffff;
    if (sign >= NOT_A_NUMBER) return 0;
    int64_t value = 0; /* below zero, which has room for one more */
    for (int64_t i = 0; i <= weight; i++) {
        size_t at = HEADER + (size_t)i * 2;
        int64_t digit = i < digits && at + 2 <= n ? number_get(p + at, 2) : 0;
        if (__builtin_mul_overflow(value, 10000, &value) || __builtin_sub_overflow(value, digit, &value))
            return sign == NEGATIVE ? INT64_MIN : INT64_MAX;
    }
    if (sign == NEGATIVE) return value;
    return value == INT64_MIN ? INT64_MAX : -value;
}
