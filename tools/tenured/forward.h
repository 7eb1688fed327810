/* Transactions on their way to the other members, so that any primary can order them: gathered into lists, a record each.
 *
 * The executor's own: for one thread. */
#ifndef TOOLS_TENURED_FORWARD_H
#define TOOLS_TENURED_FORWARD_H

#include "base/arena.h"
#include "base/error.h"
#include "ledger/block.h"

/* Transactions in one list. */
#define FORWARD_MAX 1024

struct node;

struct forward {
    struct node *node;
    struct arena arena; /* of what has gathered */
    struct block_item *items;
    uint32_t count; /* <= FORWARD_MAX */
    size_t bytes;
};

/* ERR_LIMIT: no memory. */
MUST_USE enum err forward_init(struct forward *forward, struct node *node);
void forward_release(struct forward *forward);

/* Adds a whole transaction, which is copied; a list that is full leaves. */
void forward_add(struct forward *forward, struct bytes tx);

/* Sends what has gathered. */
void forward_flush(struct forward *forward);

#endif
