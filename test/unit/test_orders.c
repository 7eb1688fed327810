#include "test/sim/orders.h"

#include "test/harness.h"

START_TEST(no_order_of_two_proposals_makes_a_node_break_its_promises)
{
    struct orders orders = {0};
    orders_run(&orders, 0);
    ck_assert_str_eq(text_string(&orders.faults), "");
    ck_assert_uint_eq(orders.cases, 5040);
    ck_assert_uint_gt(orders.conflicts, 2000);
    ck_assert_uint_gt(orders.decided, 1000); /* the first proposal came first, or in time */
    ck_assert_uint_lt(orders.decided, 5040);
    orders_release(&orders);
}
END_TEST

START_TEST(no_order_around_two_view_changes_makes_a_node_break_its_promises)
{
    struct orders orders = {0};
    orders_run(&orders, 5);
    ck_assert_str_eq(text_string(&orders.faults), "");
    ck_assert_uint_gt(orders.entered, 5040); /* most enter two */
    orders_release(&orders);
}
END_TEST

HARNESS_MAIN("orders", no_order_of_two_proposals_makes_a_node_break_its_promises,
             no_order_around_two_view_changes_makes_a_node_break_its_promises)
