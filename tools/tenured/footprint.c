#include "tools/tenured/footprint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "contracts/genesis.h"
#include "net/http.h"
#include "tools/tenured/api_ask.h"
#include "tools/tenured/node.h"

#define MB (1ull << 20)

/* Buffers of one TLS connection, ours and the library's. */
#define FOOTPRINT_CONNECTION_BYTES (128u << 10)

/* Memory tables, the log's buffers, compaction, files that are open. */
#define FOOTPRINT_STORE_BYTES (104 * MB)

/* The program with its libraries, stacks, and what the heap keeps for reuse. */
#define FOOTPRINT_PROGRAM_BYTES (64 * MB)

/* An execution's overlay, receipts and events against the bytes of its block. */
#define FOOTPRINT_EXECUTION_FACTOR 8

/* Proposed heights (consensus_config_defaults) and the one that is being committed. */
#define FOOTPRINT_EXECUTIONS 5

static void add(struct footprint *footprint, const char *name, uint64_t bytes, const char *reason)
{
    CHECK(footprint->count < FOOTPRINT_PARTS_MAX);
    footprint->parts[footprint->count++] = (struct footprint_part){name, bytes, reason};
    footprint->total_bytes += bytes;
}

static void add_peers(struct footprint *footprint, uint64_t peers, uint64_t threads)
{
    add(footprint, "peers: unsent", peers * (PEER_VOTES_QUEUE_BYTES + PEER_BULK_QUEUE_BYTES),
        "PEER_VOTES_QUEUE_BYTES, PEER_BULK_QUEUE_BYTES a peer");
    add(footprint, "peers: being read", peers * PEER_LANES * LIMIT_FRAME_BYTES,
        "a frame a lane and peer");
    add(footprint, "peers: connections",
        (2 * PEER_LANES * peers + PEER_PENDING_MAX) * FOOTPRINT_CONNECTION_BYTES,
        "two a lane and peer, and PEER_PENDING_MAX strangers");
    add(footprint, "peers: to be checked",
        peers * (VERIFIER_SHARE_VOTES_BYTES + VERIFIER_SHARE_BULK_BYTES),
        "VERIFIER_SHARE_VOTES_BYTES, VERIFIER_SHARE_BULK_BYTES a peer");
    add(footprint, "peers: transactions unpacked",
        peers * VERIFIER_SHARE_BULK * LIMIT_BLOCK_TXS * sizeof(struct tx),
        "VERIFIER_SHARE_BULK lists of LIMIT_BLOCK_TXS a peer");
    add(footprint, "peers: being checked", (threads + 1) * 2 * LIMIT_FRAME_BYTES,
        "a frame and its copy a verifier thread");
}

static void add_chain(struct footprint *footprint, const struct settings *settings,
                      uint64_t validators)
{
    add(footprint, "consensus: events", DRIVER_QUEUE_BYTES, "DRIVER_QUEUE_BYTES");
    add(footprint, "consensus: bodies in flight", validators * PARCEL_SHELF_BYTES,
        "PARCEL_SHELF_BYTES a validator");
    add(footprint, "consensus: catch-up", BOUNDS_WINDOW * LIMIT_FRAME_BYTES,
        "BOUNDS_WINDOW blocks");
    add(footprint, "consensus: messages in the making", 16ull * BOUNDS_MESSAGE_BYTES + 20 * MB,
        "BOUNDS_MESSAGE_BYTES and promises of one turn");
    add(footprint, "vote log", VOTELOG_DEAD_BYTES + 8 * MB, "VOTELOG_DEAD_BYTES, and what lives");
    add(footprint, "execution",
        FOOTPRINT_EXECUTIONS * FOOTPRINT_EXECUTION_FACTOR * (uint64_t)LIMIT_BLOCK_BYTES,
        "5 heights, 8 times a block's bytes each");
    add(footprint, "pool", POOL_BYTES_MAX + POOL_COUNT_MAX * 512ull,
        "POOL_BYTES_MAX, POOL_COUNT_MAX entries");
    add(footprint, "signatures that were checked", 24 * MB, "65,536 of messages and transactions");
    add(footprint, "database: what was read", settings->store_cache_mb * MB, "storage.cache_mb");
    add(footprint, "database", FOOTPRINT_STORE_BYTES, "memory tables, compaction");
}

static void add_api(struct footprint *footprint, const struct settings *settings)
{
    struct http_options options = http_defaults();
    add(footprint, "API: connections",
        settings->api_connections * (settings->api_tls ? FOOTPRINT_CONNECTION_BYTES : 48u << 10),
        "api.connections, headers and buffers");
    add(footprint, "API: bodies", HTTP_BODIES_MAX, "HTTP_BODIES_MAX, all together");
    add(footprint, "API: answers", HTTP_ANSWERS_MAX, "HTTP_ANSWERS_MAX, all together");
    add(footprint, "API: answers in the making", options.threads * (uint64_t)HTTP_TEXT_MAX * 2,
        "HTTP_TEXT_MAX and its sources a thread");
    if (settings->blob_place[0])
        add(footprint, "API: object storage", API_ERRAND_BYTES_MAX, "API_ERRAND_BYTES_MAX");
    add(footprint, "API: transactions unpacked", API_SUBMIT_MAX * (uint64_t)sizeof(struct tx),
        "API_SUBMIT_MAX");
}

void footprint_of(struct footprint *footprint, const struct settings *settings, uint32_t validators)
{
    CHECK(validators >= 1 && validators <= LIMIT_VALIDATORS);
    *footprint = (struct footprint){.validators = validators};
    add_peers(footprint, validators - 1,
              settings->verifiers ? settings->verifiers : thread_cores());
    add_chain(footprint, settings, validators);
    add_api(footprint, settings);
    add(footprint, "program", FOOTPRINT_PROGRAM_BYTES,
        "code, libraries, stacks, heap kept for reuse");
}

/* How many validators the genesis has. */
static enum err count_validators(uint32_t *count, const struct settings *settings,
                                 struct fault *fault)
{
    struct fault inner = {0};
    struct genesis genesis;
    struct arena arena;
    uint8_t *raw = NULL;
    size_t size;
    enum err err = file_read(&raw, &size, settings->genesis, NODE_GENESIS_MAX, fault);
    arena_init(&arena, 4 * NODE_GENESIS_MAX);
    if (!err && (record_unpack(&arena, &genesis_record, &genesis, bytes_of(raw, size), &inner) ||
                 genesis_check(&genesis, &inner)))
        err = fault_set(fault, ERR_MALFORMED, "genesis %s: %s", settings->genesis, inner.text);
    if (!err)
        *count = genesis.validator_count;
    arena_release(&arena);
    free(raw);
    return err;
}

enum err footprint_print(const struct settings *settings, struct fault *fault)
{
    struct footprint footprint;
    uint32_t validators;
    enum err err = count_validators(&validators, settings, fault);
    if (err)
        return err;
    footprint_of(&footprint, settings, validators);
    printf("memory of one of %u validators, at most\n", footprint.validators);
    for (uint32_t i = 0; i < footprint.count; i++)
        printf("%8.1f MB  %-34s %s\n", (double)footprint.parts[i].bytes / MB,
               footprint.parts[i].name, footprint.parts[i].reason);
    printf("%8.1f MB  total\n", (double)footprint.total_bytes / MB);
    return ERR_NONE;
}
