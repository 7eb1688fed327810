#include "ledger/block.h"

#include <string.h>

#include "base/merkle.h"
#include "test/harness.h"

static struct block_header parent_header(void)
{
    return (struct block_header){
        .version = BLOCK_VERSION,
        .chain = {{1}},
        .height = 7,
        .time_ms = 1000,
        .next_set_digest = {{9}},
    };
}

static struct block_header child_of(const struct block_header *parent, const struct digest *digest)
{
    return (struct block_header){
        .version = BLOCK_VERSION,
        .chain = parent->chain,
        .height = parent->height + 1,
        .parent = *digest,
        .time_ms = parent->time_ms + 1,
        .set_digest = parent->next_set_digest,
    };
}

START_TEST(header_packs_to_its_digest_and_unpacks_to_itself)
{
    struct block_header header = parent_header(), read;
    header.view = UINT64_MAX;
    header.height = UINT64_MAX;
    header.time_ms = UINT64_MAX;
    header.proposer = LIMIT_VALIDATORS - 1;
    uint8_t raw[BLOCK_HEADER_BYTES];
    struct digest digest;
    size_t size = block_header_pack(raw, &digest, &header);
    struct digest own = digest_of(raw, size);
    ck_assert(digest_equal(&digest, &own));
    ck_assert_int_eq(block_header_unpack(&read, bytes_of(raw, size), NULL), ERR_NONE);
    ck_assert_uint_eq(read.view, UINT64_MAX);
    ck_assert_uint_eq(read.proposer, LIMIT_VALIDATORS - 1);
    ck_assert(digest_equal(&read.next_set_digest, &header.next_set_digest));
    for (size_t cut = 0; cut < size; cut++)
        ck_assert_int_eq(block_header_unpack(&read, bytes_of(raw, cut), NULL), ERR_MALFORMED);
}
END_TEST

START_TEST(header_of_another_version_or_size_is_refused)
{
    struct block_header header = parent_header(), read;
    header.version = 2;
    uint8_t raw[BLOCK_HEADER_BYTES];
    struct digest digest;
    struct fault fault = {0};
    size_t size = block_header_pack(raw, &digest, &header);
    ck_assert_int_eq(block_header_unpack(&read, bytes_of(raw, size), &fault), ERR_MALFORMED);
    ck_assert_str_eq(fault.text, "a header of version 2; this program knows 1 to 1");
    uint8_t large[BLOCK_HEADER_BYTES + 1] = {0};
    ck_assert_int_eq(block_header_unpack(&read, bytes_of(large, sizeof(large)), &fault), ERR_LIMIT);
}
END_TEST

START_TEST(body_keeps_order_and_bytes_and_fits_its_stated_size)
{
    struct arena arena;
    arena_init(&arena, 32 << 20);
    static uint8_t large[LIMIT_TX_BYTES];
    struct block_item items[] = {
        {bytes_text("one")}, {bytes_text("")}, {bytes_of(large, sizeof(large))}};
    struct block_body body = {items, 3}, read;
    struct bytes raw = record_bytes(&arena, &block_body_record, &body);
    ck_assert_uint_le(raw.size, block_body_size(3, 3 + sizeof(large)));
    ck_assert_int_eq(block_body_unpack(&arena, &read, raw, NULL), ERR_NONE);
    ck_assert_uint_eq(read.item_count, 3);
    for (int i = 0; i < 3; i++)
        ck_assert(bytes_equal(read.items[i].tx, items[i].tx));
    ck_assert_int_eq(block_body_unpack(&arena, &read, bytes_of(raw.data, raw.size - 1), NULL),
                     ERR_MALFORMED);
    arena_release(&arena);
}
END_TEST

START_TEST(root_of_transactions_is_the_merkle_root_of_their_leaves)
{
    struct block_item items[] = {{bytes_text("one")}, {bytes_text("two")}, {bytes_text("three")}};
    struct digest leaves[3];
    for (uint32_t count = 0; count <= 3; count++) {
        struct block_body body = {items, count};
        for (uint32_t i = 0; i < count; i++)
            leaves[i] = merkle_leaf(items[i].tx.data, items[i].tx.size);
        struct digest want = merkle_root(leaves, count), root = block_tx_root(&body);
        ck_assert(digest_equal(&root, &want));
    }
}
END_TEST

START_TEST(child_is_checked_against_its_parent)
{
    struct block_header parent = parent_header();
    struct digest digest = {{5}};
    struct block_header good = child_of(&parent, &digest), bad;
    struct fault fault = {0};
    ck_assert_int_eq(block_check(&good, &parent, &digest, &fault), ERR_NONE);
    bad = good;
    bad.chain.bytes[3] = 1;
    ck_assert_int_eq(block_check(&bad, &parent, &digest, &fault), ERR_MISMATCH);
    ck_assert_str_eq(fault.text, "block 8 is of another chain");
    bad = good;
    bad.parent.bytes[3] = 1;
    ck_assert_int_eq(block_check(&bad, &parent, &digest, &fault), ERR_MISMATCH);
    ck_assert_str_eq(fault.text, "block 8 names another parent");
    bad = good;
    bad.height = 9;
    ck_assert_int_eq(block_check(&bad, &parent, &digest, &fault), ERR_MISMATCH);
    ck_assert_str_eq(fault.text, "block 9 follows block 7");
    bad = good;
    bad.time_ms = 1000;
    ck_assert_int_eq(block_check(&bad, &parent, &digest, &fault), ERR_MISMATCH);
    ck_assert_str_eq(fault.text, "block 8 has time 1000 ms, its parent 1000 ms: it must be later");
    bad = good;
    bad.set_digest.bytes[0] = 0;
    ck_assert_int_eq(block_check(&bad, &parent, &digest, &fault), ERR_MISMATCH);
    ck_assert_str_eq(fault.text, "block 8 is certified by another set than its parent says");
}
END_TEST

HARNESS_MAIN("block", header_packs_to_its_digest_and_unpacks_to_itself,
             header_of_another_version_or_size_is_refused,
             body_keeps_order_and_bytes_and_fits_its_stated_size,
             root_of_transactions_is_the_merkle_root_of_their_leaves,
             child_is_checked_against_its_parent)
