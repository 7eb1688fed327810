#include "trainer/trace.h"

#include <string.h>

#include "base/merkle.h"
#include "test/harness.h"

START_TEST(a_short_last_interval_has_a_leaf_of_its_own)
{
    ck_assert_uint_eq(trace_leaf_count(200, 20), 11);
    ck_assert_uint_eq(trace_leaf_count(201, 20), 12);
    ck_assert_uint_eq(trace_leaf_count(1, 1), 2);
    ck_assert_uint_eq(trace_leaf_count(5, 20), 2);
    ck_assert_uint_eq(trace_step(201, 20, 0), 0);
    ck_assert_uint_eq(trace_step(201, 20, 10), 200);
    ck_assert_uint_eq(trace_step(201, 20, 11), 201);
    ck_assert_uint_eq(trace_step(UINT32_MAX, 1u << 31, 2), UINT32_MAX);
}
END_TEST

START_TEST(the_root_is_over_state_root_then_witness)
{
    struct trace_leaf leaves[3] = {0};
    struct digest ids[3];
    for (int i = 0; i < 3; i++) {
        uint8_t both[64];
        memset(leaves[i].state_root.bytes, 2 * i + 1, DIGEST_SIZE);
        memset(leaves[i].witness.bytes, 2 * i, DIGEST_SIZE);
        memset(both, 2 * i + 1, 32);
        memset(both + 32, 2 * i, 32);
        ids[i] = merkle_leaf(both, 64);
        struct digest id = trace_leaf_digest(&leaves[i]);
        ck_assert(digest_equal(&id, &ids[i]));
    }
    struct digest root = trace_root(leaves, 3), want = merkle_root(ids, 3);
    ck_assert(digest_equal(&root, &want));
}
END_TEST

START_TEST(leaves_are_equal_only_in_both_parts)
{
    struct trace_leaf a = {0}, b = {0};
    ck_assert(trace_leaf_equal(&a, &b));
    b.witness.bytes[31] = 1;
    ck_assert(!trace_leaf_equal(&a, &b));
    b = a;
    b.state_root.bytes[0] = 1;
    ck_assert(!trace_leaf_equal(&a, &b));
}
END_TEST

START_TEST(the_witness_hashes_little_endian_loss_and_norm)
{
    /* 1.0 is 0x3f800000 and -2.5 is 0xc0200000. */
    static const uint8_t bytes[] = {0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0};
    struct trace_witness witness;
    trace_witness_init(&witness);
    trace_witness_add(&witness, 1.0f, -2.5f);
    struct digest got = trace_witness_end(&witness), want = digest_of(bytes, sizeof(bytes));
    ck_assert(digest_equal(&got, &want));
}
END_TEST

HARNESS_MAIN("trace", a_short_last_interval_has_a_leaf_of_its_own,
             the_root_is_over_state_root_then_witness, leaves_are_equal_only_in_both_parts,
             the_witness_hashes_little_endian_loss_and_norm)
