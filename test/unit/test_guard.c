#include "tools/tenured/guard.h"

#include <string.h>

#include "test/harness.h"

static struct guard guard;

static struct digest digest_named(uint8_t name)
{
    return digest_of(&name, 1);
}

static uint64_t since;

static bool allow(enum message_tag tag, uint64_t view, uint64_t height, uint8_t name)
{
    struct action_sign sign = {
        .tag = tag, .view = {view}, .height = {height}, .digest = digest_named(name)};
    return guard_allow(&guard, since, &sign);
}

static void new_guard(void)
{
    struct digest chain = digest_named(0);
    guard_init(&guard, &chain);
    since = 1;
}

START_TEST(each_set_starts_with_view_0_and_none_comes_back)
{
    new_guard();
    ck_assert(allow(MESSAGE_COMMIT, 7, 9, 'a'));
    since = 10;
    ck_assert(allow(MESSAGE_PREPARE, 0, 10, 'b'));
    ck_assert(!allow(MESSAGE_PREPARE, 0, 10, 'c'));
    ck_assert_uint_eq(guard_height(&guard).n, 10);
    since = 1;
    ck_assert(!allow(MESSAGE_COMMIT, 8, 11, 'd'));
    ck_assert(!allow(MESSAGE_COMMIT, 7, 9, 'a'));
}
END_TEST


START_TEST(one_statement_a_kind_and_height)
{
    new_guard();
    ck_assert(allow(MESSAGE_PREPARE, 0, 1, 'a'));
    ck_assert(allow(MESSAGE_PREPARE, 0, 1, 'a'));
    ck_assert(!allow(MESSAGE_PREPARE, 0, 1, 'b'));
    ck_assert(allow(MESSAGE_COMMIT, 0, 1, 'b'));
    ck_assert(!allow(MESSAGE_COMMIT, 0, 1, 'a'));
    ck_assert(allow(MESSAGE_PRE_PREPARE, 0, 1, 'c'));
    ck_assert(!allow(MESSAGE_PRE_PREPARE, 0, 1, 'a'));
}
END_TEST

START_TEST(heights_of_a_kind_ascend)
{
    new_guard();
    ck_assert(allow(MESSAGE_PREPARE, 0, 5, 'a'));
    ck_assert(!allow(MESSAGE_PREPARE, 0, 4, 'b'));
    ck_assert(allow(MESSAGE_PREPARE, 0, 7, 'c'));
    ck_assert(!allow(MESSAGE_PREPARE, 0, 6, 'd'));
    ck_assert(allow(MESSAGE_PREPARE, 0, 5, 'a')); /* the same again, after a restart */
    ck_assert_uint_eq(guard_height(&guard).n, 7);
}
END_TEST

START_TEST(the_window_slides)
{
    new_guard();
    for (uint64_t h = 1; h <= BOUNDS_WINDOW + 2; h++)
        ck_assert(allow(MESSAGE_COMMIT, 0, h, (uint8_t)h));
    ck_assert(!allow(MESSAGE_COMMIT, 0, 1, 1)); /* too long ago to tell */
    ck_assert(allow(MESSAGE_COMMIT, 0, 3, 3));
    ck_assert(!allow(MESSAGE_COMMIT, 0, 3, 4));
}
END_TEST

START_TEST(a_view_change_ends_voting_below)
{
    new_guard();
    ck_assert(allow(MESSAGE_PREPARE, 0, 1, 'a'));
    ck_assert(allow(MESSAGE_VIEW_CHANGE, 2, 0, 'v'));
    ck_assert(!allow(MESSAGE_COMMIT, 0, 1, 'a'));
    ck_assert(!allow(MESSAGE_PREPARE, 1, 1, 'a'));
    ck_assert(!allow(MESSAGE_VIEW_CHANGE, 2, 0, 'w'));
    ck_assert(allow(MESSAGE_VIEW_CHANGE, 2, 0, 'v'));
    ck_assert(allow(MESSAGE_PREPARE, 2, 1, 'b')); /* another block: the view is another */
    ck_assert(!allow(MESSAGE_VIEW_CHANGE, 1, 0, 'v'));
}
END_TEST

START_TEST(no_view_change_leaves_out_votes_of_its_view)
{
    new_guard();
    ck_assert(allow(MESSAGE_PREPARE, 3, 1, 'a'));
    ck_assert(!allow(MESSAGE_VIEW_CHANGE, 3, 0, 'v'));
}
END_TEST

START_TEST(one_new_view_a_view)
{
    new_guard();
    ck_assert(allow(MESSAGE_NEW_VIEW, 1, 0, 'n'));
    ck_assert(allow(MESSAGE_NEW_VIEW, 1, 0, 'n'));
    ck_assert(!allow(MESSAGE_NEW_VIEW, 1, 0, 'm'));
    ck_assert(!allow(MESSAGE_DECIDED, 1, 0, 'm'));
    ck_assert(allow(MESSAGE_STATUS, 0, 0, 'm'));
}
END_TEST

START_TEST(what_was_packed_still_knows)
{
    new_guard();
    ck_assert(allow(MESSAGE_VIEW_CHANGE, 4, 0, 'v'));
    for (uint64_t h = 1; h <= 2 * BOUNDS_WINDOW; h++)
        ck_assert(allow(MESSAGE_PREPARE, 4, h, (uint8_t)h));
    uint8_t packed[GUARD_BYTES_MAX];
    size_t size = guard_pack(packed, &guard);
    memset(&guard, 0, sizeof(guard));
    ck_assert_int_eq(guard_unpack(&guard, bytes_of(packed, size)), ERR_NONE);
    ck_assert_uint_eq(guard.view.n, 4);
    ck_assert(!allow(MESSAGE_PREPARE, 4, 2 * BOUNDS_WINDOW, 'x'));
    ck_assert(allow(MESSAGE_PREPARE, 4, 2 * BOUNDS_WINDOW, 2 * BOUNDS_WINDOW));
    ck_assert(!allow(MESSAGE_VIEW_CHANGE, 4, 0, 'w'));
    ck_assert_int_eq(guard_unpack(&guard, bytes_of(packed, size - 1)), ERR_MALFORMED);
}
END_TEST

HARNESS_MAIN("guard", each_set_starts_with_view_0_and_none_comes_back, one_statement_a_kind_and_height, heights_of_a_kind_ascend, the_window_slides,
             a_view_change_ends_voting_below, no_view_change_leaves_out_votes_of_its_view,
             one_new_view_a_view, what_was_packed_still_knows)
