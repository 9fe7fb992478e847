#include "core/calendar.h"

#include "base/clock.h"

/* Days since 1970-01-01, and back, by Howard Hinnant's "chrono-compatible low-level date algorithms": years begin in
 * March, so that the leap day is the last one of its year, and repeat every 400 years (146097 days). */
enum { ERA_DAYS = 146097, ERA_YEARS = 400, EPOCH_DAYS = 719468, RENEWAL_DAY = 15, MONTHS = 12 };

struct date {
    int64_t year;
    int month, day; /* from 1 */
};

static int64_t floor_div(int64_t a, int64_t b) {
    int64_t whole = a / b;
    return a % b < 0 ? whole - 1 : whole;
}

static struct date date_of(int64_t ms) {
    int64_t days = floor_div(ms, CALENDAR_DAY_MS) + EPOCH_DAYS;
    int64_t era = floor_div(days, ERA_DAYS);
    int64_t in_era = days - era * ERA_DAYS;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    int64_t from_march = (5 * in_year + 2) / 153;
    int day = (int)(in_year - (153 * from_march + 2) / 5 + 1);
    int month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    return (struct date){.year = year + era * ERA_YEARS + (month <= 2), .month = month, .day = day};
}

static int64_t ms_of(struct date date) {
    int64_t year = date.year - (date.month <= 2);
    int64_t era = floor_div(year, ERA_YEARS);
    int64_t of_era = year - era * ERA_YEARS;
    int64_t from_march = date.month > 2 ? date.month - 3 : date.month + 9;
    int64_t in_year = (153 * from_march + 2) / 5 + date.day - 1;
    int64_t in_era = of_era * 365 + of_era / 4 - of_era / 100 + in_year;
    return (era * ERA_DAYS + in_era - EPOCH_DAYS) * CALENDAR_DAY_MS;
}

static int days_in(int64_t year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && is_leap);
}

static struct date add_months(struct date date, int64_t months) {
    int64_t all = date.year * MONTHS + (date.month - 1) + months;
    date.year = floor_div(all, MONTHS);
    date.month = (int)(all - date.year * MONTHS) + 1;
    int last = days_in(date.year, date.month);
    if (date.day > last) date.day = last;
    return date;
}

int64_t calendar_day(int64_t ms) {
    return floor_div(ms, CALENDAR_DAY_MS) * CALENDAR_DAY_MS;
}

int64_t calendar_add_months(int64_t ms, int64_t months) {
    return ms_of(add_months(date_of(ms), months));
}

/* The first 15th on DATE or after it. */
static int64_t the_15th_from(struct date date) {
    if (date.day > RENEWAL_DAY) date = add_months((struct date){date.year, date.month, 1}, 1);
    date.day = RENEWAL_DAY;
    return ms_of(date);
}

int64_t calendar_first_15th(int64_t ms) {
    return the_15th_from(add_months(date_of(ms), 1));
}

int64_t calendar_next_15th(int64_t ms) {
    return the_15th_from(date_of(ms + CALENDAR_DAY_MS));
}

int64_t calendar_next_anniversary(int64_t first_ms, int64_t ms) {
    struct date first = date_of(first_ms);
    int64_t years = date_of(ms).year - first.year;
    if (years < 1) years = 1;
    int64_t day = ms_of(add_months(first, years * MONTHS));
    return day > calendar_day(ms) ? day : ms_of(add_months(first, (years + 1) * MONTHS));
}

void calendar_format(int64_t ms, char ret_text[CALENDAR_TEXT]) {
    char text[TIME_TEXT];
    time_format(ms, text);
    memcpy(ret_text, text, CALENDAR_TEXT - 1);
    ret_text[CALENDAR_TEXT - 1] = '\0';
}
