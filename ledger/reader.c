#include "ledger/reader.h"

#include "ledger/layout.h"

/* --- values --- */

static enum err get(void *self, struct arena *arena, struct bytes key, struct bytes *value)
{
    struct reader *reader = self;
    if (overlay_get(reader->entry, key, value))
        return value->size ? ERR_NONE : ERR_NOT_FOUND;
    return store_get(arena, reader->store, reader->snapshot, STORE_VALUES, key, value,
                     &reader->fault);
}

/* The least stored key after `after` with the prefix. */
static enum err stored_next(struct reader *reader, struct arena *arena, struct bytes prefix,
                            struct bytes after, struct bytes *key, struct bytes *value)
{
    if (!reader->cursor)
        reader->cursor = store_cursor_new(reader->store, reader->snapshot, STORE_VALUES);
    struct store_cursor *cursor = reader->cursor;
    bool resumes = after.data && bytes_compare(after, prefix) >= 0;
    bool there = store_cursor_seek(cursor, resumes ? after : prefix);
    if (there && resumes && bytes_equal(store_cursor_key(cursor), after))
        there = store_cursor_next(cursor);
    if (!there || !bytes_begins(store_cursor_key(cursor), prefix)) {
        enum err err = store_cursor_err(cursor, &reader->fault);
        return err ? err : ERR_NOT_FOUND;
    }
    enum err err = store_cursor_value(cursor, value, &reader->fault);
    if (err)
        return err;
    struct bytes at = store_cursor_key(cursor);
    *key = bytes_of(arena_copy(arena, at.data, at.size), at.size);
    *value = bytes_of(arena_copy(arena, value->data, value->size), value->size);
    return key->data && value->data ? ERR_NONE : ERR_LIMIT;
}

static enum err next(void *self, struct arena *arena, struct bytes prefix, struct bytes after,
                     struct bytes *key, struct bytes *value)
{
    struct reader *reader = self;
    for (;;) {
        struct bytes stored_key, stored_value;
        enum err err = stored_next(reader, arena, prefix, after, &stored_key, &stored_value);
        if (err && err != ERR_NOT_FOUND)
            return err;
        bool over = overlay_next(reader->entry, prefix, after, key, value);
        if (!over || (!err && bytes_compare(stored_key, *key) < 0)) {
            *key = stored_key;
            *value = stored_value;
            return err;
        }
        if (value->size)
            return ERR_NONE;
        after = *key; /* deleted in an overlay: go on behind it */
    }
}

void reader_init(struct reader *reader, struct store *store, const struct store_snapshot *snapshot,
                 const struct overlay_entry *entry)
{
    *reader = (struct reader){
        .source = {reader, get, next}, .store = store, .snapshot = snapshot, .entry = entry};
}

void reader_release(struct reader *reader)
{
    store_cursor_free(reader->cursor);
    reader->cursor = NULL;
}

enum err reader_fault(const struct reader *reader, struct fault *fault, enum err err)
{
    if (fault && reader->fault.code == err)
        *fault = reader->fault;
    return err;
}

/* --- pages of the tree --- */

static enum err page(void *self, const struct sparse_place *place, const struct sparse_page **out)
{
    struct reader_tree *tree = self;
    tree->last = *place;
    *out = overlay_page(tree->entry, place);
    if (!*out && tree->cache)
        *out = pages_get(tree->cache, place);
    if (*out)
        return ERR_NONE;
    struct layout_key key = layout_page(place);
    struct bytes packed;
    enum err err = store_get(tree->arena, tree->store, tree->snapshot, STORE_PAGES,
                             layout_bytes(&key), &packed, &tree->fault);
    if (err)
        return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
    if (sparse_page_unpack(&tree->page, packed))
        return ERR_CORRUPT;
    *out = tree->cache ? pages_put(tree->cache, place, &tree->page) : &tree->page;
    return ERR_NONE;
}

void reader_tree_init(struct reader_tree *tree, struct arena *arena, struct store *store,
                      const struct store_snapshot *snapshot, const struct overlay_entry *entry,
                      struct pages *cache)
{
    *tree = (struct reader_tree){
        .pages = {tree, page},
        .arena = arena,
        .store = store,
        .snapshot = snapshot,
        .entry = entry,
        .cache = cache,
    };
}

enum err reader_tree_fault(const struct reader_tree *tree, struct fault *fault, enum err err)
{
    if (tree->fault.code == err) {
        if (fault)
            *fault = tree->fault;
        return err;
    }
    char path[DIGEST_TEXT_SIZE];
    digest_text(path, &tree->last.path);
    path[tree->last.depth] = 0;
    return fault_set(
        fault, err, "state tree: the page at %s/ of height %llu %s", path,
        (unsigned long long)tree->last.height,
        err == ERR_CORRUPT
            ? "is missing or contradicts its digest; restore this folder or fetch the chain anew"
            : "can't be read: out of memory");
}
