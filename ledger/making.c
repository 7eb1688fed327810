#include "ledger/making.h"

#include "base/check.h"
#include "contracts/governance.h"
#include "ledger/execute.h"
#include "ledger/reader.h"

/* A block stops growing here: those who must execute it, whole or not at all, have OVERLAY_ENTRY_BYTES, several times as much. */
#define BUILD_ARENA_BYTES (48u << 20)

static unsigned long long number(uint64_t value)
{
    return value;
}

/* An entry on a parent, and its execution. */
struct making {
    struct making_ground *ground;
    struct overlay_entry *entry; /* owned until it is kept */
    struct chain_tip parent;
    struct reader reader;
    struct execute execute;
};

static enum err out_of_memory(struct fault *fault, uint64_t height)
{
    return fault_set(fault, ERR_LIMIT, "block %llu: out of memory", number(height));
}

/* The protocol version that governance wants for this block. */
static enum err take_version(struct making *making, struct fault *fault)
{
    struct block_header *header = &making->entry->header;
    struct view_state view;
    view_init(&view, &making->reader.source, &making->entry->arena);
    header->version = governance_version(&view, (struct height){header->height});
    if (view.err)
        return reader_fault(&making->reader, fault, view.err);
    if (header->version <= BLOCK_VERSION_NEWEST)
        return ERR_NONE;
    return fault_set(fault, ERR_NOT_NOW,
                     "block %llu has protocol version %u; this program knows versions up to %d",
                     number(header->height), header->version, BLOCK_VERSION_NEWEST);
}

/* Finds the parent and makes an empty entry on it. */
static enum err start(struct making *making, struct making_ground *ground,
                      const struct digest *parent, uint64_t time_ms, struct seat proposer,
                      struct fault *fault)
{
    *making = (struct making){.ground = ground, .parent = ground->head};
    struct overlay_entry *above = overlay_find(&ground->overlay, parent);
    if (above)
        making->parent =
            (struct chain_tip){above->digest, above->header, above->header_raw, above->body_raw};
    else if (!digest_equal(parent, &ground->head.digest))
        return fault_set(fault, ERR_NOT_FOUND, "the parent block isn't executed here");
    if (ground->overlay.count == OVERLAY_ENTRIES_MAX)
        return fault_set(fault, ERR_LIMIT, "%d uncommitted blocks: no room for another",
                         OVERLAY_ENTRIES_MAX);
    making->entry = overlay_entry_new();
    if (!making->entry)
        return out_of_memory(fault, making->parent.header.height + 1);
    making->entry->parent = above;
    making->entry->header = (struct block_header){
        .chain = ground->genesis,
        .height = making->parent.header.height + 1,
        .parent = *parent,
        .time_ms = time_ms,
        .proposer = proposer.n,
        .set_digest = making->parent.header.next_set_digest,
    };
    reader_init(&making->reader, ground->store, NULL, above);
    enum err err = take_version(making, fault);
    if (err) {
        reader_release(&making->reader);
        overlay_entry_free(making->entry);
    }
    return err;
}

static struct context context_of(const struct making_ground *ground,
                                 const struct block_header *header)
{
    return (struct context){.height = {header->height},
                            .time_ms = header->time_ms,
                            .chain = header->chain,
                            .parent = header->parent,
                            .proposer = {header->proposer},
                            .judge = ground->judge};
}

/* Frees what wasn't kept. */
static void end(struct making *making)
{
    reader_release(&making->reader);
    overlay_entry_free(making->entry);
}

/* Hashes the write set into the parent's tree. */
static enum err grow(struct making *making, struct fault *fault)
{
    struct overlay_entry *entry = making->entry;
    struct sparse_change *changes =
        arena_array(&entry->arena, entry->value_count, sizeof(*changes));
    if (!changes)
        return out_of_memory(fault, entry->header.height);
    for (size_t i = 0; i < entry->value_count; i++) {
        const struct overlay_value *value = &entry->values[i];
        changes[i].key = digest_of(value->key.data, value->key.size);
        changes[i].deleted = value->value.size == 0;
        if (!changes[i].deleted)
            changes[i].value = digest_of(value->value.data, value->value.size);
    }
    sparse_sort(changes, entry->value_count);
    struct reader_tree tree;
    reader_tree_init(&tree, &entry->arena, making->ground->store, NULL, entry->parent,
                     making->ground->pages);
    entry->root = entry->parent ? entry->parent->root : making->ground->root;
    enum err err = sparse_update(&entry->arena, &entry->root, &entry->pages, changes,
                                 entry->value_count, entry->header.height, &tree.pages);
    return err ? reader_tree_fault(&tree, fault, err) : ERR_NONE;
}

/* The rest of the entry: result, tree, roots, the header's bytes. */
static enum err finish(struct making *making, struct fault *fault)
{
    struct overlay_entry *entry = making->entry;
    struct execute_result result;
    enum err err = execute_end(&making->execute, &result, fault);
    if (err)
        return reader_fault(&making->reader, fault, err);
    entry->txs = result.txs;
    entry->tx_count = result.tx_count;
    entry->receipts = result.receipts;
    entry->parties = result.parties;
    entry->party_count = result.party_count;
    entry->revoked = result.revoked;
    entry->revoked_count = result.revoked_count;
    entry->values = result.values;
    entry->value_count = result.value_count;
    err = grow(making, fault);
    if (err)
        return err;
    struct block_header *header = &entry->header;
    header->tx_root = result.tx_root;
    header->receipt_root = result.receipt_root;
    header->state_root = entry->root.top.digest;
    header->next_set_digest = result.next_set_digest;
    header->parameters_digest = result.parameters_digest;
    if (header->height == 0)
        header->set_digest = result.next_set_digest;
    uint8_t raw[BLOCK_HEADER_BYTES];
    size_t size = block_header_pack(raw, &entry->digest, header);
    entry->header_raw = bytes_of(arena_copy(&entry->arena, raw, size), size);
    return entry->header_raw.data ? ERR_NONE : out_of_memory(fault, header->height);
}

/* Moves the finished entry into the tree, unless it is there already. */
static enum err keep(struct making *making, struct fault *fault)
{
    if (overlay_find(&making->ground->overlay, &making->entry->digest))
        return ERR_NONE;
    enum err err = overlay_add_take(&making->ground->overlay, making->entry);
    if (err)
        return fault_set(fault, err, "too many uncommitted blocks");
    making->entry = NULL;
    return ERR_NONE;
}

/* Executes the candidates that may be in the block now; `body` lists them. */
static enum err build_body(struct making *making, struct block_body *body,
                           const struct chain_proposal *proposal)
{
    struct arena *arena = &making->entry->arena;
    size_t bytes = 0;
    for (size_t i = 0; i < proposal->candidate_count && body->item_count < making->execute.tx_max;
         i++) {
        struct bytes raw = proposal->candidates[i];
        if (block_body_size(body->item_count + 1, bytes + raw.size) > proposal->bytes_max ||
            arena->used > BUILD_ARENA_BYTES)
            break;
        struct tx *tx = arena_alloc(arena, sizeof(*tx));
        raw.data = arena_copy(arena, raw.data, raw.size);
        if (!tx || !raw.data)
            return ERR_LIMIT;
        if (tx_unpack(arena, tx, raw, NULL) != TX_OK || execute_tx(&making->execute, tx) != TX_OK)
            continue;
        body->items[body->item_count++].tx = raw;
        bytes += raw.size;
    }
    return execute_err(&making->execute);
}

static enum err build(struct making *making, const struct chain_proposal *proposal,
                      struct fault *fault)
{
    struct overlay_entry *entry = making->entry;
    struct block_body body = {
        arena_array(&entry->arena, making->execute.tx_max, sizeof(struct block_item)), 0};
    enum err err = body.items ? build_body(making, &body, proposal) : ERR_LIMIT;
    if (!err) {
        entry->body_raw = record_bytes(&entry->arena, &block_body_record, &body);
        err = entry->body_raw.data ? ERR_NONE : ERR_LIMIT;
    }
    if (err) {
        fault_set(fault, err, "block %llu can't be built: %s", number(entry->header.height),
                  err_name(err));
        return reader_fault(&making->reader, fault, err);
    }
    return finish(making, fault);
}

enum err making_build(struct making_ground *ground, struct chain_tip *tip,
                      const struct chain_proposal *proposal, struct fault *fault)
{
    CHECK(proposal->count_max <= LIMIT_BLOCK_TXS);
    CHECK(proposal->bytes_max <= LIMIT_BLOCK_BYTES);
    struct making making;
    enum err err =
        start(&making, ground, &proposal->parent, proposal->time_ms, proposal->proposer, fault);
    if (err)
        return err;
    CHECK(proposal->time_ms > making.parent.header.time_ms);
    making.entry->header.view = proposal->view.n;
    size_t room = proposal->count_max < proposal->candidate_count ? proposal->count_max
                                                                  : proposal->candidate_count;
    struct context context = context_of(ground, &making.entry->header);
    execute_begin(&making.execute, &making.entry->arena, &making.reader.source, &context,
                  (uint32_t)room);
    err = build(&making, proposal, fault);
    struct digest digest = making.entry->digest;
    if (!err)
        err = keep(&making, fault);
    end(&making);
    if (err)
        return err;
    const struct overlay_entry *kept = overlay_find(&ground->overlay, &digest);
    *tip = (struct chain_tip){kept->digest, kept->header, kept->header_raw, kept->body_raw};
    return ERR_NONE;
}

/* --- executing a block of another --- */

static enum err execute_txs(struct making *making, const struct block_body *body,
                            struct fault *fault)
{
    struct arena *arena = &making->entry->arena;
    for (uint32_t i = 0; i < body->item_count; i++) {
        struct tx *tx = arena_alloc(arena, sizeof(*tx));
        if (!tx)
            return out_of_memory(fault, making->entry->header.height);
        enum tx_verdict verdict = tx_unpack(arena, tx, body->items[i].tx, NULL);
        if (verdict == TX_OK)
            verdict = execute_tx(&making->execute, tx);
        enum err err = execute_err(&making->execute);
        if (err)
            return reader_fault(&making->reader, fault, err);
        if (verdict != TX_OK)
            return fault_set(fault, ERR_MISMATCH, "block %llu: transaction %u may not be in it: %s",
                             number(making->entry->header.height), i, tx_verdict_name(verdict));
    }
    return ERR_NONE;
}

/* The first root in which this node's header differs from the given one. */
static enum err compare(const struct block_header *own, const struct block_header *given,
                        struct fault *fault)
{
    const struct {
        const char *name;
        const struct digest *own, *given;
    } roots[] = {
        {"transactions", &own->tx_root, &given->tx_root},
        {"receipts", &own->receipt_root, &given->receipt_root},
        {"state", &own->state_root, &given->state_root},
        {"next validator set", &own->next_set_digest, &given->next_set_digest},
        {"parameters", &own->parameters_digest, &given->parameters_digest},
    };
    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
        if (digest_equal(roots[i].own, roots[i].given))
            continue;
        char here[DIGEST_TEXT_SIZE], there[DIGEST_TEXT_SIZE];
        digest_text(here, roots[i].own);
        digest_text(there, roots[i].given);
        return fault_set(fault, ERR_MISMATCH,
                         "block %llu: the root of %s is %.16s here and %.16s in the header",
                         number(given->height), roots[i].name, here, there);
    }
    return ERR_NONE;
}

static enum err execute(struct making *making, const struct block_header *header,
                        const struct digest *digest, struct bytes raw, struct bytes body_raw,
                        struct fault *fault)
{
    struct overlay_entry *entry = making->entry;
    enum err err = block_check(header, &making->parent.header, &making->parent.digest, fault);
    if (err)
        return err;
    if (header->version != entry->header.version)
        return fault_set(fault, ERR_MISMATCH, "block %llu has protocol version %u; the chain wants %u",
                         number(header->height), header->version, entry->header.version);
    entry->body_raw =
        bytes_of(arena_copy(&entry->arena, body_raw.data, body_raw.size), body_raw.size);
    struct block_body body;
    if (!entry->body_raw.data)
        return out_of_memory(fault, header->height);
    err = block_body_unpack(&entry->arena, &body, entry->body_raw, fault);
    if (err)
        return err;
    struct context context = context_of(making->ground, &entry->header);
    execute_begin(&making->execute, &entry->arena, &making->reader.source, &context,
                  body.item_count);
    err = execute_txs(making, &body, fault);
    if (err)
        return err;

    entry->header.view = header->view;
    err = finish(making, fault);
    if (err)
        return err;
    err = compare(&entry->header, header, fault);
    if (err) { /* kept, so that the first key that differs can be found */
        entry->digest = *digest;
        overlay_entry_free(making->ground->differing);
        making->ground->differing = entry;
        making->entry = NULL;
        return err;
    }
    CHECK(digest_equal(&entry->digest, digest));
    CHECK(bytes_equal(entry->header_raw, raw));
    return keep(making, fault);
}

/* What is too large for every machine is no block; ERR_LIMIT is left for what this one lacks. */
static enum err too_large(const struct block_header *header, struct fault *fault)
{
    return fault_set(fault, ERR_MALFORMED,
                     "block %llu: over the bounds of a block: %u bytes of body, %u MB for its execution",
                     number(header->height), LIMIT_BLOCK_BYTES, OVERLAY_ENTRY_BYTES >> 20);
}

enum err making_execute(struct making_ground *ground, struct bytes header_raw,
                        struct bytes body_raw, struct fault *fault)
{
    struct block_header header;
    if (block_header_unpack(&header, header_raw, fault))
        return fault_set(fault, ERR_MALFORMED, "a header that this program can't read");
    struct digest digest = digest_of(header_raw.data, header_raw.size);
    if (overlay_find(&ground->overlay, &digest) || digest_equal(&digest, &ground->head.digest))
        return ERR_NONE;
    if (body_raw.size > LIMIT_BLOCK_BYTES)
        return too_large(&header, fault);
    struct making making;
    enum err err = start(&making, ground, &header.parent, header.time_ms,
                         (struct seat){header.proposer}, fault);
    if (err)
        return err;
    err = execute(&making, &header, &digest, header_raw, body_raw, fault);
    if (err == ERR_LIMIT && !making.entry->arena.starved)
        err = too_large(&header, fault);
    end(&making);
    return err;
}

/* --- height 0 --- */

enum err making_genesis(struct making_ground *ground, const struct genesis *genesis,
                        struct fault *fault)
{
    struct making making = {.ground = ground, .entry = overlay_entry_new()};
    if (!making.entry)
        return out_of_memory(fault, 0);
    making.entry->header = (struct block_header){
        .version = BLOCK_VERSION,
        .chain = ground->genesis,
        .time_ms = genesis->time_ms,
    };
    reader_init(&making.reader, ground->store, NULL, NULL);
    struct context context = context_of(ground, &making.entry->header);
    execute_genesis(&making.execute, &making.entry->arena, &making.reader.source, &context,
                    genesis);
    struct block_body body = {0};
    making.entry->body_raw = record_bytes(&making.entry->arena, &block_body_record, &body);
    enum err err = making.entry->body_raw.data ? finish(&making, fault) : out_of_memory(fault, 0);
    if (!err)
        err = keep(&making, fault);
    end(&making);
    return err;
}
