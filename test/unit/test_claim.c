#include "contracts/claim.h"

#include "test/unit/studio.h"

static struct market m;

#define ALL ((1u << STUDIO_INTERVALS) - 1)
#define FEE (STUDIO_INTERVALS * STUDIO_FEE)

static uint64_t balance(uint8_t seat)
{
    return market_balance(&m, MARKET_REPLAYER_0 + seat);
}

static struct jobs_slot slot(void)
{
    return studio_slot(&m, 1, 0);
}

/* Job 1 with one slot and audit = all, replayed by seats 1 and 2; its worker plants these intervals. */
static void planted(uint32_t plants, bool lie)
{
    studio_start(&m, 1, 1, 0);
    ck_assert_int_eq(studio_plant(&m, 1, 0, plants, lie), VERDICT_OK);
}

/* Seals and opens the leaves that the worker committed, as one does who got them from it. */
static void lazy(uint8_t seat, uint32_t plants, bool lie)
{
    struct jobs_segment segment = studio_segment(&m, 1, 0);
    struct address replayer = market_address(MARKET_REPLAYER_0 + seat), worker = slot().worker;
    struct jobs_answer answers[STUDIO_INTERVALS];
    struct jobs_seal seal = {.segment = segment};
    struct jobs_open_seal open = {
        .segment = segment, .answers = answers, .answer_count = STUDIO_INTERVALS};
    for (uint16_t i = 0; i < STUDIO_INTERVALS; i++) {
        answers[i] = studio_truth(&segment, i, false);
        if (plants >> i & 1)
            answers[i].leaf = studio_planted(&m, &segment, &worker, i, lie);
    }
    seal.seal = jobs_seal_of(&m.context.chain, &replayer, &segment, answers, STUDIO_INTERVALS,
                             &digest_zero);
    if (slot().status == JOBS_SLOT_SEALING)
        ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_0 + seat, CATALOG_JOBS, JOBS_SEAL, &seal),
                         VERDICT_OK);
    else
        ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_0 + seat, CATALOG_JOBS, JOBS_OPEN, &open),
                         VERDICT_OK);
}

/* Seat 1 replays, seat 2 doesn't; both open, and the worker has the last word. */
static void one_is_lazy(uint32_t plants)
{
    ck_assert_int_eq(studio_seal(&m, 1, 0, 1, UINT32_MAX), VERDICT_OK);
    lazy(2, plants, false);
    ck_assert_int_eq(slot().status, JOBS_SLOT_OPENING);
    lazy(2, plants, false);
    ck_assert_int_eq(studio_open_only(&m, 1, 0, 1, UINT32_MAX), VERDICT_OK);
    ck_assert_int_eq(slot().status, JOBS_SLOT_CLAIMING);
    ck_assert_int_eq(studio_reveal(&m, 1, 0, plants, false), VERDICT_OK);
}

/* The attack: a replayer seals what its worker handed it. Every witness was planted. */
START_TEST(who_seals_a_handed_trace_loses_fee_stake_and_standing)
{
    planted(ALL, false);
    one_is_lazy(ALL);
    ck_assert_int_eq(slot().status, JOBS_SLOT_VOTING);
    ck_assert_uint_eq(slot().disputed, 0);
    ck_assert_int_eq(studio_open_only(&m, 1, 0, 1, UINT32_MAX), VERDICT_OK); /* once more */
    ck_assert_int_eq(studio_vote(&m, 1, 0, 3, studio_leaf(0, 0, 1)), VERDICT_OK);
    ck_assert_uint_eq(balance(2), MARKET_FORTUNE - 100);
    ck_assert(studio_progress(&m, 1).barred >> 2 & 1);
    studio_replay(&m, 1, 0); /* the next in the rotation */
    ck_assert_int_eq(slot().status, JOBS_SLOT_VERIFIED);
    /* A quarter of the stake goes in equal parts to who found it out: seats 1 and 3, and the planter. */
    ck_assert_uint_eq(balance(1), MARKET_FORTUNE + FEE + 8);
    ck_assert_uint_eq(balance(3), MARKET_FORTUNE + FEE + 8);
    ck_assert_uint_eq(balance(2), MARKET_FORTUNE - 100);
    ck_assert_uint_eq(market_balance(&m, MARKET_PROVIDER_A),
                      MARKET_FORTUNE - 10 - STUDIO_STAKE + STUDIO_SEGMENT_PRICE + 8);
    market_step(&m, 1);
    market_release(&m);
}
END_TEST

START_TEST(honest_replayers_open_twice_and_nobody_loses)
{
    planted(ALL, false);
    for (uint8_t seat = 1; seat <= 2; seat++)
        ck_assert_int_eq(studio_seal(&m, 1, 0, seat, UINT32_MAX), VERDICT_OK);
    ck_assert_int_eq(studio_open_only(&m, 1, 0, 1, UINT32_MAX), VERDICT_OK);
    ck_assert_int_eq(slot().status, JOBS_SLOT_CLAIMING);
    ck_assert_int_eq(studio_open_only(&m, 1, 0, 2, UINT32_MAX), VERDICT_OK);
    ck_assert_int_eq(studio_reveal(&m, 1, 0, ALL, false), VERDICT_OK);
    ck_assert_int_eq(slot().status, JOBS_SLOT_OPENING);
    studio_replay(&m, 1, 0);
    ck_assert_int_eq(slot().status, JOBS_SLOT_VERIFIED);
    for (uint8_t seat = 1; seat <= 2; seat++)
        ck_assert_uint_eq(balance(seat), MARKET_FORTUNE + FEE);
    /* The result has the root of the true leaves, so that who challenges it names those. */
    struct digest leaves[STUDIO_INTERVALS + 1], root = studio_trace(leaves, 0, 0, 0);
    struct jobs_segment segment = studio_segment(&m, 1, 0);
    struct jobs_result result;
    ck_assert(jobs_get_result(&m.view, &segment, &result));
    ck_assert(digest_equal(&result.trace_root, &root));
    market_release(&m);
}
END_TEST

/* The attack: the worker says that honest leaves were planted, to have the replayers fined who found them. */
START_TEST(a_planter_cannot_frame_an_honest_replayer)
{
    studio_start(&m, 1, 1, 0);
    struct jobs_segment segment = studio_segment(&m, 1, 0);
    struct digest leaves[STUDIO_INTERVALS + 1];
    struct jobs_commit commit = {
        .segment = segment, .leaves = leaves, .leaf_count = STUDIO_INTERVALS + 1};
    struct jobs_answer claimed = studio_truth(&segment, 0, true);
    commit.trace_root = studio_trace(leaves, 0, 0, 0);
    commit.end = studio_leaf(0, 0, STUDIO_INTERVALS);
    ck_assert_int_eq(market_call(&m, MARKET_PROVIDER_A, CATALOG_JOBS, JOBS_COMMIT, &commit),
                     VERDICT_OK);
    for (uint8_t seat = 1; seat <= 2; seat++)
        ck_assert_int_eq(studio_seal(&m, 1, 0, seat, UINT32_MAX), VERDICT_OK);
    for (uint8_t seat = 1; seat <= 2; seat++)
        ck_assert_int_eq(studio_open_only(&m, 1, 0, seat, UINT32_MAX), VERDICT_OK);
    /* An honest witness is no hash that the worker could open. */
    struct jobs_claim claim = {.segment = segment, .truths = &claimed, .truth_count = 1};
    ck_assert_int_eq(market_call(&m, MARKET_PROVIDER_A, CATALOG_JOBS, JOBS_CLAIM, &claim),
                     VERDICT_WRONG_SEAL);
    ck_assert_int_eq(studio_settle(&m, 1, 0), VERDICT_OK);
    ck_assert_int_eq(slot().status, JOBS_SLOT_VERIFIED);
    market_release(&m);
}
END_TEST

/* The attack: what it opens isn't true either, so that who replayed differs from both. */
START_TEST(who_plants_a_lie_is_convicted)
{
    planted(1, true);
    for (uint8_t seat = 1; seat <= 2; seat++)
        ck_assert_int_eq(studio_seal(&m, 1, 0, seat, UINT32_MAX), VERDICT_OK);
    for (uint8_t seat = 1; seat <= 2; seat++)
        ck_assert_int_eq(studio_open_only(&m, 1, 0, seat, UINT32_MAX), VERDICT_OK);
    ck_assert_int_eq(studio_reveal(&m, 1, 0, 1, true), VERDICT_OK);
    struct leases_item item;
    ck_assert(leases_get_item(&m.view, 1, 0, &item));
    ck_assert_int_eq(item.reason, LEASES_FRAUD);
    ck_assert_uint_gt(balance(1), MARKET_FORTUNE);
    ck_assert_uint_gt(balance(2), MARKET_FORTUNE);
    market_release(&m);
}
END_TEST

START_TEST(a_plant_that_is_not_opened_is_a_lie)
{
    planted(1u << 4, false);
    for (uint8_t seat = 1; seat <= 2; seat++)
        ck_assert_int_eq(studio_seal(&m, 1, 0, seat, UINT32_MAX), VERDICT_OK);
    for (uint8_t seat = 1; seat <= 2; seat++)
        ck_assert_int_eq(studio_open_only(&m, 1, 0, seat, UINT32_MAX), VERDICT_OK);
    market_step(&m, 4000);
    struct leases_item item;
    ck_assert(leases_get_item(&m.view, 1, 0, &item));
    ck_assert_int_eq(item.reason, LEASES_FRAUD);
    market_release(&m);
}
END_TEST

START_TEST(only_the_worker_claims_and_only_once_and_in_order)
{
    planted(3, false);
    struct jobs_segment segment = studio_segment(&m, 1, 0);
    struct jobs_answer truths[2] = {studio_truth(&segment, 1, false),
                                    studio_truth(&segment, 0, false)};
    struct jobs_claim claim = {.segment = segment, .truths = truths, .truth_count = 2};
    ck_assert_int_eq(studio_reveal(&m, 1, 0, 3, false), VERDICT_WRONG_STATE);
    one_is_lazy(3);
    ck_assert_int_eq(studio_reveal(&m, 1, 0, 3, false), VERDICT_WRONG_STATE);
    market_release(&m);
    planted(3, false);
    for (uint8_t seat = 1; seat <= 2; seat++)
        ck_assert_int_eq(studio_seal(&m, 1, 0, seat, UINT32_MAX), VERDICT_OK);
    ck_assert_int_eq(studio_open_only(&m, 1, 0, 1, UINT32_MAX), VERDICT_OK);
    ck_assert_int_eq(market_call(&m, MARKET_PROVIDER_B, CATALOG_JOBS, JOBS_CLAIM, &claim),
                     VERDICT_NOT_WORKER);
    ck_assert_int_eq(market_call(&m, MARKET_PROVIDER_A, CATALOG_JOBS, JOBS_CLAIM, &claim),
                     VERDICT_WRONG_INTERVALS);
    truths[1].interval = STUDIO_INTERVALS;
    ck_assert_int_eq(market_call(&m, MARKET_PROVIDER_A, CATALOG_JOBS, JOBS_CLAIM, &claim),
                     VERDICT_WRONG_INTERVALS);
    market_release(&m);
}
END_TEST

/* An absent worker is paid all the same, when its time to claim is over. */
START_TEST(silence_after_honest_work_only_delays_the_pay)
{
    planted(0, false);
    for (uint8_t seat = 1; seat <= 2; seat++)
        ck_assert_int_eq(studio_seal(&m, 1, 0, seat, UINT32_MAX), VERDICT_OK);
    for (uint8_t seat = 1; seat <= 2; seat++)
        ck_assert_int_eq(studio_open_only(&m, 1, 0, seat, UINT32_MAX), VERDICT_OK);
    ck_assert_int_eq(slot().status, JOBS_SLOT_CLAIMING);
    market_step(&m, 4000);
    ck_assert_int_eq(slot().status, JOBS_SLOT_VERIFIED);
    market_release(&m);
}
END_TEST

HARNESS_MAIN("claim", who_seals_a_handed_trace_loses_fee_stake_and_standing,
             honest_replayers_open_twice_and_nobody_loses,
             a_planter_cannot_frame_an_honest_replayer, who_plants_a_lie_is_convicted,
             a_plant_that_is_not_opened_is_a_lie, only_the_worker_claims_and_only_once_and_in_order,
             silence_after_honest_work_only_delays_the_pay)
