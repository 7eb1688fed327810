#include "ledger/import.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "ledger/layout.h"
#include "ledger/reader.h"

/* What an import reads again is the edge of the tree that it made last. */
#define CACHE_BYTES (4u << 20)

/* Room for a chunk, and for the pages that it makes: a few for each leaf. */
#define ARENA_BYTES (SNAPSHOT_ARENA_BYTES + ((size_t)512 << 20))

/* A boundary that is kept. */
#define BOUNDARY_BYTES (BLOCK_HEADER_BYTES + LAYOUT_CERTIFICATE_BYTES + 256)

/* How far it has come, in the store. */
struct import_progress {
    struct bytes header, header_base, certificate;
    struct digest *next; /* of each range: where its next chunk begins */
    uint32_t next_count; /* SNAPSHOT_RANGES */
    uint16_t whole;      /* bits of the ranges that are in */
    uint64_t leaves;     /* so far */
    uint8_t root_kind;   /* of the tree so far */
    struct digest root;
};

static const struct record_field progress_fields[] = {
    RECORD_BYTES(struct import_progress, header, BLOCK_HEADER_BYTES),
    RECORD_BYTES(struct import_progress, header_base, BLOCK_HEADER_BYTES),
    RECORD_BYTES(struct import_progress, certificate, LAYOUT_CERTIFICATE_BYTES),
    RECORD_DIGESTS(struct import_progress, next, next_count, SNAPSHOT_RANGES),
    RECORD_UINT(struct import_progress, whole),
    RECORD_UINT(struct import_progress, leaves),
    RECORD_UINT_MAX(struct import_progress, root_kind, SPARSE_NODE),
    RECORD_FIXED(struct import_progress, root, RECORD_AS_HEX),
};
static const struct record progress_record =
    RECORD(struct import_progress, "import progress", progress_fields);

struct import {
    struct store *store;
    struct store_batch *batch;
    struct arena kept;  /* what `progress` points at */
    struct arena arena; /* one chunk */
    struct block_header header;
    struct import_progress progress;
    struct import_boundary *boundaries; /* in `kept` */
    size_t boundary_count;
};

static enum err out_of_memory(struct fault *fault)
{
    return fault_set(fault, ERR_LIMIT, "import: out of memory");
}

/* --- opening --- */

static enum err put_progress(struct import *import, struct fault *fault)
{
    struct bytes packed = record_bytes(&import->arena, &progress_record, &import->progress);
    if (!packed.data)
        return out_of_memory(fault);
    store_batch_put(import->batch, STORE_META, bytes_text(LAYOUT_META_IMPORT), packed);
    return ERR_NONE;
}

static enum err begin(struct import *import, const struct import_target *target,
                      struct fault *fault)
{
    struct import_progress *progress = &import->progress;
    uint8_t format[4];
    bytes_put_u32(format, LAYOUT_FORMAT);
    *progress = (struct import_progress){
        .header = target->header,
        .header_base = target->header_base,
        .certificate = target->certificate,
        .next = arena_array(&import->kept, SNAPSHOT_RANGES, sizeof(struct digest)),
        .next_count = SNAPSHOT_RANGES,
    };
    struct bytes *const texts[] = {&progress->header, &progress->header_base,
                                   &progress->certificate};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        texts[i]->data = arena_copy(&import->kept, texts[i]->data, texts[i]->size);
        if (!texts[i]->data || !progress->next)
            return out_of_memory(fault);
    }
    for (unsigned range = 0; range < SNAPSHOT_RANGES; range++)
        progress->next[range] = snapshot_first(range);
    store_batch_clear(import->batch);
    store_batch_put(import->batch, STORE_META, bytes_text(LAYOUT_META_FORMAT),
                    bytes_of(format, sizeof(format)));
    store_batch_put(import->batch, STORE_META, bytes_text(LAYOUT_META_GENESIS), target->genesis);
    enum err err = put_progress(import, fault);
    return err ? err : store_write(import->store, import->batch, fault);
}

/* ERR_NOT_FOUND: the folder is empty. */
static enum err resume(struct import *import, const struct import_target *target,
                       struct fault *fault)
{
    struct bytes stored, genesis;
    enum err err = store_get(&import->kept, import->store, NULL, STORE_META,
                             bytes_text(LAYOUT_META_GENESIS), &genesis, fault);
    if (err)
        return err;
    err = store_get(&import->kept, import->store, NULL, STORE_META, bytes_text(LAYOUT_META_IMPORT),
                    &stored, fault);
    if (err && err != ERR_NOT_FOUND)
        return err;
    struct import_progress *progress = &import->progress;
    if (!err && (record_unpack(&import->kept, &progress_record, progress, stored, NULL) ||
                 progress->next_count != SNAPSHOT_RANGES))
        return fault_set(fault, ERR_CORRUPT, "store: meta, import: no record of an import");
    if (err || !bytes_equal(genesis, target->genesis) ||
        !bytes_equal(progress->header, target->header) ||
        !bytes_equal(progress->header_base, target->header_base))
        return fault_set(fault, ERR_MISMATCH, "the folder holds another import, or a chain");
    return ERR_NONE;
}

/* Not part of what is resumed: whoever opens it gives them again. */
static enum err keep_boundaries(struct import *import, const struct import_target *target,
                                struct fault *fault)
{
    struct arena *arena = &import->kept;
    import->boundaries = arena_array(arena, target->boundary_count, sizeof(*import->boundaries));
    for (size_t i = 0; import->boundaries && i < target->boundary_count; i++) {
        struct bytes header = target->boundaries[i].header,
                     certificate = target->boundaries[i].certificate;
        header.data = arena_copy(arena, header.data, header.size);
        certificate.data = arena_copy(arena, certificate.data, certificate.size);
        if (!header.data || !certificate.data)
            return out_of_memory(fault);
        import->boundaries[i] = (struct import_boundary){header, certificate};
    }
    import->boundary_count = target->boundary_count;
    return import->boundaries ? ERR_NONE : out_of_memory(fault);
}

enum err import_open(struct import **out, const char *path, const struct import_target *target,
                     struct fault *fault)
{
    struct import *import = calloc(1, sizeof(*import));
    if (!import)
        return out_of_memory(fault);
    arena_init(&import->kept, SNAPSHOT_ARENA_BYTES + target->genesis.size +
                                  target->boundary_count * BOUNDARY_BYTES);
    arena_init(&import->arena, ARENA_BYTES);
    enum err err = block_header_unpack(&import->header, target->header, fault);
    if (!err && (import->header.height == 0 || target->certificate.size > LAYOUT_CERTIFICATE_BYTES))
        err = fault_set(fault, ERR_MALFORMED, "import: no header that has a snapshot");
    if (!err)
        err = keep_boundaries(import, target, fault);
    if (!err)
        err = store_open(&import->store, path, CACHE_BYTES, fault);
    if (!err) {
        import->batch = store_batch_new(import->store);
        err = resume(import, target, fault);
    }
    if (err == ERR_NOT_FOUND)
        err = begin(import, target, fault);
    if (err) {
        import_close(import);
        return err;
    }
    *out = import;
    return ERR_NONE;
}

enum err import_height(const char *path, struct height *height, struct fault *fault)
{
    struct arena arena;
    struct store *store;
    struct bytes stored;
    struct import_progress progress;
    struct block_header header;
    enum err err = store_open(&store, path, CACHE_BYTES, fault);
    if (err)
        return err;
    arena_init(&arena, SNAPSHOT_ARENA_BYTES);
    err =
        store_get(&arena, store, NULL, STORE_META, bytes_text(LAYOUT_META_IMPORT), &stored, fault);
    if (!err && (record_unpack(&arena, &progress_record, &progress, stored, NULL) ||
                 block_header_unpack(&header, progress.header, NULL)))
        err = fault_set(fault, ERR_CORRUPT, "store: meta, import: no record of an import");
    if (!err)
        height->n = header.height;
    arena_release(&arena);
    store_close(store);
    return err;
}

void import_close(struct import *import)
{
    if (!import)
        return;
    store_batch_free(import->batch);
    store_close(import->store);
    arena_release(&import->kept);
    arena_release(&import->arena);
    free(import);
}

/* --- chunks --- */

static bool is_whole(const struct import *import, unsigned range)
{
    return import->progress.whole >> range & 1;
}

bool import_next(const struct import *import, unsigned range, struct digest *from)
{
    CHECK(range < SNAPSHOT_RANGES);
    *from = import->progress.next[range];
    return !is_whole(import, range);
}

unsigned import_ranges(const struct import *import)
{
    unsigned count = 0;
    for (unsigned range = 0; range < SNAPSHOT_RANGES; range++)
        count += is_whole(import, range);
    return count;
}

uint64_t import_leaves(const struct import *import)
{
    return import->progress.leaves;
}

/* The tree with the chunk's leaves; its new pages go to the batch. Pages of one height replace each other until the import is finished,
 * so none is cached. */
static enum err grow(struct import *import, struct sparse_root *root,
                     const struct snapshot_chunk *chunk, struct fault *fault)
{
    struct sparse_change *changes =
        arena_array(&import->arena, chunk->leaf_count, sizeof(*changes));
    if (!changes)
        return out_of_memory(fault);
    for (uint32_t i = 0; i < chunk->leaf_count; i++) {
        const struct snapshot_leaf *leaf = &chunk->leaves[i];
        changes[i].key = digest_of(leaf->key.data, leaf->key.size);
        changes[i].value = digest_of(leaf->value.data, leaf->value.size);
    }
    struct sparse_writes writes = {0};
    struct reader_tree tree;
    reader_tree_init(&tree, &import->arena, import->store, NULL, NULL, NULL);
    enum err err = sparse_update(&import->arena, root, &writes, changes, chunk->leaf_count,
                                 import->header.height, &tree.pages);
    if (err)
        return reader_tree_fault(&tree, fault, err);
    for (size_t i = 0; i < writes.count; i++) {
        uint8_t packed[SPARSE_PAGE_BYTES];
        struct layout_key key = layout_page(&writes.list[i].place);
        size_t size = sparse_page_pack(packed, writes.list[i].page);
        store_batch_put(import->batch, STORE_PAGES, layout_bytes(&key), bytes_of(packed, size));
    }
    return ERR_NONE;
}

static void put_leaf(struct import *import, const struct snapshot_leaf *leaf)
{
    struct digest position = digest_of(leaf->key.data, leaf->key.size);
    struct layout_key past = layout_past(leaf->key, import->header.height);
    store_batch_put(import->batch, STORE_VALUES, leaf->key, leaf->value);
    store_batch_put(import->batch, STORE_PAST, layout_bytes(&past), leaf->value);
    store_batch_put(import->batch, STORE_KEYS, bytes_of(position.bytes, DIGEST_SIZE), leaf->key);
}

enum err import_add(struct import *import, unsigned range, struct bytes packed, struct fault *fault)
{
    struct import_progress *progress = &import->progress, before = *progress;
    struct snapshot_chunk chunk;
    struct digest from, last = snapshot_last(range);
    CHECK(import_next(import, range, &from));
    arena_clear(&import->arena);
    enum err err =
        snapshot_check(&import->arena, &chunk, packed, &import->header.state_root, &from, fault);
    if (err)
        return err;
    struct sparse_root root = {{(enum sparse_kind)progress->root_kind, progress->root},
                               import->header.height};
    store_batch_clear(import->batch);
    err = grow(import, &root, &chunk, fault);
    if (err)
        return err;
    for (uint32_t i = 0; i < chunk.leaf_count; i++)
        put_leaf(import, &chunk.leaves[i]);
    progress->root = root.top.digest;
    progress->root_kind = (uint8_t)root.top.kind;
    progress->leaves += chunk.leaf_count;
    if (digest_equal(&chunk.to, &last))
        progress->whole |= (uint16_t)(1u << range);
    else
        progress->next[range] = snapshot_behind(&chunk.to);
    err = put_progress(import, fault);
    if (!err)
        err = store_write(import->store, import->batch, fault);
    if (err) {
        *progress = before;
        progress->next[range] = from;
    }
    return err;
}

/* --- the end --- */

static enum err put_header(struct import *import, uint64_t height, struct bytes header,
                           struct bytes certificate, enum sparse_kind kind, struct fault *fault)
{
    struct layout_header stored = {header, certificate, (uint8_t)kind, height};
    struct bytes packed = record_bytes(&import->arena, &layout_header_record, &stored);
    if (!packed.data)
        return out_of_memory(fault);
    uint8_t number[8];
    bytes_put_u64(number, height);
    struct digest digest = digest_of(header.data, header.size);
    struct layout_key at = layout_height(height), index = layout_block(&digest);
    store_batch_put(import->batch, STORE_HEADERS, layout_bytes(&at), packed);
    store_batch_put(import->batch, STORE_INDEX, layout_bytes(&index), bytes_of(number, 8));
    return ERR_NONE;
}

static enum err put_boundaries(struct import *import, struct fault *fault)
{
    enum err err = ERR_NONE;
    for (size_t i = 0; i < import->boundary_count && !err; i++) {
        const struct import_boundary *boundary = &import->boundaries[i];
        struct block_header header;
        err = block_header_unpack(&header, boundary->header, fault);
        if (!err)
            err = put_header(import, header.height, boundary->header, boundary->certificate,
                             SPARSE_NODE, fault);
    }
    return err;
}

enum err import_finish(struct import *import, struct fault *fault)
{
    const struct import_progress *progress = &import->progress;
    CHECK(import_ranges(import) == SNAPSHOT_RANGES);
    if (!digest_equal(&progress->root, &import->header.state_root))
        return fault_set(fault, ERR_CORRUPT,
                         "import: the state that came out has another root than its header");
    uint8_t number[8];
    bytes_put_u64(number, import->header.height);
    arena_clear(&import->arena);
    store_batch_clear(import->batch);
    struct block_header base;
    enum err err = block_header_unpack(&base, progress->header_base, fault);
    if (!err)
        err = put_header(import, base.height, progress->header_base, bytes_of(NULL, 0), SPARSE_NODE,
                         fault);
    if (!err)
        err = put_boundaries(import, fault);
    if (!err)
        err = put_header(import, import->header.height, progress->header, progress->certificate,
                         (enum sparse_kind)progress->root_kind, fault);
    if (err)
        return err;
    store_batch_put(import->batch, STORE_META, bytes_text(LAYOUT_META_START), bytes_of(number, 8));
    store_batch_put(import->batch, STORE_META, bytes_text(LAYOUT_META_HEAD), bytes_of(number, 8));
    store_batch_delete(import->batch, STORE_META, bytes_text(LAYOUT_META_IMPORT));
    return store_write(import->store, import->batch, fault);
}
