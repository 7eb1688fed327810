#include "ledger/tally.h"

#include "ledger/reader.h"

/* One page, or one value. */
#define ARENA_BYTES (8u << 20)

struct tally {
    struct sparse_root root;
    struct arena arena;
    struct reader_tree tree;
    struct sparse_reader pages;
    struct fault *fault;
};

/* What was read for one page is given back before the next, so that a tree of any size fits. */
static enum err read_page(void *self, const struct sparse_place *place,
                          const struct sparse_page **page)
{
    struct tally *tally = self;
    arena_clear(&tally->arena);
    return tally->tree.pages.page(tally->tree.pages.self, place, page);
}

static enum err check_value(struct tally *tally, struct bytes key, struct bytes value)
{
    struct digest position = digest_of(key.data, key.size),
                  content = digest_of(value.data, value.size), found;
    enum err err = sparse_find(&found, &tally->root, &position, &tally->pages);
    if (err && err != ERR_NOT_FOUND)
        return reader_tree_fault(&tally->tree, tally->fault, err);
    if (!err && digest_equal(&found, &content))
        return ERR_NONE;
    char hex[2 * 64 + 1];
    bytes_to_hex(hex, bytes_of(key.data, key.size < 64 ? key.size : 64));
    return fault_set(tally->fault, ERR_CORRUPT, "store: values, key %s: %s the state tree", hex,
                     err ? "is missing in" : "differs from");
}

static enum err check_values(struct tally *tally, struct store_cursor *cursor, uint64_t *count)
{
    enum err err = ERR_NONE;
    *count = 0;
    for (bool there = store_cursor_seek(cursor, bytes_of("", 0)); there && !err;
         there = store_cursor_next(cursor)) {
        struct bytes value;
        err = store_cursor_value(cursor, &value, tally->fault);
        if (!err)
            err = check_value(tally, store_cursor_key(cursor), value);
        ++*count;
    }
    return err ? err : store_cursor_err(cursor, tally->fault);
}

enum err tally_check(struct store *store, const struct store_snapshot *snapshot,
                     const struct sparse_root *root, uint64_t *keys, struct fault *fault)
{
    struct tally tally = {.root = *root, .fault = fault};
    uint64_t values, leaves;
    arena_init(&tally.arena, ARENA_BYTES);
    reader_tree_init(&tally.tree, &tally.arena, store, snapshot, NULL, NULL);
    tally.pages = (struct sparse_reader){&tally, read_page};
    struct store_cursor *cursor = store_cursor_new(store, snapshot, STORE_VALUES);
    enum err err = check_values(&tally, cursor, &values);
    store_cursor_free(cursor);
    if (!err) {
        err = sparse_count(&leaves, root, &tally.pages);
        if (err)
            err = reader_tree_fault(&tally.tree, fault, err);
    }
    if (!err && leaves != values)
        err = fault_set(fault, ERR_CORRUPT,
                        "store: the state tree has %llu leaves, the values are %llu",
                        (unsigned long long)leaves, (unsigned long long)values);
    arena_release(&tally.arena);
    if (!err)
        *keys = leaves;
    return err;
}
