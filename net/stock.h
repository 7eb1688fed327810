/* What a blob store (net/blob.h) knows of its objects: which have a file in the folder, and which an object in the bucket. An index by kind
 * and id, and two orders.
 *
 *     state of an entry   in the order
 *     here                near, by use: the oldest is pushed out first
 *     here and far        near
 *     far alone           away, by when that was learned: beyond away_max the oldest is forgotten
 *     neither             none: between stock_add and stock_here or stock_far
 *
 * Entries are numbers below entry_count, which stay theirs until they are forgotten. Not for several threads at once. */
#ifndef NET_STOCK_H
#define NET_STOCK_H

#include "base/digest.h"
#include "base/error.h"

#define STOCK_NONE UINT32_MAX

struct stock_entry {
    struct digest id;
    unsigned kind;
    uint64_t size; /* of its file, while here */
    uint32_t older,
        newer; /* neighbours in its order; STOCK_NONE at the ends. A free entry: next in `older` */
    uint32_t chain; /* next in its bucket */
    bool here;      /* its file is in the folder */
    bool far;       /* its object is in the bucket */
};

struct stock_order {
    uint32_t oldest, newest; /* STOCK_NONE: empty */
    uint32_t count;
};

struct stock {
    struct stock_entry *entries;
    uint32_t entry_count, entry_room; /* count: ever used, free ones among them */
    uint32_t free;                    /* head of the list */
    struct stock_order near, away;
    uint32_t away_max;
    uint32_t *buckets;
    uint32_t bucket_count;
    uint64_t bytes, files; /* that are here */
};

void stock_init(struct stock *stock);
void stock_release(struct stock *stock);

/* Makes room for one more entry; needed before the first stock_find. False: out of memory. */
MUST_USE bool stock_grow(struct stock *stock);

/* STOCK_NONE: not known. */
uint32_t stock_find(struct stock *stock, unsigned kind, const struct digest *id);

/* An entry for an object that is nowhere yet. Requires room, and that it isn't known. */
uint32_t stock_add(struct stock *stock, unsigned kind, const struct digest *id);

/* Used now. Requires an entry that is in an order. */
void stock_touch(struct stock *stock, uint32_t at);

/* Its file is in the folder now. Requires that it wasn't. */
void stock_here(struct stock *stock, uint32_t at, uint64_t size);

/* The file isn't in the folder any more; what is in the bucket stays known. Requires that it was. */
void stock_gone(struct stock *stock, uint32_t at);

/* Its object is in the bucket. May forget another that is far alone. */
void stock_far(struct stock *stock, uint32_t at);

/* The bucket doesn't have it, or it is no longer known: without a file it is forgotten. */
void stock_not_far(struct stock *stock, uint32_t at);

#endif
