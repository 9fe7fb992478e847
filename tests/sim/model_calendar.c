#include "model_calendar.h"

enum { DAY_MS = 86400000, RENEWAL_DAY = 15 };

struct day {
    int year, month, day; /* from 1 */
};

static bool is_leap(int year) {
    return year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
}

static int month_days(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

static struct day day_of(int64_t ms) {
    int64_t left = ms / DAY_MS;
    struct day day = {1970, 1, 1};
    for (; left >= 365 + is_leap(day.year); day.year++) left -= 365 + is_leap(day.year);
    for (; left >= month_days(day.year, day.month); day.month++) left -= month_days(day.year, day.month);
    day.day += (int)left;
    return day;
}

static int64_t ms_of(struct day day) {
    int64_t days = day.day - 1;
    for (int year = 1970; year < day.year; year++) days += 365 + is_leap(year);
    for (int month = 1; month < day.month; month++) days += month_days(day.year, month);
    return days * DAY_MS;
}

static struct day next_month(struct day day) {
    return day.month == 12 ? (struct day){day.year + 1, 1, day.day} : (struct day){day.year, day.month + 1, day.day};
}

int64_t model_day(int64_t ms) {
    return ms - ms % DAY_MS;
}

int64_t model_month_end(int64_t ordered_ms, int n) {
    struct day least = next_month(day_of(ordered_ms));
    if (least.day > month_days(least.year, least.month)) least.day = month_days(least.year, least.month);
    struct day end = least;
    if (least.day > RENEWAL_DAY) end = next_month(end);
    end.day = RENEWAL_DAY;
    while (--n > 0) end = next_month(end);
    return ms_of(end);
}

int64_t model_year_end(int64_t ordered_ms, int n) {
    struct day end = day_of(ordered_ms);
    end.year += n;
    if (end.day > month_days(end.year, end.month)) end.day = month_days(end.year, end.month);
    return ms_of(end);
}
