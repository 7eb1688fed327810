/* The tables of contracts/jobs.h, walked: every call in every status, and every deadline. */
#include "contracts/attempt.h"

#include "contracts/audit.h"
#include "test/unit/studio.h"

static struct market m;

static enum verdict reveal(uint8_t seat)
{
    struct digest secret = market_beacon_secret(seat);
    struct beacon_reveal args = {.epoch = studio_epoch(&m), .preimage = beacon_chain(&secret, STUDIO_BEACON, 0)};
    return market_call(&m, MARKET_REPLAYER_0 + seat, CATALOG_BEACON, BEACON_REVEAL, &args);
}

static enum verdict draw(void)
{
    struct jobs_segment args = studio_segment(&m, 1, 0);
    return market_call(&m, MARKET_AUDITOR, CATALOG_JOBS, JOBS_DRAW, &args);
}

static enum verdict serve(void)
{
    struct attempt attempt;
    struct catalog_run run = {&m.view, &m.context, &m.events, &address_zero};
    uint16_t drawn[JOBS_INTERVALS_MAX];
    struct jobs_start starts[JOBS_INTERVALS_MAX];
    ck_assert(attempt_load(&attempt, &run, 1, 0));
    struct jobs_serve args = {.segment = studio_segment(&m, 1, 0), .starts = starts};
    args.start_count = audit_drawn(&attempt, drawn);
    for (uint32_t i = 0; i < args.start_count; i++)
        starts[i] = (struct jobs_start){drawn[i], studio_leaf(0, 0, drawn[i])};
    return market_call(&m, MARKET_PROVIDER_A, CATALOG_JOBS, JOBS_SERVE, &args);
}

/* Brings slot 0 of a job to `status`; another slot keeps the round open. */
static void reach(enum jobs_slot_status status)
{
    bool is_sampled = status == JOBS_SLOT_DRAWING || status == JOBS_SLOT_SERVING;
    studio_start(&m, 2, 1, is_sampled ? 2 : 0);
    if (status == JOBS_SLOT_WAITING || status == JOBS_SLOT_MISSED) {
        market_step(&m, STUDIO_SEGMENT);
        if (status == JOBS_SLOT_MISSED) /* after the round's extension: the job ends with it */
            for (int i = 0; i < 200 && studio_slot(&m, 1, 0).status == JOBS_SLOT_WAITING; i++)
                market_step(&m, 1000);
        ck_assert_int_eq(studio_slot(&m, 1, 0).status, status);
        return;
    }
    if (status == JOBS_SLOT_TRAINING)
        return;
    ck_assert_int_eq(studio_commit(&m, MARKET_PROVIDER_A, 1, 0, UINT32_MAX), VERDICT_OK);
    if (is_sampled && status == JOBS_SLOT_SERVING) {
        market_step(&m, 10000);
        ck_assert_int_eq(reveal(1), VERDICT_OK);
        ck_assert_int_eq(reveal(2), VERDICT_OK);
        ck_assert_int_eq(draw(), VERDICT_OK);
    }
    if (is_sampled || status == JOBS_SLOT_SEALING)
        return;
    uint32_t false_from =
        status == JOBS_SLOT_VOTING || status == JOBS_SLOT_CLAIMING ? 4 : UINT32_MAX;
    ck_assert_int_eq(studio_seal(&m, 1, 0, 1, false_from), VERDICT_OK);
    ck_assert_int_eq(studio_seal(&m, 1, 0, 2, UINT32_MAX), VERDICT_OK);
    if (status == JOBS_SLOT_OPENING)
        return;
    ck_assert_int_eq(studio_open_only(&m, 1, 0, 1, false_from), VERDICT_OK);
    if (status == JOBS_SLOT_VOTING)
        ck_assert_int_eq(studio_settle(&m, 1, 0), VERDICT_OK);
    if (status == JOBS_SLOT_VERIFIED)
        ck_assert_int_eq(studio_open(&m, 1, 0, 2, UINT32_MAX), VERDICT_OK);
}

enum method { COMMIT, DRAW, SERVE, SEAL, OPEN, CLAIM, VOTE, DECLINE, METHODS };

/* A well-formed call of the right sender; all that may be wrong is the status. */
static enum verdict call(enum method method)
{
    struct jobs_segment segment = studio_segment(&m, 1, 0);
    struct jobs_answer answers[STUDIO_INTERVALS];
    struct jobs_open_seal open = {
        .segment = segment, .answers = answers, .answer_count = STUDIO_INTERVALS};
    struct jobs_seal seal = {.segment = segment};
    struct jobs_claim claim = {.segment = segment};
    for (uint16_t i = 0; i < STUDIO_INTERVALS; i++)
        answers[i] = (struct jobs_answer){.interval = i, .leaf = studio_leaf(0, 0, i + 1u)};
    open.nonce = studio_hash("nonce", 0, 0, 2);
    switch (method) {
    case COMMIT:
        return studio_commit(&m, MARKET_PROVIDER_A, 1, 0, UINT32_MAX);
    case DRAW:
        return draw();
    case SERVE:
        return serve();
    case SEAL:
        return market_call(&m, MARKET_REPLAYER_2, CATALOG_JOBS, JOBS_SEAL, &seal);
    case OPEN:
        return market_call(&m, MARKET_REPLAYER_2, CATALOG_JOBS, JOBS_OPEN, &open);
    case CLAIM:
        return market_call(&m, MARKET_PROVIDER_A, CATALOG_JOBS, JOBS_CLAIM, &claim);
    case VOTE:
        return studio_vote(&m, 1, 0, 3, studio_leaf(0, 0, 5));
    case DECLINE:
        return market_call(&m, MARKET_PROVIDER_A, CATALOG_JOBS, JOBS_DECLINE, &segment);
    case METHODS:
        break;
    }
    return VERDICT_NO_METHOD;
}

START_TEST(each_call_is_possible_in_exactly_the_statuses_of_the_table)
{
    for (int status = JOBS_SLOT_WAITING; status <= JOBS_SLOT_CLAIMING; status++)
        for (int method = 0; method < METHODS; method++) {
            enum verdict expected = VERDICT_WRONG_STATE;
            if ((method == COMMIT && status == JOBS_SLOT_TRAINING) ||
                (method == DECLINE && status == JOBS_SLOT_TRAINING) ||
                (method == SERVE && status == JOBS_SLOT_SERVING) ||
                (method == SEAL && status == JOBS_SLOT_SEALING) ||
                (method == VOTE && status == JOBS_SLOT_VOTING) ||
                (method == CLAIM && status == JOBS_SLOT_CLAIMING) ||
                (method == OPEN && (status == JOBS_SLOT_OPENING || status == JOBS_SLOT_CLAIMING ||
                                    status == JOBS_SLOT_VOTING)))
                expected = VERDICT_OK;
            if (method == DRAW && status == JOBS_SLOT_DRAWING)
                expected = VERDICT_NOTHING_DRAWN; /* nobody has revealed */
            reach((enum jobs_slot_status)status);
            ck_assert_int_eq(studio_slot(&m, 1, 0).status, status);
            enum verdict verdict = call((enum method)method);
            ck_assert_msg(verdict == expected, "status %d, method %d: %s", status, method,
                          verdict_name((uint16_t)verdict));
            if (expected != VERDICT_OK)
                ck_assert_int_eq(studio_slot(&m, 1, 0).status, status);
            market_step(&m, 1);
            market_release(&m);
        }
}
END_TEST

START_TEST(each_deadline_moves_its_status_on_without_anybody)
{
    const struct {
        enum jobs_slot_status from, to;
        enum leases_reason reason; /* of the lease's item afterwards */
    } table[] = {
        {JOBS_SLOT_TRAINING, JOBS_SLOT_WAITING, LEASES_SILENT},
        {JOBS_SLOT_DRAWING, JOBS_SLOT_WAITING,
         LEASES_UNAUDITED}, /* nobody reveals: neither the first pair nor the second ... */
        {JOBS_SLOT_SERVING, JOBS_SLOT_WAITING, LEASES_WITHHELD},
        {JOBS_SLOT_SEALING, JOBS_SLOT_SEALING, LEASES_OPEN},
        {JOBS_SLOT_OPENING, JOBS_SLOT_SEALING, LEASES_OPEN},
        {JOBS_SLOT_CLAIMING, JOBS_SLOT_VOTING, LEASES_OPEN},
        {JOBS_SLOT_VOTING, JOBS_SLOT_WAITING, LEASES_UNDECIDED},
        {JOBS_SLOT_VERIFIED, JOBS_SLOT_VERIFIED, LEASES_OPEN},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct leases_item item;
        reach(table[i].from);
        uint64_t deadline = studio_slot(&m, 1, 0).deadline_ms, now = m.context.time_ms;
        market_step(&m, deadline > now ? deadline - now : 1);
        for (int pass = 0; table[i].from == JOBS_SLOT_DRAWING && pass < 2; pass++) {
            ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_DRAWING);
            ck_assert_int_eq(studio_slot(&m, 1, 0).summoned, pass); /* ... nor all of them */
            market_step(&m, studio_slot(&m, 1, 0).deadline_ms - m.context.time_ms);
        }
        ck_assert_msg(studio_slot(&m, 1, 0).status == table[i].to, "from %d to %d", table[i].from,
                      studio_slot(&m, 1, 0).status);
        ck_assert(leases_get_item(&m.view, 1, 0, &item));
        ck_assert_int_eq(item.reason, table[i].reason);
        market_release(&m);
    }
}
END_TEST

/* The attack: a job whose roots nobody can serve. */
START_TEST(who_cannot_begin_declines_in_time_and_keeps_its_stake)
{
    struct leases_item item;
    studio_start(&m, 1, 1, 0);
    studio_offer(&m, MARKET_PROVIDER_B, STUDIO_PRICE, 1);
    struct jobs_segment segment = studio_segment(&m, 1, 0);
    ck_assert_int_eq(market_call(&m, MARKET_PROVIDER_B, CATALOG_JOBS, JOBS_DECLINE, &segment),
                     VERDICT_NOT_WORKER);
    market_step(&m, m.parameters.answer_ms - 1);
    ck_assert_int_eq(market_call(&m, MARKET_PROVIDER_A, CATALOG_JOBS, JOBS_DECLINE, &segment),
                     VERDICT_OK);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_WAITING);
    ck_assert(leases_get_item(&m.view, 1, 0, &item));
    ck_assert_int_eq(item.reason, LEASES_DECLINED);
    ck_assert_uint_eq(market_balance(&m, MARKET_PROVIDER_A), MARKET_FORTUNE - 10);
    market_step(&m, 1); /* the other one, not the same once more */
    ck_assert_uint_eq(studio_worker(&m, 1, 0), MARKET_PROVIDER_B);
    market_step(&m, m.parameters.answer_ms);
    segment = studio_segment(&m, 1, 0);
    ck_assert_int_eq(market_call(&m, MARKET_PROVIDER_B, CATALOG_JOBS, JOBS_DECLINE, &segment),
                     VERDICT_TOO_LATE);
    market_release(&m);
}
END_TEST

START_TEST(a_slot_that_is_lost_too_late_is_missed)
{
    reach(JOBS_SLOT_MISSED);
    ck_assert_uint_eq(studio_slot(&m, 1, 0).deadline_ms, 0);
    ck_assert(!studio_slot(&m, 1, 0).leased);
    market_release(&m);
}
END_TEST

START_TEST(every_attempt_leaves_a_result)
{
    reach(JOBS_SLOT_WAITING);
    struct jobs_result result;
    struct path path = path_1("result/", 1);
    path_u32(&path, 0);
    path_u16(&path, 0);
    path_u16(&path, 0);
    ck_assert(view_load(&m.view, path_key(&path), &jobs_result_record, &result));
    ck_assert_int_eq(result.reason, LEASES_SILENT);
    ck_assert_uint_eq(market_number(&result.slashed), STUDIO_STAKE / 10);
    ck_assert(digest_is_zero(&result.trace_root));
    ck_assert(!result.decided);
    market_release(&m);
}
END_TEST

HARNESS_MAIN("attempt", each_call_is_possible_in_exactly_the_statuses_of_the_table,
             each_deadline_moves_its_status_on_without_anybody,
             who_cannot_begin_declines_in_time_and_keeps_its_stake,
             a_slot_that_is_lost_too_late_is_missed, every_attempt_leaves_a_result)
