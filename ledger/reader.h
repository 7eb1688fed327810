/* State after a block, read through overlays and store: values for the contracts, pages for the tree.
 *
 * `entry` is the executed block (NULL: what is committed), `snapshot` the store's moment (NULL: now; an entry goes with NULL only).
 * Both are plain memory of the caller's. What is read is in the arena that asks. */
#ifndef LEDGER_READER_H
#define LEDGER_READER_H

#include "contracts/view.h"
#include "ledger/overlay.h"
#include "ledger/pages.h"
#include "ledger/store.h"

/* What contracts read: view_init(&view, &reader.source, arena). Doesn't move in memory; release it. */
struct reader {
    struct view_source source;
    struct store *store;
    const struct store_snapshot *snapshot;
    const struct overlay_entry *entry;
    struct store_cursor *cursor; /* owned; made when first needed */
    struct fault fault;          /* the store's last failure, in words */
};

void reader_init(struct reader *reader, struct store *store, const struct store_snapshot *snapshot,
                 const struct overlay_entry *entry);
void reader_release(struct reader *reader);

/* `err` again, with the store's words in `fault` when it was the store that failed so. */
enum err reader_fault(const struct reader *reader, struct fault *fault, enum err err);

/* The tree's pages, for sparse_update and sparse_prove: &tree.pages. Doesn't move in memory; nothing to release. */
struct reader_tree {
    struct sparse_reader pages;
    struct arena *arena;
    struct store *store;
    const struct store_snapshot *snapshot;
    const struct overlay_entry *entry;
    struct pages *cache;      /* may be NULL */
    struct sparse_page page;  /* read last, when there is no cache */
    struct sparse_place last; /* asked for last */
    struct fault fault;       /* the store's last failure, in words */
};

void reader_tree_init(struct reader_tree *tree, struct arena *arena, struct store *store,
                      const struct store_snapshot *snapshot, const struct overlay_entry *entry,
                      struct pages *cache);

/* `err` again, with a sentence that names the page. */
enum err reader_tree_fault(const struct reader_tree *tree, struct fault *fault, enum err err);

#endif
