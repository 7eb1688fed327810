#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "test/seed.h"
#include "test/harness.h"

static bool is_filled(const uint8_t *data, size_t size, uint8_t byte)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] != byte)
            return false;
    }
    return true;
}

START_TEST(memory_is_zeroed_aligned_and_apart)
{
    struct arena arena;
    uint64_t seed = 1;
    uint8_t *pieces[200];
    size_t sizes[200];
    arena_init(&arena, 1 << 20);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 200; i++) {
            sizes[i] = seed_next(&seed) % 3000;
            pieces[i] = arena_alloc(&arena, sizes[i]);
            ck_assert_ptr_nonnull(pieces[i]);
            ck_assert_uint_eq((uintptr_t)pieces[i] % 16, 0);
            ck_assert(is_filled(pieces[i], sizes[i], 0));
            memset(pieces[i], i, sizes[i]);
        }
        for (int i = 0; i < 200; i++)
            ck_assert(is_filled(pieces[i], sizes[i], (uint8_t)i));
        arena_clear(&arena);
    }
    arena_release(&arena);
}
END_TEST

START_TEST(bound_holds_and_clear_gives_it_back)
{
    struct arena arena;
    arena_init(&arena, 64);
    for (int round = 0; round < 2; round++) {
        ck_assert_ptr_nonnull(arena_alloc(&arena, 48));
        ck_assert_ptr_null(arena_alloc(&arena, 17));
        ck_assert_ptr_nonnull(arena_alloc(&arena, 16));
        ck_assert_ptr_null(arena_alloc(&arena, 1));
        arena_clear(&arena);
        ck_assert_uint_eq(arena.used, 0);
    }
    arena_release(&arena);
}
END_TEST

START_TEST(sizes_that_overflow_are_refused)
{
    struct arena arena;
    arena_init(&arena, SIZE_MAX);
    ck_assert_ptr_null(arena_alloc(&arena, SIZE_MAX));
    ck_assert_ptr_null(arena_alloc(&arena, SIZE_MAX - 7));
    ck_assert_ptr_null(arena_array(&arena, SIZE_MAX / 2, 4));
    ck_assert_ptr_null(arena_array(&arena, (SIZE_MAX >> 32) + 2, UINT32_MAX));
    ck_assert_uint_eq(arena.used, 0);
    arena_release(&arena);
}
END_TEST

START_TEST(nothing_is_a_valid_piece)
{
    struct arena arena;
    arena_init(&arena, 0);
    ck_assert_ptr_nonnull(arena_alloc(&arena, 0));
    ck_assert_ptr_nonnull(arena_copy(&arena, NULL, 0));
    ck_assert_ptr_null(arena_alloc(&arena, 1));
    arena_release(&arena);
}
END_TEST

START_TEST(copy_outlives_its_original)
{
    struct arena arena;
    char original[] = "ledger";
    arena_init(&arena, 1024);
    char *copy = arena_copy(&arena, original, sizeof(original));
    memset(original, 0, sizeof(original));
    ck_assert_str_eq(copy, "ledger");
    arena_release(&arena);
    ck_assert_ptr_null(arena.blocks);
}
END_TEST

HARNESS_MAIN("arena", memory_is_zeroed_aligned_and_apart, bound_holds_and_clear_gives_it_back,
             sizes_that_overflow_are_refused, nothing_is_a_valid_piece, copy_outlives_its_original)
