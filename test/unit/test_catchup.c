#include "tools/tenured/catchup.h"

#include <string.h>

#include "test/harness.h"
#include "tools/tenured/node.h"

static struct node node;
static struct catchup catchup;

/* Wants from..to of nobody, so that nothing is sent. */
static void want(uint64_t from, uint64_t to)
{
    struct action_catch_up action = {.from = {from}, .to = {to}};
    catchup_want(&catchup, &node, &action);
}

static struct driver_event *block(uint64_t height)
{
    struct driver_event *event = driver_event_new(DRIVER_MESSAGE);
    ck_assert_ptr_nonnull(event);
    event->message.tag = MESSAGE_DECIDED;
    event->message.as.decided.block.height.n = height;
    return event;
}

static void keep(uint64_t height)
{
    ck_assert(catchup_keep(&catchup, block(height)));
}

static void refuse(uint64_t height)
{
    struct driver_event *event = block(height);
    ck_assert(!catchup_keep(&catchup, event));
    driver_event_free(event);
}

/* The next block in order has this height; 0: it isn't here. */
static void expect(uint64_t height)
{
    struct driver_event *event = catchup_next(&catchup);
    if (height == 0) {
        ck_assert_ptr_null(event);
        return;
    }
    ck_assert_ptr_nonnull(event);
    ck_assert_uint_eq(event->message.as.decided.block.height.n, height);
    driver_event_free(event);
}

START_TEST(blocks_leave_in_order_whatever_way_they_come)
{
    memset(&catchup, 0, sizeof(catchup));
    want(5, 8);
    keep(7);
    expect(0);
    keep(5);
    expect(5);
    expect(0);
    keep(6);
    expect(6);
    expect(7);
    keep(8);
    expect(8);
    expect(0);
}
END_TEST

START_TEST(what_nobody_wants_is_refused)
{
    memset(&catchup, 0, sizeof(catchup));
    refuse(1);
    want(5, 8);
    refuse(4);
    refuse(9);
    keep(6);
    refuse(6);
    want(7, 9);
    keep(7);
    expect(7);
    expect(0);
    catchup_clear(&catchup);
}
END_TEST

START_TEST(seats_take_turns)
{
    uint64_t seats = COMMITTEE_BIT(1) | COMMITTEE_BIT(3);
    ck_assert_uint_eq(catchup_choose(0, seats).n, 1);
    ck_assert_uint_eq(catchup_choose(1, seats).n, 3);
    ck_assert_uint_eq(catchup_choose(2, seats).n, 1);
    ck_assert_uint_eq(catchup_choose(5, COMMITTEE_BIT(0)).n, 0);
}
END_TEST

HARNESS_MAIN("catchup", blocks_leave_in_order_whatever_way_they_come, what_nobody_wants_is_refused,
             seats_take_turns)
