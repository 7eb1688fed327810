#include "ledger/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger/layout.h"
#include "test/harness.h"

static char path[64];
static struct store *store;
static struct arena arena;

/* A store with a=1 b=2 d=4 e=5, and above it an entry that writes b, c and deletes d. */
static struct overlay_value written[] = {{.fresh = false}, {.fresh = true}, {.fresh = false}};
static struct overlay_entry entry;

static void start(void)
{
    strcpy(path, "/tmp/tenure-reader-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(path));
    arena_init(&arena, 1 << 20);
    ck_assert_int_eq(store_open(&store, path, 1 << 20, NULL), ERR_NONE);
    struct store_batch *batch = store_batch_new(store);
    const char *const stored[] = {"a1", "b2", "d4", "e5"};
    for (int i = 0; i < 4; i++)
        store_batch_put(batch, STORE_VALUES, bytes_of(stored[i], 1), bytes_of(stored[i] + 1, 1));
    ck_assert_int_eq(store_write(store, batch, NULL), ERR_NONE);
    store_batch_free(batch);
    written[0] = (struct overlay_value){.key = bytes_text("b"), .value = bytes_text("over")};
    written[1] = (struct overlay_value){.key = bytes_text("c"), .value = bytes_text("new")};
    written[2] = (struct overlay_value){.key = bytes_text("d"), .value = bytes_text("")};
    entry = (struct overlay_entry){.values = written, .value_count = 3, .header = {.height = 1}};
}

static void end(struct reader *reader)
{
    reader_release(reader);
    store_close(store);
    arena_release(&arena);
    char command[96];
    snprintf(command, sizeof(command), "rm -rf '%s'", path);
    ck_assert_int_eq(system(command), 0);
}

static void expect(struct reader *reader, const char *key, const char *want)
{
    struct bytes value;
    enum err err = reader->source.get(reader, &arena, bytes_text(key), &value);
    ck_assert_int_eq(err, want ? ERR_NONE : ERR_NOT_FOUND);
    if (want)
        ck_assert(bytes_equal(value, bytes_text(want)));
}

static void expect_walk(struct reader *reader, const char *prefix, const char *want)
{
    char walk[128] = "";
    struct bytes key, value, after = {0};
    while (reader->source.next(reader, &arena, bytes_text(prefix), after, &key, &value) ==
           ERR_NONE) {
        size_t size = strlen(walk);
        snprintf(walk + size, sizeof(walk) - size, "%.*s=%.*s ", (int)key.size,
                 (const char *)key.data, (int)value.size, (const char *)value.data);
        after = key;
    }
    ck_assert_str_eq(walk, want);
}

START_TEST(committed_state_is_the_store)
{
    struct reader reader;
    start();
    reader_init(&reader, store, NULL, NULL);
    expect(&reader, "a", "1");
    expect(&reader, "c", NULL);
    expect_walk(&reader, "", "a=1 b=2 d=4 e=5 ");
    expect_walk(&reader, "d", "d=4 ");
    expect_walk(&reader, "c", "");
    end(&reader);
}
END_TEST

START_TEST(overlay_has_the_say_over_the_store)
{
    struct reader reader;
    start();
    reader_init(&reader, store, NULL, &entry);
    expect(&reader, "a", "1");
    expect(&reader, "b", "over");
    expect(&reader, "c", "new");
    expect(&reader, "d", NULL);
    expect_walk(&reader, "", "a=1 b=over c=new e=5 ");
    expect_walk(&reader, "d", "");
    end(&reader);
}
END_TEST

START_TEST(keys_that_only_an_ancestor_has_are_walked_too)
{
    struct reader reader;
    start();
    struct overlay_value more[] = {{.key = bytes_text("c"), .value = bytes_text("")},
                                   {.key = bytes_text("f"), .value = bytes_text("six")}};
    struct overlay_entry child = {
        .parent = &entry, .values = more, .value_count = 2, .header = {.height = 2}};
    reader_init(&reader, store, NULL, &child);
    expect_walk(&reader, "", "a=1 b=over e=5 f=six ");
    expect(&reader, "c", NULL);
    expect(&reader, "b", "over");
    end(&reader);
}
END_TEST

START_TEST(page_comes_from_overlay_then_cache_then_store)
{
    struct reader reader;
    start();
    reader_init(&reader, store, NULL, NULL);
    struct pages *cache = pages_new();
    struct sparse_change changes[2] = {{{{1}}, {{2}}, false}, {{{0x81}}, {{3}}, false}};
    struct sparse_root root = {0};
    struct sparse_writes writes = {0};
    struct reader_tree tree;
    reader_tree_init(&tree, &arena, store, NULL, NULL, cache);
    ck_assert_int_eq(sparse_update(&arena, &root, &writes, changes, 2, 1, &tree.pages), ERR_NONE);
    ck_assert_uint_eq(writes.count, 1);

    /* nowhere: the sentence names the page */
    struct fault fault = {0};
    struct digest value;
    ck_assert_int_eq(sparse_find(&value, &root, &changes[0].key, &tree.pages), ERR_CORRUPT);
    ck_assert_int_eq(reader_tree_fault(&tree, &fault, ERR_CORRUPT), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(fault.text, "the page at / of height 1 is missing"));

    /* in the overlay */
    entry.pages = writes;
    reader_tree_init(&tree, &arena, store, NULL, &entry, cache);
    ck_assert_int_eq(sparse_find(&value, &root, &changes[0].key, &tree.pages), ERR_NONE);
    ck_assert(digest_equal(&value, &changes[0].value));

    /* in the store, with and without a cache */
    uint8_t packed[SPARSE_PAGE_BYTES];
    size_t size = sparse_page_pack(packed, writes.list[0].page);
    struct layout_key key = layout_page(&writes.list[0].place);
    struct store_batch *batch = store_batch_new(store);
    store_batch_put(batch, STORE_PAGES, layout_bytes(&key), bytes_of(packed, size));
    ck_assert_int_eq(store_write(store, batch, NULL), ERR_NONE);
    store_batch_free(batch);
    reader_tree_init(&tree, &arena, store, NULL, NULL, NULL);
    ck_assert_int_eq(sparse_find(&value, &root, &changes[1].key, &tree.pages), ERR_NONE);
    ck_assert_ptr_null(pages_get(cache, &writes.list[0].place));
    reader_tree_init(&tree, &arena, store, NULL, NULL, cache);
    ck_assert_int_eq(sparse_find(&value, &root, &changes[1].key, &tree.pages), ERR_NONE);
    ck_assert_ptr_nonnull(pages_get(cache, &writes.list[0].place));
    pages_free(cache);
    end(&reader);
}
END_TEST

HARNESS_MAIN("reader", committed_state_is_the_store, overlay_has_the_say_over_the_store,
             keys_that_only_an_ancestor_has_are_walked_too,
             page_comes_from_overlay_then_cache_then_store)
