#include "tools/tenured/forward.h"

#include <stdlib.h>

#include "tools/tenured/node.h"
#include "tools/tenured/wire.h"

/* A list of transactions, each as large as it may be, and the record of it. */
#define FORWARD_ARENA_BYTES (32u << 20)

enum err forward_init(struct forward *forward, struct node *node)
{
    *forward = (struct forward){.node = node,
                                .items = calloc(FORWARD_MAX, sizeof(*forward->items))};
    arena_init(&forward->arena, FORWARD_ARENA_BYTES);
    return forward->items ? ERR_NONE : ERR_LIMIT;
}

void forward_release(struct forward *forward)
{
    arena_release(&forward->arena);
    free(forward->items);
    forward->items = NULL;
}

void forward_flush(struct forward *forward)
{
    if (forward->count == 0)
        return;
    struct block_body list = {forward->items, forward->count};
    struct bytes packed = record_bytes(&forward->arena, &block_body_record, &list);
    if (packed.data)
        node_send(forward->node, UINT64_MAX, PEER_BULK, WIRE_TXS, packed);
    arena_clear(&forward->arena);
    forward->count = 0;
    forward->bytes = 0;
}

void forward_add(struct forward *forward, struct bytes tx)
{
    uint8_t *copy = arena_copy(&forward->arena, tx.data, tx.size);
    if (!copy)
        return;
    forward->items[forward->count++].tx = bytes_of(copy, tx.size);
    forward->bytes += tx.size;
    if (forward->count == FORWARD_MAX || forward->bytes >= WIRE_TXS_BYTES)
        forward_flush(forward);
}
