#include "core/period.h"

#include <stdbool.h>

enum { RENEWAL_DAY = 15 };

struct date {
    int64_t year;
    int month, day; /* from 1 */
};

static int64_t days_of(int64_t ms) {
    return ms / PERIOD_DAY_MS - (ms % PERIOD_DAY_MS < 0);
}

/* Days since 1970 of a date of the Gregorian calendar. Years begin in March here, so that the leap day comes last. */
static int64_t date_days(struct date date) {
    int64_t year = date.year - (date.month <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static struct date date_of(int64_t ms) {
    int64_t days = days_of(ms) + 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097, of_era = days - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int month = (int)((5 * of_year + 2) / 153);
    int day = (int)(of_year - (153 * month + 2) / 5 + 1);
    month += month < 10 ? 3 : -9;
    return (struct date){.year = year + era * 400 + (month <= 2), .month = month, .day = day};
}

static int64_t date_ms(struct date date) {
    return date_days(date) * PERIOD_DAY_MS;
}

static bool is_leap(int64_t year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* The 15th, MONTHS (0 to 12) later. */
static int64_t renewal_in(struct date date, int months) {
    date.month += months;
    if (date.month > 12) date.month -= 12, date.year++;
    date.day = RENEWAL_DAY;
    return date_ms(date);
}

int64_t period_day(int64_t ms) {
    return days_of(ms) * PERIOD_DAY_MS;
}

int64_t period_first_month(int64_t ms) {
    struct date date = date_of(ms);
    /* A month's end is never before the 15th, so a day that is cut to it stays on the same side. */
    return renewal_in(date, date.day <= RENEWAL_DAY ? 1 : 2);
}

int64_t period_next_month(int64_t ms) {
    return renewal_in(date_of(ms), 1);
}

int64_t period_years(int64_t ms, int64_t years) {
    struct date date = date_of(ms);
    date.year += years;
    if (date.month == 2 && date.day == 29 && !is_leap(date.year)) date.day = 28;
    return date_ms(date);
}
