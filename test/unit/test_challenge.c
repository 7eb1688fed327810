#include "contracts/challenge.h"

#include "contracts/attempt.h"
#include "contracts/audit.h"
#include "test/unit/studio.h"

#define WINDOW   100000
#define BOND     500
#define REPLY_MS (4000 + 3902) /* answer_ms and the segment's work at 10^9 multiply-adds a second */

static struct market m;

static uint64_t balance(uint32_t who)
{
    return market_balance(&m, who);
}

static void reveal(uint8_t seat, uint32_t index)
{
    struct digest secret = market_beacon_secret(seat);
    struct beacon_reveal args = {.epoch = studio_epoch(&m), .preimage = beacon_chain(&secret, STUDIO_BEACON, index)};
    ck_assert_int_eq(
        market_call(&m, MARKET_REPLAYER_0 + seat, CATALOG_BEACON, BEACON_REVEAL, &args),
        VERDICT_OK);
}

/* Draws one interval a replayer, serves and replays it: what isn't drawn isn't seen. */
static void audit_sample(uint32_t fakes)
{
    struct catalog_run run = {&m.view, &m.context, &m.events, &address_zero};
    struct attempt attempt;
    uint16_t drawn[JOBS_INTERVALS_MAX];
    struct jobs_start starts[4];
    market_step(&m, 10000);
    reveal(1, 0);
    reveal(2, 0);
    struct jobs_segment segment = studio_segment(&m, 1, 0);
    ck_assert_int_eq(market_call(&m, MARKET_AUDITOR, CATALOG_JOBS, JOBS_DRAW, &segment),
                     VERDICT_OK);
    ck_assert(attempt_load(&attempt, &run, 1, 0));
    struct jobs_serve serve = {.segment = segment, .starts = starts};
    serve.start_count = audit_drawn(&attempt, drawn);
    for (uint32_t i = 0; i < serve.start_count; i++)
        starts[i] = (struct jobs_start){drawn[i], studio_claim(0, 0, drawn[i], fakes)};
    ck_assert_int_eq(market_call(&m, MARKET_PROVIDER_A, CATALOG_JOBS, JOBS_SERVE, &serve),
                     VERDICT_OK);
    studio_replay(&m, 1, 0);
}

/* Job 1 of `rounds` rounds, whose first segment is paid; one interval of it is made up if `is_false`. The bit of that interval. */
static uint32_t paid(uint32_t rounds, bool is_false)
{
    for (uint32_t interval = 0; interval < STUDIO_INTERVALS; interval++) {
        uint32_t fakes = is_false ? 1u << interval : 0;
        studio_start(&m, 1, rounds, 1);
        m.parameters.challenge_ms = WINDOW;
        m.parameters.replay_mmacs = 1000;
        parameters_put(&m.view, &m.parameters);
        ck_assert_int_eq(studio_claim_all(&m, MARKET_PROVIDER_A, 1, 0, fakes), VERDICT_OK);
        audit_sample(fakes);
        if (studio_slot(&m, 1, 0).status == JOBS_SLOT_VERIFIED)
            return fakes;
        market_release(&m);
    }
    ck_abort_msg("every interval was drawn");
    return 0;
}

static uint16_t interval_of(uint32_t fakes)
{
    return fakes ? (uint16_t)__builtin_ctz(fakes) : 4;
}

static enum verdict raise_at(uint32_t who, uint16_t interval, uint32_t fakes)
{
    struct digest leaves[STUDIO_INTERVALS + 1];
    struct challenge_raise args = {.segment = {.job = 1},
                                   .interval = interval,
                                   .leaves = leaves,
                                   .leaf_count = STUDIO_INTERVALS + 1};
    (void)studio_trace(leaves, 0, 0, fakes);
    return market_call(&m, who, CATALOG_CHALLENGES, CHALLENGE_RAISE, &args);
}

static enum verdict raise(uint32_t who, uint32_t fakes)
{
    return raise_at(who, interval_of(fakes), fakes);
}

static enum verdict answer(uint8_t seat, uint16_t interval, struct trace_leaf leaf)
{
    struct challenge_answer args = {.challenge = 1, .answer = {interval, leaf}};
    return market_call(&m, MARKET_REPLAYER_0 + seat, CATALOG_CHALLENGES, CHALLENGE_ANSWER, &args);
}

static enum challenge_status status(uint32_t fakes)
{
    struct jobs_segment segment = {.job = 1};
    struct challenge challenge;
    ck_assert(challenge_get(&m.view, &segment, interval_of(fakes), &challenge));
    return (enum challenge_status)challenge.status;
}

START_TEST(a_falsehood_found_late_costs_the_stake_and_taints_the_job)
{
    uint32_t fakes = paid(2, true);
    uint16_t interval = interval_of(fakes);
    uint64_t worker = MARKET_FORTUNE - 10 + STUDIO_SEGMENT_PRICE - STUDIO_STAKE;
    studio_agree(&m, 1);
    ck_assert_uint_eq(balance(MARKET_PROVIDER_A), worker); /* at work in the next round */
    ck_assert_int_eq(raise(MARKET_AUDITOR, fakes), VERDICT_OK);
    ck_assert_uint_eq(balance(MARKET_AUDITOR), MARKET_FORTUNE - BOND);
    ck_assert_int_eq(raise(MARKET_OPERATOR_A, fakes), VERDICT_ALREADY_DONE);
    ck_assert_int_eq(answer(0, interval, studio_leaf(0, 0, interval + 1u)), VERDICT_OK);
    ck_assert_int_eq(answer(0, interval, studio_leaf(0, 0, interval + 1u)), VERDICT_ALREADY_DONE);
    /* seat 1 stands by the worker, and pays for it */
    ck_assert_int_eq(answer(1, interval, studio_claim(0, 0, interval + 1u, fakes)), VERDICT_OK);
    ck_assert_int_eq(answer(3, interval, studio_leaf(0, 0, interval + 1u)), VERDICT_OK);
    ck_assert_int_eq(status(fakes), CHALLENGE_UPHELD);
    ck_assert_uint_eq(balance(MARKET_AUDITOR), MARKET_FORTUNE + STUDIO_STAKE / 4);
    ck_assert_uint_eq(balance(MARKET_PROVIDER_A), worker);
    ck_assert_uint_eq(balance(MARKET_REPLAYER_1), MARKET_FORTUNE + STUDIO_FEE - 100);
    ck_assert_uint_eq(balance(MARKET_REPLAYER_0), MARKET_FORTUNE + 12);
    ck_assert(studio_progress(&m, 1).tainted);
    ck_assert_uint_eq(studio_progress(&m, 1).tainted_from, 0);
    ck_assert_uint_eq(market_events(&m, EVENT_ROUND_TAINTED), 1);
    struct leases_item item;
    ck_assert(leases_get_item(&m.view, 1, 0, &item));
    ck_assert_int_eq(item.reason, LEASES_FRAUD);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_WAITING);   /* for another one */
    ck_assert_int_eq(raise(MARKET_AUDITOR, fakes), VERDICT_WRONG_STATE); /* nothing is left */
    market_step(&m, 1);
    market_release(&m);
}
END_TEST

START_TEST(a_lying_challenger_loses_its_bond)
{
    (void)paid(1, false);
    uint64_t replayers = balance(MARKET_REPLAYER_0) + balance(MARKET_REPLAYER_3);
    ck_assert_int_eq(raise(MARKET_CONSUMER, 0), VERDICT_OK);
    ck_assert_int_eq(answer(0, 3, studio_leaf(0, 0, 5)), VERDICT_WRONG_INTERVALS);
    ck_assert_int_eq(answer(0, 4, studio_leaf(0, 0, 5)), VERDICT_OK);
    ck_assert_int_eq(answer(3, 4, studio_leaf(0, 0, 5)), VERDICT_OK);
    ck_assert_int_eq(status(0), CHALLENGE_REFUTED);
    ck_assert_int_eq(answer(2, 4, studio_leaf(0, 0, 5)), VERDICT_NOT_FOUND);
    ck_assert_uint_eq(balance(MARKET_REPLAYER_0) + balance(MARKET_REPLAYER_3),
                      replayers + 2 * (BOND / 4 / 2));
    ck_assert(!studio_progress(&m, 1).tainted);
    ck_assert_int_eq(raise(MARKET_AUDITOR, 0),
                     VERDICT_ALREADY_DONE); /* arithmetic has one answer */
    market_step(&m, 1);
    market_release(&m);
}
END_TEST

START_TEST(the_stake_goes_home_when_the_window_closes_and_not_before)
{
    (void)paid(1, false);
    uint64_t paid_ms = m.context.time_ms;
    studio_agree(&m, 1);
    ck_assert_int_eq(studio_progress(&m, 1).status, JOBS_ENDED);
    market_step(&m, paid_ms + WINDOW - 1 - m.context.time_ms);
    ck_assert_uint_eq(balance(MARKET_PROVIDER_A),
                      MARKET_FORTUNE - 10 + STUDIO_SEGMENT_PRICE - STUDIO_STAKE);
    ck_assert_int_eq(raise(MARKET_AUDITOR, 0), VERDICT_OK); /* holds it a little longer */
    market_step(&m, 1);
    ck_assert_int_eq(raise(MARKET_OPERATOR_A, 1u << 7), VERDICT_TOO_LATE);
    ck_assert_uint_eq(balance(MARKET_PROVIDER_A),
                      MARKET_FORTUNE - 10 + STUDIO_SEGMENT_PRICE - STUDIO_STAKE);
    market_step(&m, REPLY_MS - 1);
    ck_assert_int_eq(status(0), CHALLENGE_UNDECIDED);
    ck_assert_uint_eq(balance(MARKET_PROVIDER_A), MARKET_FORTUNE - 10 + STUDIO_SEGMENT_PRICE);
    ck_assert_uint_eq(balance(MARKET_AUDITOR), MARKET_FORTUNE - BOND / 5);
    ck_assert_uint_eq(balance(MARKET_REPLAYER_3), MARKET_FORTUNE - 20); /* gave no answer */
    market_step(&m, 1);
    struct contracts_supply supply = market_supply(&m);
    ck_assert_uint_eq(market_number(&supply.stakes), 0);
    market_release(&m);
}
END_TEST

START_TEST(what_nobody_can_have_is_nobodys_falsehood)
{
    struct trace_leaf nothing = {.witness = digest_zero};
    (void)paid(1, false);
    ck_assert_int_eq(raise(MARKET_AUDITOR, 0), VERDICT_OK);
    ck_assert_int_eq(answer(0, 4, nothing), VERDICT_OK);
    ck_assert_int_eq(answer(2, 4, nothing), VERDICT_OK);
    ck_assert_int_eq(status(0), CHALLENGE_UNDECIDED);
    ck_assert_uint_eq(balance(MARKET_AUDITOR), MARKET_FORTUNE - BOND / 5);
    ck_assert_int_eq(raise(MARKET_AUDITOR, 0), VERDICT_OK);
    market_release(&m);
}
END_TEST

START_TEST(only_what_was_committed_and_paid_is_challenged)
{
    struct digest leaves[STUDIO_INTERVALS + 1];
    (void)paid(1, false);
    (void)studio_trace(leaves, 0, 0, 0);
    struct challenge_raise good = {.segment = {.job = 1},
                                   .interval = 4,
                                   .leaves = leaves,
                                   .leaf_count = STUDIO_INTERVALS + 1},
                           bad = good;
#define REFUSED(change, verdict)                                                                   \
    do {                                                                                           \
        bad = good;                                                                                \
        change;                                                                                    \
        ck_assert_int_eq(                                                                          \
            market_call(&m, MARKET_AUDITOR, CATALOG_CHALLENGES, CHALLENGE_RAISE, &bad), verdict);  \
    } while (0)
    REFUSED(bad.segment.job = 2, VERDICT_NOT_FOUND);
    REFUSED(bad.segment.attempt = 1, VERDICT_NOT_FOUND);
    REFUSED(bad.leaf_count--, VERDICT_WRONG_LEAVES);
    REFUSED(bad.interval = STUDIO_INTERVALS, VERDICT_WRONG_INTERVALS);
    leaves[5].bytes[0] ^= 1;
    REFUSED(bad.interval = 4, VERDICT_WRONG_TRACE_ROOT);
#undef REFUSED
    ck_assert_int_eq(answer(0, 4, studio_leaf(0, 0, 5)), VERDICT_NOT_FOUND);
    market_release(&m);
}
END_TEST

START_TEST(what_was_lost_is_not_challenged_and_no_answer_comes_late)
{
    struct digest leaves[STUDIO_INTERVALS + 1];
    (void)paid(2, false);
    studio_agree(&m, 1);
    ck_assert_int_eq(raise(MARKET_AUDITOR, 0), VERDICT_OK);
    market_close(&m);
    market_open(&m, m.context.time_ms + REPLY_MS);
    ck_assert_int_eq(answer(0, 4, studio_leaf(0, 0, 5)), VERDICT_TOO_LATE);
    market_step(
        &m,
        STUDIO_SEGMENT); /* nothing was committed in round 1, but the stake of round 0 is held */
    struct challenge_raise args = {
        .segment = {.job = 1, .round = 1}, .leaves = leaves, .leaf_count = STUDIO_INTERVALS + 1};
    (void)studio_trace(leaves, 1, 0, 0);
    ck_assert_int_eq(market_call(&m, MARKET_AUDITOR, CATALOG_CHALLENGES, CHALLENGE_RAISE, &args),
                     VERDICT_WRONG_STATE);
    market_release(&m);
}
END_TEST

/* The attack: so many challenges at once that the replayers can't keep up. */
START_TEST(challenges_are_due_one_after_the_other)
{
    struct challenge challenge;
    (void)paid(1, false);
    struct digest leaves[STUDIO_INTERVALS + 1];
    (void)studio_trace(leaves, 0, 0, 0);
    for (uint16_t i = 0; i < 5; i++) {
        struct challenge_raise args = {.segment = {.job = 1},
                                       .interval = i,
                                       .leaves = leaves,
                                       .leaf_count = STUDIO_INTERVALS + 1};
        ck_assert_int_eq(
            market_call(&m, MARKET_AUDITOR, CATALOG_CHALLENGES, CHALLENGE_RAISE, &args),
            VERDICT_OK);
        ck_assert(challenge_get(&m.view, &args.segment, i, &challenge));
        ck_assert_uint_eq(challenge.deadline_ms, m.context.time_ms + 4000 + (i + 1u) * 3902);
    }
    market_release(&m);
}
END_TEST

/* The attack: challenges that are refuted at once, so that others wait for their time, and honest stakes with them. */
START_TEST(a_refuted_challenge_holds_neither_stake_nor_queue)
{
    struct challenge challenge;
    struct jobs_segment segment = {.job = 1};
    (void)paid(1, false);
    uint64_t paid_ms = m.context.time_ms;
    studio_agree(&m, 1);
    for (uint16_t i = 0; i < 5; i++) {
        ck_assert_int_eq(raise_at(MARKET_AUDITOR, i, 0), VERDICT_OK);
        ck_assert(challenge_get(&m.view, &segment, i, &challenge));
        ck_assert_uint_eq(challenge.deadline_ms, m.context.time_ms + REPLY_MS);
        for (uint8_t seat = 0; seat < 2; seat++) {
            struct challenge_answer args = {i + 1u, {i, studio_leaf(0, 0, i + 1u)}};
            ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_0 + seat, CATALOG_CHALLENGES,
                                         CHALLENGE_ANSWER, &args),
                             VERDICT_OK);
        }
    }
    market_step(&m, paid_ms + WINDOW - m.context.time_ms);
    ck_assert_uint_eq(balance(MARKET_PROVIDER_A), MARKET_FORTUNE - 10 + STUDIO_SEGMENT_PRICE);
    market_release(&m);
}
END_TEST

HARNESS_MAIN("challenge", a_falsehood_found_late_costs_the_stake_and_taints_the_job,
             a_lying_challenger_loses_its_bond,
             the_stake_goes_home_when_the_window_closes_and_not_before,
             what_nobody_can_have_is_nobodys_falsehood,
             only_what_was_committed_and_paid_is_challenged,
             what_was_lost_is_not_challenged_and_no_answer_comes_late,
             challenges_are_due_one_after_the_other,
             a_refuted_challenge_holds_neither_stake_nor_queue)
