/* Results that aren't committed: a tree of executed blocks over the committed head, keyed by header
 * digest.
 *
 *     head (store)  <-  a1 (h+1)  <-  a2 (h+2)
 *                   <-  b1 (h+1)
 *
 *     state of an entry   made by            left by
 *     executed            overlay_add        overlay_commit of it or of a rival;
 *                                            overlay_discard of it or of an ancestor
 *
 * A read at an entry goes through its own write set, then its ancestors', then falls through to the
 * store. Committing an entry drops every entry that doesn't descend from it. Nothing here touches
 * the store. For one thread. */
#ifndef LEDGER_OVERLAY_H
#define LEDGER_OVERLAY_H

#include "base/address.h"
#include "base/arena.h"
#include "ledger/block.h"
#include "ledger/receipt.h"
#include "ledger/sparse.h"

/* Executed and uncommitted blocks at once: heights in flight, and what a view change leaves behind.
 */
#define OVERLAY_ENTRIES_MAX 64

/* Memory of one executed block: body, values, receipts, pages. */
#define OVERLAY_ENTRY_BYTES (256u << 20)

/* One key of a write set. A deleted key has value.size 0: values are never empty. */
struct overlay_value {
    struct bytes key;
    struct bytes value;
    bool fresh; /* there was none before this block */
};

/* What later look-ups need of a transaction in a block. */
struct overlay_tx {
    struct digest id;
    struct address sender;
    uint64_t nonce;
};

/* A transaction concerns an account: it is the sender or an event names it. */
struct overlay_party {
    struct address account;
    uint32_t tx; /* < tx_count */
};

/* One executed block. All it points at is in `arena`. */
struct overlay_entry {
    struct arena arena;           /* owned */
    struct overlay_entry *parent; /* NULL: the committed head */
    struct digest digest;         /* of the header */
    struct block_header header;
    struct bytes header_raw;
    struct bytes body_raw;
    struct overlay_tx *txs; /* one a transaction, in order */
    uint32_t tx_count;
    struct bytes *receipts; /* packed; tx_count + 1 of them */
    struct overlay_party
        *parties; /* whom the transactions concern, each address once a transaction */
    size_t party_count;
    struct address *revoked; /* accounts that were revoked in this block */
    size_t revoked_count;
    const struct overlay_value *values; /* the write set in key order */
    size_t value_count;
    struct sparse_root root;    /* after this block */
    struct sparse_writes pages; /* sorted by place */
    struct overlay_entry *next; /* in the overlay's list */
};

struct overlay {
    struct overlay_entry *entries; /* newest first; owned */
    uint32_t count;                /* <= OVERLAY_ENTRIES_MAX */
};

void overlay_init(struct overlay *overlay);
void overlay_release(struct overlay *overlay);

/* An empty entry with its arena, not in the tree yet; NULL when memory is short. Give it to
 * overlay_add or overlay_drop. */
struct overlay_entry *overlay_entry_new(void);
void overlay_entry_free(struct overlay_entry *entry);

/* Takes `entry`, with digest, header and parent set. ERR_LIMIT when there are OVERLAY_ENTRIES_MAX;
 * then it stays the caller's. Requires that its digest is new and its parent, if any, is in the
 * tree. */
MUST_USE enum err overlay_add_take(struct overlay *overlay, struct overlay_entry *entry);

/* NULL if there is none. */
struct overlay_entry *overlay_find(const struct overlay *overlay, const struct digest *digest);

/* The value that `key` has at `entry` as far as overlays know: true and the value (size 0:
 * deleted), or false: ask the store. `entry` may be NULL. */
bool overlay_get(const struct overlay_entry *entry, struct bytes key, struct bytes *value);

/* The least key after `after` (data NULL: from the start) that begins with `prefix` and that any
 * overlay from `entry` up wrote; its value as overlay_get gives it. False if there is none. */
bool overlay_next(const struct overlay_entry *entry, struct bytes prefix, struct bytes after,
                  struct bytes *key, struct bytes *value);

/* The page that `entry` or an ancestor wrote, or NULL. */
const struct sparse_page *overlay_page(const struct overlay_entry *entry,
                                       const struct sparse_place *place);

/* `entry`, a child of the head, is in the store now: it becomes the head. It and all that doesn't
 * descend from it is freed; `dropped` (may be NULL) is called for each of the latter first. */
void overlay_commit(struct overlay *overlay, struct overlay_entry *entry,
                    void (*dropped)(void *self, const struct overlay_entry *entry), void *self);

/* Frees `entry` and its descendants. */
void overlay_discard(struct overlay *overlay, struct overlay_entry *entry);

#endif
