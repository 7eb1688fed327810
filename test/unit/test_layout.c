#include "ledger/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger/receipt.h"
#include "test/harness.h"

static void expect(struct layout_key key, const char *hex)
{
    char text[2 * sizeof(key.bytes) + 1];
    bytes_to_hex(text, layout_bytes(&key));
    ck_assert_str_eq(text, hex);
}

START_TEST(keys_stand_as_the_header_says)
{
    struct digest digest = {{0xd1}};
    struct address address = {{0xa1}};
    char wanted[128];
    expect(layout_height(0x0102), "0000000000000102");
    expect(layout_past(bytes_text("ab"), 5), "0261620000000000000005");
    expect(layout_page(&(struct sparse_place){.depth = 0, .height = 7}), "000000000000000007");
    expect(layout_page(&(struct sparse_place){.depth = 3, .path = {{0x12, 0x30}}, .height = 7}),
           "0312300000000000000007");
    snprintf(wanted, sizeof(wanted), "62d1%062d", 0);
    expect(layout_block(&digest), wanted);
    snprintf(wanted, sizeof(wanted), "74d1%062d", 0);
    expect(layout_tx(&digest), wanted);
    snprintf(wanted, sizeof(wanted), "61a1%038d0000000000000009", 0);
    expect(layout_party(&address, 9), wanted);
    snprintf(wanted, sizeof(wanted), "0000000000000009d1%062d", 0);
    expect(layout_held_at(9, &digest), wanted);
}
END_TEST

START_TEST(key_order_is_height_order)
{
    uint64_t heights[] = {0, 1, 255, 256, 65536, UINT64_MAX};
    for (size_t i = 1; i < sizeof(heights) / sizeof(heights[0]); i++) {
        struct layout_key low = layout_height(heights[i - 1]), high = layout_height(heights[i]);
        ck_assert_int_lt(bytes_compare(layout_bytes(&low), layout_bytes(&high)), 0);
        low = layout_past(bytes_text("k"), heights[i - 1]);
        high = layout_past(bytes_text("k"), heights[i]);
        ck_assert_int_lt(bytes_compare(layout_bytes(&low), layout_bytes(&high)), 0);
    }
}
END_TEST

START_TEST(stored_receipts_are_the_packed_list)
{
    char path[] = "/tmp/tenure-layout-XXXXXX", command[96];
    struct store *store;
    struct arena arena;
    ck_assert_ptr_nonnull(mkdtemp(path));
    arena_init(&arena, 1 << 20);
    ck_assert_int_eq(store_open(&store, path, 1 << 20, NULL), ERR_NONE);
    struct receipt_event events[] = {{bytes_text("one")}, {bytes_text("two")}};
    struct receipt receipts[] = {{.events = events, .event_count = 2},
                                 {.id = {{5}}, .verdict = 300}};
    struct bytes packed[2];
    for (int i = 0; i < 2; i++)
        packed[i] = record_bytes(&arena, &receipt_record, &receipts[i]);
    struct overlay_tx tx = {.id = {{5}}};
    struct overlay_party parties[] = {{{{9}}, 0}, {{{1}}, 0}};
    struct overlay_entry entry = {
        .header = {.height = 3},
        .header_raw = bytes_text("header"),
        .body_raw = bytes_text("body"),
        .receipts = packed,
        .txs = &tx,
        .tx_count = 1,
        .parties = parties,
        .party_count = 2,
    };
    struct store_batch *batch = store_batch_new(store);
    ck_assert_int_eq(layout_put_block(&arena, batch, &entry, bytes_text("certificate")), ERR_NONE);
    ck_assert_int_eq(store_write(store, batch, NULL), ERR_NONE);
    store_batch_free(batch);

    struct receipt_list list = {receipts, 2};
    struct bytes want = record_bytes(&arena, &receipt_list_record, &list), got;
    struct layout_key key = layout_height(3);
    ck_assert_int_eq(store_get(&arena, store, NULL, STORE_RECEIPTS, layout_bytes(&key), &got, NULL),
                     ERR_NONE);
    ck_assert(bytes_equal(got, want));
    key = layout_party(&(struct address){{9}}, 3);
    ck_assert_int_eq(store_get(&arena, store, NULL, STORE_INDEX, layout_bytes(&key), &got, NULL),
                     ERR_NONE);
    ck_assert_uint_eq(got.size, LAYOUT_PARTY_SIZE);
    ck_assert_uint_eq(got.data[4], 5); /* index 0, then the id */
    store_close(store);
    arena_release(&arena);
    snprintf(command, sizeof(command), "rm -rf '%s'", path);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

HARNESS_MAIN("layout", keys_stand_as_the_header_says, key_order_is_height_order,
             stored_receipts_are_the_packed_list)
