#include "api/time_text.h"

#include <string.h>

#include "base/clock.h"

enum { DAY_MS = 24 * 60 * 60 * 1000, MINUTE_MS = 60 * 1000 };

/* "", ".4", ".406" or longer: the milliseconds; the rest of the digits is cut. */
static bool parse_fraction(struct str text, int *ret_ms) {
    if (text.n == 0) {
        *ret_ms = 0;
        return true;
    }
    if (text.p[0] != '.' || text.n < 2) return false;
    int ms = 0;
    for (size_t i = 1; i < text.n || i <= 3; i++) {
        char c = '0';
        if (i < text.n) c = text.p[i];
        if (c < '0' || c > '9') return false;
        if (i <= 3) ms = ms * 10 + (c - '0');
    }
    *ret_ms = ms;
    return true;
}

/* Takes "Z" or "+02:00" off the end of TEXT. */
static bool cut_zone(struct str *text, int64_t *ret_ms) {
    *ret_ms = 0;
    if (text->n && (text->p[text->n - 1] == 'Z' || text->p[text->n - 1] == 'z')) {
        text->n--;
        return true;
    }
    if (text->n < 6) return false;
    const char *zone = text->p + text->n - 6;
    int64_t hours, minutes;
    if ((zone[0] != '+' && zone[0] != '-') || zone[3] != ':' || !str_to_int((struct str){zone + 1, 2}, 0, 23, &hours) ||
        !str_to_int((struct str){zone + 4, 2}, 0, 59, &minutes))
        return false;
    *ret_ms = (hours * 60 + minutes) * MINUTE_MS * (zone[0] == '+' ? 1 : -1);
    text->n -= 6;
    return true;
}

bool time_text_parse(struct str text, int64_t *ret_from, int64_t *ret_to) {
    char full[TIME_TEXT] = "0000-00-00T00:00:00.000Z";
    enum { DATE = 10, SECONDS = 19 };
    bool is_date = text.n == DATE;
    int ms = 0;
    int64_t offset_ms = 0, at;
    if (!is_date && !cut_zone(&text, &offset_ms)) return false;
    if (!is_date && (text.n < SECONDS || !parse_fraction((struct str){text.p + SECONDS, text.n - SECONDS}, &ms)))
        return false;
    memcpy(full, text.p, is_date ? DATE : SECONDS);
    if (full[DATE] == 't') full[DATE] = 'T';
    if (!time_parse(str_of(full), &at)) return false;
    *ret_from = at + ms - offset_ms;
    *ret_to = is_date ? at + DAY_MS - 1 : *ret_from;
    return true;
}
