#include "ledger/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/merkle.h"
#include "ledger/ics23.h"
#include "ledger/layout.h"
#include "ledger/reader.h"
#include "ledger/tally.h"

/* Room for what a function needs besides its answer: one block with its receipts. */
#define SCRATCH_ARENA_BYTES (256u << 20)

struct history {
    struct store *store; /* borrowed */
    struct store_snapshot *snapshot;
    struct height height, start;
    struct reader reader;
    struct arena scratch;
};

static enum err get(struct arena *arena, struct history *history, enum store_family family,
                    struct bytes key, struct bytes *value, struct fault *fault)
{
    return store_get(arena, history->store, history->snapshot, family, key, value, fault);
}

static enum err get_at(struct arena *arena, struct history *history, enum store_family family,
                       struct layout_key key, struct bytes *value, struct fault *fault)
{
    return get(arena, history, family, layout_bytes(&key), value, fault);
}

static enum err corrupt(struct fault *fault, struct height height, const char *what)
{
    return fault_set(fault, ERR_CORRUPT,
                     "store: block %llu: %s; restore this folder or fetch the chain anew",
                     (unsigned long long)height.n, what);
}

static enum err get_number(struct history *history, struct height *number, const char *name,
                           struct fault *fault)
{
    struct bytes value;
    enum err err = get(&history->scratch, history, STORE_META, bytes_text(name), &value, fault);
    if (!err && value.size != 8)
        return fault_set(fault, ERR_CORRUPT, "store: meta, %s: a value of %zu bytes", name,
                         value.size);
    if (!err)
        number->n = bytes_get_u64(value.data);
    return err;
}

struct history *history_open(struct chain *chain, struct fault *fault)
{
    struct history *history = calloc(1, sizeof(*history));
    if (!history) {
        fault_set(fault, ERR_LIMIT, "out of memory");
        return NULL;
    }
    history->store = chain_store(chain);
    history->snapshot = store_snapshot_new(history->store);
    arena_init(&history->scratch, SCRATCH_ARENA_BYTES);
    reader_init(&history->reader, history->store, history->snapshot, NULL);
    enum err err = get_number(history, &history->height, LAYOUT_META_HEAD, fault);
    if (err == ERR_NOT_FOUND)
        err = fault_set(fault, ERR_CORRUPT, "store: the head's height is missing");
    if (!err)
        err = get_number(history, &history->start, LAYOUT_META_START, fault);
    if (!err || err == ERR_NOT_FOUND)
        return history;
    history_close(history);
    return NULL;
}

void history_close(struct history *history)
{
    if (!history)
        return;
    reader_release(&history->reader);
    store_snapshot_free(history->store, history->snapshot);
    arena_release(&history->scratch);
    free(history);
}

struct height history_height(const struct history *history)
{
    return history->height;
}

struct height history_start(const struct history *history)
{
    return history->start;
}

enum err history_genesis(struct arena *arena, struct history *history, struct bytes *genesis,
                         struct fault *fault)
{
    return get(arena, history, STORE_META, bytes_text(LAYOUT_META_GENESIS), genesis, fault);
}

/* --- blocks --- */

enum err history_block(struct arena *arena, struct history *history, struct history_block *block,
                       struct height height, struct fault *fault)
{
    struct bytes packed;
    enum err err = get_at(arena, history, STORE_HEADERS, layout_height(height.n), &packed, fault);
    if (err)
        return err;
    struct layout_header stored;
    if (record_unpack(arena, &layout_header_record, &stored, packed, NULL) ||
        block_header_unpack(&block->header, stored.header, NULL) ||
        block->header.height != height.n)
        return corrupt(fault, height, "the stored header is no header of this height");
    block->digest = digest_of(stored.header.data, stored.header.size);
    block->header_raw = stored.header;
    block->certificate = stored.certificate;
    block->root = (struct sparse_root){
        {(enum sparse_kind)stored.root_kind, block->header.state_root}, stored.root_height};
    return ERR_NONE;
}

enum err history_body(struct arena *arena, struct history *history, struct bytes *body,
                      struct height height, struct fault *fault)
{
    struct history_block block;
    enum err err = history_block(arena, history, &block, height, fault);
    if (!err)
        err = get_at(arena, history, STORE_BODIES, layout_height(height.n), body, fault);
    if (err)
        return err;
    struct block_body list;
    err = block_body_unpack(arena, &list, *body, NULL);
    if (err == ERR_LIMIT)
        return fault_set(fault, err, "block %llu: out of memory", (unsigned long long)height.n);
    struct digest root = err ? digest_zero : block_tx_root(&list);
    if (err || !digest_equal(&root, &block.header.tx_root))
        return corrupt(fault, height, "the stored body contradicts the header");
    return ERR_NONE;
}

enum err history_find_block(struct history *history, struct height *height,
                            const struct digest *digest, struct fault *fault)
{
    struct bytes value;
    arena_clear(&history->scratch);
    enum err err =
        get_at(&history->scratch, history, STORE_INDEX, layout_block(digest), &value, fault);
    if (err)
        return err;
    if (value.size != 8)
        return fault_set(fault, ERR_CORRUPT, "store: index of blocks: a value of %zu bytes",
                         value.size);
    height->n = bytes_get_u64(value.data);
    return ERR_NONE;
}

enum err history_receipts(struct arena *arena, struct history *history,
                          struct receipt_list *receipts, struct height height, struct fault *fault)
{
    struct history_block block;
    struct bytes packed;
    enum err err = history_block(arena, history, &block, height, fault);
    if (!err)
        err = get_at(arena, history, STORE_RECEIPTS, layout_height(height.n), &packed, fault);
    if (err)
        return err;
    err = record_unpack(arena, &receipt_list_record, receipts, packed, NULL);
    if (err == ERR_LIMIT)
        return fault_set(fault, err, "block %llu: out of memory", (unsigned long long)height.n);
    if (err)
        return corrupt(fault, height, "the stored receipts are no list of receipts");
    struct merkle merkle;
    merkle_init(&merkle);
    for (uint32_t i = 0; i < receipts->receipt_count; i++) {
        arena_clear(&history->scratch);
        struct bytes leaf =
            record_bytes(&history->scratch, &receipt_record, &receipts->receipts[i]);
        struct digest digest = receipt_leaf(leaf);
        merkle_add(&merkle, &digest);
    }
    struct digest root = merkle_end(&merkle);
    return digest_equal(&root, &block.header.receipt_root)
               ? ERR_NONE
               : corrupt(fault, height, "the stored receipts contradict the header");
}

/* --- transactions and events --- */

enum err history_find_tx(struct history *history, struct history_tx *tx, const struct digest *id,
                         struct fault *fault)
{
    struct bytes value;
    arena_clear(&history->scratch);
    enum err err = get_at(&history->scratch, history, STORE_INDEX, layout_tx(id), &value, fault);
    if (err)
        return err;
    if (value.size != 12)
        return fault_set(fault, ERR_CORRUPT, "store: index of transactions: a value of %zu bytes",
                         value.size);
    *tx = (struct history_tx){{bytes_get_u64(value.data)}, bytes_get_u32(value.data + 8), *id};
    return ERR_NONE;
}

/* Appends the transactions of one block, newest first, that are before `before`. */
static enum err add_parties(struct history_tx *list, size_t *count, size_t count_max,
                            uint64_t height, struct bytes value, const struct history_tx *before,
                            struct fault *fault)
{
    if (value.size == 0 || value.size % LAYOUT_PARTY_SIZE)
        return corrupt(fault, (struct height){height}, "the index of an account is damaged");
    for (size_t i = value.size / LAYOUT_PARTY_SIZE; i-- > 0 && *count < count_max;) {
        const uint8_t *at = value.data + i * LAYOUT_PARTY_SIZE;
        struct history_tx tx = {.height = {height}, .index = bytes_get_u32(at)};
        memcpy(tx.id.bytes, at + 4, DIGEST_SIZE);
        if (before && height == before->height.n && tx.index >= before->index)
            continue;
        list[(*count)++] = tx;
    }
    return ERR_NONE;
}

enum err history_account_txs(struct arena *arena, struct history *history, struct history_tx **list,
                             size_t *count, const struct address *account,
                             const struct history_tx *before, size_t count_max, struct fault *fault)
{
    struct history_tx *found = arena_array(arena, count_max, sizeof(*found));
    if (!found)
        return fault_set(fault, ERR_LIMIT, "out of memory");
    struct layout_key last = layout_party(account, before ? before->height.n : UINT64_MAX);
    struct bytes prefix = bytes_of(last.bytes, last.size - 8);
    struct store_cursor *cursor = store_cursor_new(history->store, history->snapshot, STORE_INDEX);
    size_t found_count = 0;
    enum err err = ERR_NONE;
    for (bool there = store_cursor_seek_back(cursor, layout_bytes(&last));
         there && !err && found_count < count_max; there = store_cursor_back(cursor)) {
        struct bytes key = store_cursor_key(cursor), value;
        if (key.size != last.size || !bytes_begins(key, prefix) ||
            bytes_get_u64(key.data + prefix.size) <= history->start.n)
            break;
        err = store_cursor_value(cursor, &value, fault);
        if (!err)
            err = add_parties(found, &found_count, count_max, bytes_get_u64(key.data + prefix.size),
                              value, before, fault);
    }
    if (!err)
        err = store_cursor_err(cursor, fault);
    store_cursor_free(cursor);
    if (err)
        return err;
    *list = found;
    *count = found_count;
    return ERR_NONE;
}

/* Appends one block's events from (receipt, index) of *at on. True when the list is full: *at is the first that is missing. */
static bool add_events(struct history_event *list, size_t *count, size_t count_max,
                       struct history_event *at, const struct receipt_list *receipts)
{
    for (; at->receipt < receipts->receipt_count; at->receipt++, at->index = 0) {
        const struct receipt *receipt = &receipts->receipts[at->receipt];
        for (; at->index < receipt->event_count; at->index++) {
            if (*count == count_max)
                return true;
            at->packed = receipt->events[at->index].packed;
            list[(*count)++] = *at;
        }
    }
    return false;
}

enum err history_events(struct arena *arena, struct history *history, struct history_event **list,
                        size_t *count, struct history_event *next, const struct history_event *from,
                        size_t count_max, struct fault *fault)
{
    struct history_event *found = arena_array(arena, count_max, sizeof(*found));
    if (!found)
        return fault_set(fault, ERR_LIMIT, "out of memory");
    size_t found_count = 0;
    struct history_event at = {
        .height = from->height, .receipt = from->receipt, .index = from->index};
    for (uint32_t scanned = 0; scanned < HISTORY_SCAN_BLOCKS && at.height.n <= history->height.n;
         scanned++) {
        struct history_block block;
        struct receipt_list receipts;
        enum err err = history_block(arena, history, &block, at.height, fault);
        if (!err)
            err = history_receipts(arena, history, &receipts, at.height, fault);
        if (err)
            return err == ERR_NOT_FOUND ? corrupt(fault, at.height, "the block is missing") : err;
        at.time_ms = block.header.time_ms;
        if (add_events(found, &found_count, count_max, &at, &receipts))
            break;
        at = (struct history_event){.height = {at.height.n + 1}};
    }
    at.packed = bytes_of(NULL, 0);
    *list = found;
    *count = found_count;
    *next = at;
    return ERR_NONE;
}

/* --- state --- */

struct view_source history_source(struct history *history)
{
    return history->reader.source;
}

enum err history_value(struct arena *arena, struct history *history, struct bytes *value,
                       struct bytes key, struct height height, struct fault *fault)
{
    if (height.n < history->start.n || height.n > history->height.n || key.size > LIMIT_KEY_BYTES)
        return ERR_NOT_FOUND;
    struct layout_key wanted = layout_past(key, height.n);
    struct bytes prefix = bytes_of(wanted.bytes, wanted.size - 8), stored = {0};
    struct store_cursor *cursor = store_cursor_new(history->store, history->snapshot, STORE_PAST);
    enum err err = ERR_NOT_FOUND;
    if (store_cursor_seek_back(cursor, layout_bytes(&wanted))) {
        struct bytes at = store_cursor_key(cursor);
        if (at.size == wanted.size && bytes_begins(at, prefix))
            err = store_cursor_value(cursor, &stored, fault);
    } else if (store_cursor_err(cursor, fault)) {
        err = store_cursor_err(cursor, NULL);
    }
    if (!err && stored.size == 0)
        err = ERR_NOT_FOUND; /* deleted */
    const void *copy = err ? NULL : arena_copy(arena, stored.data, stored.size);
    store_cursor_free(cursor);
    if (err)
        return err;
    if (!copy)
        return fault_set(fault, ERR_LIMIT, "out of memory");
    *value = bytes_of(copy, stored.size);
    return ERR_NONE;
}

enum err history_prove(struct arena *arena, struct history *history, struct sparse_proof *proof,
                       struct bytes key, struct height height, struct fault *fault)
{
    struct digest position = digest_of(key.data, key.size);
    return history_prove_at(arena, history, proof, &position, height, fault);
}

enum err history_prove_at(struct arena *arena, struct history *history, struct sparse_proof *proof,
                          const struct digest *position, struct height height, struct fault *fault)
{
    struct history_block block;
    if (height.n < history->start.n)
        return ERR_NOT_FOUND;
    enum err err = history_block(arena, history, &block, height, fault);
    if (err)
        return err;
    struct reader_tree tree;
    reader_tree_init(&tree, arena, history->store, history->snapshot, NULL, NULL);
    err = sparse_prove(arena, proof, &block.root, position, &tree.pages);
    return err ? reader_tree_fault(&tree, fault, err) : ERR_NONE;
}

/* A walk over the whole tree: what was read for one page is given back before the next, so that a tree of any size fits. */
struct walk_tree {
    struct history *history;
    struct reader_tree tree;
    struct sparse_reader pages;
};

static enum err walk_page(void *self, const struct sparse_place *place,
                          const struct sparse_page **page)
{
    struct walk_tree *walk = self;
    arena_clear(&walk->history->scratch);
    return walk->tree.pages.page(walk->tree.pages.self, place, page);
}

static void walk_tree_init(struct walk_tree *walk, struct history *history)
{
    walk->history = history;
    walk->pages = (struct sparse_reader){walk, walk_page};
    reader_tree_init(&walk->tree, &history->scratch, history->store, history->snapshot, NULL, NULL);
}

struct walk_leaves {
    struct walk_tree tree;
    struct height height;
    void *self;
    enum err (*each)(void *self, const struct digest *position, struct bytes key,
                     struct bytes value);
    struct fault *fault;
    bool stopped; /* at a leaf: the fault, if any, is set */
};

static enum err walk_leaf(void *self, const struct digest *position, const struct digest *content)
{
    struct walk_leaves *walk = self;
    struct history *history = walk->tree.history;
    struct bytes key, value;
    arena_clear(&history->scratch);
    enum err err = get(&history->scratch, history, STORE_KEYS,
                       bytes_of(position->bytes, DIGEST_SIZE), &key, walk->fault);
    if (!err)
        err = history_value(&history->scratch, history, &value, key, walk->height, walk->fault);
    struct digest found = err ? digest_zero : digest_of(value.data, value.size);
    if (err == ERR_NOT_FOUND || (!err && !digest_equal(&found, content)))
        err = corrupt(walk->fault, walk->height, "a leaf of the state tree has not its value");
    if (!err)
        err = walk->each(walk->self, position, key, value);
    walk->stopped = err != ERR_NONE;
    return err;
}

enum err history_walk(struct history *history, struct height height, const struct digest *from,
                      void *self,
                      enum err (*each)(void *self, const struct digest *position, struct bytes key,
                                       struct bytes value),
                      struct fault *fault)
{
    struct arena arena;
    struct history_block block;
    struct walk_leaves walk = {.height = height, .self = self, .each = each, .fault = fault};
    if (height.n < history->start.n)
        return ERR_NOT_FOUND;
    arena_init(&arena, 2 * LAYOUT_CERTIFICATE_BYTES);
    enum err err = history_block(&arena, history, &block, height, fault);
    arena_release(&arena);
    if (err)
        return err;
    walk_tree_init(&walk.tree, history);
    err = sparse_walk(&block.root, from, &walk.tree.pages, &walk, walk_leaf);
    return err && !walk.stopped ? reader_tree_fault(&walk.tree.tree, fault, err) : err;
}

/* The leaf beside `key` with its proof; ERR_NOT_FOUND when there is none on that side. */
static enum err leaf_beside(struct arena *arena, struct history *history, struct ics23_leaf *leaf,
                            const struct sparse_root *root, struct bytes key, bool above,
                            struct height height, struct fault *fault)
{
    struct reader_tree tree;
    reader_tree_init(&tree, arena, history->store, history->snapshot, NULL, NULL);
    struct digest position = digest_of(key.data, key.size), beside;
    enum err err = sparse_beside(&beside, root, &position, above, &tree.pages);
    if (err)
        return err == ERR_NOT_FOUND ? err : reader_tree_fault(&tree, fault, err);
    err = get(arena, history, STORE_KEYS, bytes_of(beside.bytes, DIGEST_SIZE), &leaf->key, fault);
    if (!err)
        err = history_value(arena, history, &leaf->value, leaf->key, height, fault);
    if (!err)
        err = history_prove(arena, history, &leaf->proof, leaf->key, height, fault);
    return err == ERR_NOT_FOUND ? corrupt(fault, height, "a leaf of the state tree has no value")
                                : err;
}

enum err history_ics23(struct arena *arena, struct history *history, struct bytes *packed,
                       struct bytes key, struct height height, struct fault *fault)
{
    struct ics23_leaf leaf = {.key = key}, beside[2];
    struct history_block block;
    enum err err = history_block(arena, history, &block, height, fault);
    if (!err)
        err = history_prove(arena, history, &leaf.proof, key, height, fault);
    if (err)
        return err;
    struct bytes made;
    if (leaf.proof.end == SPARSE_END_SELF) {
        err = history_value(arena, history, &leaf.value, key, height, fault);
        if (err)
            return err == ERR_NOT_FOUND
                       ? corrupt(fault, height, "a leaf of the state tree has no value")
                       : err;
        made = ics23_presence(arena, &leaf);
    } else {
        enum err below =
            leaf_beside(arena, history, &beside[0], &block.root, key, false, height, fault);
        enum err above =
            leaf_beside(arena, history, &beside[1], &block.root, key, true, height, fault);
        if ((below && below != ERR_NOT_FOUND) || (above && above != ERR_NOT_FOUND))
            return below && below != ERR_NOT_FOUND ? below : above;
        made = ics23_absence(arena, key, below ? NULL : &beside[0], above ? NULL : &beside[1]);
    }
    if (!made.data)
        return fault_set(fault, ERR_LIMIT, "out of memory");
    *packed = made;
    return ERR_NONE;
}

/* Calls `each` for the values now whose key begins with `prefix`, behind `after`, until it gives anything but ERR_NONE. */
static enum err walk(struct history *history, struct bytes prefix, struct bytes after, void *self,
                     enum err (*each)(void *self, struct bytes key, struct bytes value),
                     struct fault *fault)
{
    struct store_cursor *cursor = store_cursor_new(history->store, history->snapshot, STORE_VALUES);
    bool resumes = after.size && bytes_compare(after, prefix) >= 0;
    bool there = store_cursor_seek(cursor, resumes ? after : prefix);
    if (there && resumes && bytes_equal(store_cursor_key(cursor), after))
        there = store_cursor_next(cursor);
    enum err err = ERR_NONE;
    for (; there && !err && bytes_begins(store_cursor_key(cursor), prefix);
         there = store_cursor_next(cursor)) {
        struct bytes value;
        err = store_cursor_value(cursor, &value, fault);
        if (!err)
            err = each(self, store_cursor_key(cursor), value);
    }
    if (!err)
        err = store_cursor_err(cursor, fault);
    store_cursor_free(cursor);
    return err;
}

struct listing {
    struct arena *arena;
    struct history_entry *list;
    size_t count, count_max;
};

static enum err list_one(void *self, struct bytes key, struct bytes value)
{
    struct listing *listing = self;
    if (listing->count == listing->count_max)
        return ERR_BUSY; /* full */
    struct history_entry entry = {
        bytes_of(arena_copy(listing->arena, key.data, key.size), key.size),
        bytes_of(arena_copy(listing->arena, value.data, value.size), value.size),
    };
    if (!entry.key.data || !entry.value.data)
        return ERR_LIMIT;
    listing->list[listing->count++] = entry;
    return ERR_NONE;
}

enum err history_list(struct arena *arena, struct history *history, struct history_entry **list,
                      size_t *count, struct bytes prefix, struct bytes after, size_t count_max,
                      struct fault *fault)
{
    struct listing listing = {arena, arena_array(arena, count_max, sizeof(struct history_entry)), 0,
                              count_max};
    if (!listing.list)
        return fault_set(fault, ERR_LIMIT, "out of memory");
    enum err err = walk(history, prefix, after, &listing, list_one, fault);
    if (err && err != ERR_BUSY)
        return err;
    *list = listing.list;
    *count = listing.count;
    return ERR_NONE;
}

/* --- audit --- */

/* One block: its body and receipts have the header's roots, and it is found by its digest and follows `parent`. Of the block that a pruned
 * or fetched chain starts from there is the header only. */
static enum err audit_block(struct arena *arena, struct history *history, struct height height,
                            struct digest *parent, struct fault *fault)
{
    struct history_block block;
    struct bytes body;
    struct receipt_list receipts;
    struct height found = {0};
    bool first = height.n == history->start.n, whole = !first || height.n == 0;
    enum err err = history_block(arena, history, &block, height, fault);
    if (!err && !first && !digest_equal(&block.header.parent, parent))
        return corrupt(fault, height, "it names another parent than the block below it");
    if (!err && whole)
        err = history_body(arena, history, &body, height, fault);
    if (!err && whole)
        err = history_receipts(arena, history, &receipts, height, fault);
    if (!err)
        err = history_find_block(history, &found, &block.digest, fault);
    if (err == ERR_NOT_FOUND || (!err && found.n != height.n))
        return corrupt(fault, height, "part of it is missing");
    *parent = block.digest;
    return err;
}

enum err history_audit(struct history *history, uint64_t *keys, struct fault *fault)
{
    struct arena arena;
    arena_init(&arena, SCRATCH_ARENA_BYTES);
    struct digest parent = digest_zero;
    struct history_block head;
    enum err err = ERR_NONE;
    for (struct height height = history->start; height.n <= history->height.n && !err; height.n++) {
        arena_clear(&arena);
        err = audit_block(&arena, history, height, &parent, fault);
    }
    if (!err)
        err = history_block(&arena, history, &head, history->height, fault);
    if (!err)
        err = tally_check(history->store, history->snapshot, &head.root, keys, fault);
    arena_release(&arena);
    return err;
}
