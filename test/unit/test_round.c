#include "contracts/round.h"

#include "test/unit/studio.h"

static struct market m;

/* A job with this quorum in round 0. */
static void begin(uint16_t workers, uint16_t quorum, uint32_t rounds)
{
    struct digest roots[JOBS_WORKERS_MAX];
    studio_init(&m);
    for (uint16_t w = 0; w < workers; w++)
        studio_offer(&m, MARKET_PROVIDER_A + w, STUDIO_PRICE, 1);
    struct jobs_submit terms = studio_terms(&m, workers, rounds, roots);
    terms.quorum = quorum;
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
    market_step(&m, 1);
}

static void wait_while(enum jobs_status status)
{
    for (int i = 0; i < 200 && studio_progress(&m, 1).status == status; i++)
        market_step(&m, 1000);
}

START_TEST(a_round_closes_with_a_quorum_when_the_rest_is_too_late)
{
    begin(3, 2, 2);
    studio_honest(&m, 1, 0);
    studio_honest(&m, 1, 2);
    ck_assert_int_eq(studio_progress(&m, 1).status, JOBS_RUNNING);
    wait_while(JOBS_RUNNING);
    ck_assert_int_eq(studio_progress(&m, 1).status, JOBS_CLOSING);
    ck_assert(!studio_progress(&m, 1).extended);
    ck_assert_int_eq(studio_slot(&m, 1, 1).status, JOBS_SLOT_MISSED);
    struct digest end = studio_slot(&m, 1, 0).end_root;
    studio_agree(&m, 1);

    struct jobs_round round;
    struct path path = path_1("round/", 1);
    path_u32(&path, 0);
    ck_assert(view_load(&m.view, path_key(&path), &jobs_round_record, &round));
    ck_assert_uint_eq(round.included, 5);
    struct digest residue = studio_slot(&m, 1, 0).residue_root,
                  none = studio_slot(&m, 1, 1).residue_root;
    ck_assert(digest_equal(&residue, &end));
    ck_assert(digest_is_zero(&none));
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_TRAINING);
    ck_assert_int_eq(studio_slot(&m, 1, 1).status,
                     JOBS_SLOT_WAITING); /* tried again in the next round */
    market_release(&m);
}
END_TEST

START_TEST(the_next_round_starts_from_what_f_plus_one_replayers_found)
{
    begin(1, 1, 2);
    studio_honest(&m, 1, 0);
    ck_assert_int_eq(studio_close(&m, 1, 3, "wrong"), VERDICT_OK);
    ck_assert_int_eq(studio_close(&m, 1, 0, "global"), VERDICT_OK);
    ck_assert_int_eq(studio_progress(&m, 1).round, 0);
    ck_assert_int_eq(studio_close(&m, 1, 1, "global"), VERDICT_OK);
    ck_assert_int_eq(studio_progress(&m, 1).round, 1);
    struct digest global = studio_hash("global", 1, 0, 0), start = studio_leaf(1, 0, 0).state_root;
    struct digest found = studio_progress(&m, 1).global_root,
                  leased = studio_slot(&m, 1, 0).start_root;
    ck_assert(digest_equal(&found, &global));
    ck_assert(digest_equal(&leased, &start));
    ck_assert_int_eq(studio_slot(&m, 1, 0).attempt, 0);
    market_release(&m);
}
END_TEST

START_TEST(results_that_differ_only_in_a_start_root_are_different)
{
    begin(1, 1, 2);
    studio_honest(&m, 1, 0);
    struct digest root = studio_hash("false start", 0, 0, 0);
    struct jobs_close args = {.job = 1,
                              .global_root = studio_hash("global", 1, 0, 0),
                              .start_roots = &root,
                              .start_root_count = 1};
    ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_3, CATALOG_JOBS, JOBS_CLOSE, &args),
                     VERDICT_OK);
    ck_assert_int_eq(studio_close(&m, 1, 0, "global"), VERDICT_OK);
    ck_assert_int_eq(studio_progress(&m, 1).status, JOBS_CLOSING);
    market_release(&m);
}
END_TEST

START_TEST(a_result_must_be_of_this_round_and_whole)
{
    begin(2, 2, 2);
    studio_honest(&m, 1, 0);
    studio_honest(&m, 1, 1);
    struct digest roots[2] = {studio_leaf(1, 0, 0).state_root, studio_leaf(1, 1, 0).state_root};
    struct jobs_close good = {.job = 1, .start_roots = roots, .start_root_count = 2}, bad = good;
    bad.job = 2;
    ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_0, CATALOG_JOBS, JOBS_CLOSE, &bad),
                     VERDICT_NOT_FOUND);
    bad = good;
    bad.round = 1;
    ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_0, CATALOG_JOBS, JOBS_CLOSE, &bad),
                     VERDICT_STALE);
    bad = good;
    bad.start_root_count = 1;
    ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_0, CATALOG_JOBS, JOBS_CLOSE, &bad),
                     VERDICT_OUT_OF_BOUNDS);
    ck_assert_int_eq(market_call(&m, MARKET_CONSUMER, CATALOG_JOBS, JOBS_CLOSE, &good),
                     VERDICT_NOT_PERMITTED);
    ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_0, CATALOG_JOBS, JOBS_CLOSE, &good),
                     VERDICT_OK);
    market_release(&m);
}
END_TEST

START_TEST(an_extension_lets_a_late_machine_save_the_round)
{
    begin(2, 2, 1);
    studio_honest(&m, 1, 0);
    for (int i = 0; i < 200 && !studio_progress(&m, 1).extended; i++)
        market_step(&m, 1000);
    ck_assert_int_eq(studio_slot(&m, 1, 1).status, JOBS_SLOT_WAITING);
    studio_offer(&m, MARKET_PROVIDER_D, STUDIO_PRICE, 1);
    for (int i = 0; i < 10; i++)
        market_step(&m, 1000);
    ck_assert_int_eq(studio_slot(&m, 1, 1).status, JOBS_SLOT_TRAINING);
    studio_honest(&m, 1, 1);
    ck_assert_int_eq(studio_progress(&m, 1).status, JOBS_CLOSING);
    market_release(&m);
}
END_TEST

HARNESS_MAIN("round", a_round_closes_with_a_quorum_when_the_rest_is_too_late,
             the_next_round_starts_from_what_f_plus_one_replayers_found,
             results_that_differ_only_in_a_start_root_are_different,
             a_result_must_be_of_this_round_and_whole,
             an_extension_lets_a_late_machine_save_the_round)
