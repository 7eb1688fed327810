#include "tools/tenured/intake.h"

#include <string.h>

#include "test/unit/town.h"

static struct town town;
static struct recent checked;
static struct pool *pool;

/* The routes' part; answers of the node come here. */
static struct api_batch *answered;

void api_batch_done(struct api_batch *batch)
{
    answered = batch;
}

static void setup_town(void)
{
    town_init(&town);
    town_open(&town);
    pool = pool_new((struct pool_listener){0});
    ck_assert_ptr_nonnull(pool);
    ck_assert_int_eq(recent_init(&checked, 64), ERR_NONE);
}

static void release_town(void)
{
    pool_free(pool);
    recent_release(&checked);
    town_release(&town);
}

/* All three steps; the batch's verdicts are then to be seen. */
static struct intake *pass(const struct bytes *txs, uint32_t count)
{
    struct fault fault;
    struct intake *intake = intake_new(txs, count);
    ck_assert_ptr_nonnull(intake);
    ck_assert_int_eq(intake_admit(intake, town.chain, pool, &fault), ERR_NONE);
    intake_check(intake, &checked);
    ck_assert(intake->checked);
    ck_assert_int_eq(intake_add(intake, town.chain, pool, 1, &fault), ERR_NONE);
    return intake;
}

START_TEST(each_transaction_has_its_own_verdict)
{
    setup_town();
    struct tx good = town_transfer(&town, 1, 2, 30), next = town_transfer(&town, 2, 1, 30);
    uint8_t forged[LIMIT_TX_BYTES];
    memcpy(forged, next.raw.data, next.raw.size);
    forged[next.raw.size - 1] ^= 1;
    struct bytes txs[] = {good.raw, bytes_of(forged, next.raw.size), bytes_text("nonsense")};
    struct intake *intake = pass(txs, 3);
    ck_assert_int_eq(intake->verdicts[0], TX_OK);
    ck_assert_int_eq(intake->verdicts[1], TX_BAD_SIGNATURE);
    ck_assert_int_eq(intake->verdicts[2], TX_MALFORMED);
    ck_assert_uint_eq(pool_stats(pool).count, 1);
    intake_free(intake);

    intake = pass(txs, 1);
    ck_assert_int_eq(intake->verdicts[0], TX_KNOWN);
    ck_assert_uint_eq(pool_stats(pool).count, 1);
    intake_free(intake);
    release_town();
}
END_TEST

START_TEST(a_signature_is_checked_once)
{
    setup_town();
    struct tx good = town_transfer(&town, 1, 2, 30);
    struct digest whole = digest_of(good.raw.data, good.raw.size);
    uint8_t known;
    ck_assert(!recent_get(&checked, &whole, &known));
    intake_free(pass(&good.raw, 1));
    ck_assert(recent_get(&checked, &whole, &known));

    /* What the cache knows as valid isn't looked at again: it must be keyed by the signature too. */
    uint8_t forged[LIMIT_TX_BYTES];
    memcpy(forged, good.raw.data, good.raw.size);
    forged[good.raw.size - 1] ^= 1;
    struct bytes other = bytes_of(forged, good.raw.size);
    struct intake *intake = intake_new(&other, 1);
    ck_assert_int_eq(tx_unpack(&intake->arena, &intake->read[0], other, NULL), TX_OK);
    intake_check(intake, &checked);
    ck_assert_int_eq(intake->verdicts[0], TX_BAD_SIGNATURE);
    intake_free(intake);
    release_town();
}
END_TEST

START_TEST(a_client_hears_ids_and_verdicts)
{
    setup_town();
    struct tx good = town_transfer(&town, 1, 2, 30);
    struct bytes txs[] = {good.raw, bytes_text("nonsense")};
    struct digest ids[2];
    enum tx_verdict verdicts[2];
    struct api_batch batch = {.txs = txs, .count = 2, .ids = ids, .verdicts = verdicts};
    struct intake *intake = pass(txs, 2);
    intake_answer(intake); /* nobody asked */
    ck_assert_ptr_null(answered);
    intake->api = &batch;
    intake_answer(intake);
    ck_assert_ptr_eq(answered, &batch);
    ck_assert(digest_equal(&ids[0], &good.id));
    ck_assert(digest_is_zero(&ids[1]));
    ck_assert_int_eq(verdicts[0], TX_OK);
    ck_assert_int_eq(verdicts[1], TX_MALFORMED);
    intake_free(intake);
    release_town();
}
END_TEST

HARNESS_MAIN("intake", each_transaction_has_its_own_verdict, a_signature_is_checked_once,
             a_client_hears_ids_and_verdicts)
