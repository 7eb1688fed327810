#include "consensus/plan.h"

#include "test/unit/council.h"

static struct council c;
static struct council_block one, two, three;
static struct certificate genesis;
static struct message_view_change changes[3];
static struct message_prepared prepared[3][BOUNDS_WINDOW];
static struct plan plan;

static void set_up(void)
{
    council_init(&c, 4, 0);
    one = council_block(&c, &c.genesis, 0, 0);
    two = council_block(&c, &one, 0, 0);
    three = council_block(&c, &two, 0, 0);
    genesis = council_genesis_certificate(&c);
    for (int i = 0; i < 3; i++)
        changes[i] = (struct message_view_change){.committed = genesis, .prepared = prepared[i]};
}

static void reports(int change, const struct council_block *block, uint64_t view)
{
    prepared[change][changes[change].prepared_count++] =
        council_prepared(&c, block, view, view == 0 ? &digest_zero : &one.block.digest);
}

static void make(void)
{
    struct message_envelope envelopes[3] = {{.from = {0}}, {.from = {1}}, {.from = {3}}};
    struct message_new_view new_view = {.changes = envelopes, .change_count = 3, .read = changes};
    plan_make(&plan, &new_view);
}

static void expect_chosen(uint32_t index, const struct council_block *block)
{
    ck_assert_uint_lt(index, plan.count);
    ck_assert(digest_equal(&plan.chosen[index]->block.digest, &block->block.digest));
}

START_TEST(nothing_prepared_chooses_nothing)
{
    set_up();
    make();
    ck_assert_uint_eq(plan.count, 0);
    ck_assert_uint_eq(plan.base->ballot.height.n, 0);
    ck_assert_uint_eq(plan.holders, 11);
    council_close(&c);
}
END_TEST

START_TEST(one_report_of_three_is_enough)
{
    set_up();
    reports(2, &one, 0);
    make();
    ck_assert_uint_eq(plan.count, 1);
    expect_chosen(0, &one);
    council_close(&c);
}
END_TEST

START_TEST(the_highest_view_wins_whoever_reports_it)
{
    struct council_block other;
    for (int i = 0; i < 3; i++) {
        set_up();
        other = council_block(&c, &c.genesis, 2, 9);
        reports(i, &other, 2);
        reports((i + 1) % 3, &one, 0);
        make();
        ck_assert_uint_eq(plan.count, 1);
        expect_chosen(0, &other);
        council_close(&c);
    }
}
END_TEST

START_TEST(it_stops_at_the_first_gap)
{
    set_up();
    reports(0, &one, 0);
    reports(1, &three, 0);
    make();
    ck_assert_uint_eq(plan.count, 1);
    reports(2, &two, 0);
    make();
    ck_assert_uint_eq(plan.count, 3);
    expect_chosen(2, &three);
    council_close(&c);
}
END_TEST

START_TEST(it_stops_where_the_parent_is_another)
{
    set_up();
    struct council_block other = council_block(&c, &c.genesis, 1, 9);
    reports(0, &other, 1);
    reports(1, &two, 0); /* a child of `one` */
    make();
    ck_assert_uint_eq(plan.count, 1);
    expect_chosen(0, &other);
    council_close(&c);
}
END_TEST

START_TEST(it_begins_above_the_highest_commit)
{
    set_up();
    struct ballot ballot = council_ballot(&c, &two, 0, &digest_zero);
    changes[1].committed = council_certificate(&c, MESSAGE_COMMIT, &ballot);
    reports(0, &one, 0);
    reports(0, &two, 0);
    reports(0, &three, 0);
    make();
    ck_assert_uint_eq(plan.base->ballot.height.n, 2);
    ck_assert_uint_eq(plan.holders, 2);
    ck_assert_uint_eq(plan.count, 1);
    expect_chosen(0, &three);
    council_close(&c);
}
END_TEST

HARNESS_MAIN("plan", nothing_prepared_chooses_nothing, one_report_of_three_is_enough,
             the_highest_view_wins_whoever_reports_it, it_stops_at_the_first_gap,
             it_stops_where_the_parent_is_another, it_begins_above_the_highest_commit)
