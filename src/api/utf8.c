#include "api/utf8.h"

/* Bytes of the character that starts at P, 0 when it is not one. REST: bytes from P to the end. */
static size_t character(const unsigned char *p, size_t rest) {
    if (p[0] < 0x80) return 1;
    size_t n = p[0] >= 0xc2 && p[0] <= 0xdf ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : 0;
    if (n == 0 || n > rest) return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    /* Overlong forms, surrogates, and beyond U+10FFFF (RFC 3629 section 4). */
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f)) return 0;
    if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)) return 0;
    return n;
}

size_t utf8_valid_bytes(struct str text) {
    size_t i = 0;
    while (i < text.n) {
        size_t n = character((const unsigned char *)text.p + i, text.n - i);
        if (n == 0) break;
        i += n;
    }
    return i;
}
