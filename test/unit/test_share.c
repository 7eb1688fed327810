#include "contracts/share.h"

#include "test/unit/studio.h"

static struct market m;

/* Machines that train 200, 60 and 20 steps in the time of a segment: weights 10, 3 and 1. */
static struct jobs_steps shares[] = {{200}, {60}, {20}};

static struct jobs_submit terms_of(uint32_t rounds, struct digest *roots)
{
    struct jobs_submit terms = studio_terms(&m, 3, rounds, roots);
    terms.shares = shares;
    terms.share_count = 3;
    return terms;
}

static void list(uint32_t provider, uint64_t price)
{
    studio_offer(&m, provider, price, 1);
}

/* A running job with these shares; one provider a slot, all at STUDIO_PRICE. */
static void start(uint32_t rounds)
{
    struct digest roots[JOBS_WORKERS_MAX];
    studio_init(&m);
    for (uint32_t p = MARKET_PROVIDER_A; p <= MARKET_PROVIDER_C; p++)
        list(p, STUDIO_PRICE);
    struct jobs_submit terms = terms_of(rounds, roots);
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
    market_step(&m, 1);
    ck_assert_int_eq(studio_progress(&m, 1).status, JOBS_RUNNING);
}

static uint64_t staked(uint16_t slot)
{
    struct credits_place place = {CREDITS_STAKE, studio_progress(&m, 1).lease,
                                  studio_slot(&m, 1, slot).item};
    struct amount amount = credits_locked(&m.view, place);
    return market_number(&amount);
}

static uint64_t earned(uint32_t from, uint32_t to)
{
    uint64_t sum = 0;
    for (uint32_t who = from; who <= to; who++)
        sum += market_balance(&m, who) - MARKET_FORTUNE;
    return sum;
}

START_TEST(all_of_a_slot_s_terms_follow_its_steps)
{
    struct digest roots[JOBS_WORKERS_MAX];
    studio_init(&m);
    struct jobs_job job = {.terms = terms_of(1, roots),
                           .steps = 200,
                           .interval = 20,
                           .intervals = 10,
                           .work = 3902668800,
                           .auditors = 2};
    const uint64_t expected[3][5] = {
        /* steps, intervals, work, price_max (down), stake (up) */
        {200, 10, 3902668800, 999, 501},
        {60, 3, 1170800640, 299, 151},
        {20, 1, 390266880, 99, 51},
    };
    job.terms.price_max = units_amount(999);
    job.terms.stake = units_amount(501);
    ck_assert(share_check(&job));
    for (uint16_t w = 0; w < 3; w++) {
        struct share share = share_of(&job, w);
        ck_assert_uint_eq(share.steps, expected[w][0]);
        ck_assert_uint_eq(share.intervals, expected[w][1]);
        ck_assert_uint_eq(share.replayed, expected[w][1]);
        ck_assert_uint_eq(share.work, expected[w][2]);
        ck_assert_uint_eq(share.audit_work, expected[w][2]);
        ck_assert_uint_eq(market_number(&share.price_max), expected[w][3]);
        ck_assert_uint_eq(market_number(&share.stake), expected[w][4]);
    }
    job.terms.sample = 1;
    ck_assert(share_check(&job));
    ck_assert_uint_eq(share_of(&job, 0).replayed, 1);
    ck_assert_uint_eq(share_of(&job, 0).audit_work, 390266880);
    job.terms.sample = 2; /* the third slot has one interval */
    ck_assert(!share_check(&job));
    market_release(&m);
}
END_TEST

START_TEST(unequal_workers_are_paid_in_proportion_and_the_sum_of_money_holds)
{
    start(2);
    const uint64_t price[3] = {390, 117, 39}, stakes[3] = {500, 150, 50};
    for (uint32_t round = 0; round < 2; round++) {
        for (uint16_t w = 0; w < 3; w++) {
            ck_assert_uint_eq(staked(w), stakes[w]);
            studio_honest(&m, 1, w);
        }
        studio_agree(&m, 1);
        market_step(&m, 100);
    }
    uint64_t fees = 2 * 2 * (10 + 3 + 1) * STUDIO_FEE, paid = 2 * (390 + 117 + 39);
    struct jobs_progress progress = studio_progress(&m, 1);
    ck_assert_int_eq(progress.reason, LEASES_COMPLETED);
    ck_assert_uint_eq(market_number(&progress.paid), paid);
    ck_assert_uint_eq(market_number(&progress.fees), fees);
    for (uint32_t w = 0; w < 3; w++)
        ck_assert_uint_eq(market_balance(&m, MARKET_PROVIDER_A + w),
                          MARKET_FORTUNE - 10 + 2 * price[w]);
    ck_assert_uint_eq(earned(MARKET_REPLAYER_0, MARKET_REPLAYER_3), fees);
    ck_assert_uint_eq(market_balance(&m, MARKET_CONSUMER), MARKET_FORTUNE - paid - fees);
    struct contracts_supply supply = market_supply(&m);
    ck_assert_uint_eq(market_number(&supply.escrows), 0);
    ck_assert_uint_eq(market_number(&supply.stakes), 0);
    market_release(&m);
}
END_TEST

START_TEST(the_budget_is_what_the_shares_can_cost)
{
    struct digest roots[JOBS_WORKERS_MAX];
    studio_init(&m);
    struct jobs_submit terms = terms_of(2, roots);
    uint64_t least = 2 * (1000 + 300 + 100 + 2 * (10 + 3 + 1) * STUDIO_FEE);
    terms.budget = units_amount(least - 1);
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_BUDGET_TOO_SMALL);
    terms.budget = units_amount(least);
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
    market_release(&m);
}
END_TEST

START_TEST(a_trace_has_the_leaves_of_its_share)
{
    struct digest leaves[STUDIO_INTERVALS + 1];
    start(1);
    struct jobs_commit args = {.segment = studio_segment(&m, 1, 1), .leaves = leaves};
    for (uint32_t intervals = 1; intervals <= STUDIO_INTERVALS; intervals++) {
        args.leaf_count = intervals + 1;
        args.trace_root = studio_trace_of(intervals, leaves, 0, 1, 0);
        args.end = studio_leaf(0, 1, intervals);
        ck_assert_int_eq(market_call(&m, studio_worker(&m, 1, 1), CATALOG_JOBS, JOBS_COMMIT, &args),
                         intervals == 3  ? VERDICT_OK
                         : intervals < 3 ? VERDICT_WRONG_LEAVES
                                         : VERDICT_WRONG_STATE);
    }
    market_release(&m);
}
END_TEST

START_TEST(who_takes_a_lost_slot_trains_its_share_for_its_price_and_stake)
{
    start(1);
    list(MARKET_PROVIDER_D, STUDIO_PRICE + 50);
    for (uint16_t w = 0; w < 3; w += 2)
        studio_honest(&m, 1, w);
    market_step(&m, STUDIO_SEGMENT); /* slot 1 is silent */
    market_step(&m, 1);
    struct jobs_slot slot = studio_slot(&m, 1, 1);
    ck_assert_uint_eq(slot.attempt, 1);
    ck_assert_uint_eq(studio_worker(&m, 1, 1), MARKET_PROVIDER_D);
    ck_assert_uint_eq(staked(1), 150);
    studio_honest(&m, 1, 1);
    studio_agree(&m, 1);
    ck_assert_uint_eq(market_balance(&m, MARKET_PROVIDER_D),
                      MARKET_FORTUNE - 10 + 175); /* 1.1708 x 150 */
    (void)market_supply(&m);
    market_release(&m);
}
END_TEST

START_TEST(a_made_up_short_segment_is_slashed_by_its_own_stake)
{
    start(1);
    uint32_t cheat = studio_worker(&m, 1, 1);
    uint64_t before = market_balance(&m, cheat) + 150;
    ck_assert_int_eq(studio_commit(&m, cheat, 1, 1, 3), VERDICT_OK); /* its last interval */
    struct jobs_audit audit;
    for (uint8_t seat = 0; seat < MARKET_SEATS; seat++)
        if (studio_audit(&m, 1, 1, seat, &audit))
            ck_assert_int_eq(studio_seal(&m, 1, 1, seat, UINT32_MAX), VERDICT_OK);
    for (uint8_t seat = 0; seat < MARKET_SEATS; seat++)
        if (studio_slot(&m, 1, 1).attempt == 0 && studio_audit(&m, 1, 1, seat, &audit) &&
            audit.status == JOBS_AUDIT_SEALED)
            ck_assert_int_eq(studio_open(&m, 1, 1, seat, UINT32_MAX), VERDICT_OK);
    struct jobs_segment segment = {1, 0, 1, 0};
    struct jobs_result result;
    ck_assert(jobs_get_result(&m.view, &segment, &result));
    ck_assert_int_eq(result.reason, LEASES_FRAUD);
    ck_assert_uint_eq(result.answer.interval, 2);
    ck_assert_uint_eq(market_number(&result.slashed), 150u * m.parameters.slash_fraud / 100);
    ck_assert_uint_eq(market_balance(&m, cheat), before - market_number(&result.slashed));
    (void)market_supply(&m);
    market_release(&m);
}
END_TEST

START_TEST(shares_that_no_segment_can_have_are_refused)
{
    struct digest roots[JOBS_WORKERS_MAX];
    static const uint32_t wrong[] = {0, 10, 70, 199, 201, 220, PROGRAM_STEPS_MAX};
    studio_init(&m);
    struct jobs_submit terms = terms_of(1, roots);
    struct jobs_steps tried[4] = {{200}, {60}, {20}, {20}};
    terms.shares = tried;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        tried[1].steps = wrong[i];
        ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OUT_OF_BOUNDS);
    }
    tried[1].steps = 60;
    for (terms.share_count = 1; terms.share_count <= 4; terms.share_count++)
        ck_assert_int_eq(studio_submit(&m, &terms),
                         terms.share_count == 3 ? VERDICT_OK : VERDICT_OUT_OF_BOUNDS);
    terms.share_count = 3;
    terms.sample = 2; /* of one interval */
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OUT_OF_BOUNDS);
    terms.sample = 1;
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
    market_release(&m);
}
END_TEST

START_TEST(a_segment_may_have_a_million_steps_in_as_many_intervals_as_a_transaction_holds)
{
    struct digest roots[JOBS_WORKERS_MAX];
    struct program_layer layers[3];
    struct jobs_steps long_shares[] = {{1000000}, {3907 * 255}, {3907}};
    studio_init(&m);
    struct jobs_submit terms = terms_of(1, roots);
    struct program program = studio_program(layers);
    layers[0].width = layers[1].width = layers[2].width = 8; /* 24,576 multiply-adds a step */
    terms.shares = long_shares;
    terms.price_max = units_amount(5000);
    terms.stake = units_amount(5000);
    terms.replay_ms = 60000;
    program.steps = 1000000;
    for (program.interval = 3906; program.interval <= 3907; program.interval++) {
        terms.program = record_bytes(&m.arena, &program_record, &program);
        terms.share_count = program.interval == 3907 ? 3 : 0;
        ck_assert_int_eq(studio_submit(&m, &terms),
                         program.interval == 3907 ? VERDICT_OK : VERDICT_OUT_OF_BOUNDS);
    }
    ck_assert_uint_eq(studio_share(&m, 1, 0).intervals, JOBS_INTERVALS_MAX);
    ck_assert_uint_eq(studio_share(&m, 1, 1).intervals, 255);
    ck_assert_uint_eq(studio_share(&m, 1, 2).work, 24576ull * 3907);
    market_release(&m);
}
END_TEST

START_TEST(a_replayer_s_time_is_for_the_work_of_all_shares)
{
    struct digest roots[JOBS_WORKERS_MAX];
    studio_init(&m);
    struct jobs_submit terms = terms_of(1, roots);
    m.parameters.replay_mmacs = 1000; /* the shares of 280 steps take 5,464 ms */
    parameters_put(&m.view, &m.parameters);
    terms.replay_ms = 5463;
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OUT_OF_BOUNDS);
    terms.replay_ms = 5464;
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
    terms.share_count = 0; /* 600 steps take 11,709 ms */
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OUT_OF_BOUNDS);
    market_release(&m);
}
END_TEST

HARNESS_MAIN("share", all_of_a_slot_s_terms_follow_its_steps,
             unequal_workers_are_paid_in_proportion_and_the_sum_of_money_holds,
             the_budget_is_what_the_shares_can_cost, a_trace_has_the_leaves_of_its_share,
             who_takes_a_lost_slot_trains_its_share_for_its_price_and_stake,
             a_made_up_short_segment_is_slashed_by_its_own_stake,
             shares_that_no_segment_can_have_are_refused,
             a_segment_may_have_a_million_steps_in_as_many_intervals_as_a_transaction_holds,
             a_replayer_s_time_is_for_the_work_of_all_shares)
