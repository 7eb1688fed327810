/* The closed list of reasons for which an item of a lease ends, each reached; and that no ending keeps anything. */
#include "contracts/leases.h"

#include "test/unit/studio.h"

static struct market m;

static struct leases_item item(uint32_t number)
{
    struct leases_item out;
    ck_assert(leases_get_item(&m.view, 1, number, &out));
    return out;
}

static void commit(uint32_t false_from)
{
    ck_assert_int_eq(studio_commit(&m, MARKET_PROVIDER_A, 1, 0, false_from), VERDICT_OK);
}

static void dispute(void)
{
    commit(UINT32_MAX);
    ck_assert_int_eq(studio_seal(&m, 1, 0, 1, 4), VERDICT_OK);
    ck_assert_int_eq(studio_seal(&m, 1, 0, 2, UINT32_MAX), VERDICT_OK);
    ck_assert_int_eq(studio_open(&m, 1, 0, 1, 4), VERDICT_OK);
}

/* Brings item 0 of a job with one slot to its end for `reason`. */
static void finish(enum leases_reason reason)
{
    struct jobs_cancel cancel = {.job = 1};
    struct jobs_segment segment = studio_segment(&m, 1, 0);
    struct trace_leaf nothing = {.state_root = digest_zero};
    switch (reason) {
    case LEASES_OPEN:
        return;
    case LEASES_COMPLETED:
        studio_honest(&m, 1, 0);
        studio_agree(&m, 1);
        return;
    case LEASES_CANCELLED:
        ck_assert_int_eq(market_call(&m, MARKET_CONSUMER, CATALOG_JOBS, JOBS_CANCEL, &cancel),
                         VERDICT_OK);
        studio_honest(&m, 1, 0);
        return;
    case LEASES_FRAUD:
        commit(5);
        studio_replay(&m, 1, 0);
        return;
    case LEASES_WITHHELD:
        dispute();
        ck_assert_int_eq(studio_vote(&m, 1, 0, 0, nothing), VERDICT_OK);
        ck_assert_int_eq(studio_vote(&m, 1, 0, 3, nothing), VERDICT_OK);
        return;
    case LEASES_DIVERGED:
        ck_assert_int_eq(studio_diverge(&m, 1, 0, 4), VERDICT_OK);
        studio_replay_diverging(&m, 1, 0, 4);
        ck_assert_int_eq(studio_settle(&m, 1, 0), VERDICT_OK);
        return;
    case LEASES_SILENT:
        market_step(&m, STUDIO_SEGMENT);
        return;
    case LEASES_UNDECIDED:
        dispute();
        market_step(&m, STUDIO_REPLAY);
        return;
    case LEASES_UNAUDITED:
        commit(UINT32_MAX);
        for (int pass = 0; pass < 3; pass++)
            market_step(&m, STUDIO_REPLAY);
        return;
    case LEASES_EXPIRED:
    case LEASES_QUORUM_LOST:
        break; /* have tests of their own */
    case LEASES_UNCLOSED:
        studio_honest(&m, 1, 0);
        market_step(&m, STUDIO_REPLAY);
        return;
    case LEASES_DECLINED:
        ck_assert_int_eq(market_call(&m, MARKET_PROVIDER_A, CATALOG_JOBS, JOBS_DECLINE, &segment),
                         VERDICT_OK);
        return;
    }
}

START_TEST(each_reason_of_the_list_is_reached_and_frees_slot_and_stake)
{
    for (int reason = LEASES_COMPLETED; reason <= LEASES_DIVERGED; reason++) {
        if (reason == LEASES_EXPIRED || reason == LEASES_QUORUM_LOST)
            continue;
        struct offers_offer offer;
        struct credits_place stake = {CREDITS_STAKE, 1, 0};
        studio_start(&m, 1, 1, 0);
        struct amount locked = credits_locked(&m.view, stake);
        ck_assert_uint_eq(market_number(&locked), STUDIO_STAKE);
        finish((enum leases_reason)reason);
        ck_assert_msg(item(0).reason == reason, "%s, not %s", leases_reason_name(item(0).reason),
                      leases_reason_name((uint8_t)reason));
        ck_assert_uint_gt(item(0).ended_ms, 0);
        locked = credits_locked(&m.view, stake);
        ck_assert(units_amount_is_zero(&locked));
        ck_assert(offers_get(&m.view, 1, &offer));
        ck_assert_uint_eq(offer.leased, 0);
        market_step(&m, 0);
        market_release(&m);
    }
}
END_TEST

START_TEST(the_jobs_deadline_ends_its_items_without_a_penalty)
{
    struct digest roots[JOBS_WORKERS_MAX];
    studio_init(&m);
    studio_offer(&m, MARKET_PROVIDER_A, STUDIO_PRICE, 1);
    struct jobs_submit terms = studio_terms(&m, 1, 2, roots);
    terms.deadline_ms = m.context.time_ms + 8 * STUDIO_SEGMENT;
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
    market_step(&m, 1);
    ck_assert_int_eq(item(0).reason, LEASES_OPEN);
    market_step(&m, STUDIO_SEGMENT - 1);
    studio_honest(&m, 1, 0);
    market_step(&m, STUDIO_REPLAY - 1);
    studio_agree(&m, 1); /* what is left is too short for another segment */
    ck_assert_int_eq(item(0).reason, LEASES_EXPIRED);
    ck_assert_uint_eq(market_balance(&m, MARKET_PROVIDER_A),
                      MARKET_FORTUNE - 10 + STUDIO_SEGMENT_PRICE);
    market_release(&m);
}
END_TEST

START_TEST(a_lost_quorum_ends_the_items_of_those_who_were_verified)
{
    studio_start(&m, 2, 1, 0);
    studio_honest(&m, 1, 0);
    for (int i = 0; i < 200 && studio_progress(&m, 1).status == JOBS_RUNNING; i++)
        market_step(&m, 1000);
    ck_assert_int_eq(item(0).reason, LEASES_QUORUM_LOST);
    ck_assert_uint_eq(item(0).segments, 1);
    ck_assert_int_eq(item(1).reason, LEASES_SILENT);
    struct leases_lease lease;
    ck_assert(leases_get(&m.view, 1, &lease));
    ck_assert_int_eq(lease.reason, LEASES_QUORUM_LOST);
    market_release(&m);
}
END_TEST

START_TEST(an_item_ends_once)
{
    struct catalog_run run = {&m.view, &m.context, &m.events, &address_zero};
    studio_start(&m, 1, 1, 0);
    leases_end_item(&run, 1, 0, LEASES_CANCELLED);
    uint32_t events = m.events.count;
    leases_end_item(&run, 1, 0, LEASES_FRAUD);
    ck_assert_uint_eq(m.events.count, events);
    ck_assert_int_eq(item(0).reason, LEASES_CANCELLED);
    market_release(&m);
}
END_TEST

START_TEST(who_lost_an_item_by_its_own_fault_is_barred_from_the_lease)
{
    struct address barred[LEASES_ITEMS_MAX], cheat = market_address(MARKET_PROVIDER_A);
    studio_start(&m, 1, 1, 0);
    ck_assert_uint_eq(leases_barred(&m.view, 1, barred), 0);
    finish(LEASES_FRAUD);
    ck_assert_uint_eq(leases_barred(&m.view, 1, barred), 1);
    ck_assert(address_equal(&barred[0], &cheat));
    ck_assert_uint_eq(leases_barred(&m.view, 0, barred), 0);
    for (int i = 0; i < 5; i++)
        market_step(&m, 1000); /* its offer has room, but the slot stays empty */
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_WAITING);
    market_release(&m);
}
END_TEST

START_TEST(reasons_have_names)
{
    ck_assert_str_eq(leases_reason_name(LEASES_OPEN), "open");
    ck_assert_str_eq(leases_reason_name(LEASES_UNCLOSED), "unclosed");
    ck_assert_str_eq(leases_reason_name(200), "unknown");
}
END_TEST

HARNESS_MAIN("leases", each_reason_of_the_list_is_reached_and_frees_slot_and_stake,
             the_jobs_deadline_ends_its_items_without_a_penalty,
             a_lost_quorum_ends_the_items_of_those_who_were_verified, an_item_ends_once,
             who_lost_an_item_by_its_own_fault_is_barred_from_the_lease, reasons_have_names)
