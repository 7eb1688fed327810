#include "trainer/philox.h"

#include <stdbool.h>

#include "test/harness.h"

/* The three known answers that the authors publish with their implementation (Random123, kat_vectors). */
START_TEST(the_authors_answers_are_ours)
{
    static const struct {
        uint32_t counter[4];
        uint32_t key[2];
        uint32_t want[4];
    } cases[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < 3; i++) {
        struct philox_block got = philox((uint64_t)cases[i].key[1] << 32 | cases[i].key[0],
                                         (uint64_t)cases[i].counter[3] << 32 | cases[i].counter[2],
                                         (uint64_t)cases[i].counter[1] << 32 | cases[i].counter[0]);
        for (int j = 0; j < 4; j++)
            ck_assert_uint_eq(got.word[j], cases[i].want[j]);
    }
}
END_TEST

START_TEST(streams_differ_by_use_round_and_slot)
{
    ck_assert_uint_eq(philox_stream_weights(3), 0x0100000000030000ull);
    ck_assert_uint_eq(philox_stream_samples(5, 7), 0x0200000000050007ull);
    ck_assert_uint_ne(philox_stream_samples(0, 1), philox_stream_samples(1, 0));
}
END_TEST

/* With a bound over 2^31, nearly every second word is refused: the answer must be the first that isn't. */
START_TEST(a_refused_word_is_skipped_in_order)
{
    const uint32_t bound = 0x80000001u, refused = 0x7fffffffu;
    int skipped = 0;
    for (uint64_t position = 0; position < 200; position++) {
        uint32_t want = 0;
        bool found = false;
        for (uint64_t attempt = 0; !found; attempt++) {
            struct philox_block block = philox(9, 4, position << 16 | attempt);
            for (int i = 0; i < 4 && !found; i++) {
                found = block.word[i] >= refused;
                skipped += !found;
                want = block.word[i] % bound;
            }
        }
        ck_assert_uint_eq(philox_below(9, 4, position, bound), want);
    }
    ck_assert_int_gt(skipped, 50);
}
END_TEST

START_TEST(numbers_below_a_bound_are_spread_evenly)
{
    int seen[10] = {0};
    for (uint64_t i = 0; i < 10000; i++)
        seen[philox_below(1, 2, i, 10)]++;
    for (int i = 0; i < 10; i++) {
        ck_assert_int_gt(seen[i], 880);
        ck_assert_int_lt(seen[i], 1120);
    }
    ck_assert_uint_eq(philox_below(1, 2, 3, 1), 0);
}
END_TEST

HARNESS_MAIN("philox", the_authors_answers_are_ours, streams_differ_by_use_round_and_slot,
             a_refused_word_is_skipped_in_order, numbers_below_a_bound_are_spread_evenly)
