#include "ledger/prune.h"

#include "ledger/history.h"
#include "ledger/layout.h"
#include "test/unit/town.h"

#define BLOCKS 30

static struct town town, twin;
static struct fault fault;

static struct history *opened(void)
{
    struct history *history = history_open(town.chain, &fault);
    ck_assert_ptr_nonnull(history);
    return history;
}

/* Two chains of the same blocks; one will be pruned. */
static void start(void)
{
    town_init(&town);
    town_init(&twin);
    town_open(&town);
    town_open(&twin);
}

static void grow(unsigned blocks)
{
    for (unsigned i = 0; i < blocks; i++) {
        struct tx tx = town_transfer(&town, 1 + i % 3, 4 + i % 5, 1 + i);
        struct chain_tip head = *chain_head(town.chain);
        struct chain_tip tip =
            town_build(&town, &head.digest, head.header.time_ms + 100, &tx.raw, 1);
        enum err err = chain_execute(twin.chain, tip.header_raw, tip.body_raw, &fault);
        ck_assert_msg(!err, "%s", fault.text);
        town_commit(&twin, &tip);
        town_commit(&town, &tip);
    }
}

static void end(void)
{
    town_release(&twin);
    town_release(&town);
}

static void prune_to(uint64_t floor)
{
    struct height height = {0};
    while (height.n < floor) {
        uint64_t before = height.n;
        enum err err = chain_prune(town.chain, &height, (struct height){floor}, 4, &fault);
        ck_assert_msg(!err, "%s", fault.text);
        ck_assert_uint_gt(height.n, before);
        ck_assert_uint_le(height.n, before ? before + 4 : floor);
    }
    ck_assert_uint_eq(height.n, floor);
}

static struct bytes account_key(uint32_t who)
{
    uint8_t *key = arena_alloc(&town.arena, 8 + ADDRESS_SIZE);
    memcpy(key, "account/", 8);
    memcpy(key + 8, town.addresses[who].bytes, ADDRESS_SIZE);
    return bytes_of(key, 8 + ADDRESS_SIZE);
}

/* Every account at every height: here as in the twin, or (below `floor`) gone. */
static void same_as_twin(uint64_t floor)
{
    struct history *own = opened(), *other = history_open(twin.chain, &fault);
    for (uint64_t h = 0; h <= history_height(own).n; h++)
        for (uint32_t who = 0; who < TOWN_PEOPLE; who++) {
            struct bytes key = account_key(who), here, there;
            struct sparse_proof proof;
            struct history_block block;
            struct height height = {h};
            enum err want = h < floor ? ERR_NOT_FOUND : ERR_NONE;
            ck_assert_int_eq(history_value(&town.arena, own, &here, key, height, &fault), want);
            ck_assert_int_eq(history_prove(&town.arena, own, &proof, key, height, &fault), want);
            if (want)
                continue;
            ck_assert_int_eq(history_value(&town.arena, other, &there, key, height, &fault),
                             ERR_NONE);
            ck_assert(bytes_equal(here, there));
            ck_assert_int_eq(history_block(&town.arena, own, &block, height, &fault), ERR_NONE);
            ck_assert(sparse_has(&block.header.state_root, key, here, &proof));
        }
    uint64_t keys;
    enum err err = history_audit(own, &keys, &fault);
    ck_assert_msg(!err, "%s", fault.text);
    ck_assert_uint_eq(history_start(own).n, floor);
    history_close(other);
    history_close(own);
}

static size_t entries(enum store_family family)
{
    size_t count = 0;
    struct store_cursor *cursor = store_cursor_new(chain_store(town.chain), NULL, family);
    for (bool there = store_cursor_seek(cursor, bytes_of("", 0)); there;
         there = store_cursor_next(cursor))
        count++;
    store_cursor_free(cursor);
    return count;
}

START_TEST(kept_heights_stay_as_they_were_and_older_ones_are_gone)
{
    start();
    grow(BLOCKS);
    prune_to(20);
    same_as_twin(20);
    struct history *own = opened();
    struct bytes body;
    struct history_tx *list;
    size_t count;
    for (uint64_t h = 0; h <= BLOCKS; h++)
        ck_assert_int_eq(history_body(&town.arena, own, &body, (struct height){h}, &fault),
                         h > 20 ? ERR_NONE : ERR_NOT_FOUND);
    ck_assert_int_eq(
        history_account_txs(&town.arena, own, &list, &count, &town.addresses[1], NULL, 100, &fault),
        ERR_NONE);
    for (size_t i = 0; i < count; i++)
        ck_assert_uint_gt(list[i].height.n, 20);
    ck_assert_uint_gt(count, 0);
    history_close(own);
    end();
}
END_TEST

START_TEST(the_chain_goes_on_and_starts_again_and_is_pruned_again)
{
    start();
    grow(BLOCKS);
    prune_to(25);
    grow(5);
    chain_close(town.chain);
    town_open(&town);
    grow(5);
    same_as_twin(25);
    prune_to(38);
    same_as_twin(38);
    grow(3);
    same_as_twin(38);
    end();
}
END_TEST

/* With history of one height only: a value, a key and what was written last for each leaf, and no block. */
START_TEST(nothing_old_is_left)
{
    start();
    grow(BLOCKS);
    prune_to(BLOCKS);
    same_as_twin(BLOCKS);
    size_t values = entries(STORE_VALUES);
    ck_assert_uint_eq(entries(STORE_KEYS), values);
    ck_assert_uint_eq(entries(STORE_PAST), values);
    ck_assert_uint_eq(entries(STORE_BODIES), 0);
    ck_assert_uint_eq(entries(STORE_RECEIPTS), 0);
    ck_assert_uint_eq(entries(STORE_HEADERS), 2); /* 0 and the head */
    ck_assert_uint_eq(entries(STORE_INDEX), 2);
    size_t pages = entries(STORE_PAGES);
    chain_close(town.chain);
    town_open(&town);
    grow(1);
    prune_to(BLOCKS + 1);
    ck_assert_uint_le(entries(STORE_PAGES), pages + 2);
    end();
}
END_TEST

START_TEST(what_is_not_due_changes_nothing)
{
    start();
    grow(5);
    struct height height;
    ck_assert_int_eq(chain_prune(town.chain, &height, (struct height){0}, 8, &fault), ERR_NONE);
    ck_assert_uint_eq(height.n, 0);
    prune_to(3);
    ck_assert_int_eq(chain_prune(town.chain, &height, (struct height){2}, 8, &fault), ERR_NONE);
    ck_assert_uint_eq(height.n, 3);
    same_as_twin(3);
    end();
}
END_TEST

HARNESS_MAIN("prune", kept_heights_stay_as_they_were_and_older_ones_are_gone,
             the_chain_goes_on_and_starts_again_and_is_pruned_again, nothing_old_is_left,
             what_is_not_due_changes_nothing)
