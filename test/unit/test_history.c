#include "ledger/history.h"

#include <pthread.h>
#include <stdatomic.h>

#include "test/unit/town.h"

static struct town town;
static struct history *history;
static struct fault fault;

static struct bytes account_key(uint32_t who)
{
    uint8_t *key = arena_alloc(&town.arena, 8 + ADDRESS_SIZE);
    memcpy(key, "account/", 8);
    memcpy(key + 8, town.addresses[who].bytes, ADDRESS_SIZE);
    return bytes_of(key, 8 + ADDRESS_SIZE);
}

/* Ten blocks: in block h, person 1 sends h to person 2; then a history of them. */
static void start(void)
{
    town_init(&town);
    town_open(&town);
    for (uint64_t i = 1; i <= 10; i++)
        town_step(&town, 1, 2, i);
    fault = (struct fault){0};
    history = history_open(town.chain, &fault);
    ck_assert_ptr_nonnull(history);
}

static void end(void)
{
    history_close(history);
    town_release(&town);
}

START_TEST(blocks_are_read_by_height_and_by_digest)
{
    start();
    ck_assert_uint_eq(history_height(history).n, 10);
    struct digest parent = digest_zero;
    for (uint64_t h = 0; h <= 10; h++) {
        struct history_block block;
        struct height found, height = {h};
        struct bytes body;
        ck_assert_int_eq(history_block(&town.arena, history, &block, height, &fault), ERR_NONE);
        ck_assert_uint_eq(block.header.height, h);
        ck_assert(digest_equal(&block.header.parent, &parent));
        ck_assert(bytes_equal(block.certificate, bytes_text(h ? "certificate" : "")));
        ck_assert_int_eq(history_find_block(history, &found, &block.digest, &fault), ERR_NONE);
        ck_assert_uint_eq(found.n, h);
        ck_assert_int_eq(history_body(&town.arena, history, &body, height, &fault), ERR_NONE);
        struct block_body list;
        ck_assert_int_eq(block_body_unpack(&town.arena, &list, body, NULL), ERR_NONE);
        ck_assert_uint_eq(list.item_count, h ? 1 : 0);
        parent = block.digest;
    }
    struct history_block block;
    ck_assert_int_eq(history_block(&town.arena, history, &block, (struct height){11}, &fault),
                     ERR_NOT_FOUND);
    struct height found;
    ck_assert_int_eq(history_find_block(history, &found, &digest_zero, &fault), ERR_NOT_FOUND);
    end();
}
END_TEST

START_TEST(history_is_frozen_while_the_chain_goes_on)
{
    start();
    town_step(&town, 1, 2, 5);
    ck_assert_uint_eq(history_height(history).n, 10);
    struct history_block block;
    ck_assert_int_eq(history_block(&town.arena, history, &block, (struct height){11}, &fault),
                     ERR_NOT_FOUND);
    struct bytes value;
    ck_assert_int_eq(
        history_value(&town.arena, history, &value, account_key(2), (struct height){11}, &fault),
        ERR_NOT_FOUND);
    end();
}
END_TEST

START_TEST(transaction_is_found_with_its_receipt)
{
    start();
    struct history_tx tx, again;
    struct history_tx *list;
    size_t count;
    ck_assert_int_eq(history_account_txs(&town.arena, history, &list, &count, &town.addresses[1],
                                         NULL, 3, &fault),
                     ERR_NONE);
    ck_assert_uint_eq(count, 3);
    tx = list[0];
    ck_assert_uint_eq(tx.height.n, 10);
    ck_assert_int_eq(history_find_tx(history, &again, &tx.id, &fault), ERR_NONE);
    ck_assert_uint_eq(again.height.n, 10);
    ck_assert_uint_eq(again.index, 0);
    struct receipt_list receipts;
    ck_assert_int_eq(history_receipts(&town.arena, history, &receipts, tx.height, &fault),
                     ERR_NONE);
    ck_assert_uint_eq(receipts.receipt_count, 2);
    ck_assert(digest_equal(&receipts.receipts[1].id, &tx.id));
    ck_assert_uint_eq(receipts.receipts[1].verdict, 0);
    ck_assert_uint_eq(receipts.receipts[1].event_count, 1);
    ck_assert_int_eq(history_find_tx(history, &again, &digest_zero, &fault), ERR_NOT_FOUND);
    end();
}
END_TEST

START_TEST(account_lists_what_it_sent_and_received_in_pages)
{
    start();
    struct history_tx *list;
    size_t count;
    for (uint32_t who = 1; who <= 2; who++) { /* sender and receiver see the same ten */
        struct history_tx before, *from = NULL;
        uint64_t height = 10;
        for (;;) {
            ck_assert_int_eq(history_account_txs(&town.arena, history, &list, &count,
                                                 &town.addresses[who], from, 3, &fault),
                             ERR_NONE);
            for (size_t i = 0; i < count; i++)
                ck_assert_uint_eq(list[i].height.n, height--);
            if (count == 0)
                break;
            before = list[count - 1];
            from = &before;
        }
        ck_assert_uint_eq(height, 0);
    }
    ck_assert_int_eq(history_account_txs(&town.arena, history, &list, &count, &town.addresses[3],
                                         NULL, 3, &fault),
                     ERR_NONE);
    ck_assert_uint_eq(count, 0);
    end();
}
END_TEST

START_TEST(events_are_complete_in_order_and_paged)
{
    start();
    struct history_event *list, next, from = {.height = {1}};
    size_t count;
    uint64_t height = 1;
    while (from.height.n <= 10) {
        ck_assert_int_eq(
            history_events(&town.arena, history, &list, &count, &next, &from, 4, &fault), ERR_NONE);
        for (size_t i = 0; i < count; i++) {
            ck_assert_uint_eq(list[i].height.n, height);
            ck_assert_uint_eq(list[i].receipt, 1);
            ck_assert_uint_eq(list[i].time_ms, TOWN_START_MS + 100 * height++);
        }
        from = next;
    }
    ck_assert_uint_eq(height, 11);

    from = (struct history_event){0};
    ck_assert_int_eq(
        history_events(&town.arena, history, &list, &count, &next, &from, 1000, &fault), ERR_NONE);
    ck_assert_uint_eq(count, 2 * TOWN_PEOPLE + 10); /* genesis: registered and minted, each */
    ck_assert_uint_eq(next.height.n, 11);
    end();
}
END_TEST

START_TEST(value_and_proof_at_every_height)
{
    start();
    uint64_t balance = 1000;
    for (uint64_t h = 0; h <= 10; h++) {
        struct history_block block;
        struct bytes value, key = account_key(2);
        struct sparse_proof proof;
        struct members_account account;
        struct height height = {h};
        balance += h;
        ck_assert_int_eq(history_block(&town.arena, history, &block, height, &fault), ERR_NONE);
        ck_assert_int_eq(history_value(&town.arena, history, &value, key, height, &fault),
                         ERR_NONE);
        ck_assert_int_eq(record_unpack(&town.arena, &members_account_record, &account, value, NULL),
                         ERR_NONE);
        ck_assert_uint_eq(bytes_get_u64(account.balance.be + 24), balance);
        ck_assert_int_eq(history_prove(&town.arena, history, &proof, key, height, &fault),
                         ERR_NONE);
        ck_assert(sparse_has(&block.header.state_root, key, value, &proof));

        struct bytes nothing = bytes_text("account/nobody");
        ck_assert_int_eq(history_value(&town.arena, history, &value, nothing, height, &fault),
                         ERR_NOT_FOUND);
        ck_assert_int_eq(history_prove(&town.arena, history, &proof, nothing, height, &fault),
                         ERR_NONE);
        ck_assert(sparse_lacks(&block.header.state_root, nothing, &proof));
        ck_assert(!sparse_lacks(&block.header.state_root, key, &proof));
    }
    end();
}
END_TEST

START_TEST(list_walks_a_prefix_in_key_order_and_resumes)
{
    start();
    struct history_entry *list;
    size_t count;
    uint32_t seen = 0;
    struct bytes after = {0};
    do {
        ck_assert_int_eq(history_list(&town.arena, history, &list, &count, bytes_text("account/"),
                                      after, 4, &fault),
                         ERR_NONE);
        for (size_t i = 0; i < count; i++, seen++) {
            ck_assert(bytes_begins(list[i].key, bytes_text("account/")));
            ck_assert_int_lt(bytes_compare(after, list[i].key), 0);
            after = list[i].key;
        }
    } while (count == 4);
    ck_assert_uint_eq(seen, TOWN_PEOPLE);
    ck_assert_int_eq(
        history_list(&town.arena, history, &list, &count, bytes_text("nothing/"), after, 4, &fault),
        ERR_NONE);
    ck_assert_uint_eq(count, 0);
    end();
}
END_TEST

START_TEST(contracts_getters_read_the_frozen_state)
{
    start();
    struct view_source source = history_source(history);
    struct view_state view;
    struct members_account account;
    town_step(&town, 1, 2, 500);
    view_init(&view, &source, &town.arena);
    ck_assert(members_get(&view, &town.addresses[2], &account));
    ck_assert_uint_eq(bytes_get_u64(account.balance.be + 24), 1055);
    end();
}
END_TEST

/* Overwrites what is stored at a key with something whose check is right: damage that only the chain's own digests find. */
static void forge(enum store_family family, struct bytes key, struct bytes value)
{
    history_close(history);
    chain_close(town.chain);
    struct store *store;
    ck_assert_int_eq(store_open(&store, town.path, 1 << 20, NULL), ERR_NONE);
    struct store_batch *batch = store_batch_new(store);
    if (value.data)
        store_batch_put(batch, family, key, value);
    else
        store_batch_delete(batch, family, key);
    ck_assert_int_eq(store_write(store, batch, NULL), ERR_NONE);
    store_batch_free(batch);
    store_close(store);
    town.chain = NULL;
    history = NULL;
}

static const uint8_t ten[8] = {0, 0, 0, 0, 0, 0, 0, 10};

static void expect_refused(const char *words)
{
    fault = (struct fault){0};
    ck_assert_int_eq(chain_open(&town.chain, town.path, town.genesis, &fault), ERR_CORRUPT);
    ck_assert_msg(strstr(fault.text, words) != NULL, "%s", fault.text);
    town.chain = NULL;
    end();
}

START_TEST(forged_body_of_the_head_is_found_at_the_start)
{
    start();
    forge(STORE_BODIES, bytes_of(ten, 8), bytes_text("\x91\x90"));
    expect_refused("block 10: the stored body contradicts the header");
}
END_TEST

START_TEST(forged_receipts_of_the_head_are_found_at_the_start)
{
    start();
    forge(STORE_RECEIPTS, bytes_of(ten, 8), bytes_text("\x91\x90"));
    expect_refused("block 10: the stored receipts contradict the header");
}
END_TEST

START_TEST(missing_header_is_found_at_the_start)
{
    start();
    forge(STORE_HEADERS, bytes_of(ten, 8), bytes_of(NULL, 0));
    expect_refused("part of block 10, the head, is missing");
}
END_TEST

START_TEST(missing_page_of_the_tree_is_found_at_the_start)
{
    start();
    uint8_t key[9] = {0};
    memcpy(key + 1, ten, 8);
    forge(STORE_PAGES, bytes_of(key, 9), bytes_of(NULL, 0));
    expect_refused("state tree: the page at / of height 10 is missing");
}
END_TEST

/* Opens the damaged chain, whose head is whole, and expects the audit to find an older block's damage. */
static void expect_found(const char *words)
{
    uint64_t keys;
    town_open(&town);
    history = history_open(town.chain, &fault);
    ck_assert_int_eq(history_audit(history, &keys, &fault), ERR_CORRUPT);
    ck_assert_msg(strstr(fault.text, words) != NULL, "%s", fault.text);
    end();
}

static const uint8_t four[8] = {0, 0, 0, 0, 0, 0, 0, 4};

START_TEST(forged_body_of_an_old_block_is_found_by_the_audit)
{
    start();
    forge(STORE_BODIES, bytes_of(four, 8), bytes_text("\x91\x90"));
    expect_found("block 4: the stored body contradicts the header");
}
END_TEST

START_TEST(missing_receipts_of_an_old_block_are_found_by_the_audit)
{
    start();
    forge(STORE_RECEIPTS, bytes_of(four, 8), bytes_of(NULL, 0));
    expect_found("block 4: part of it is missing");
}
END_TEST

START_TEST(forged_value_is_found_by_the_audit)
{
    uint64_t keys = 0;
    start();
    ck_assert_int_eq(history_audit(history, &keys, &fault), ERR_NONE);
    ck_assert_uint_gt(keys, TOWN_PEOPLE);
    struct bytes key = account_key(5);
    forge(STORE_VALUES, key, bytes_text("money"));
    town_open(&town);
    history = history_open(town.chain, &fault);
    ck_assert_int_eq(history_audit(history, &keys, &fault), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(fault.text, "differs from the state tree"));
    forge(STORE_VALUES, key, bytes_of(NULL, 0));
    town_open(&town);
    history = history_open(town.chain, &fault);
    ck_assert_int_eq(history_audit(history, &keys, &fault), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(fault.text, "the values are"));
    end();
}
END_TEST

/* Another thread's reads while blocks are committed: each history is whole. */
struct watcher {
    pthread_t thread;
    atomic_bool stop;
    uint64_t highest;
    const char *wrong;
};

static const char *look(struct watcher *watcher)
{
    struct fault inner = {0};
    struct history *own = history_open(town.chain, &inner);
    struct arena arena;
    arena_init(&arena, 16 << 20);
    struct history_block head;
    struct bytes body;
    struct receipt_list receipts;
    struct height height = history_height(own);
    const char *wrong = NULL;
    uint64_t keys;
    if (height.n < watcher->highest)
        wrong = "the head went back";
    else if (history_block(&arena, own, &head, height, &inner) ||
             history_body(&arena, own, &body, height, &inner) ||
             history_receipts(&arena, own, &receipts, height, &inner))
        wrong = "the head isn't whole";
    else if (height.n % 8 == 0 && history_audit(own, &keys, &inner))
        wrong = "values and tree differ";
    watcher->highest = height.n;
    arena_release(&arena);
    history_close(own);
    return wrong;
}

static void *watch(void *self)
{
    struct watcher *watcher = self;
    while (!atomic_load(&watcher->stop) && !watcher->wrong)
        watcher->wrong = look(watcher);
    return NULL;
}

START_TEST(reader_in_another_thread_sees_whole_blocks_only)
{
    start();
    struct watcher watcher = {.wrong = NULL};
    ck_assert_int_eq(pthread_create(&watcher.thread, NULL, watch, &watcher), 0);
    for (uint64_t i = 0; i < 200; i++)
        town_step(&town, 1 + i % 5, 7, 1);
    atomic_store(&watcher.stop, true);
    pthread_join(watcher.thread, NULL);
    ck_assert_msg(!watcher.wrong, "%s", watcher.wrong);
    ck_assert_uint_gt(watcher.highest, 10);
    end();
}
END_TEST

HARNESS_MAIN("history", reader_in_another_thread_sees_whole_blocks_only,
             blocks_are_read_by_height_and_by_digest, history_is_frozen_while_the_chain_goes_on,
             transaction_is_found_with_its_receipt,
             account_lists_what_it_sent_and_received_in_pages,
             events_are_complete_in_order_and_paged, value_and_proof_at_every_height,
             list_walks_a_prefix_in_key_order_and_resumes, contracts_getters_read_the_frozen_state,
             forged_body_of_the_head_is_found_at_the_start,
             forged_receipts_of_the_head_are_found_at_the_start,
             missing_header_is_found_at_the_start, missing_page_of_the_tree_is_found_at_the_start,
             forged_body_of_an_old_block_is_found_by_the_audit,
             missing_receipts_of_an_old_block_are_found_by_the_audit,
             forged_value_is_found_by_the_audit)
