#include "contracts/settlement.h"

#include "test/unit/studio.h"

static struct market m;

/* A lock of `amount` that belongs to provider A, and an attempt to split it for. */
static struct attempt locked(struct credits_place place, uint64_t amount)
{
    static struct catalog_run run;
    struct attempt attempt;
    struct address owner = market_address(MARKET_PROVIDER_A);
    struct amount whole = units_amount(amount);
    studio_start(&m, 1, 1, 0);
    run = (struct catalog_run){&m.view, &m.context, &m.events, &address_zero};
    ck_assert(attempt_load(&attempt, &run, 1, 0));
    ck_assert_int_eq(credits_lock(&run, place, &owner, &whole), VERDICT_OK);
    return attempt;
}

START_TEST(a_quarter_goes_to_the_provers_in_equal_parts_and_all_remainders_to_the_treasury)
{
    struct credits_place place = {CREDITS_VOTE, 99, 0};
    struct address provers[3] = {market_address(MARKET_REPLAYER_0),
                                 market_address(MARKET_REPLAYER_1),
                                 market_address(MARKET_REPLAYER_2)};
    struct attempt attempt = locked(place, 1001);
    struct amount whole = units_amount(1001);
    struct amount taken = settlement_split(attempt.run, &attempt.parameters, place, &whole, 50,
                                           provers, 3); /* 500: 41 each, 377 */
    ck_assert_uint_eq(market_number(&taken), 500);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_uint_eq(market_balance(&m, MARKET_REPLAYER_0 + i), MARKET_FORTUNE + 41);
    struct contracts_supply supply = market_supply(&m);
    ck_assert_uint_eq(market_number(&supply.treasury), 377);
    struct amount left = credits_locked(&m.view, place);
    ck_assert_uint_eq(market_number(&left), 501);
    market_release(&m);
}
END_TEST

START_TEST(without_provers_all_of_it_goes_to_the_treasury)
{
    struct credits_place place = {CREDITS_VOTE, 99, 0};
    struct attempt attempt = locked(place, 100);
    struct amount whole = units_amount(100);
    (void)settlement_split(attempt.run, &attempt.parameters, place, &whole, 100, NULL, 0);
    struct contracts_supply supply = market_supply(&m);
    ck_assert_uint_eq(market_number(&supply.treasury), 100);
    market_release(&m);
}
END_TEST

START_TEST(no_more_is_taken_than_there_is)
{
    struct credits_place place = {CREDITS_VOTE, 99, 0};
    struct address prover = market_address(MARKET_REPLAYER_0);
    struct attempt attempt = locked(place, 100);
    struct amount whole = units_amount(1000);
    struct amount taken =
        settlement_split(attempt.run, &attempt.parameters, place, &whole, 100, &prover, 1);
    ck_assert_uint_eq(market_number(&taken), 100);
    ck_assert_uint_eq(market_balance(&m, MARKET_REPLAYER_0), MARKET_FORTUNE + 100);
    (void)market_supply(&m);
    market_release(&m);
}
END_TEST

/* --- programs that diverge --- */

#define DIVERGES 6 /* the interval: the seventh of ten */

START_TEST(a_divergence_is_paid_up_to_where_it_happens_and_is_in_no_average)
{
    studio_start(&m, 2, 1, 0);
    uint32_t worker = studio_worker(&m, 1, 0);
    ck_assert_int_eq(studio_diverge(&m, 1, 0, DIVERGES), VERDICT_OK);
    studio_replay_diverging(&m, 1, 0, DIVERGES);
    struct jobs_claim claim = {.segment = studio_segment(&m, 1, 0)};
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_CLAIMING);
    ck_assert_int_eq(market_call(&m, worker, CATALOG_JOBS, JOBS_CLAIM, &claim), VERDICT_OK);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_DIVERGED);
    struct jobs_result result;
    ck_assert(jobs_get_result(&m.view, &claim.segment, &result));
    ck_assert_int_eq(result.reason, LEASES_DIVERGED);
    ck_assert_uint_eq(market_number(&result.paid), STUDIO_SEGMENT_PRICE * (DIVERGES + 1) / 10);
    ck_assert_uint_eq(market_number(&result.fees), 2 * (DIVERGES + 1) * STUDIO_FEE);
    studio_honest(&m, 1, 1); /* two were wanted, and one can't be: there is no second try */
    ck_assert_int_eq(studio_progress(&m, 1).status, JOBS_ENDED);
    ck_assert_int_eq(studio_progress(&m, 1).reason, LEASES_DIVERGED);
    uint64_t paid = STUDIO_SEGMENT_PRICE * (DIVERGES + 1) / 10;
    ck_assert_uint_eq(market_balance(&m, worker), MARKET_FORTUNE - 10 + paid); /* nobody is slashed */
    market_release(&m);
}
END_TEST

START_TEST(a_round_closes_without_those_that_diverged)
{
    struct digest roots[JOBS_WORKERS_MAX];
    studio_init(&m);
    for (uint32_t i = 0; i < 2; i++)
        studio_offer(&m, MARKET_PROVIDER_A + i, STUDIO_PRICE, 1);
    struct jobs_submit terms = studio_terms(&m, 2, 1, roots);
    terms.quorum = 1;
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
    market_step(&m, 1);
    ck_assert_int_eq(studio_diverge(&m, 1, 0, DIVERGES), VERDICT_OK);
    studio_replay_diverging(&m, 1, 0, DIVERGES);
    market_step(&m, m.parameters.answer_ms); /* without a claim */
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_DIVERGED);
    studio_honest(&m, 1, 1);
    studio_agree(&m, 1);
    struct path path = path_1("round/", 1);
    struct jobs_round round;
    path_u32(&path, 0);
    ck_assert(view_load(&m.view, path_key(&path), &jobs_round_record, &round));
    ck_assert_uint_eq(round.included, 2); /* slot 1 */
    ck_assert_int_eq(studio_progress(&m, 1).reason, LEASES_COMPLETED);
    market_release(&m);
}
END_TEST

/* The attack: to say that it diverged at once costs nothing. Whatever is drawn, that interval is replayed. */
START_TEST(a_divergence_that_is_none_is_a_fraud)
{
    studio_start(&m, 1, 1, 3);
    ck_assert_int_eq(studio_diverge(&m, 1, 0, DIVERGES), VERDICT_OK);
    market_step(&m, 10000);
    for (uint8_t seat = 1; seat <= 2; seat++) {
        struct digest secret = market_beacon_secret(seat);
        struct beacon_reveal reveal = {.epoch = studio_epoch(&m), .preimage = beacon_chain(&secret, STUDIO_BEACON, 0)};
        ck_assert_int_eq(
            market_call(&m, MARKET_REPLAYER_0 + seat, CATALOG_BEACON, BEACON_REVEAL, &reveal),
            VERDICT_OK);
    }
    struct jobs_serve serve = {.segment = studio_segment(&m, 1, 0)};
    ck_assert_int_eq(market_call(&m, MARKET_AUDITOR, CATALOG_JOBS, JOBS_DRAW, &serve.segment),
                     VERDICT_OK);
    struct jobs_start starts[STUDIO_INTERVALS];
    bool is_drawn[STUDIO_INTERVALS] = {false};
    for (uint8_t seat = 1; seat <= 2; seat++) {
        struct jobs_audit audit;
        ck_assert(studio_audit(&m, 1, 0, seat, &audit));
        ck_assert_uint_eq(audit.interval_count, 3);
        ck_assert_uint_eq(audit.intervals[2].interval, DIVERGES);
        for (uint32_t i = 0; i < 3; i++)
            is_drawn[audit.intervals[i].interval] = true;
    }
    serve.starts = starts;
    for (uint16_t i = 0; i < STUDIO_INTERVALS; i++)
        if (is_drawn[i])
            starts[serve.start_count++] = (struct jobs_start){i, studio_leaf(0, 0, i)};
    ck_assert_int_eq(market_call(&m, MARKET_PROVIDER_A, CATALOG_JOBS, JOBS_SERVE, &serve),
                     VERDICT_OK);
    studio_replay_diverging(&m, 1, 0, STUDIO_INTERVALS); /* for the honest it doesn't diverge */
    struct jobs_claim claim = {.segment = serve.segment};
    ck_assert_int_eq(market_call(&m, MARKET_PROVIDER_A, CATALOG_JOBS, JOBS_CLAIM, &claim),
                     VERDICT_OK);
    struct jobs_result result;
    ck_assert(jobs_get_result(&m.view, &serve.segment, &result));
    ck_assert_int_eq(result.reason, LEASES_FRAUD);
    ck_assert_uint_eq(market_number(&result.slashed), STUDIO_STAKE);
    ck_assert_uint_eq(market_number(&result.fees), 2 * 3 * STUDIO_FEE);
    market_release(&m);
}
END_TEST

START_TEST(who_trained_nothing_has_no_divergence_and_none_is_planted)
{
    studio_start(&m, 1, 1, 0);
    struct trace_leaf behind = trace_diverged(&digest_zero);
    struct jobs_slot slot = studio_slot(&m, 1, 0);
    slot.start_root = behind.state_root; /* what a consumer could have named as the start */
    jobs_put_slot(&m.view, 1, 0, &slot);
    struct digest leaves[STUDIO_INTERVALS + 1];
    for (uint32_t i = 0; i <= STUDIO_INTERVALS; i++)
        leaves[i] = trace_leaf_digest(&behind);
    struct jobs_commit nothing = {.segment = studio_segment(&m, 1, 0),
                                  .trace_root = merkle_root(leaves, STUDIO_INTERVALS + 1),
                                  .leaves = leaves,
                                  .leaf_count = STUDIO_INTERVALS + 1,
                                  .end = behind};
    ck_assert_int_eq(market_call(&m, MARKET_PROVIDER_A, CATALOG_JOBS, JOBS_COMMIT, &nothing),
                     VERDICT_WRONG_END);
    slot.start_root = studio_leaf(0, 0, 0).state_root;
    jobs_put_slot(&m.view, 1, 0, &slot);
    ck_assert_int_eq(studio_diverge(&m, 1, 0, DIVERGES), VERDICT_OK);
    studio_replay_diverging(&m, 1, 0, DIVERGES);
    struct jobs_answer truth = {DIVERGES, studio_diverging(0, DIVERGES + 1, DIVERGES)};
    struct jobs_claim claim = {
        .segment = studio_segment(&m, 1, 0), .truths = &truth, .truth_count = 1};
    ck_assert_int_eq(market_call(&m, MARKET_PROVIDER_A, CATALOG_JOBS, JOBS_CLAIM, &claim),
                     VERDICT_WRONG_INTERVALS);
    market_release(&m);
}
END_TEST

HARNESS_MAIN("settlement", a_divergence_is_paid_up_to_where_it_happens_and_is_in_no_average,
             a_round_closes_without_those_that_diverged, a_divergence_that_is_none_is_a_fraud,
             who_trained_nothing_has_no_divergence_and_none_is_planted,
             a_quarter_goes_to_the_provers_in_equal_parts_and_all_remainders_to_the_treasury,
             without_provers_all_of_it_goes_to_the_treasury, no_more_is_taken_than_there_is)
