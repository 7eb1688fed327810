#include "contracts/view.h"

#include <string.h>

#include "base/check.h"

void view_fail(struct view_state *view, enum err err)
{
    if (view->err == ERR_NONE)
        view->err = err;
}

void view_init(struct view_state *view, const struct view_source *source, struct arena *arena)
{
    *view = (struct view_state){.source = source, .arena = arena};
}

/* --- the tree (Andersson 1993: an AA tree; a level is that of the red-black tree's black height) --- */

static struct view_entry *skew(struct view_entry *entry)
{
    struct view_entry *left = entry->left;
    if (!left || left->level != entry->level)
        return entry;
    entry->left = left->right;
    left->right = entry;
    return left;
}

static struct view_entry *split(struct view_entry *entry)
{
    struct view_entry *right = entry->right;
    if (!right || !right->right || right->right->level != entry->level)
        return entry;
    entry->right = right->left;
    right->left = entry;
    right->level++;
    return right;
}

/* Recursion is as deep as the tree: 2 log2(n). */
static struct view_entry *insert(struct view_entry *entry, struct view_entry *fresh)
{
    if (!entry)
        return fresh;
    if (bytes_compare(fresh->key, entry->key) < 0)
        entry->left = insert(entry->left, fresh);
    else
        entry->right = insert(entry->right, fresh);
    return split(skew(entry));
}

static struct view_entry *find(const struct view_state *view, struct bytes key)
{
    struct view_entry *entry = view->root;
    while (entry) {
        int order = bytes_compare(key, entry->key);
        if (order == 0)
            return entry;
        entry = order < 0 ? entry->left : entry->right;
    }
    return NULL;
}

/* The least entry above `key`, or at it when `inclusive`. */
static struct view_entry *above(const struct view_state *view, struct bytes key, bool inclusive)
{
    struct view_entry *entry = view->root, *best = NULL;
    while (entry) {
        int order = bytes_compare(entry->key, key);
        if (order > 0 || (inclusive && order == 0)) {
            best = entry;
            entry = entry->left;
        } else {
            entry = entry->right;
        }
    }
    return best;
}

static struct view_entry *remember(struct view_state *view, struct bytes key, struct bytes before)
{
    struct view_entry *entry = arena_alloc(view->arena, sizeof(*entry));
    const uint8_t *copy = arena_copy(view->arena, key.data, key.size);
    if (!entry || !copy) {
        view_fail(view, ERR_LIMIT);
        return NULL;
    }
    *entry = (struct view_entry){
        .key = bytes_of(copy, key.size), .before = before, .value = before, .level = 1};
    view->root = insert(view->root, entry);
    return entry;
}

/* The entry of `key`, asked from the source if it is new; NULL only with view->err. */
static struct view_entry *entry_of(struct view_state *view, struct bytes key)
{
    CHECK(key.size >= 1);
    CHECK(key.size <= LIMIT_KEY_BYTES);
    if (view->err != ERR_NONE)
        return NULL;
    struct view_entry *entry = find(view, key);
    if (entry)
        return entry;
    struct bytes value = {NULL, 0};
    enum err err = view->source->get(view->source->self, view->arena, key, &value);
    if (err != ERR_NONE && err != ERR_NOT_FOUND) {
        view_fail(view, err);
        return NULL;
    }
    return remember(view, key, err == ERR_NONE ? value : bytes_of(NULL, 0));
}

/* --- reading and writing --- */

bool view_get(struct view_state *view, struct bytes key, struct bytes *value)
{
    struct view_entry *entry = entry_of(view, key);
    if (!entry || entry->value.size == 0)
        return false;
    *value = entry->value;
    return true;
}

/* Notes the old value while a savepoint is open. False when the arena is full. */
static bool journal(struct view_state *view, struct view_entry *entry)
{
    if (view->open == 0)
        return true;
    if (view->change_count == view->change_room) {
        size_t room = view->change_room ? 2 * view->change_room : 64;
        struct view_change *changes = arena_array(view->arena, room, sizeof(*changes));
        if (!changes) {
            view_fail(view, ERR_LIMIT);
            return false;
        }
        if (view->change_count > 0)
            memcpy(changes, view->changes, view->change_count * sizeof(*changes));
        view->changes = changes;
        view->change_room = room;
    }
    view->changes[view->change_count++] = (struct view_change){entry, entry->value};
    return true;
}

void view_put(struct view_state *view, struct bytes key, struct bytes value)
{
    CHECK(value.size >= 1);
    CHECK(value.size <= LIMIT_VALUE_BYTES);
    struct view_entry *entry = entry_of(view, key);
    if (entry && journal(view, entry))
        entry->value = value;
}

void view_delete(struct view_state *view, struct bytes key)
{
    struct view_entry *entry = entry_of(view, key);
    if (entry && entry->value.size > 0 && journal(view, entry))
        entry->value = bytes_of(NULL, 0);
}

/* The source's next key is remembered, so that it is asked for it once and a later write knows what was before. */
static struct view_entry *source_next(struct view_state *view, struct bytes prefix,
                                      struct bytes after)
{
    struct bytes key, value;
    enum err err = view->source->next(view->source->self, view->arena, prefix, after, &key, &value);
    if (err != ERR_NONE) {
        if (err != ERR_NOT_FOUND)
            view_fail(view, err);
        return NULL;
    }
    struct view_entry *entry = find(view, key);
    return entry ? entry : remember(view, key, value);
}

bool view_next(struct view_state *view, struct bytes prefix, struct bytes after, struct bytes *key,
               struct bytes *value)
{
    if (view->err != ERR_NONE)
        return false;
    bool from_start = after.size == 0;
    struct bytes from = from_start ? prefix : after;
    struct view_entry *stored = source_next(view, prefix, after);
    for (;;) {
        struct view_entry *entry = above(view, from, from_start);
        if (view->err != ERR_NONE || !entry || !bytes_begins(entry->key, prefix))
            return false;
        if (entry->value.size > 0) {
            *key = entry->key;
            *value = entry->value;
            return true;
        }
        from = entry->key;
        from_start = false;
        /* What was deleted hid the source's own: ask for the one behind it. */
        if (entry == stored)
            stored = source_next(view, prefix, from);
    }
}

/* --- records --- */

bool view_load(struct view_state *view, struct bytes key, const struct record *record, void *value)
{
    struct bytes raw;
    if (!view_get(view, key, &raw))
        return false;
    enum err err = record_unpack(view->arena, record, value, raw, NULL);
    if (err != ERR_NONE) {
        view_fail(view, err == ERR_LIMIT ? ERR_LIMIT : ERR_CORRUPT);
        return false;
    }
    return true;
}

void view_save(struct view_state *view, struct bytes key, const struct record *record,
               const void *value)
{
    struct bytes raw = record_bytes(view->arena, record, value);
    if (!raw.data)
        view_fail(view, ERR_LIMIT);
    else
        view_put(view, key, raw);
}

/* --- savepoints --- */

size_t view_begin(struct view_state *view)
{
    view->open++;
    return view->change_count;
}

void view_keep(struct view_state *view, size_t savepoint)
{
    CHECK(view->open > 0);
    CHECK(savepoint <= view->change_count);
    view->open--;
    if (view->open == 0)
        view->change_count = 0;
}

void view_undo(struct view_state *view, size_t savepoint)
{
    CHECK(view->open > 0);
    CHECK(savepoint <= view->change_count);
    while (view->change_count > savepoint) {
        struct view_change *change = &view->changes[--view->change_count];
        change->entry->value = change->value;
    }
    view->open--;
}

const struct view_entry *view_write(const struct view_state *view, const struct view_entry *entry)
{
    struct bytes from = entry ? entry->key : bytes_of(NULL, 0);
    do {
        entry = above(view, from, false);
        if (!entry)
            return NULL;
        from = entry->key;
    } while (bytes_equal(entry->before, entry->value));
    return entry;
}
