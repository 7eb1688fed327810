/* How contracts see state: a key-value view with a write set on top of what the ledger has.
 *
 *     contracts  ->  view (write set of this block, with savepoints)  ->  source (callbacks of the ledger: overlays, store)
 *
 * A transaction runs inside view_begin .. view_keep, or view_undo when it fails; what was undone leaves no trace in the write set.
 * Keys are bytes in lexicographic order; values are never empty. Everything read is kept, so the source is asked at most once a
 * key, and the write set knows every written key's value before the block.
 *
 * A source that fails (ERR_CORRUPT, ERR_IO) or an arena that is full sets view->err, once; from then on every read finds nothing. The block has no
 * result then, and the node stops: it is never a verdict. Callers test view->err after the block (and may test it earlier).
 *
 * The write set is an AA tree (Andersson 1993), so hostile keys can't unbalance it: depth <= 2 log2(n). Not for several threads. */
#ifndef CONTRACTS_VIEW_H
#define CONTRACTS_VIEW_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/record.h"

/* What lies below. Bytes given back live in `arena` or longer. */
struct view_source {
    void *self;

    /* ERR_NONE and the value, ERR_NOT_FOUND, or an error that ends the block. */
    enum err (*get)(void *self, struct arena *arena, struct bytes key, struct bytes *value);

    /* The least key after `after` (data NULL: from the start) that begins with `prefix`, with its value.
     * ERR_NONE, ERR_NOT_FOUND, or an error that ends the block. */
    enum err (*next)(void *self, struct arena *arena, struct bytes prefix, struct bytes after,
                     struct bytes *key, struct bytes *value);
};

/* One key that was read or written. Value size 0: there is none. */
struct view_entry {
    struct bytes key;
    struct bytes before; /* in the source */
    struct bytes value;  /* now */
    struct view_entry *left, *right;
    uint32_t level;
};

/* What view_undo puts back. */
struct view_change {
    struct view_entry *entry;
    struct bytes value;
};

struct view_state {
    const struct view_source *source; /* borrowed */
    struct arena *arena; /* borrowed: entries, keys, values; grows until the block is done */
    struct view_entry *root;
    struct view_change *changes; /* since the first open savepoint, oldest first; in the arena */
    size_t change_count;
    size_t change_room;
    uint32_t open; /* savepoints that are open */
    enum err err;  /* the first failure below; ERR_LIMIT when the arena is full */
};

/* `source` and `arena` must outlive the view. Nothing to release: all of it is in the arena. */
void view_init(struct view_state *view, const struct view_source *source, struct arena *arena);

/* True and the value, or false. The bytes live as long as the arena. */
bool view_get(struct view_state *view, struct bytes key, struct bytes *value);

/* Sets `key`. The key is copied, the value is kept by reference and must live as long as the arena.
 * Requires value.size in 1..LIMIT_VALUE_BYTES and key.size in 1..LIMIT_KEY_BYTES. */
void view_put(struct view_state *view, struct bytes key, struct bytes value);

/* Nothing happens if there is none. */
void view_delete(struct view_state *view, struct bytes key);

/* The least key after `after` (data NULL: from the start) that begins with `prefix`, through write set and source. */
bool view_next(struct view_state *view, struct bytes prefix, struct bytes after, struct bytes *key,
               struct bytes *value);

/* As view_get, and unpacks. State that doesn't unpack is view->err = ERR_CORRUPT, and false. */
bool view_load(struct view_state *view, struct bytes key, const struct record *record, void *value);

/* As view_put, with the packed record. */
void view_save(struct view_state *view, struct bytes key, const struct record *record,
               const void *value);

/* Opens a savepoint; they nest. Close with exactly one of the two below, innermost first. */
size_t view_begin(struct view_state *view);
void view_keep(struct view_state *view, size_t savepoint);
void view_undo(struct view_state *view, size_t savepoint);

/* Says that the block can't be done; the first error stays. */
void view_fail(struct view_state *view, enum err err);

/* Walks the keys whose value differs from what it was before, in key order: the first after `entry` (NULL: from the start), or NULL.
 * value.size 0 means deleted. */
const struct view_entry *view_write(const struct view_state *view, const struct view_entry *entry);

#endif
