#include "test/sim/exhaust.h"

#include "test/harness.h"

START_TEST(no_twin_and_no_two_partitions_break_four_seats)
{
    struct exhaust exhaust;
    exhaust_run(&exhaust, 2, 0, exhaust_cases(2));
    ck_assert_str_eq(text_string(&exhaust.faults), "");
    ck_assert_uint_eq(exhaust.cases, 4 * 16 * 16);
    ck_assert_uint_gt(exhaust.views, exhaust.cases); /* views do fail ... */
    ck_assert_uint_gt(exhaust.conflicts, 500);       /* ... and twins do contradict themselves */
    exhaust_release(&exhaust);
}
END_TEST

HARNESS_MAIN("exhaust", no_twin_and_no_two_partitions_break_four_seats)
