#include "tools/tenure/transfer.h"

#include "base/check.h"
#include "base/limits.h"
#include "base/merkle.h"
#include "net/blob.h"
#include "tools/sys/clock.h"
#include "tools/sys/file.h"
#include "tools/tenure/swarm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static enum err put(struct client *client, struct client_reply *reply, const char *kind,
                    const struct digest *id, struct bytes body, struct fault *fault)
{
    char path[96], text[DIGEST_TEXT_SIZE];
    enum err err;

    digest_text(text, id);
    snprintf(path, sizeof(path), "/v1/%s/%s", kind, text);
    err = client_call(client, reply, CLIENT_PUT, path, body, 0, fault);
    if (!err && reply->status >= 300)
        return client_refusal(client, reply, path, fault);
    return err;
}

/* Between two reports of progress: one that takes less is over before anybody reads it. */
#define REPORT_MS 500

struct reporter {
    struct client *client;
    const char *verb;
    uint64_t said_ms;
    uint32_t done, count; /* chunks */
};

static struct reporter reporter_of(struct client *client, const char *verb, uint32_t count)
{
    return (struct reporter){client, verb, clock_monotonic_ms(), 0, count};
}

static void report(struct reporter *reporter)
{
    uint64_t now_ms = clock_monotonic_ms();

    reporter->done++;
    if (!reporter->client->progress || now_ms - reporter->said_ms < REPORT_MS)
        return;
    reporter->said_ms = now_ms;
    reporter->client->progress(reporter->client->watcher, reporter->verb, reporter->done,
                               reporter->count);
}

static int by_id(const void *a, const void *b, void *self)
{
    const struct digest *ids = self;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int order = memcmp(&ids[x], &ids[y], sizeof(ids[0]));

    return order ? order : (x > y) - (x < y);
}

/* For each chunk the first one that is equal: itself, unless it is a repetition. Free it. */
static uint32_t *firsts_of(const struct digest *ids, uint32_t count)
{
    uint32_t *firsts = malloc((count + 1u) * sizeof(*firsts));
    uint32_t *order = malloc((count + 1u) * sizeof(*order));

    CHECK(firsts != NULL);
    CHECK(order != NULL);
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    qsort_r(order, count, sizeof(*order), by_id, (void *)ids);
    for (uint32_t i = 0; i < count; i++)
        firsts[order[i]] =
            i && digest_equal(&ids[order[i]], &ids[order[i - 1]]) ? firsts[order[i - 1]] : order[i];
    free(order);
    return firsts;
}

/* --- sending --- */

static struct bytes chunk_of(const struct transfer_blob *blob, uint64_t index)
{
    return bytes_of(blob->data + blob->offsets[index],
                    blob->offsets[index + 1] - blob->offsets[index]);
}

static enum err put_chunk(struct client *client, const struct digest *id, struct bytes chunk,
                          struct fault *fault)
{
    uint64_t wait_us = throttle_wait_us(&client->throttle, clock_monotonic_us());
    struct client_reply reply;

    if (wait_us)
        clock_sleep_ms(wait_us / 1000 + 1);
    throttle_spend(&client->throttle, chunk.size, clock_monotonic_us());
    return put(client, &reply, "chunks", id, chunk, fault);
}

/* A blob that is sent, with what follows from it. */
struct shipment {
    const struct transfer_blob *blob;
    struct digest *ids;
    uint32_t *firsts;
    struct digest root;
};

/* Sends the manifest, then what the node says it misses. */
static enum err push_to_node(struct client *client, const struct shipment *out, struct fault *fault)
{
    uint32_t count = out->blob->chunk_count, missing;
    struct client_reply reply;
    struct answer *answer = NULL;
    struct reporter reporter;
    enum err err = put(client, &reply, "blobs", &out->root,
                       bytes_of(out->ids, count * sizeof(*out->ids)), fault);

    if (!err)
        err = answer_parse(&answer, reply.body, fault);
    missing = answer_count(answer, "missing");
    reporter = reporter_of(client, "sending", missing);
    for (uint32_t i = 0; !err && i < missing; i++) {
        uint64_t index = answer_number(answer_item(answer, "missing", i), "");
        if (index >= count)
            err = fault_set(fault, ERR_MISMATCH, "%s misses chunk %" PRIu64 " of %u",
                            client->nodes[client->node_now], index, count);
        else if (out->firsts[index] == index)
            err = put_chunk(client, &out->ids[index], chunk_of(out->blob, index), fault);
        report(&reporter);
    }
    answer_free(answer);
    return err;
}

static struct digest *chunk_ids(const struct transfer_blob *blob)
{
    struct digest *ids = malloc(blob->chunk_count * sizeof(*ids) + 1);

    CHECK(ids != NULL);
    for (uint32_t i = 0; i < blob->chunk_count; i++) {
        struct bytes chunk = chunk_of(blob, i);
        ids[i] = merkle_leaf(chunk.data, chunk.size);
    }
    return ids;
}

/* One node alone, without a second try: another node takes its place. */
static enum err push_to(struct client *client, uint32_t node, const struct shipment *out,
                        struct fault *fault)
{
    struct client alone = *client;
    enum err err;

    alone.nodes[0] = client->nodes[node];
    alone.node_count = 1;
    alone.node_now = 0;
    alone.patience_ms = 0;
    err = push_to_node(&alone, out, fault);
    client->body = alone.body; /* the buffer may have moved */
    client->throttle = alone.throttle;
    client->unreachable = alone.unreachable;
    return err;
}

enum err transfer_push(struct client *client, struct digest *root, const struct transfer_blob *blob,
                       uint32_t copies, struct fault *fault)
{
    struct shipment out = {.blob = blob, .ids = chunk_ids(blob)};
    uint32_t done = 0, first = client->node_now;
    enum err err = ERR_NONE;

    out.firsts = firsts_of(out.ids, blob->chunk_count);
    *root = out.root = merkle_root(out.ids, blob->chunk_count);
    for (uint32_t i = 0; i < client->node_count && done < copies; i++) {
        err = push_to(client, (first + i) % client->node_count, &out, fault);
        done += err == ERR_NONE;
    }
    free(out.ids);
    free(out.firsts);
    return done ? ERR_NONE : err;
}

/* --- fetching --- */

/* Two manifests' worth: a store reads into an arena. */
#define ARENA_BYTES (2 * TRANSFER_CHUNKS_MAX * DIGEST_SIZE + 4096)

/* A blob that is fetched: its chunks go to slots of memory, to a store, or to both. */
struct haul {
    struct client *client;
    struct blob_store *store; /* NULL: none */
    struct arena arena;       /* for one object of the store */
    struct digest *ids;
    uint32_t *firsts;
    uint32_t count;
    uint64_t dropped; /* nodes */
    uint8_t *slots;   /* LIMIT_CHUNK_BYTES each; NULL: none */
    uint64_t *ends;   /* the size of what is in each slot */
    bool warned;      /* that the store takes nothing */
    struct reporter reporter;
};

static enum err take_manifest(struct haul *haul, const struct digest *root, struct bytes bytes,
                              struct fault *fault)
{
    const char *node = haul->client->nodes[haul->client->node_now];
    struct digest found;

    if (!bytes.size || bytes.size % DIGEST_SIZE || bytes.size / DIGEST_SIZE > TRANSFER_CHUNKS_MAX)
        return fault_set(fault, ERR_LIMIT, "%s: a manifest of %zu bytes lists no 1 to %d chunks",
                         node, bytes.size, TRANSFER_CHUNKS_MAX);
    haul->count = (uint32_t)(bytes.size / DIGEST_SIZE);
    haul->ids = malloc(bytes.size);
    CHECK(haul->ids != NULL);
    memcpy(haul->ids, bytes.data, bytes.size);
    found = merkle_root(haul->ids, haul->count);
    if (digest_equal(&found, root))
        return ERR_NONE;
    free(haul->ids);
    haul->ids = NULL;
    return fault_set(fault, ERR_MISMATCH, "%s gave a manifest that is not the root's", node);
}

static enum err ask_manifest(struct haul *haul, const struct digest *root, struct fault *fault)
{
    struct client *client = haul->client;
    char path[96], text[DIGEST_TEXT_SIZE];
    struct client_reply reply;
    enum err err;

    digest_text(text, root);
    snprintf(path, sizeof(path), "/v1/blobs/%s", text);
    err = client_call(client, &reply, CLIENT_GET, path, bytes_of(NULL, 0), 0, fault);
    if (err)
        return err;
    if (reply.status != 200)
        return client_refusal(client, &reply, path, fault);
    err = take_manifest(haul, root, reply.body, fault);
    if (err)
        swarm_drop(client, &haul->dropped, client->node_now,
                   "gave a manifest that is not the root's");
    return err;
}

/* The store's, or the first good one of a node's. What a node doesn't have, or gives wrongly, another may give. */
static enum err find_manifest(struct haul *haul, const struct digest *root, struct fault *fault)
{
    const struct digest *ids;
    uint32_t count;
    enum err err = ERR_NOT_FOUND;

    if (haul->store && !blob_get_manifest(&haul->arena, haul->store, root, &ids, &count))
        return take_manifest(haul, root, bytes_of(ids, (size_t)count * DIGEST_SIZE), fault);
    for (uint32_t tried = 0; tried < haul->client->node_count; tried++) {
        err = ask_manifest(haul, root, fault);
        if (err != ERR_NOT_FOUND && err != ERR_MISMATCH && err != ERR_LIMIT)
            break;
        client_next(haul->client);
    }
    if (!err && haul->store && blob_put_manifest(haul->store, root, haul->ids, haul->count))
        haul->warned = true;
    return err;
}

static void to_slot(struct haul *haul, uint32_t index, struct bytes chunk)
{
    uint8_t *slot;

    if (!haul->slots)
        return;
    slot = haul->slots + (size_t)index * LIMIT_CHUNK_BYTES;
    if (chunk.data != slot)
        memcpy(slot, chunk.data, chunk.size);
    haul->ends[index + 1] = chunk.size;
}

/* A chunk from a node. A cache that is full or broken costs only its use; where the store is all there is, it must take it. */
static enum err on_chunk(void *self, uint32_t index, struct bytes chunk, struct fault *fault)
{
    struct haul *haul = self;

    to_slot(haul, index, chunk);
    report(&haul->reporter);
    if (!haul->store || !blob_put_chunk(haul->store, &haul->ids[index], chunk))
        return ERR_NONE;
    if (!haul->slots)
        return fault_set(fault, ERR_IO, "what was fetched can't be written: is the disk full?");
    if (!haul->warned && haul->client->warn)
        haul->client->warn(haul->client->watcher, "the cache of chunks can't be written");
    haul->warned = true;
    return ERR_NONE;
}

/* Takes what the store has, and fetches the rest. */
static enum err gather(struct haul *haul, struct fault *fault)
{
    struct swarm_order order = {.ids = haul->ids,
                                .slots = haul->slots,
                                .dropped = haul->dropped,
                                .self = haul,
                                .take = on_chunk};
    uint32_t *wanted = malloc((haul->count + 1u) * sizeof(*wanted));
    enum err err = ERR_NONE;

    CHECK(wanted != NULL);
    for (uint32_t i = 0; i < haul->count; i++) {
        struct bytes chunk;
        if (haul->firsts[i] != i)
            continue;
        arena_clear(&haul->arena);
        if (haul->store && !blob_get_chunk(&haul->arena, haul->store, &haul->ids[i], &chunk))
            to_slot(haul, i, chunk);
        else
            wanted[order.count++] = i;
    }
    order.wanted = wanted;
    haul->reporter = reporter_of(haul->client, "fetching", order.count);
    if (order.count)
        err = swarm_fetch(haul->client, &order, fault);
    free(wanted);
    return err;
}

static enum err haul_begin(struct haul *haul, struct client *client, struct blob_store *store,
                           const struct digest *root, struct fault *fault)
{
    enum err err;

    *haul = (struct haul){.client = client, .store = store};
    arena_init(&haul->arena, ARENA_BYTES);
    err = find_manifest(haul, root, fault);
    if (!err)
        haul->firsts = firsts_of(haul->ids, haul->count);
    return err;
}

static void haul_end(struct haul *haul)
{
    free(haul->ids);
    free(haul->firsts);
    arena_release(&haul->arena);
}

/* Moves the chunks together: each slot begins behind what is before it, so nothing is written over. */
static void close_up(struct haul *haul)
{
    for (uint32_t i = 0; i < haul->count; i++) {
        uint32_t first = haul->firsts[i];
        uint64_t from = (uint64_t)i * LIMIT_CHUNK_BYTES, at = haul->ends[i];
        uint64_t size = haul->ends[i + 1];
        if (first != i) {
            from = haul->ends[first];
            size = haul->ends[first + 1] - from;
        }
        if (from != at)
            memmove(haul->slots + at, haul->slots + from, size);
        haul->ends[i + 1] = at + size;
    }
}

/* What x86 and ARM map at once: a blob in small pages spends as long on their faults as on its way. */
#define HUGE_PAGE ((size_t)2 << 20)

/* Memory for all chunks, if that is no more than what was asked for and what this machine bears. */
static enum err take_room(struct haul *haul, uint64_t chunks_max, struct fault *fault)
{
    const size_t size = (size_t)haul->count * LIMIT_CHUNK_BYTES;
    const uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

    if (haul->count > chunks_max)
        return fault_set(fault, ERR_MALFORMED,
                         "the blob has %u chunks; what is named has at most %" PRIu64, haul->count,
                         chunks_max);
    if (size <= memory / 2) {
        haul->slots = aligned_alloc(HUGE_PAGE, size + HUGE_PAGE - size % HUGE_PAGE);
        haul->ends = calloc(haul->count + 1u, sizeof(haul->ends[0]));
    }
    if (haul->slots && haul->ends) {
        madvise(haul->slots, size, MADV_HUGEPAGE); /* may be refused: then it only takes longer */
        return ERR_NONE;
    }
    return fault_set(fault, ERR_LIMIT, "the blob takes %zu MiB, which this machine hasn't to spare",
                     size >> 20);
}

enum err transfer_fetch(struct client *client, struct transfer_blob *blob,
                        const struct digest *root, uint64_t chunks_max, struct fault *fault)
{
    struct haul haul;
    enum err err = haul_begin(&haul, client, client->cache, root, fault);

    if (!err)
        err = take_room(&haul, chunks_max, fault);
    if (!err)
        err = gather(&haul, fault);
    if (!err) {
        close_up(&haul);
        *blob = (struct transfer_blob){haul.slots, haul.ends, haul.count};
    } else {
        free(haul.slots);
        free(haul.ends);
    }
    haul_end(&haul);
    return err;
}

void transfer_release(struct transfer_blob *blob)
{
    free(blob->data);
    free(blob->offsets);
    *blob = (struct transfer_blob){0};
}

/* --- to a file --- */

enum err transfer_cache(struct blob_store **store, int *lock, const char *folder,
                        uint64_t bytes_max, struct fault *fault)
{
    char path[FILE_PATH_SIZE];
    enum err err = file_make_folder(folder, 0755, fault);

    if (!err)
        err = file_join(path, folder, "lock", fault);
    if (!err)
        err = file_lock(lock, path, fault);
    if (err)
        return err;
    err = blob_open(store, folder, bytes_max, fault);
    if (err)
        close(*lock);
    return err;
}

static enum err write_chunks(struct haul *haul, FILE *out, uint64_t *bytes)
{
    *bytes = 0;
    for (uint32_t i = 0; i < haul->count; i++) {
        struct bytes chunk;
        arena_clear(&haul->arena);
        if (blob_get_chunk(&haul->arena, haul->store, &haul->ids[i], &chunk) ||
            fwrite(chunk.data, 1, chunk.size, out) != chunk.size)
            return ERR_IO;
        *bytes += chunk.size;
    }
    return fflush(out) || fsync(fileno(out)) ? ERR_IO : ERR_NONE;
}

/* Puts the file together beside its place and gives it its name. */
static enum err assemble(struct haul *haul, const char *part, const char *path, uint64_t *bytes,
                         struct fault *fault)
{
    char made[FILE_PATH_SIZE];
    enum err err = file_join(made, part, "whole", fault);
    FILE *out;

    if (err)
        return err;
    out = fopen(made, "wb");
    if (!out)
        return fault_set(fault, ERR_IO, "%s: can't be written", made);
    err = write_chunks(haul, out, bytes);
    if (fclose(out) || err)
        return fault_set(fault, ERR_IO, "%s: can't be written: is the disk full?", made);
    return file_rename(made, path, fault);
}

enum err transfer_fetch_file(struct client *client, uint64_t *bytes, const char *path,
                             const struct digest *root, struct fault *fault)
{
    char part[FILE_PATH_SIZE];
    struct blob_store *store;
    struct haul haul;
    enum err err;
    int lock;

    if (snprintf(part, sizeof(part), "%s.part", path) >= (int)sizeof(part))
        return fault_set(fault, ERR_LIMIT, "the file's name is too long: %s", path);
    err = transfer_cache(&store, &lock, part, UINT64_MAX, fault);
    if (err)
        return err;
    err = haul_begin(&haul, client, store, root, fault);
    if (!err)
        err = gather(&haul, fault);
    if (!err)
        err = assemble(&haul, part, path, bytes, fault);
    haul_end(&haul);
    blob_close(store);
    if (!err)
        err = file_remove_tree(part, fault);
    close(lock);
    return err;
}
