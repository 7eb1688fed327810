#include "ledger/prune.h"

#include <string.h>

#include "contracts/event.h"
#include "ledger/layout.h"
#include "ledger/reader.h"
#include "ledger/receipt.h"
#include "ledger/tx.h"

/* Room for one block with its receipts, and for the pages that it changed. */
#define ARENA_BYTES ((size_t)256 << 20)

struct prune {
    struct store *store;
    struct store_batch *batch;
    struct height start;
    struct arena arena; /* the whole step */
    struct arena leaf;  /* one key, or one page */
    struct reader_tree tree;
    struct fault *fault;
};

enum err prune_start(struct store *store, struct height *start, struct fault *fault)
{
    struct arena arena;
    struct bytes value;
    arena_init(&arena, 64);
    start->n = 0;
    enum err err =
        store_get(&arena, store, NULL, STORE_META, bytes_text(LAYOUT_META_START), &value, fault);
    if (!err && value.size == 8)
        start->n = bytes_get_u64(value.data);
    else if (!err)
        err = fault_set(fault, ERR_CORRUPT, "store: meta, start: a value of %zu bytes", value.size);
    arena_release(&arena);
    return err == ERR_NOT_FOUND ? ERR_NONE : err;
}

static enum err corrupt(struct prune *prune, uint64_t height, const char *what)
{
    return fault_set(prune->fault, ERR_CORRUPT,
                     "store: block %llu: %s; restore this folder or fetch the chain anew",
                     (unsigned long long)height, what);
}

static enum err get(struct prune *prune, struct arena *arena, enum store_family family,
                    struct layout_key key, struct bytes *value)
{
    return store_get(arena, prune->store, NULL, family, layout_bytes(&key), value, prune->fault);
}

static void drop(struct prune *prune, enum store_family family, struct layout_key key)
{
    store_batch_delete(prune->batch, family, layout_bytes(&key));
}

/* --- the tree and the values --- */

static enum err page_gone(void *self, const struct sparse_place *place)
{
    struct prune *prune = self;
    drop(prune, STORE_PAGES, layout_page(place));
    return ERR_NONE;
}

/* What was written for `key` up to `start`; if it was deleted then and nothing follows, the key itself. */
static enum err drop_past(struct prune *prune, const struct digest *position, struct bytes key)
{
    struct layout_key first = layout_past(key, 0);
    struct bytes prefix = bytes_of(first.bytes, first.size - 8), value;
    struct store_cursor *cursor = store_cursor_new(prune->store, NULL, STORE_PAST);
    enum err err = ERR_NONE;
    bool over = false;
    for (bool there = store_cursor_seek(cursor, layout_bytes(&first)); there && !err;
         there = store_cursor_next(cursor)) {
        struct bytes at = store_cursor_key(cursor);
        if (at.size != first.size || !bytes_begins(at, prefix))
            break;
        uint64_t height = bytes_get_u64(at.data + prefix.size);
        over = false;
        if (height > prune->start.n + 1)
            break;
        err = store_cursor_value(cursor, &value, prune->fault);
        over = !err && height == prune->start.n + 1 && value.size == 0;
        if (!err && (height <= prune->start.n || over))
            store_batch_delete(prune->batch, STORE_PAST, at);
    }
    if (!err)
        err = store_cursor_err(cursor, prune->fault);
    if (!err && over)
        store_batch_delete(prune->batch, STORE_KEYS, bytes_of(position->bytes, DIGEST_SIZE));
    store_cursor_free(cursor);
    return err;
}

static enum err leaf_gone(void *self, const struct digest *position)
{
    struct prune *prune = self;
    struct bytes key;
    arena_clear(&prune->leaf);
    enum err err = store_get(&prune->leaf, prune->store, NULL, STORE_KEYS,
                             bytes_of(position->bytes, DIGEST_SIZE), &key, prune->fault);
    if (err)
        return err == ERR_NOT_FOUND
                   ? corrupt(prune, prune->start.n, "a leaf of the state tree has no key")
                   : err;
    return drop_past(prune, position, key);
}

/* Pages are read into an arena that is cleared before each. */
static enum err read_page(void *self, const struct sparse_place *place,
                          const struct sparse_page **page)
{
    struct prune *prune = self;
    arena_clear(&prune->leaf);
    return prune->tree.pages.page(prune->tree.pages.self, place, page);
}

static enum err drop_state(struct prune *prune, const struct sparse_root *before,
                           const struct sparse_root *after)
{
    struct sparse_reader pages = {prune, read_page};
    struct sparse_gone gone = {prune, page_gone, leaf_gone};
    reader_tree_init(&prune->tree, &prune->leaf, prune->store, NULL, NULL, NULL);
    enum err err = sparse_differ(before, after, &pages, &gone);
    return err && !prune->fault->code ? reader_tree_fault(&prune->tree, prune->fault, err) : err;
}

/* --- blocks --- */

static enum err read_header(struct prune *prune, uint64_t height, struct block_header *header,
                            struct digest *digest, struct sparse_root *root)
{
    struct bytes packed;
    struct layout_header stored;
    enum err err = get(prune, &prune->arena, STORE_HEADERS, layout_height(height), &packed);
    if (err == ERR_NOT_FOUND)
        return corrupt(prune, height, "its header is missing");
    if (err)
        return err;
    if (record_unpack(&prune->arena, &layout_header_record, &stored, packed, NULL) ||
        block_header_unpack(header, stored.header, NULL))
        return corrupt(prune, height, "the stored header is no header");
    *digest = digest_of(stored.header.data, stored.header.size);
    *root = (struct sparse_root){{(enum sparse_kind)stored.root_kind, header->state_root},
                                 stored.root_height};
    return ERR_NONE;
}

/* The account index of every address in a record. */
static void drop_addresses(struct prune *prune, uint64_t height, const struct record *record,
                           const void *value)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct record_field *field = &record->fields[i];
        const uint8_t *at = (const uint8_t *)value + field->offset;
        if (field->kind == RECORD_KIND_FIXED && field->style == RECORD_AS_ADDRESS) {
            struct address account;
            memcpy(account.bytes, at, ADDRESS_SIZE);
            drop(prune, STORE_INDEX, layout_party(&account, height));
        } else if (field->kind == RECORD_KIND_ONE) {
            drop_addresses(prune, height, field->sub, at);
        } else if (field->kind == RECORD_KIND_LIST) {
            const uint8_t *list;
            uint32_t count;
            memcpy(&list, at, sizeof(list));
            memcpy(&count, (const uint8_t *)value + field->count_offset, sizeof(count));
            for (uint32_t k = 0; k < count; k++)
                drop_addresses(prune, height, field->sub, list + (size_t)k * field->sub->size);
        }
    }
}

static enum err drop_receipts(struct prune *prune, uint64_t height)
{
    struct bytes packed;
    struct receipt_list list;
    enum err err = get(prune, &prune->arena, STORE_RECEIPTS, layout_height(height), &packed);
    if (!err && record_unpack(&prune->arena, &receipt_list_record, &list, packed, NULL))
        err = corrupt(prune, height, "the stored receipts are no list of receipts");
    for (uint32_t i = 0; !err && i < list.receipt_count; i++)
        for (uint32_t k = 0; !err && k < list.receipts[i].event_count; k++) {
            uint16_t tag;
            void *value;
            err = record_choice_unpack(&prune->arena, &event_choice, &tag, &value,
                                       list.receipts[i].events[k].packed, NULL);
            if (!err)
                drop_addresses(prune, height, record_option(&event_choice, tag), value);
        }
    drop(prune, STORE_RECEIPTS, layout_height(height));
    return err;
}

static enum err drop_body(struct prune *prune, uint64_t height)
{
    struct bytes packed;
    struct block_body body;
    enum err err = get(prune, &prune->arena, STORE_BODIES, layout_height(height), &packed);
    if (!err && block_body_unpack(&prune->arena, &body, packed, NULL))
        err = corrupt(prune, height, "the stored body is none");
    for (uint32_t i = 0; !err && i < body.item_count; i++) {
        struct tx tx;
        if (tx_unpack(&prune->arena, &tx, body.items[i].tx, NULL) != TX_OK)
            return corrupt(prune, height, "a stored transaction is none");
        struct address sender = address_of(&tx.body.sender);
        drop(prune, STORE_INDEX, layout_tx(&tx.id));
        drop(prune, STORE_INDEX, layout_party(&sender, height));
    }
    drop(prune, STORE_BODIES, layout_height(height));
    return err;
}

static enum err step(struct prune *prune)
{
    struct block_header header, next;
    struct digest digest, next_digest;
    struct sparse_root before, after;
    uint64_t height = prune->start.n;
    enum err err = read_header(prune, height, &header, &digest, &before);
    if (!err)
        err = read_header(prune, height + 1, &next, &next_digest, &after);
    if (!err)
        err = drop_state(prune, &before, &after);
    if (!err)
        err = drop_body(prune, height + 1);
    if (!err)
        err = drop_receipts(prune, height + 1);
    if (err == ERR_NOT_FOUND)
        return corrupt(prune, height + 1, "part of it is missing");
    if (err)
        return err;
    if (height == 0) {
        drop(prune, STORE_BODIES, layout_height(0));
        drop(prune, STORE_RECEIPTS, layout_height(0));
    } else if (digest_equal(&header.set_digest, &header.next_set_digest)) {
        drop(prune, STORE_HEADERS, layout_height(height));
        drop(prune, STORE_INDEX, layout_block(&digest));
    }
    return ERR_NONE;
}

enum err prune_step(struct store *store, struct store_batch *batch, struct height start,
                    struct fault *fault)
{
    struct fault own = {0};
    struct prune prune = {.store = store, .batch = batch, .start = start, .fault = &own};
    arena_init(&prune.arena, ARENA_BYTES);
    arena_init(&prune.leaf, ARENA_BYTES);
    enum err err = step(&prune);
    arena_release(&prune.arena);
    arena_release(&prune.leaf);
    return err ? fault_set(fault, err, "%s", own.text[0] ? own.text : err_name(err)) : ERR_NONE;
}
