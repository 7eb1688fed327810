#include "ledger/receipt.h"

#include "base/merkle.h"
#include "test/harness.h"

START_TEST(receipt_survives_packing_and_nothing_may_follow)
{
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct receipt_event events[] = {{bytes_text("first")}, {bytes_text("second")}};
    struct receipt receipt = {.id = {{7}}, .verdict = 20, .events = events, .event_count = 2}, read;
    struct bytes packed = record_bytes(&arena, &receipt_record, &receipt);
    ck_assert_int_eq(record_unpack(&arena, &receipt_record, &read, packed, NULL), ERR_NONE);
    ck_assert(digest_equal(&read.id, &receipt.id));
    ck_assert_uint_eq(read.verdict, 20);
    ck_assert_uint_eq(read.event_count, 2);
    ck_assert(bytes_equal(read.events[1].packed, bytes_text("second")));
    for (size_t size = 0; size < packed.size; size++)
        ck_assert_int_eq(
            record_unpack(&arena, &receipt_record, &read, bytes_of(packed.data, size), NULL),
            ERR_MALFORMED);
    arena_release(&arena);
}
END_TEST

START_TEST(leaf_is_the_merkle_leaf_of_the_packed_bytes)
{
    struct digest leaf = receipt_leaf(bytes_text("packed")), want = merkle_leaf("packed", 6);
    ck_assert(digest_equal(&leaf, &want));
}
END_TEST

HARNESS_MAIN("receipt", receipt_survives_packing_and_nothing_may_follow,
             leaf_is_the_merkle_leaf_of_the_packed_bytes)
