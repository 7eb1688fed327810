#include "tools/tenure/throttle.h"

#include "test/harness.h"

START_TEST(bytes_take_the_time_of_the_rate)
{
    struct throttle throttle = {.rate = 1000};

    ck_assert_uint_eq(throttle_wait_us(&throttle, 5), 0);
    throttle_spend(&throttle, 20, 5);
    throttle_spend(&throttle, 10, 5);
    ck_assert_uint_eq(throttle_wait_us(&throttle, 5), 30000);
    ck_assert_uint_eq(throttle_wait_us(&throttle, 30004), 1);
    ck_assert_uint_eq(throttle_wait_us(&throttle, 30006), 0);
}
END_TEST

START_TEST(what_did_not_move_costs_nothing)
{
    struct throttle throttle = {.rate = 1000};

    throttle_spend(&throttle, 20, 0);
    throttle_refund(&throttle, 15);
    ck_assert_uint_eq(throttle_wait_us(&throttle, 0), 5000);
}
END_TEST

START_TEST(idle_line_saves_nothing_up)
{
    struct throttle throttle = {.rate = 1000};

    throttle_spend(&throttle, 20, 0);
    throttle_spend(&throttle, 20, 1000000);
    ck_assert_uint_eq(throttle_wait_us(&throttle, 1000000), 20000);
}
END_TEST

START_TEST(without_a_rate_nothing_waits)
{
    struct throttle throttle = {0};

    throttle_spend(&throttle, UINT64_MAX, 7);
    throttle_refund(&throttle, 1);
    ck_assert_uint_eq(throttle_wait_us(&throttle, 7), 0);
}
END_TEST

HARNESS_MAIN("throttle", bytes_take_the_time_of_the_rate, what_did_not_move_costs_nothing,
             idle_line_saves_nothing_up, without_a_rate_nothing_waits)
