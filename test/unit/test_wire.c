#include "tools/tenured/wire.h"

#include "ledger/block.h"
#include "test/harness.h"

static struct block_header header_of(uint64_t height)
{
    return (struct block_header){
        .version = BLOCK_VERSION,
        .chain = digest_of("chain", 5),
        .height = height,
        .view = 3,
        .parent = digest_of("parent", 6),
        .time_ms = 1700000000000,
        .proposer = 2,
        .set_digest = digest_of("set", 3),
        .next_set_digest = digest_of("next", 4),
    };
}

START_TEST(consensus_sees_what_the_header_says)
{
    uint8_t raw[BLOCK_HEADER_BYTES];
    struct digest digest;
    struct block_header header = header_of(7);
    size_t size = block_header_pack(raw, &digest, &header);
    struct consensus_block block;
    ck_assert(wire_read_header(NULL, &block, bytes_of(raw, size)));
    ck_assert_uint_eq(block.height.n, 7);
    ck_assert_uint_eq(block.view.n, 3);
    ck_assert_uint_eq(block.proposer.n, 2);
    ck_assert_uint_eq(block.time_ms, 1700000000000);
    ck_assert(digest_equal(&block.digest, &digest));
    ck_assert(digest_equal(&block.parent, &header.parent));
    ck_assert(digest_equal(&block.set, &header.set_digest));
    ck_assert(digest_equal(&block.next_set, &header.next_set_digest));
    ck_assert(!wire_read_header(NULL, &block, bytes_of(raw, size - 1)));
    raw[1] ^= 1;
    ck_assert(!wire_read_header(NULL, &block, bytes_of(raw, size)));
}
END_TEST

START_TEST(records_come_back)
{
    struct arena arena;
    struct wire_body read;
    struct wire_body body = {bytes_text("header"), bytes_text("body")};
    struct wire_want_blocks want = {{7}, {9}}, wanted;
    arena_init(&arena, 65536);
    struct bytes packed = record_bytes(&arena, &wire_body_record, &body);
    ck_assert_int_eq(record_unpack(&arena, &wire_body_record, &read, packed, NULL), ERR_NONE);
    ck_assert(bytes_equal(read.header, body.header));
    ck_assert(bytes_equal(read.body, body.body));
    packed = record_bytes(&arena, &wire_want_blocks_record, &want);
    ck_assert_int_eq(record_unpack(&arena, &wire_want_blocks_record, &wanted, packed, NULL),
                     ERR_NONE);
    ck_assert_uint_eq(wanted.from.n, 7);
    ck_assert_uint_eq(wanted.to.n, 9);
    packed.size--;
    ck_assert_int_eq(record_unpack(&arena, &wire_want_blocks_record, &wanted, packed, NULL),
                     ERR_MALFORMED);
    arena_release(&arena);
}
END_TEST

HARNESS_MAIN("wire", consensus_sees_what_the_header_says, records_come_back)
