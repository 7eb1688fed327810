#include "ledger/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/harness.h"

/* The pool looks at no signature, so transactions here have none. */
struct sack {
    struct arena arena;
    struct pool *pool;
    char dropped[512]; /* "n5 expired; ": the first byte of the id, and why */
};

static void dropped(void *self, const struct digest *id, enum tx_verdict reason)
{
    struct sack *sack = self;
    size_t size = strlen(sack->dropped);
    snprintf(sack->dropped + size, sizeof(sack->dropped) - size, "%u %s; ", id->bytes[31],
             tx_verdict_name(reason));
}

static void sack_init(struct sack *sack)
{
    memset(sack, 0, sizeof(*sack));
    arena_init(&sack->arena, 256u << 20);
    sack->pool = pool_new((struct pool_listener){sack, dropped});
    ck_assert_ptr_nonnull(sack->pool);
}

static void sack_release(struct sack *sack)
{
    pool_free(sack->pool);
    arena_release(&sack->arena);
}

/* The id tells (sender, nonce, mark) apart; its last byte is `mark`. */
static struct tx make(struct sack *sack, uint32_t sender, uint64_t nonce, uint64_t last_height,
                      uint8_t mark, size_t size)
{
    struct tx tx = {.body = {.nonce = nonce, .last_height = last_height}};
    bytes_put_u32(tx.body.sender.bytes, sender);
    uint8_t name[13];
    bytes_put_u32(name, sender);
    bytes_put_u64(name + 4, nonce);
    name[12] = mark;
    tx.id = digest_of(name, sizeof(name));
    tx.id.bytes[31] = mark;
    uint8_t *raw = arena_alloc(&sack->arena, size);
    raw[0] = (uint8_t)sender;
    raw[1] = (uint8_t)nonce;
    tx.raw = bytes_of(raw, size);
    return tx;
}

static enum tx_verdict add(struct sack *sack, uint32_t sender, uint64_t nonce, uint8_t mark)
{
    struct tx tx = make(sack, sender, nonce, 100, mark, 200);
    return pool_add(sack->pool, &tx, 0, (struct height){10}, 1000);
}

static uint64_t as_committed(void *self, const struct address *sender, uint64_t committed)
{
    (void)self;
    (void)sender;
    return committed;
}

static const struct pool_nonces committed = {NULL, as_committed};

/* "1.0 1.1 2.0 ": sender and nonce of each that is picked. */
static void expect_picks(const struct sack *sack, size_t count_max, size_t bytes_max,
                         const struct pool_nonces *nonces, const char *want)
{
    struct bytes list[64];
    char text[512] = "";
    size_t count = pool_pick(sack->pool, list, count_max, bytes_max, nonces);
    for (size_t i = 0; i < count; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%u.%u ", list[i].data[0],
                 list[i].data[1]);
    ck_assert_str_eq(text, want);
}

static void commit(struct sack *sack, uint64_t height, uint32_t sender, uint64_t nonce,
                   uint8_t mark)
{
    struct tx tx = make(sack, sender, nonce, 100, mark, 2);
    struct pool_used used = {address_of(&tx.body.sender), nonce, tx.id};
    pool_commit(sack->pool, (struct height){height}, &used, 1, 2000);
}

START_TEST(runs_are_picked_in_turn_and_gaps_wait)
{
    struct sack sack;
    sack_init(&sack);
    ck_assert_int_eq(add(&sack, 1, 1, 0), TX_OK); /* waits for nonce 0 */
    ck_assert_int_eq(add(&sack, 2, 0, 0), TX_OK);
    ck_assert_int_eq(add(&sack, 2, 2, 0), TX_OK); /* waits for nonce 1 */
    expect_picks(&sack, 64, 10000, &committed, "2.0 ");
    ck_assert_uint_eq(pool_stats(sack.pool).executable, 1);
    ck_assert_uint_eq(pool_stats(sack.pool).count, 3);
    ck_assert_int_eq(add(&sack, 1, 0, 0), TX_OK);
    expect_picks(&sack, 64, 10000, &committed, "1.0 1.1 2.0 ");
    ck_assert_int_eq(add(&sack, 2, 1, 0), TX_OK);
    expect_picks(&sack, 64, 10000, &committed, "1.0 1.1 2.0 2.1 2.2 ");
    ck_assert_uint_eq(pool_stats(sack.pool).executable, 5);
    sack_release(&sack);
}
END_TEST

START_TEST(pick_is_bounded_by_count_and_bytes)
{
    struct sack sack;
    sack_init(&sack);
    for (uint64_t nonce = 0; nonce < 4; nonce++)
        ck_assert_int_eq(add(&sack, 1, nonce, 0), TX_OK);
    expect_picks(&sack, 3, 10000, &committed, "1.0 1.1 1.2 ");
    expect_picks(&sack, 64, 599, &committed, "1.0 1.1 ");
    expect_picks(&sack, 64, 600, &committed, "1.0 1.1 1.2 ");
    expect_picks(&sack, 0, 10000, &committed, "");
    sack_release(&sack);
}
END_TEST

static uint64_t two_ahead(void *self, const struct address *sender, uint64_t nonce)
{
    (void)self;
    (void)sender;
    return nonce + 2;
}

START_TEST(pick_goes_on_where_the_parent_block_ended)
{
    struct sack sack;
    sack_init(&sack);
    for (uint64_t nonce = 0; nonce < 4; nonce++)
        ck_assert_int_eq(add(&sack, 1, nonce, 0), TX_OK);
    ck_assert_int_eq(add(&sack, 2, 0, 0), TX_OK);
    struct pool_nonces ahead = {NULL, two_ahead};
    expect_picks(&sack, 64, 10000, &ahead, "1.2 1.3 ");
    sack_release(&sack);
}
END_TEST

START_TEST(refusals_change_nothing)
{
    struct sack sack;
    sack_init(&sack);
    ck_assert_int_eq(add(&sack, 1, 0, 0), TX_OK);
    ck_assert_int_eq(add(&sack, 1, 0, 0), TX_KNOWN);
    ck_assert_int_eq(add(&sack, 1, 0, 1), TX_NONCE_TAKEN);
    ck_assert_int_eq(add(&sack, 1, POOL_RUN_MAX, 0), TX_NONCE_GAP);
    ck_assert_int_eq(add(&sack, 1, POOL_RUN_MAX - 1, 0), TX_OK);
    struct tx tx = make(&sack, 2, 4, 100, 0, 10);
    ck_assert_int_eq(pool_add(sack.pool, &tx, 5, (struct height){10}, 1), TX_NONCE_USED);
    ck_assert_int_eq(pool_add(sack.pool, &tx, 4, (struct height){100}, 1), TX_EXPIRED);
    ck_assert_int_eq(pool_add(sack.pool, &tx, 4, (struct height){99}, 1), TX_OK);
    ck_assert_uint_eq(pool_stats(sack.pool).count, 3);
    ck_assert_uint_eq(pool_stats(sack.pool).bytes, 410);
    ck_assert_str_eq(sack.dropped, "");
    sack_release(&sack);
}
END_TEST

START_TEST(account_is_bounded_by_count)
{
    struct sack sack;
    sack_init(&sack);
    for (uint64_t nonce = 0; nonce < POOL_ACCOUNT_COUNT_MAX; nonce++)
        ck_assert_int_eq(add(&sack, 1, nonce, 0), TX_OK);
    commit(&sack, 11, 1, 0, 9); /* makes room in the window of nonces, and replaces one */
    ck_assert_str_eq(sack.dropped, "0 replaced; ");
    ck_assert_int_eq(add(&sack, 1, POOL_ACCOUNT_COUNT_MAX, 0), TX_OK);
    ck_assert_int_eq(add(&sack, 1, POOL_ACCOUNT_COUNT_MAX + 1, 0), TX_NONCE_GAP);
    ck_assert_int_eq(add(&sack, 2, 0, 0), TX_OK); /* others aren't touched */
    sack_release(&sack);
}
END_TEST

START_TEST(account_is_bounded_by_bytes)
{
    struct sack sack;
    sack_init(&sack);
    uint64_t nonce = 0;
    enum tx_verdict verdict;
    do {
        struct tx tx = make(&sack, 1, nonce++, 100, 0, LIMIT_TX_BYTES);
        verdict = pool_add(sack.pool, &tx, 0, (struct height){10}, 1);
    } while (verdict == TX_OK);
    ck_assert_int_eq(verdict, TX_ACCOUNT_FULL);
    ck_assert_uint_eq(pool_stats(sack.pool).bytes, POOL_ACCOUNT_BYTES_MAX);
    sack_release(&sack);
}
END_TEST

START_TEST(pool_is_bounded_by_count)
{
    struct sack sack;
    sack_init(&sack);
    for (uint32_t sender = 0; sender < POOL_COUNT_MAX / 128; sender++)
        for (uint64_t nonce = 0; nonce < 128; nonce++)
            ck_assert_int_eq(add(&sack, sender, nonce, 0), TX_OK);
    ck_assert_int_eq(add(&sack, 77777, 1, 0), TX_POOL_FULL);
    ck_assert_uint_eq(pool_stats(sack.pool).count, POOL_COUNT_MAX);
    sack_release(&sack);
}
END_TEST

/* Fills the pool: `each` nonces from `first` on, of as many accounts as it takes. Returns the account after them. */
static uint32_t fill(struct sack *sack, uint32_t sender, uint64_t first, uint64_t each, size_t size)
{
    for (size_t i = 0;; i++) {
        struct pool_stats stats = pool_stats(sack->pool);
        if (stats.count == POOL_COUNT_MAX || stats.bytes + size > POOL_BYTES_MAX)
            return sender + (uint32_t)((i + each - 1) / each);
        struct tx tx = make(sack, sender + (uint32_t)(i / each), first + i % each, 100, 0, size);
        ck_assert_int_eq(pool_add(sack->pool, &tx, 0, (struct height){10}, 1), TX_OK);
    }
}

START_TEST(nonces_with_gaps_shut_nobody_out)
{
    struct sack sack;
    sack_init(&sack);
    const uint32_t honest = 1065; /* 65 accounts fill it with what can't execute */
    ck_assert_uint_eq(fill(&sack, 1000, 1, 255, 200), honest);
    ck_assert_uint_eq(pool_stats(sack.pool).executable, 0);

    ck_assert_int_eq(add(&sack, honest, 1, 0), TX_POOL_FULL); /* neither can this */
    for (uint64_t nonce = 0; nonce < 2; nonce++)
        ck_assert_int_eq(add(&sack, honest, nonce, 0),
                         TX_OK); /* a head, and what extends its run */
    ck_assert_str_eq(sack.dropped, "0 evicted; 0 evicted; ");
    ck_assert_uint_eq(pool_stats(sack.pool).count, POOL_COUNT_MAX);
    ck_assert_uint_eq(pool_stats(sack.pool).executable, 2);
    struct tx again = make(&sack, honest, 2, 9, 0, 200);
    ck_assert_int_eq(pool_add(sack.pool, &again, 0, (struct height){10}, 1), TX_EXPIRED);
    ck_assert_str_eq(sack.dropped, "0 evicted; 0 evicted; "); /* a refusal evicts nothing */
    sack_release(&sack);
}
END_TEST

START_TEST(head_enters_a_pool_that_is_full_of_long_runs)
{
    struct sack sack;
    sack_init(&sack);
    fill(&sack, 1000, 0, 256, 200);
    ck_assert_uint_eq(pool_stats(sack.pool).executable, POOL_COUNT_MAX);
    for (uint32_t sender = 1; sender <= 3; sender++)
        ck_assert_int_eq(add(&sack, sender, 0, 0), TX_OK);
    ck_assert_int_eq(add(&sack, 1, 1, 0), TX_POOL_FULL); /* it has one already */
    ck_assert_str_eq(sack.dropped, "0 evicted; 0 evicted; 0 evicted; ");
    ck_assert_uint_eq(pool_stats(sack.pool).count, POOL_COUNT_MAX);
    ck_assert_uint_eq(pool_stats(sack.pool).executable, POOL_COUNT_MAX);
    sack_release(&sack);
}
END_TEST

START_TEST(head_never_evicts_a_head)
{
    struct sack sack;
    sack_init(&sack);
    uint32_t next = fill(&sack, 1000, 0, 1, LIMIT_TX_BYTES);
    ck_assert_uint_eq(pool_stats(sack.pool).bytes, POOL_BYTES_MAX);
    ck_assert_int_eq(add(&sack, next, 0, 0), TX_POOL_FULL);
    ck_assert_str_eq(sack.dropped, "");
    sack_release(&sack);
}
END_TEST

/* One transaction of many bytes takes as many small ones as it needs, from the largest shares first. */
START_TEST(who_holds_most_loses_first_and_its_highest_nonces)
{
    struct sack sack;
    sack_init(&sack);
    for (uint64_t nonce = 1; nonce < 32; nonce++) { /* waits with nearly 1 MiB */
        struct tx tx = make(&sack, 1, nonce, 100, (uint8_t)nonce, LIMIT_TX_BYTES);
        ck_assert_int_eq(pool_add(sack.pool, &tx, 0, (struct height){10}, 1), TX_OK);
    }
    ck_assert_int_eq(add(&sack, 2, 1, 99), TX_OK); /* waits with a little */
    fill(&sack, 1000, 0, 32, LIMIT_TX_BYTES);
    ck_assert_str_eq(sack.dropped, "");
    struct tx head = make(&sack, 3, 0, 100, 0, LIMIT_TX_BYTES),
              next = make(&sack, 3, 1, 100, 0, LIMIT_TX_BYTES);
    ck_assert_int_eq(pool_add(sack.pool, &head, 0, (struct height){10}, 1), TX_OK);
    ck_assert_int_eq(pool_add(sack.pool, &next, 0, (struct height){10}, 1), TX_OK);
    ck_assert_str_eq(sack.dropped, "31 evicted; 30 evicted; ");
    sack_release(&sack);
}
END_TEST

START_TEST(own_transactions_that_wait_make_room_for_the_head)
{
    struct sack sack;
    sack_init(&sack);
    for (uint64_t nonce = 1; nonce <= 32; nonce++) {
        struct tx tx = make(&sack, 1, nonce, 100, (uint8_t)nonce, LIMIT_TX_BYTES);
        ck_assert_int_eq(pool_add(sack.pool, &tx, 0, (struct height){10}, 1), TX_OK);
    }
    ck_assert_int_eq(add(&sack, 1, 33, 0), TX_ACCOUNT_FULL);
    ck_assert_int_eq(add(&sack, 1, 0, 0), TX_OK);
    ck_assert_str_eq(sack.dropped, "32 evicted; ");
    ck_assert_uint_eq(pool_stats(sack.pool).executable, 32);
    sack_release(&sack);
}
END_TEST

START_TEST(committed_nonces_leave_and_rivals_are_told)
{
    struct sack sack;
    sack_init(&sack);
    for (uint64_t nonce = 0; nonce < 3; nonce++)
        ck_assert_int_eq(add(&sack, 1, nonce, (uint8_t)nonce), TX_OK);
    commit(&sack, 11, 1, 0, 0);
    ck_assert_str_eq(sack.dropped, "");
    commit(&sack, 12, 1, 1, 77); /* another transaction used it */
    ck_assert_str_eq(sack.dropped, "1 replaced; ");
    expect_picks(&sack, 64, 10000, &committed, "1.2 ");
    commit(&sack, 13, 1, 2, 2);
    ck_assert_uint_eq(pool_stats(sack.pool).count, 0);
    ck_assert_uint_eq(pool_stats(sack.pool).bytes, 0);
    ck_assert_uint_eq(pool_stats(sack.pool).executable, 0);
    ck_assert_uint_eq(pool_stats(sack.pool).oldest_ms, UINT64_MAX);
    sack_release(&sack);
}
END_TEST

START_TEST(what_cannot_be_in_the_next_block_expires)
{
    struct sack sack;
    sack_init(&sack);
    struct tx early = make(&sack, 1, 0, 20, 1, 50), late = make(&sack, 1, 1, 21, 2, 50),
              other = make(&sack, 2, 0, 20, 3, 50);
    ck_assert_int_eq(pool_add(sack.pool, &early, 0, (struct height){10}, 1), TX_OK);
    ck_assert_int_eq(pool_add(sack.pool, &late, 0, (struct height){10}, 1), TX_OK);
    ck_assert_int_eq(pool_add(sack.pool, &other, 0, (struct height){10}, 1), TX_OK);
    pool_commit(sack.pool, (struct height){19}, NULL, 0, 5);
    ck_assert_str_eq(sack.dropped, "");
    pool_commit(sack.pool, (struct height){20}, NULL, 0, 5);
    ck_assert_str_eq(sack.dropped, "1 expired; 3 expired; ");
    ck_assert_uint_eq(pool_stats(sack.pool).count, 1);
    ck_assert_uint_eq(pool_stats(sack.pool).executable, 0); /* its predecessor is gone */
    pool_commit(sack.pool, (struct height){21}, NULL, 0, 5);
    ck_assert_uint_eq(pool_stats(sack.pool).count, 0);
    sack_release(&sack);
}
END_TEST

START_TEST(whoever_was_served_waits_for_the_others)
{
    struct sack sack;
    sack_init(&sack);
    for (uint32_t sender = 1; sender <= 3; sender++)
        for (uint64_t nonce = 0; nonce < 2; nonce++)
            ck_assert_int_eq(add(&sack, sender, nonce, 0), TX_OK);
    commit(&sack, 11, 1, 0, 0);
    expect_picks(&sack, 64, 10000, &committed, "2.0 2.1 3.0 3.1 1.1 ");
    sack_release(&sack);
}
END_TEST

START_TEST(patience_counts_from_when_a_head_became_executable)
{
    struct sack sack;
    sack_init(&sack);
    struct tx second = make(&sack, 1, 1, 100, 0, 50), first = make(&sack, 1, 0, 100, 0, 50);
    ck_assert_int_eq(pool_add(sack.pool, &second, 0, (struct height){1}, 100), TX_OK);
    ck_assert_uint_eq(pool_stats(sack.pool).oldest_ms,
                      UINT64_MAX); /* a gap: nobody can be blamed */
    ck_assert_int_eq(pool_add(sack.pool, &first, 0, (struct height){1}, 300), TX_OK);
    ck_assert_uint_eq(pool_stats(sack.pool).oldest_ms, 300);
    commit(&sack, 2, 1, 0, 0); /* at 2000 */
    ck_assert_uint_eq(pool_stats(sack.pool).oldest_ms, 2000);
    sack_release(&sack);
}
END_TEST

START_TEST(revoked_account_leaves_with_all_it_has)
{
    struct sack sack;
    sack_init(&sack);
    for (uint64_t nonce = 0; nonce < 2; nonce++)
        ck_assert_int_eq(add(&sack, 1, nonce, (uint8_t)nonce), TX_OK);
    ck_assert_int_eq(add(&sack, 2, 0, 0), TX_OK);
    struct tx tx = make(&sack, 1, 0, 100, 0, 10);
    struct address sender = address_of(&tx.body.sender);
    pool_revoke(sack.pool, &sender);
    pool_revoke(sack.pool, &sender);
    ck_assert_str_eq(sack.dropped, "0 revoked_sender; 1 revoked_sender; ");
    ck_assert_uint_eq(pool_stats(sack.pool).executable, 1);
    ck_assert_uint_eq(pool_stats(sack.pool).bytes, 200);
    expect_picks(&sack, 64, 10000, &committed, "2.0 ");
    sack_release(&sack);
}
END_TEST

START_TEST(pending_transaction_is_found_by_id_and_by_nonce)
{
    struct sack sack;
    sack_init(&sack);
    struct tx tx = make(&sack, 1, 3, 100, 5, 60);
    struct address sender = address_of(&tx.body.sender);
    ck_assert_uint_eq(pool_get(sack.pool, &tx.id).size, 0);
    ck_assert_int_eq(pool_add(sack.pool, &tx, 0, (struct height){1}, 1), TX_OK);
    ck_assert(bytes_equal(pool_get(sack.pool, &tx.id), tx.raw));
    ck_assert(pool_has_nonce(sack.pool, &sender, 3));
    ck_assert(!pool_has_nonce(sack.pool, &sender, 2));
    sack_release(&sack);
}
END_TEST

HARNESS_MAIN("pool", revoked_account_leaves_with_all_it_has, runs_are_picked_in_turn_and_gaps_wait,
             pick_is_bounded_by_count_and_bytes, pick_goes_on_where_the_parent_block_ended,
             refusals_change_nothing, account_is_bounded_by_count, account_is_bounded_by_bytes,
             pool_is_bounded_by_count, nonces_with_gaps_shut_nobody_out,
             head_enters_a_pool_that_is_full_of_long_runs, head_never_evicts_a_head,
             who_holds_most_loses_first_and_its_highest_nonces,
             own_transactions_that_wait_make_room_for_the_head,
             committed_nonces_leave_and_rivals_are_told, what_cannot_be_in_the_next_block_expires,
             whoever_was_served_waits_for_the_others,
             patience_counts_from_when_a_head_became_executable,
             pending_transaction_is_found_by_id_and_by_nonce)
