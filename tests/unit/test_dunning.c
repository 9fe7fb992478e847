/* dunning: the published schedule. */
#include "core/dunning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/calendar.h"

static void the_schedule_is_as_published(void **state) {
    (void)state;
    static const struct {
        int day; /* after the first try */
        bool suspended, cancels;
    } want[] = {{1, false, false}, {3, false, false}, {7, false, false}, {14, true, false}, {21, true, true}};
    const int64_t first = INT64_C(1771113600000);
    int64_t now = first;
    for (int64_t failed = 1; failed <= DUNNING_TRIES; failed++) {
        struct dunning d = dunning_after(failed, now);
        assert_int_equal(d.next_ms - first, want[failed - 1].day * CALENDAR_DAY_MS);
        assert_int_equal(d.is_suspended, want[failed - 1].suspended);
        assert_int_equal(d.cancels, want[failed - 1].cancels);
        assert_int_equal(dunning_suspends(failed), d.is_suspended);
        now = d.next_ms;
    }
    assert_false(dunning_suspends(0));
}

static void a_late_try_moves_those_after_it(void **state) {
    (void)state;
    const int64_t hour = 3600000, due = 100 * CALENDAR_DAY_MS;
    assert_int_equal(dunning_after(2, due + hour).next_ms, due + 2 * CALENDAR_DAY_MS + hour);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_schedule_is_as_published),
        cmocka_unit_test(a_late_try_moves_those_after_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
