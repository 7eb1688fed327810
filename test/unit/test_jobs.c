#include "contracts/jobs.h"

#include "contracts/due.h"
#include "test/unit/story.h"
#include "test/unit/studio.h"
#include "trainer/state.h"

static struct market m;

START_TEST(honest_workers_are_paid_exactly_and_the_rest_goes_home)
{
    studio_start(&m, 3, 2, 0);
    ck_assert_uint_eq(market_balance(&m, MARKET_CONSUMER),
                      MARKET_FORTUNE - 100000 - STUDIO_DEPOSIT);
    for (uint32_t round = 0; round < 2; round++) {
        for (uint16_t w = 0; w < 3; w++)
            studio_honest(&m, 1, w);
        ck_assert_int_eq(studio_progress(&m, 1).status, JOBS_CLOSING);
        studio_agree(&m, 1);
        market_step(&m, 100);
    }
    struct jobs_progress progress = studio_progress(&m, 1);
    struct digest global = studio_hash("global", 2, 0, 0);
    ck_assert_int_eq(progress.status, JOBS_ENDED);
    ck_assert_int_eq(progress.reason, LEASES_COMPLETED);
    ck_assert(digest_equal(&progress.global_root, &global));
    uint64_t deposit = 10;
    for (uint32_t p = MARKET_PROVIDER_A; p <= MARKET_PROVIDER_C; p++)
        ck_assert_uint_eq(market_balance(&m, p),
                          MARKET_FORTUNE - deposit + 2 * STUDIO_SEGMENT_PRICE);
    uint64_t fees = 2 * 3 * 2 * STUDIO_INTERVALS * STUDIO_FEE, paid = 2 * 3 * STUDIO_SEGMENT_PRICE,
             earned = 0;
    ck_assert_uint_eq(market_number(&progress.fees), fees);
    ck_assert_uint_eq(market_number(&progress.paid), paid);
    ck_assert_uint_eq(market_balance(&m, MARKET_CONSUMER), MARKET_FORTUNE - paid - fees);
    for (uint32_t r = MARKET_REPLAYER_0; r <= MARKET_REPLAYER_3; r++)
        earned += market_balance(&m, r) - MARKET_FORTUNE;
    ck_assert_uint_eq(earned, fees);
    struct contracts_supply supply = market_supply(&m);
    ck_assert_uint_eq(market_number(&supply.escrows), 0);
    ck_assert_uint_eq(market_number(&supply.stakes), 0);
    ck_assert_uint_eq(contracts_due(&m.view), MARKET_START + 1 + 90000000);
    market_release(&m);
}
END_TEST

START_TEST(history_of_a_finished_job_stays_in_state)
{
    studio_start(&m, 2, 2, 0);
    for (uint32_t round = 0; round < 2; round++) {
        studio_honest(&m, 1, 0);
        studio_honest(&m, 1, 1);
        studio_agree(&m, 1);
    }
    market_step(&m, 1);
    struct path path = path_1("round/", 1);
    path_u32(&path, 0);
    struct jobs_round round;
    struct digest next = studio_hash("global", 1, 0, 0);
    ck_assert(view_load(&m.view, path_key(&path), &jobs_round_record, &round));
    ck_assert_uint_eq(round.included, 3);
    ck_assert(digest_equal(&round.next_root, &next));
    struct jobs_result result;
    path = path_1("result/", 1);
    path_u32(&path, 1);
    path_u16(&path, 1);
    path_u16(&path, 0);
    ck_assert(view_load(&m.view, path_key(&path), &jobs_result_record, &result));
    ck_assert_int_eq(result.reason, LEASES_COMPLETED);
    ck_assert_uint_eq(market_number(&result.paid), STUDIO_SEGMENT_PRICE);
    market_release(&m);
}
END_TEST

START_TEST(a_made_up_end_is_caught_slashed_and_finished_by_another)
{
    studio_start(&m, 3, 1, 0);
    studio_offer(&m, MARKET_PROVIDER_D, STUDIO_PRICE + 50, 1);
    uint32_t cheat = studio_worker(&m, 1, 1);
    studio_honest(&m, 1, 0);
    ck_assert_int_eq(studio_commit(&m, cheat, 1, 1, 7), VERDICT_OK);
    studio_replay(
        &m, 1,
        1); /* one disputes; the other opens while the vote runs, and both votes are equal: decided */
    struct jobs_slot slot = studio_slot(&m, 1, 1);
    ck_assert_int_eq(slot.status, JOBS_SLOT_WAITING);
    ck_assert_int_eq(slot.attempt, 1);
    ck_assert_uint_eq(market_events(&m, EVENT_VOTE_DECIDED), 1);
    market_step(&m, 1);
    ck_assert_uint_eq(studio_worker(&m, 1, 1), MARKET_PROVIDER_D);
    studio_honest(&m, 1, 1);
    studio_honest(&m, 1, 2);
    studio_agree(&m, 1);
    ck_assert_int_eq(studio_progress(&m, 1).reason, LEASES_COMPLETED);

    ck_assert_uint_eq(market_balance(&m, cheat), MARKET_FORTUNE - 10 - STUDIO_STAKE);
    ck_assert_uint_eq(market_balance(&m, MARKET_PROVIDER_D), MARKET_FORTUNE - 10 + 585);
    uint64_t fee = STUDIO_INTERVALS * STUDIO_FEE;
    struct contracts_supply supply = market_supply(&m);
    ck_assert_uint_eq(market_number(&supply.treasury), STUDIO_STAKE - 2 * fee - 2 * ((STUDIO_STAKE - 2 * fee) / 4 / 2));
    struct jobs_result result;
    struct path path = path_1("result/", 1);
    path_u32(&path, 0);
    path_u16(&path, 1);
    path_u16(&path, 0);
    ck_assert(view_load(&m.view, path_key(&path), &jobs_result_record, &result));
    ck_assert_int_eq(result.reason, LEASES_FRAUD);
    ck_assert(result.decided);
    ck_assert_uint_eq(result.answer.interval, 6);
    struct trace_leaf truth = studio_leaf(0, 1, 7);
    ck_assert(trace_leaf_equal(&result.answer.leaf, &truth));
    market_release(&m);
}
END_TEST

START_TEST(a_silent_worker_loses_a_little_and_its_slot)
{
    studio_start(&m, 2, 1, 0);
    studio_offer(&m, MARKET_PROVIDER_D, STUDIO_PRICE, 1);
    uint32_t silent = studio_worker(&m, 1, 0);
    market_step(&m, STUDIO_SEGMENT);
    ck_assert_int_eq(studio_slot(&m, 1, 0).attempt, 1);
    ck_assert_uint_eq(market_balance(&m, silent), MARKET_FORTUNE - 10 - STUDIO_STAKE / 10);
    ck_assert_uint_eq(studio_worker(&m, 1, 0), MARKET_PROVIDER_D);
    struct leases_item item;
    ck_assert(leases_get_item(&m.view, 1, 0, &item));
    ck_assert_int_eq(item.reason, LEASES_SILENT);
    market_release(&m);
}
END_TEST

START_TEST(a_job_waits_for_machines_and_starts_when_they_appear)
{
    struct digest roots[JOBS_WORKERS_MAX];
    studio_init(&m);
    studio_offer(&m, MARKET_PROVIDER_A, STUDIO_PRICE, 1);
    struct jobs_submit terms = studio_terms(&m, 2, 1, roots);
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
    market_step(&m, 1);
    ck_assert_int_eq(studio_progress(&m, 1).status, JOBS_WAITING);
    ck_assert_int_eq(studio_progress(&m, 1).search, SCHEDULE_NONE);
    struct offers_offer offer;
    ck_assert(offers_get(&m.view, 1, &offer));
    ck_assert_uint_eq(offer.leased, 0);
    studio_offer(&m, MARKET_PROVIDER_B, STUDIO_PRICE, 1);
    market_step(&m, m.parameters.match_retry_ms);
    ck_assert_int_eq(studio_progress(&m, 1).status, JOBS_RUNNING);
    ck_assert(offers_get(&m.view, 1, &offer));
    ck_assert_uint_eq(offer.leased, 1);
    market_release(&m);
}
END_TEST

START_TEST(cancelling_a_waiting_job_gives_everything_back)
{
    struct digest roots[JOBS_WORKERS_MAX];
    struct jobs_cancel cancel = {.job = 1};
    studio_init(&m);
    struct jobs_submit terms = studio_terms(&m, 2, 1, roots);
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
    ck_assert_int_eq(market_call(&m, MARKET_CONSUMER, CATALOG_JOBS, JOBS_CANCEL, &cancel),
                     VERDICT_OK);
    ck_assert_int_eq(studio_progress(&m, 1).reason, LEASES_CANCELLED);
    ck_assert_uint_eq(market_balance(&m, MARKET_CONSUMER), MARKET_FORTUNE);
    ck_assert_int_eq(market_call(&m, MARKET_CONSUMER, CATALOG_JOBS, JOBS_CANCEL, &cancel),
                     VERDICT_WRONG_STATE);
    ck_assert_uint_eq(contracts_due(&m.view), UINT64_MAX);
    market_release(&m);
}
END_TEST

START_TEST(a_running_job_is_cancelled_when_its_round_is_paid)
{
    struct jobs_cancel cancel = {.job = 1};
    studio_start(&m, 2, 5, 0);
    studio_honest(&m, 1, 0);
    ck_assert_int_eq(market_call(&m, MARKET_PROVIDER_A, CATALOG_JOBS, JOBS_CANCEL, &cancel),
                     VERDICT_NOT_PERMITTED);
    ck_assert_int_eq(market_call(&m, MARKET_CONSUMER, CATALOG_JOBS, JOBS_CANCEL, &cancel),
                     VERDICT_OK);
    ck_assert_int_eq(market_call(&m, MARKET_CONSUMER, CATALOG_JOBS, JOBS_CANCEL, &cancel),
                     VERDICT_ALREADY_DONE);
    studio_honest(&m, 1, 1);
    ck_assert_int_eq(studio_progress(&m, 1).status, JOBS_ENDED);
    ck_assert_int_eq(studio_progress(&m, 1).reason, LEASES_CANCELLED);
    uint64_t cost = 2 * (STUDIO_SEGMENT_PRICE + 2 * STUDIO_INTERVALS * STUDIO_FEE);
    ck_assert_uint_eq(market_balance(&m, MARKET_CONSUMER), MARKET_FORTUNE - cost);
    market_release(&m);
}
END_TEST

START_TEST(expiry_frees_everything_when_all_parties_are_gone)
{
    studio_start(&m, 3, 2, 0);
    ck_assert_int_eq(studio_commit(&m, studio_worker(&m, 1, 0), 1, 0, UINT32_MAX), VERDICT_OK);
    ck_assert_int_eq(studio_seal(&m, 1, 0, 1, UINT32_MAX), VERDICT_OK);
    market_step(&m, 10000000);
    for (int i = 0; i < 4; i++) /* the commitment's audit goes on, until nobody is left to replay */
        market_step(&m, STUDIO_REPLAY);
    ck_assert_int_eq(studio_progress(&m, 1).status, JOBS_ENDED);
    ck_assert_int_eq(studio_progress(&m, 1).reason, LEASES_EXPIRED);
    struct contracts_supply supply = market_supply(&m);
    ck_assert_uint_eq(market_number(&supply.escrows), 0);
    ck_assert_uint_eq(market_number(&supply.stakes), 0);
    ck_assert_uint_eq(market_balance(&m, MARKET_CONSUMER), MARKET_FORTUNE);
    market_step(&m, 200000000);
    market_step(&m, 1);
    supply = market_supply(&m);
    ck_assert_uint_eq(market_number(&supply.deposits), 0);
    ck_assert_uint_eq(contracts_due(&m.view), UINT64_MAX);
    market_release(&m);
}
END_TEST

/* The longest that a segment and its audit take: three passes of replay and opening, and a vote after each; the claim, and to open
 * once more what it shows. */
#define WHOLE_MS (STUDIO_SEGMENT + 3 * (STUDIO_REPLAY + 4000 + STUDIO_REPLAY) + 2 * 4000)

START_TEST(a_deadline_that_leaves_no_time_for_an_audit_is_refused)
{
    struct digest roots[JOBS_WORKERS_MAX];
    studio_init(&m);
    struct jobs_submit terms = studio_terms(&m, 1, 1, roots);
    terms.deadline_ms = m.context.time_ms + WHOLE_MS - 1;
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OUT_OF_BOUNDS);
    terms.deadline_ms++;
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
    studio_offer(&m, MARKET_PROVIDER_A, STUDIO_PRICE, 1);
    market_step(&m, 1); /* too late by a millisecond: nobody is leased for nothing */
    ck_assert_int_eq(studio_progress(&m, 1).reason, LEASES_EXPIRED);
    ck_assert_uint_eq(studio_progress(&m, 1).lease, 0);
    ck_assert_uint_eq(market_balance(&m, MARKET_CONSUMER), MARKET_FORTUNE);
    market_release(&m);
}
END_TEST

START_TEST(no_segment_is_begun_anew_that_the_deadline_would_cut)
{
    struct digest roots[JOBS_WORKERS_MAX];
    studio_init(&m);
    studio_offer(&m, MARKET_PROVIDER_A, STUDIO_PRICE, 1);
    studio_offer(&m, MARKET_PROVIDER_B, STUDIO_PRICE, 1);
    struct jobs_submit terms = studio_terms(&m, 1, 1, roots);
    terms.deadline_ms = m.context.time_ms + WHOLE_MS + STUDIO_SEGMENT / 2;
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
    market_step(&m, 1);
    market_step(&m, STUDIO_SEGMENT); /* silent; the round has time, the job hasn't */
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_MISSED);
    ck_assert_int_eq(studio_progress(&m, 1).reason, LEASES_EXPIRED);
    market_release(&m);
}
END_TEST

START_TEST(a_segment_that_takes_too_long_to_challenge_is_refused)
{
    struct digest roots[JOBS_WORKERS_MAX];
    struct program_layer layers[3];
    studio_init(&m);
    m.parameters.replay_mmacs = 1;
    m.parameters.stake_min = units_zero;
    parameters_put(&m.view, &m.parameters);
    struct jobs_submit terms = studio_terms(&m, 1, 1, roots);
    struct program program = studio_program(layers);
    terms.sample = 1;
    terms.replay_ms = JOBS_TIME_MAX_MS / 4;
    terms.deadline_ms = m.context.time_ms + JOBS_LIFE_MS;
    for (uint32_t times = 600; times <= 700; times += 100) { /* of 3,902 s */
        program.steps = 200 * times;
        program.interval = 20 * times;
        terms.program = record_bytes(&m.arena, &program_record, &program);
        ck_assert_int_eq(studio_submit(&m, &terms), times * 3902669ull > JOBS_TIME_MAX_MS
                                                        ? VERDICT_OUT_OF_BOUNDS
                                                        : VERDICT_OK);
    }
    market_release(&m);
}
END_TEST

START_TEST(no_round_opens_that_the_deadline_would_cut)
{
    struct digest roots[JOBS_WORKERS_MAX];
    studio_init(&m);
    studio_offer(&m, MARKET_PROVIDER_A, STUDIO_PRICE, 1);
    struct jobs_submit terms = studio_terms(&m, 1, 2, roots);
    terms.deadline_ms = m.context.time_ms + WHOLE_MS + 1000;
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
    market_step(&m, 1);
    studio_honest(&m, 1, 0);
    market_step(&m, 1000);
    studio_agree(&m, 1);
    ck_assert_int_eq(studio_progress(&m, 1).reason, LEASES_EXPIRED);
    ck_assert_uint_eq(studio_progress(&m, 1).round, 1); /* the first one counts */
    ck_assert_uint_eq(market_balance(&m, MARKET_PROVIDER_A),
                      MARKET_FORTUNE - 10 + STUDIO_SEGMENT_PRICE);
    market_release(&m);
}
END_TEST

START_TEST(what_is_committed_at_the_deadline_is_audited_and_paid)
{
    studio_start(&m, 2, 1, 0);
    uint32_t worker = studio_worker(&m, 1, 0);
    ck_assert_int_eq(studio_commit(&m, worker, 1, 0, UINT32_MAX), VERDICT_OK);
    market_step(&m, 10000000); /* the chain stood still meanwhile */
    ck_assert_int_eq(studio_progress(&m, 1).status, JOBS_RUNNING);
    ck_assert_int_eq(studio_progress(&m, 1).ending, LEASES_EXPIRED);
    ck_assert_uint_eq(market_events(&m, EVENT_JOB_ENDING), 1);
    ck_assert_int_eq(studio_slot(&m, 1, 1).status, JOBS_SLOT_MISSED);
    studio_replay(&m, 1, 0);
    ck_assert_int_eq(studio_progress(&m, 1).status, JOBS_ENDED);
    ck_assert_int_eq(studio_progress(&m, 1).reason, LEASES_EXPIRED);
    ck_assert_uint_eq(market_balance(&m, worker), MARKET_FORTUNE - 10 + STUDIO_SEGMENT_PRICE);
    market_step(&m, 1);
    market_release(&m);
}
END_TEST

START_TEST(a_job_that_is_cancelled_begins_no_segment)
{
    struct jobs_cancel cancel = {.job = 1};
    studio_start(&m, 2, 1, 0);
    studio_offer(&m, MARKET_PROVIDER_D, STUDIO_PRICE, 1);
    ck_assert_int_eq(market_call(&m, MARKET_CONSUMER, CATALOG_JOBS, JOBS_CANCEL, &cancel),
                     VERDICT_OK);
    studio_honest(&m, 1, 0);
    market_step(&m, STUDIO_SEGMENT); /* the other worker is silent, and nobody takes its place */
    ck_assert_int_eq(studio_progress(&m, 1).reason, LEASES_CANCELLED);
    market_release(&m);
}
END_TEST

START_TEST(too_few_segments_get_one_extension_and_then_end_the_job)
{
    studio_start(&m, 2, 1, 0);
    studio_honest(&m, 1, 0);
    bool extended = false;
    for (int i = 0; i < 200 && studio_progress(&m, 1).status == JOBS_RUNNING; i++) {
        market_step(&m, 1000);
        extended |= studio_progress(&m, 1).extended;
    }
    ck_assert(extended);
    ck_assert_int_eq(studio_progress(&m, 1).status, JOBS_ENDED);
    ck_assert_int_eq(studio_progress(&m, 1).reason, LEASES_QUORUM_LOST);
    ck_assert_uint_eq(market_number(&(struct amount){{0}}), 0);
    market_release(&m);
}
END_TEST

START_TEST(a_round_that_nobody_closes_ends_the_job)
{
    studio_start(&m, 1, 3, 0);
    studio_honest(&m, 1, 0);
    ck_assert_int_eq(studio_close(&m, 1, 0, "global"), VERDICT_OK);
    ck_assert_int_eq(studio_close(&m, 1, 0, "global"), VERDICT_ALREADY_DONE);
    ck_assert_int_eq(studio_close(&m, 1, 1, "another"), VERDICT_OK);
    ck_assert_int_eq(studio_progress(&m, 1).status, JOBS_CLOSING);
    market_step(&m, STUDIO_REPLAY);
    ck_assert_int_eq(studio_progress(&m, 1).reason, LEASES_UNCLOSED);
    market_release(&m);
}
END_TEST

START_TEST(outsiders_are_refused_with_the_exact_verdict)
{
    studio_start(&m, 2, 2, 0);
    uint32_t worker = studio_worker(&m, 1, 0), other = studio_worker(&m, 1, 1);
    ck_assert_int_eq(studio_commit(&m, MARKET_STRANGER, 1, 0, UINT32_MAX), VERDICT_NO_ACCOUNT);
    ck_assert_int_eq(studio_commit(&m, MARKET_CONSUMER, 1, 0, UINT32_MAX), VERDICT_NOT_PERMITTED);
    ck_assert_int_eq(studio_commit(&m, other, 1, 0, UINT32_MAX), VERDICT_NOT_WORKER);
    ck_assert_int_eq(studio_close(&m, 1, 0, "global"), VERDICT_WRONG_STATE);
    struct jobs_cast vote = {.segment = studio_segment(&m, 1, 0)};
    ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_0, CATALOG_JOBS, JOBS_VOTE, &vote),
                     VERDICT_WRONG_STATE);
    struct jobs_seal seal = {.segment = studio_segment(&m, 1, 0)};
    ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_0, CATALOG_JOBS, JOBS_SEAL, &seal),
                     VERDICT_WRONG_STATE);
    ck_assert_int_eq(studio_commit(&m, worker, 1, 0, UINT32_MAX), VERDICT_OK);
    ck_assert_int_eq(studio_commit(&m, worker, 1, 0, UINT32_MAX), VERDICT_WRONG_STATE);
    seal.segment.attempt = 1;
    ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_0, CATALOG_JOBS, JOBS_SEAL, &seal),
                     VERDICT_STALE);
    seal.segment = (struct jobs_segment){.job = 9};
    ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_0, CATALOG_JOBS, JOBS_SEAL, &seal),
                     VERDICT_NOT_FOUND);
    ck_assert_int_eq(market_call(&m, worker, CATALOG_JOBS, JOBS_SEAL, &seal),
                     VERDICT_NOT_PERMITTED);
    market_release(&m);
}
END_TEST

START_TEST(a_commitment_must_fit_its_lease_and_its_own_root)
{
    studio_start(&m, 1, 1, 0);
    uint32_t worker = studio_worker(&m, 1, 0);
    struct digest leaves[STUDIO_INTERVALS + 1];
    struct jobs_commit good = {
        .segment = studio_segment(&m, 1, 0), .leaves = leaves, .leaf_count = STUDIO_INTERVALS + 1};
    for (uint32_t i = 0; i <= STUDIO_INTERVALS; i++) {
        good.end = studio_leaf(0, 0, i);
        leaves[i] = trace_leaf_digest(&good.end);
    }
    good.trace_root = merkle_root(leaves, good.leaf_count);
    struct jobs_commit bad = good;
    bad.leaf_count--;
    ck_assert_int_eq(market_call(&m, worker, CATALOG_JOBS, JOBS_COMMIT, &bad),
                     VERDICT_WRONG_LEAVES);
    bad = good;
    bad.end.witness.bytes[0] ^= 1;
    ck_assert_int_eq(market_call(&m, worker, CATALOG_JOBS, JOBS_COMMIT, &bad), VERDICT_WRONG_END);
    bad = good;
    bad.trace_root.bytes[31] ^= 1;
    ck_assert_int_eq(market_call(&m, worker, CATALOG_JOBS, JOBS_COMMIT, &bad),
                     VERDICT_WRONG_TRACE_ROOT);
    leaves[0].bytes[0] ^= 1;
    ck_assert_int_eq(market_call(&m, worker, CATALOG_JOBS, JOBS_COMMIT, &good),
                     VERDICT_WRONG_START);
    leaves[0].bytes[0] ^= 1;
    ck_assert_int_eq(market_call(&m, worker, CATALOG_JOBS, JOBS_COMMIT, &good), VERDICT_OK);
    market_release(&m);
}
END_TEST

START_TEST(a_deadline_that_has_come_refuses_a_call_even_before_it_is_worked_off)
{
    studio_start(&m, 1, 1, 0);
    uint32_t worker = studio_worker(&m, 1, 0);
    market_close(&m);
    market_open(&m, studio_slot(&m, 1, 0).deadline_ms);
    ck_assert_int_eq(studio_commit(&m, worker, 1, 0, UINT32_MAX), VERDICT_TOO_LATE);
    market_release(&m);
}
END_TEST

START_TEST(a_queue_of_matches_holds_up_no_deadline)
{
    studio_start(&m, 1, 1, 0);
    for (uint64_t job = 1000; job < 1200; job++)
        due_set(&m.view, DUE_MATCH, job, 0, 0, m.context.time_ms + 1);
    market_step(&m, STUDIO_SEGMENT);
    ck_assert_int_ne(studio_slot(&m, 1, 0).status, JOBS_SLOT_TRAINING);
    ck_assert_uint_eq(contracts_due(&m.view), m.context.time_ms - STUDIO_SEGMENT + 1);
    market_release(&m);
}
END_TEST

/* The attack: statements without number, whose serials all fall due at once. */
START_TEST(serials_to_forget_hold_up_no_deadline)
{
    studio_start(&m, 1, 1, 0);
    for (uint64_t number = 1000; number < 1200; number++)
        due_set(&m.view, DUE_STATEMENT, number, 0, 0, m.context.time_ms + 1);
    market_step(&m, STUDIO_SEGMENT);
    ck_assert_int_ne(studio_slot(&m, 1, 0).status, JOBS_SLOT_TRAINING);
    market_release(&m);
}
END_TEST

START_TEST(a_slot_that_waits_long_is_looked_at_seldom)
{
    struct digest roots[JOBS_WORKERS_MAX];
    studio_init(&m);
    m.parameters.match_retry_ms = 100;
    parameters_put(&m.view, &m.parameters);
    studio_offer(&m, MARKET_PROVIDER_A, STUDIO_PRICE, 1);
    struct jobs_submit terms = studio_terms(&m, 1, 1, roots);
    terms.round_ms = 1000000;
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
    market_step(&m, 1);
    market_step(&m, STUDIO_SEGMENT); /* its worker is silent */
    uint64_t since = m.context.time_ms;
    uint32_t looks = 0;
    for (; m.context.time_ms < since + 500000; looks++) {
        ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_WAITING);
        ck_assert_uint_le(studio_slot(&m, 1, 0).deadline_ms,
                          m.context.time_ms + 100 + (m.context.time_ms - since) / 8);
        market_step(&m, contracts_due(&m.view) - m.context.time_ms);
    }
    ck_assert_uint_lt(looks, 100); /* not 5000 */
    studio_offer(&m, MARKET_PROVIDER_B, STUDIO_PRICE, 1);
    market_step(&m, contracts_due(&m.view) - m.context.time_ms);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_TRAINING);
    market_release(&m);
}
END_TEST

START_TEST(nobody_fills_the_list_of_open_jobs_alone_or_for_nothing)
{
    struct digest roots[JOBS_WORKERS_MAX];
    struct jobs_cancel cancel = {.job = 2};
    studio_init(&m);
    struct jobs_submit terms = studio_terms(&m, 1, 1, roots);
    terms.price_max = units_amount(1); /* no offer is so cheap: it waits */
    terms.replay_fee = units_amount(1);
    uint64_t budget = 1 + 2 * STUDIO_INTERVALS;
    terms.budget = units_amount(budget);
    for (int i = 0; i < JOBS_ACCOUNT_MAX; i++)
        ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
    uint64_t open = JOBS_ACCOUNT_MAX, deposits = STUDIO_DEPOSIT * open * (open + 1) / 2;
    ck_assert_uint_eq(market_balance(&m, MARKET_CONSUMER), MARKET_FORTUNE - open * budget - deposits);
    struct contracts_supply supply = market_supply(&m);
    ck_assert_uint_eq(market_number(&supply.deposits), deposits);
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_TOO_MANY);
    ck_assert_int_eq(market_call(&m, MARKET_CONSUMER, CATALOG_JOBS, JOBS_CANCEL, &cancel),
                     VERDICT_OK);
    ck_assert_uint_eq(market_balance(&m, MARKET_CONSUMER),
                      MARKET_FORTUNE - (open - 1) * budget - (deposits - 2 * STUDIO_DEPOSIT));
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
    market_step(&m, 1);
    for (int i = 0; i < 3; i++) /* everything is worked off a bounded number a block */
        market_step(&m, 10000000);
    ck_assert_uint_eq(market_balance(&m, MARKET_CONSUMER), MARKET_FORTUNE);
    market_release(&m);
}
END_TEST

START_TEST(a_job_whose_deposit_is_not_covered_is_refused)
{
    struct digest roots[JOBS_WORKERS_MAX];
    studio_init(&m);
    struct jobs_submit terms = studio_terms(&m, 1, 1, roots);
    terms.budget = units_amount(MARKET_FORTUNE - STUDIO_DEPOSIT + 1);
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_BALANCE_TOO_LOW);
    terms.budget = units_amount(MARKET_FORTUNE - STUDIO_DEPOSIT);
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
    market_release(&m);
}
END_TEST

START_TEST(a_job_that_waits_long_is_looked_at_seldom)
{
    struct digest roots[JOBS_WORKERS_MAX];
    studio_init(&m);
    struct jobs_submit terms = studio_terms(&m, 1, 1, roots);
    terms.deadline_ms = m.context.time_ms + JOBS_LIFE_MS;
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
    const uint64_t hour = 3600000, submitted = m.context.time_ms;
    const struct {
        uint64_t age_ms, wait_ms;
    } table[] = {{1, 5000}, {10000, 5000}, {80000, 10000}, {8 * hour, hour}, {100 * hour, hour}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        market_step(&m, submitted + table[i].age_ms - m.context.time_ms);
        ck_assert_uint_eq(studio_progress(&m, 1).deadline_ms, m.context.time_ms + table[i].wait_ms);
    }
    market_release(&m);
}
END_TEST

START_TEST(a_gpt_is_a_job_for_machines_that_it_fits)
{
    struct digest roots[JOBS_WORKERS_MAX];
    struct story story;
    struct arena arena;
    studio_init(&m);
    arena_init(&arena, 1u << 16);
    story_program(&story);
    struct program_gpt *gpt = &story.program.gpt;
    *gpt =
        (struct program_gpt){1, 4, 64, 2, 65536, 1, 0, 0, 0, 0, 0}; /* much memory, little work */
    struct jobs_submit terms = studio_terms(&m, 2, 2, roots);
    terms.program = record_bytes(&arena, program_record_of(&story.program), &story.program);
    terms.memory_mib = program_memory_mib(&story.program) - 1;
    ck_assert_uint_gt(terms.memory_mib, 100);
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OUT_OF_BOUNDS);
    terms.memory_mib++;
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
    arena_release(&arena);
    market_release(&m);
}
END_TEST

START_TEST(terms_out_of_their_bounds_are_refused)
{
    struct digest roots[JOBS_WORKERS_MAX];
    studio_init(&m);
    struct jobs_submit good = studio_terms(&m, 2, 2, roots), bad = good;
    bad.program = bytes_text("x");
    ck_assert_int_eq(studio_submit(&m, &bad), VERDICT_BAD_PROGRAM);
#define REFUSED(change, verdict)                                                                   \
    do {                                                                                           \
        bad = good;                                                                                \
        change;                                                                                    \
        ck_assert_int_eq(studio_submit(&m, &bad), verdict);                                        \
    } while (0)
    REFUSED(bad.rounds = 0, VERDICT_OUT_OF_BOUNDS);
    REFUSED(bad.rounds = JOBS_ROUNDS_MAX + 1, VERDICT_OUT_OF_BOUNDS);
    REFUSED(bad.workers = 3, VERDICT_OUT_OF_BOUNDS);
    REFUSED(bad.quorum = 0, VERDICT_OUT_OF_BOUNDS);
    REFUSED(bad.quorum = 3, VERDICT_OUT_OF_BOUNDS);
    REFUSED(bad.stake = units_zero, VERDICT_OUT_OF_BOUNDS);
    REFUSED(bad.price_max = units_zero, VERDICT_OUT_OF_BOUNDS);
    REFUSED(bad.replay_fee = units_zero, VERDICT_OUT_OF_BOUNDS); /* nobody replays for nothing */
    REFUSED(bad.sample = STUDIO_INTERVALS + 1, VERDICT_OUT_OF_BOUNDS);
    REFUSED(bad.segment_ms = m.parameters.answer_ms - 1, VERDICT_OUT_OF_BOUNDS);
    REFUSED(bad.replay_ms = m.parameters.answer_ms - 1, VERDICT_OUT_OF_BOUNDS);
    REFUSED(bad.replay_ms = JOBS_TIME_MAX_MS + 1, VERDICT_OUT_OF_BOUNDS);
    REFUSED(bad.round_ms = STUDIO_SEGMENT - 1, VERDICT_OUT_OF_BOUNDS);
    REFUSED(bad.deadline_ms = m.context.time_ms, VERDICT_OUT_OF_BOUNDS);
    REFUSED(bad.deadline_ms = UINT64_MAX, VERDICT_OUT_OF_BOUNDS);
    REFUSED(bad.budget = units_amount(2 * 2 * (1000 + 2 * 10 * STUDIO_FEE) - 1),
            VERDICT_BUDGET_TOO_SMALL);
    REFUSED(bad.budget = units_amount(MARKET_FORTUNE + 1), VERDICT_BALANCE_TOO_LOW);
    REFUSED(memset(bad.price_max.be, 0xff, 32), VERDICT_OVERFLOW);
#undef REFUSED
    ck_assert_int_eq(studio_submit(&m, &good), VERDICT_OK);
    market_release(&m);
}
END_TEST

START_TEST(a_state_that_no_node_stores_is_no_job)
{
    struct digest roots[JOBS_WORKERS_MAX];
    struct program_layer layers[3];
    studio_init(&m);
    m.parameters.stake_min = units_zero;
    m.parameters.replay_mib = 1u << 24;
    parameters_put(&m.view, &m.parameters);
    struct jobs_submit terms = studio_terms(&m, 1, 1, roots);
    struct program program = studio_program(layers);
    terms.replay_ms = JOBS_TIME_MAX_MS / 8;
    terms.deadline_ms = m.context.time_ms + JOBS_LIFE_MS;
    program.layer_count = 2;
    program.batch = 1;
    layers[0].width = 16384;
    for (uint32_t width = 12000; width <= 13000; width += 1000) {
        layers[1].width = width;
        terms.program = record_bytes(&m.arena, &program_record, &program);
        terms.memory_mib = program_memory_mib(&program);
        bool is_stored = state_chunk_count(&program, STATE_SEGMENT) <= JOBS_CHUNKS_MAX;
        ck_assert_int_eq(is_stored, width == 12000);
        ck_assert_int_eq(studio_submit(&m, &terms), is_stored ? VERDICT_OK : VERDICT_OUT_OF_BOUNDS);
    }
    market_release(&m);
}
END_TEST

START_TEST(no_terms_leave_a_replayer_less_than_its_work_takes)
{
    struct digest roots[JOBS_WORKERS_MAX];
    struct program_layer layers[3];
    uint64_t work;
    studio_init(&m);
    m.parameters.stake_min = units_zero;
    parameters_put(&m.view, &m.parameters);
    struct jobs_submit terms = studio_terms(&m, 2, 2, roots);
    struct program program = studio_program(layers);
    program.batch *= 10;
    ck_assert(program_work(&work, &program));
    terms.program = record_bytes(&m.arena, &program_record, &program);
    /* both slots' segments are committed at once, and may come to the same replayer */
    terms.replay_ms = 2 * work / 1000 / m.parameters.replay_mmacs - 1;
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OUT_OF_BOUNDS);
    terms.replay_ms += 2;
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
    terms.replay_ms = m.parameters.answer_ms;
    terms.sample = 1; /* a tenth of the work */
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
    market_release(&m);
}
END_TEST

/* The attack: terms that an honest machine can't keep, for want of memory or of time to move the states. */
START_TEST(terms_that_ask_for_more_than_every_machine_has_are_refused)
{
    struct digest roots[JOBS_WORKERS_MAX];
    struct program_layer layers[3];
    struct program program = studio_program(layers);
    uint64_t kib = state_chunk_count(&program, STATE_SEGMENT) * 64;
    studio_init(&m);
    struct jobs_submit terms = studio_terms(&m, 2, 1, roots);
    terms.sample = 4;                                     /* 4 starts and an end of each slot, in 8 s */
    m.parameters.replay_mmacs = 1000000;                  /* and no time to replay */
    m.parameters.transfer_kib = 2 * 5 * kib * 1000 / 7990;
    parameters_put(&m.view, &m.parameters);
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
    m.parameters.transfer_kib = 2 * 5 * kib * 1000 / 8010;
    parameters_put(&m.view, &m.parameters);
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OUT_OF_BOUNDS);
    terms.replay_ms *= 10;
    m.parameters.transfer_kib = 3 * kib * 1000 / (STUDIO_SEGMENT + 10); /* a worker's three states */
    parameters_put(&m.view, &m.parameters);
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OUT_OF_BOUNDS);
    m.parameters.transfer_kib = 3 * kib * 1000 / (STUDIO_SEGMENT - 10);
    m.parameters.replay_mib = program_memory_mib(&program);
    parameters_put(&m.view, &m.parameters);
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
    m.parameters.replay_mib--;
    parameters_put(&m.view, &m.parameters);
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OUT_OF_BOUNDS);
    market_release(&m);
}
END_TEST

/* The attack: commitments that cost nothing make others replay. */
START_TEST(a_stake_is_at_least_in_proportion_to_the_work)
{
    struct digest roots[JOBS_WORKERS_MAX];
    studio_init(&m);
    struct jobs_submit terms = studio_terms(&m, 1, 1, roots);
    terms.stake = units_amount(389);
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_STAKE_TOO_LOW);
    terms.stake = units_amount(390); /* 3.9 times stake_min */
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
    market_release(&m);
}
END_TEST

HARNESS_MAIN("jobs", terms_that_ask_for_more_than_every_machine_has_are_refused,
             a_stake_is_at_least_in_proportion_to_the_work, honest_workers_are_paid_exactly_and_the_rest_goes_home,
             history_of_a_finished_job_stays_in_state,
             a_made_up_end_is_caught_slashed_and_finished_by_another,
             a_silent_worker_loses_a_little_and_its_slot,
             a_job_waits_for_machines_and_starts_when_they_appear,
             cancelling_a_waiting_job_gives_everything_back,
             a_running_job_is_cancelled_when_its_round_is_paid,
             expiry_frees_everything_when_all_parties_are_gone,
             too_few_segments_get_one_extension_and_then_end_the_job,
             a_round_that_nobody_closes_ends_the_job, outsiders_are_refused_with_the_exact_verdict,
             a_commitment_must_fit_its_lease_and_its_own_root,
             a_deadline_that_has_come_refuses_a_call_even_before_it_is_worked_off,
             a_gpt_is_a_job_for_machines_that_it_fits, terms_out_of_their_bounds_are_refused,
             a_queue_of_matches_holds_up_no_deadline, serials_to_forget_hold_up_no_deadline,
             a_slot_that_waits_long_is_looked_at_seldom,
             a_state_that_no_node_stores_is_no_job, no_terms_leave_a_replayer_less_than_its_work_takes,
             a_deadline_that_leaves_no_time_for_an_audit_is_refused,
             no_round_opens_that_the_deadline_would_cut,
             no_segment_is_begun_anew_that_the_deadline_would_cut,
             a_segment_that_takes_too_long_to_challenge_is_refused,
             what_is_committed_at_the_deadline_is_audited_and_paid,
             a_job_that_is_cancelled_begins_no_segment,
             nobody_fills_the_list_of_open_jobs_alone_or_for_nothing,
             a_job_whose_deposit_is_not_covered_is_refused,
             a_job_that_waits_long_is_looked_at_seldom)
