#include "tools/tenured/offering.h"

#include "ledger/snapshot.h"
#include "tools/sys/clock.h"
#include "tools/tenured/lineage.h"
#include "tools/tenured/node.h"
#include "tools/tenured/wire.h"

/* A header, a certificate, and both packed twice. */
#define OFFER_ARENA_BYTES (1u << 20)

/* All former sets, and a boundary. */
#define BOUNDARY_ARENA_BYTES (64u << 20)

/* What failed is no peer's business unless it is our store. */
static void offering_failed(struct node *node, enum err err, const struct fault *fault)
{
    if (err == ERR_CORRUPT || err == ERR_IO)
        node_failed(node, err, fault);
}

/* The height to offer: the wanted one if it is here, or (0) the latest multiple of STATESYNC_EVERY, or what this chain starts from. */
static uint64_t offering_height(const struct history *history, uint64_t wanted)
{
    uint64_t head = history_height(history).n, start = history_start(history).n;
    if (wanted > 0)
        return wanted >= start && wanted <= head ? wanted : 0;
    uint64_t height = head - head % STATESYNC_EVERY;
    return height > start ? height : start;
}

static enum err offering_pack(struct arena *arena, struct history *history, struct bytes *packed,
                              struct height height, struct fault *fault)
{
    struct history_block block;
    struct wire_snapshot wire = {.start = history_start(history)};
    enum err err = history_block(arena, history, &block, height, fault);
    if (!err)
        err = message_decide(arena, &wire.decided, block.header_raw, block.certificate);
    if (err)
        return err;
    *packed = record_bytes(arena, &wire_snapshot_record, &wire);
    return packed->data ? ERR_NONE : ERR_LIMIT;
}

void offering_snapshot(struct node *node, struct place to, struct bytes request)
{
    struct wire_want_snapshot want;
    struct fault fault = {0};
    if (record_unpack(NULL, &wire_want_snapshot_record, &want, request, NULL))
        return;
    struct history *history = history_open(node->chain, &fault);
    if (!history) {
        offering_failed(node, fault.code, &fault);
        return;
    }
    struct arena arena;
    struct bytes packed;
    arena_init(&arena, OFFER_ARENA_BYTES);
    struct height height = {offering_height(history, want.height.n)};
    if (height.n > 0) {
        enum err err = offering_pack(&arena, history, &packed, height, &fault);
        offering_failed(node, err, &fault);
        if (!err)
            node_answer(node, to, PEER_BULK, WIRE_SNAPSHOT, packed);
    }
    arena_release(&arena);
    history_close(history);
}

void offering_boundary(struct node *node, struct place to, struct bytes request)
{
    struct wire_want_boundary want;
    struct wire_boundary wire;
    struct fault fault = {0};
    if (record_unpack(NULL, &wire_want_boundary_record, &want, request, NULL))
        return;
    struct history *history = history_open(node->chain, &fault);
    if (!history) {
        offering_failed(node, fault.code, &fault);
        return;
    }
    struct arena arena;
    arena_init(&arena, BOUNDARY_ARENA_BYTES);
    enum err err = lineage_tell(&arena, history, &wire, want.above, &fault);
    history_close(history);
    offering_failed(node, err, &fault);
    struct bytes packed = {0};
    if (!err)
        packed = record_bytes(&arena, &wire_boundary_record, &wire);
    if (packed.data && ration_take(&node->ration, to, packed.size, clock_monotonic_ms()))
        node_answer(node, to, PEER_BULK, WIRE_BOUNDARY, packed);
    arena_release(&arena);
}

bool offering_chunk(struct node *node, struct place to, struct bytes request)
{
    struct wire_want_chunk want;
    struct fault fault = {0};
    if (record_unpack(NULL, &wire_want_chunk_record, &want, request, NULL))
        return false;
    struct history *history = history_open(node->chain, &fault);
    if (!history) {
        offering_failed(node, fault.code, &fault);
        return false;
    }
    struct arena arena;
    struct wire_chunk wire = {.height = want.height, .from = want.from};
    arena_init(&arena, SNAPSHOT_ARENA_BYTES);
    enum err err = snapshot_cut(&arena, history, &wire.chunk, want.height, &want.from, &fault);
    history_close(history);
    offering_failed(node, err, &fault);
    if (err)
        wire.chunk = bytes_of(NULL, 0);
    struct bytes packed = record_bytes(&arena, &wire_chunk_record, &wire);
    if (packed.data && ration_take(&node->ration, to, packed.size, clock_monotonic_ms()))
        node_answer(node, to, PEER_BULK, WIRE_CHUNK, packed);
    arena_release(&arena);
    return !err;
}
