#include "contracts/view.h"

#include <stdlib.h>

#include "test/unit/market.h"

static struct market m;

static struct bytes text(const char *string)
{
    return bytes_text(string);
}

static void begin(void)
{
    m = (struct market){.count = 0};
    m.source = (struct view_source){&m, market_source_get, market_source_next};
    arena_init(&m.arena, 1u << 26);
    view_init(&m.view, &m.source, &m.arena);
}

static bool has(const char *key, const char *expected)
{
    struct bytes value;
    return view_get(&m.view, text(key), &value) && bytes_equal(value, text(expected));
}

static bool lacks(const char *key)
{
    struct bytes value;
    return !view_get(&m.view, text(key), &value);
}

START_TEST(writes_hide_the_source_and_are_walked_in_key_order)
{
    begin();
    market_store(&m, text("b"), text("old"));
    market_store(&m, text("d"), text("same"));
    view_put(&m.view, text("c"), text("3"));
    view_put(&m.view, text("b"), text("new"));
    view_put(&m.view, text("d"), text("same"));
    view_put(&m.view, text("a"), text("1"));
    ck_assert(has("b", "new"));
    ck_assert(has("d", "same"));
    ck_assert(lacks("e"));
    const char *expected[] = {"a", "b", "c"};
    const struct view_entry *entry = NULL;
    for (int i = 0; i < 3; i++) {
        entry = view_write(&m.view, entry);
        ck_assert_ptr_nonnull(entry);
        ck_assert(bytes_equal(entry->key, text(expected[i])));
    }
    ck_assert(bytes_equal(view_write(&m.view, NULL)->value, text("1")));
    ck_assert_ptr_null(view_write(&m.view, entry)); /* d is what it was */
    market_release(&m);
}
END_TEST

START_TEST(undo_leaves_no_trace_and_savepoints_nest)
{
    begin();
    market_store(&m, text("a"), text("0"));
    size_t outer = view_begin(&m.view);
    view_put(&m.view, text("a"), text("1"));
    size_t inner = view_begin(&m.view);
    view_put(&m.view, text("a"), text("2"));
    view_put(&m.view, text("b"), text("2"));
    view_delete(&m.view, text("a"));
    ck_assert(lacks("a"));
    view_undo(&m.view, inner);
    ck_assert(has("a", "1"));
    ck_assert(lacks("b"));
    size_t kept = view_begin(&m.view);
    view_delete(&m.view, text("a"));
    view_keep(&m.view, kept);
    ck_assert(lacks("a"));
    view_undo(&m.view, outer);
    ck_assert(has("a", "0"));
    ck_assert_ptr_null(view_write(&m.view, NULL));
    market_release(&m);
}
END_TEST

START_TEST(next_merges_writes_deletions_and_the_source)
{
    begin();
    const char *stored[] = {"p/1", "p/3", "p/5", "p/7", "q/1"};
    for (size_t i = 0; i < 5; i++)
        market_store(&m, text(stored[i]), text("s"));
    view_delete(&m.view, text("p/1"));
    view_delete(&m.view, text("p/5"));
    view_put(&m.view, text("p/2"), text("w"));
    view_put(&m.view, text("p/8"), text("w"));
    ck_assert(lacks("p/4")); /* asked for and remembered as absent */
    const char *expected[] = {"p/2", "p/3", "p/7", "p/8"};
    struct bytes after = {NULL, 0}, key, value;
    for (size_t i = 0; i < 4; i++) {
        ck_assert(view_next(&m.view, text("p/"), after, &key, &value));
        ck_assert(bytes_equal(key, text(expected[i])));
        after = key;
    }
    ck_assert(!view_next(&m.view, text("p/"), after, &key, &value));
    ck_assert(view_next(&m.view, text("q/"), bytes_of(NULL, 0), &key, &value));
    ck_assert(!view_next(&m.view, text("r/"), bytes_of(NULL, 0), &key, &value));
    market_release(&m);
}
END_TEST

/* The view against a plain table of 64 keys, for many random operations with savepoints. */
START_TEST(the_view_equals_a_plain_table)
{
    int table[64], saved[64];
    srand(7);
    begin();
    for (int i = 0; i < 64; i++) {
        uint8_t k[2] = {'k', (uint8_t)i}, v = (uint8_t)(1 + i % 200);
        table[i] = i % 3 == 0 ? v : 0;
        if (table[i])
            market_store(&m, bytes_of(k, 2), bytes_of(&v, 1));
    }
    for (int round = 0; round < 300; round++) {
        memcpy(saved, table, sizeof(table));
        size_t savepoint = view_begin(&m.view);
        for (int step = 0; step < 20; step++) {
            int i = rand() % 64, v = rand() % 4 ? 1 + rand() % 200 : 0;
            uint8_t k[2] = {'k', (uint8_t)i}, *byte = arena_alloc(&m.arena, 1);
            *byte = (uint8_t)v;
            if (v)
                view_put(&m.view, bytes_of(k, 2), bytes_of(byte, 1));
            else
                view_delete(&m.view, bytes_of(k, 2));
            table[i] = v;
        }
        if (rand() % 2) {
            view_undo(&m.view, savepoint);
            memcpy(table, saved, sizeof(table));
        } else {
            view_keep(&m.view, savepoint);
        }
        struct bytes after = {NULL, 0}, key, value;
        for (int i = 0; i < 64; i++) {
            if (!table[i])
                continue;
            ck_assert(view_next(&m.view, text("k"), after, &key, &value));
            ck_assert_int_eq(key.data[1], i);
            ck_assert_int_eq(value.data[0], table[i]);
            after = key;
        }
        ck_assert(!view_next(&m.view, text("k"), after, &key, &value));
    }
    market_release(&m);
}
END_TEST

START_TEST(sorted_keys_keep_the_tree_flat)
{
    begin();
    for (uint32_t i = 0; i < 20000; i++) {
        uint8_t key[4];
        bytes_put_u32(key, i);
        view_put(&m.view, bytes_of(key, 4), text("x"));
    }
    ck_assert_uint_le(m.view.root->level, 15); /* an AA tree's height is at most twice its level */
    market_release(&m);
}
END_TEST

static enum err broken_get(void *self, struct arena *arena, struct bytes key, struct bytes *value)
{
    (void)self, (void)arena, (void)key, (void)value;
    return ERR_CORRUPT;
}

START_TEST(a_broken_source_is_remembered_and_nothing_is_found_any_more)
{
    begin();
    view_put(&m.view, text("a"), text("1"));
    m.source.get = broken_get;
    ck_assert(lacks("b"));
    ck_assert_int_eq(m.view.err, ERR_CORRUPT);
    ck_assert(lacks("a"));
    market_release(&m);
}
END_TEST

START_TEST(a_full_arena_is_an_error_and_no_crash)
{
    begin();
    arena_release(&m.arena);
    arena_init(&m.arena, 8192);
    for (uint32_t i = 0; i < 1000; i++) {
        uint8_t key[4];
        bytes_put_u32(key, i);
        view_put(&m.view, bytes_of(key, 4), text("x"));
    }
    ck_assert_int_eq(m.view.err, ERR_LIMIT);
    market_release(&m);
}
END_TEST

START_TEST(state_that_does_not_unpack_is_corrupt)
{
    struct members_account account;
    begin();
    market_store(&m, text("x"), text("garbage"));
    ck_assert(!view_load(&m.view, text("x"), &members_account_record, &account));
    ck_assert_int_eq(m.view.err, ERR_CORRUPT);
    market_release(&m);
}
END_TEST

HARNESS_MAIN("view", writes_hide_the_source_and_are_walked_in_key_order,
             undo_leaves_no_trace_and_savepoints_nest, next_merges_writes_deletions_and_the_source,
             the_view_equals_a_plain_table, sorted_keys_keep_the_tree_flat,
             a_broken_source_is_remembered_and_nothing_is_found_any_more,
             a_full_arena_is_an_error_and_no_crash, state_that_does_not_unpack_is_corrupt)
