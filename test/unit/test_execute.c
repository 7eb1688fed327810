#include "ledger/execute.h"

#include "ledger/receipt.h"
#include "test/unit/town.h"

static struct town town;

/* The state of height 0 as one sorted write set: a source without a store. */
struct source {
    struct view_source source;
    struct arena arena;
    struct overlay_entry entry; /* reads come from its values */
    enum err failing;           /* what every read gives, unless ERR_NONE */
};

static enum err source_get(void *self, struct arena *arena, struct bytes key, struct bytes *value)
{
    struct source *s = self;
    (void)arena;
    if (s->failing)
        return s->failing;
    return overlay_get(&s->entry, key, value) ? ERR_NONE : ERR_NOT_FOUND;
}

static enum err source_next(void *self, struct arena *arena, struct bytes prefix,
                            struct bytes after, struct bytes *key, struct bytes *value)
{
    struct source *s = self;
    (void)arena;
    if (s->failing)
        return s->failing;
    return overlay_next(&s->entry, prefix, after, key, value) ? ERR_NONE : ERR_NOT_FOUND;
}

static struct context context_at(uint64_t height)
{
    return (struct context){
        .height = {height}, .time_ms = TOWN_START_MS + height, .chain = town.chain_digest};
}

static void start(struct source *s)
{
    town_init(&town);
    memset(s, 0, sizeof(*s));
    s->source = (struct view_source){s, source_get, source_next};
    arena_init(&s->arena, 64 << 20);
    struct genesis genesis;
    ck_assert_int_eq(record_unpack(&s->arena, &genesis_record, &genesis, town.genesis, NULL),
                     ERR_NONE);
    struct execute execute;
    struct execute_result result;
    struct context context = context_at(0);
    execute_genesis(&execute, &s->arena, &s->source, &context, &genesis);
    ck_assert_int_eq(execute_end(&execute, &result, NULL), ERR_NONE);
    s->entry.values = result.values;
    s->entry.value_count = result.value_count;
}

static void end(struct source *s)
{
    arena_release(&s->arena);
    town_release(&town);
}

static struct receipt receipt_at(const struct execute_result *result, uint32_t index)
{
    struct receipt receipt;
    ck_assert_int_eq(
        record_unpack(&town.arena, &receipt_record, &receipt, result->receipts[index], NULL),
        ERR_NONE);
    return receipt;
}

static const uint64_t amounts[] = {5, 2000, 7, 0};

/* Executes four transfers from person 1 to person 2, of `amounts`, into `result`. */
static void run(struct source *s, struct arena *arena, struct execute_result *result,
                const struct tx *txs)
{
    struct execute execute;
    struct context context = context_at(1);
    execute_begin(&execute, arena, &s->source, &context, 4);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(execute_tx(&execute, &txs[i]), TX_OK);
    ck_assert_int_eq(execute_end(&execute, result, NULL), ERR_NONE);
}

START_TEST(same_block_twice_gives_the_same_bytes)
{
    struct source s;
    start(&s);
    struct tx txs[4];
    for (int i = 0; i < 4; i++)
        txs[i] = town_transfer(&town, 1, 2, amounts[i]);
    struct execute_result a, b;
    run(&s, &town.arena, &a, txs);
    run(&s, &town.arena, &b, txs);
    ck_assert(digest_equal(&a.tx_root, &b.tx_root));
    ck_assert(digest_equal(&a.receipt_root, &b.receipt_root));
    ck_assert_uint_eq(a.value_count, b.value_count);
    for (size_t i = 0; i < a.value_count; i++)
        ck_assert(bytes_equal(a.values[i].key, b.values[i].key) &&
                  bytes_equal(a.values[i].value, b.values[i].value));
    end(&s);
}
END_TEST

START_TEST(failed_call_keeps_the_nonce_and_drops_the_rest)
{
    struct source s;
    start(&s);
    struct tx txs[4];
    for (int i = 0; i < 4; i++)
        txs[i] = town_transfer(&town, 1, 2, amounts[i]);
    struct execute_result result;
    run(&s, &town.arena, &result, txs);
    ck_assert_uint_eq(result.tx_count, 4);
    struct receipt done = receipt_at(&result, 1), failed = receipt_at(&result, 2);
    ck_assert_uint_eq(done.verdict, VERDICT_OK);
    ck_assert_uint_eq(done.event_count, 1);
    ck_assert(digest_equal(&done.id, &txs[0].id));
    ck_assert_uint_eq(failed.verdict, VERDICT_BALANCE_TOO_LOW);
    ck_assert_uint_eq(failed.event_count, 0);
    ck_assert_uint_eq(receipt_at(&result, 4).verdict, VERDICT_NOTHING_TO_DO);

    struct overlay_entry after = {
        .values = result.values, .value_count = result.value_count, .parent = &s.entry};
    struct source read = {.source = {&read, source_get, source_next}, .entry = after};
    struct view_state view;
    struct members_account account;
    view_init(&view, &read.source, &town.arena);
    ck_assert(members_get(&view, &town.addresses[1], &account));
    ck_assert_uint_eq(account.nonce, 4);
    ck_assert_uint_eq(bytes_get_u64(account.balance.be + 24), 1000 - 12);
    end(&s);
}
END_TEST

START_TEST(calls_of_a_transaction_are_done_all_or_none)
{
    struct source s;
    start(&s);
    struct credits_transfer args[2] = {{.to = town.addresses[2], .amount = units_amount(10)},
                                       {.to = town.addresses[3], .amount = units_amount(991)}};
    struct call calls[2];
    for (int i = 0; i < 2; i++)
        calls[i] = (struct call){CATALOG_CREDITS, CREDITS_TRANSFER,
                                 record_bytes(&town.arena, &credits_transfer_record, &args[i])};
    struct tx_body body = town_transfer(&town, 1, 2, 1).body;
    body.calls = calls;
    body.call_count = 2;
    struct tx tx = town_sign(&town, 1, &body);
    struct execute execute;
    struct execute_result result;
    struct context context = context_at(1);
    execute_begin(&execute, &town.arena, &s.source, &context, 1);
    ck_assert_int_eq(execute_tx(&execute, &tx), TX_OK);
    ck_assert_int_eq(execute_end(&execute, &result, NULL), ERR_NONE);
    struct receipt receipt = receipt_at(&result, 1);
    ck_assert_uint_eq(receipt.verdict, VERDICT_BALANCE_TOO_LOW);
    ck_assert_uint_eq(receipt.event_count, 0); /* the first call's event is gone, too */
    ck_assert_uint_eq(result.value_count, 1);  /* and only the sender's nonce is written */
    ck_assert_uint_eq(result.party_count, 1);
    end(&s);
}
END_TEST

START_TEST(refused_transaction_leaves_the_block_as_it_was)
{
    struct source s;
    start(&s);
    struct tx good = town_transfer(&town, 1, 2, 1), later = town_transfer(&town, 1, 2, 1);
    struct tx_body body = good.body;
    struct execute execute, empty;
    struct execute_result with, without;
    struct context context = context_at(1);
    execute_begin(&execute, &town.arena, &s.source, &context, 9);
    ck_assert_int_eq(execute_tx(&execute, &later), TX_NONCE_GAP);
    body.last_height = 0;
    struct tx expired = town_sign(&town, 1, &body);
    ck_assert_int_eq(execute_tx(&execute, &expired), TX_EXPIRED);
    body = good.body;
    body.chain.bytes[0] ^= 1;
    struct tx foreign = town_sign(&town, 1, &body);
    ck_assert_int_eq(execute_tx(&execute, &foreign), TX_WRONG_CHAIN);
    body = good.body;
    struct sign_secret stranger = {{9}};
    ck_assert(sign_public_of(&body.sender, &stranger));
    struct tx unknown;
    ck_assert(tx_make(&town.arena, &unknown, &body, &stranger));
    ck_assert_int_eq(execute_tx(&execute, &unknown), TX_UNKNOWN_SENDER);
    ck_assert_int_eq(execute_end(&execute, &with, NULL), ERR_NONE);

    execute_begin(&empty, &town.arena, &s.source, &context, 9);
    ck_assert_int_eq(execute_end(&empty, &without, NULL), ERR_NONE);
    ck_assert_uint_eq(with.tx_count, 0);
    ck_assert_uint_eq(with.value_count, without.value_count);
    ck_assert(digest_equal(&with.tx_root, &without.tx_root));
    ck_assert(digest_equal(&with.receipt_root, &without.receipt_root));
    end(&s);
}
END_TEST

START_TEST(used_nonce_is_refused_for_the_rest_of_the_block)
{
    struct source s;
    start(&s);
    struct tx first = town_transfer(&town, 1, 2, 1), second = town_transfer(&town, 1, 2, 1);
    struct execute execute;
    struct execute_result result;
    struct context context = context_at(1);
    execute_begin(&execute, &town.arena, &s.source, &context, 9);
    ck_assert_int_eq(execute_tx(&execute, &first), TX_OK);
    ck_assert_int_eq(execute_tx(&execute, &first), TX_NONCE_USED);
    ck_assert_int_eq(execute_tx(&execute, &second), TX_OK);
    ck_assert_int_eq(execute_tx(&execute, &first), TX_NONCE_USED);
    ck_assert_int_eq(execute_end(&execute, &result, NULL), ERR_NONE);
    ck_assert_uint_eq(result.tx_count, 2);
    end(&s);
}
END_TEST

START_TEST(revoked_sender_is_refused_at_once_and_for_the_rest_of_the_block)
{
    struct source s;
    start(&s);
    struct tx tx = town_transfer(&town, 4, 2, 1);
    struct members_subject subject = {town.addresses[4]};
    struct call call = {CATALOG_MEMBERS, MEMBERS_REVOKE,
                        record_bytes(&town.arena, &members_subject_record, &subject)};
    struct tx_body body = town_transfer(&town, 0, 2, 1).body;
    body.calls = &call;
    struct tx revoke = town_sign(&town, 0, &body);
    struct execute execute;
    struct execute_result result;
    struct context context = context_at(1);
    execute_begin(&execute, &town.arena, &s.source, &context, 9);
    ck_assert_int_eq(execute_tx(&execute, &revoke), TX_OK);
    ck_assert_int_eq(execute_tx(&execute, &tx), TX_REVOKED_SENDER);
    ck_assert_int_eq(execute_end(&execute, &result, NULL), ERR_NONE);
    ck_assert_uint_eq(receipt_at(&result, 1).verdict, VERDICT_OK);
    end(&s);
}
END_TEST

START_TEST(source_that_fails_gives_an_error_and_no_verdict)
{
    struct source s;
    start(&s);
    struct tx tx = town_transfer(&town, 1, 2, 1);
    struct execute execute;
    struct execute_result result;
    struct context context = context_at(1);
    execute_begin(&execute, &town.arena, &s.source, &context, 1);
    ck_assert_int_eq(execute_err(&execute), ERR_NONE);
    s.failing = ERR_CORRUPT;
    ck_assert_int_ne(execute_tx(&execute, &tx), TX_OK);
    ck_assert_int_eq(execute_err(&execute), ERR_CORRUPT);
    ck_assert_int_eq(execute_end(&execute, &result, NULL), ERR_CORRUPT);
    end(&s);
}
END_TEST

START_TEST(full_arena_gives_an_error_and_no_verdict)
{
    struct source s;
    start(&s);
    struct tx tx = town_transfer(&town, 1, 2, 1);
    for (size_t room = 0; room < 65536; room += 1024) {
        struct arena small;
        arena_init(&small, room);
        struct execute execute;
        struct execute_result result;
        struct context context = context_at(1);
        execute_begin(&execute, &small, &s.source, &context, 1);
        if (!execute_err(&execute))
            (void)!execute_tx(&execute, &tx);
        enum err err = execute_end(&execute, &result, NULL);
        ck_assert(err == ERR_LIMIT || (err == ERR_NONE && result.tx_count == 1));
        arena_release(&small);
    }
    end(&s);
}
END_TEST

HARNESS_MAIN("execute", same_block_twice_gives_the_same_bytes,
             failed_call_keeps_the_nonce_and_drops_the_rest,
             calls_of_a_transaction_are_done_all_or_none,
             refused_transaction_leaves_the_block_as_it_was,
             used_nonce_is_refused_for_the_rest_of_the_block,
             revoked_sender_is_refused_at_once_and_for_the_rest_of_the_block,
             source_that_fails_gives_an_error_and_no_verdict,
             full_arena_gives_an_error_and_no_verdict)
