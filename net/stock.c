#include "net/stock.h"

#include <stdlib.h>
#include <string.h>

#define STOCK_BUCKETS_MIN 1024 /* a power of two, as every count of buckets */

void stock_init(struct stock *stock)
{
    *stock = (struct stock){.free = STOCK_NONE,
                            .near = {STOCK_NONE, STOCK_NONE, 0},
                            .away = {STOCK_NONE, STOCK_NONE, 0}};
}

void stock_release(struct stock *stock)
{
    free(stock->entries);
    free(stock->buckets);
}

static uint32_t *bucket_of(struct stock *stock, unsigned kind, const struct digest *id)
{
    return &stock->buckets[(bytes_get_u32(id->bytes) + kind) & (stock->bucket_count - 1)];
}

uint32_t stock_find(struct stock *stock, unsigned kind, const struct digest *id)
{
    uint32_t at = *bucket_of(stock, kind, id);
    while (at != STOCK_NONE &&
           (stock->entries[at].kind != kind || !digest_equal(&stock->entries[at].id, id)))
        at = stock->entries[at].chain;
    return at;
}

/* The order that an entry is in: a used one is here, far, or both. */
static struct stock_order *order_of(struct stock *stock, const struct stock_entry *entry)
{
    return entry->here ? &stock->near : &stock->away;
}

static void order_unlink(struct stock *stock, uint32_t at)
{
    struct stock_entry *entry = &stock->entries[at];
    struct stock_order *order = order_of(stock, entry);
    *(entry->older == STOCK_NONE ? &order->oldest : &stock->entries[entry->older].newer) =
        entry->newer;
    *(entry->newer == STOCK_NONE ? &order->newest : &stock->entries[entry->newer].older) =
        entry->older;
    order->count--;
}

static void order_append(struct stock *stock, uint32_t at)
{
    struct stock_entry *entry = &stock->entries[at];
    struct stock_order *order = order_of(stock, entry);
    entry->older = order->newest;
    entry->newer = STOCK_NONE;
    *(order->newest == STOCK_NONE ? &order->oldest : &stock->entries[order->newest].newer) = at;
    order->newest = at;
    order->count++;
}

void stock_touch(struct stock *stock, uint32_t at)
{
    order_unlink(stock, at);
    order_append(stock, at);
}

bool stock_grow(struct stock *stock)
{
    if (stock->free != STOCK_NONE || stock->entry_count < stock->entry_room)
        return true;
    uint32_t room = stock->entry_room == 0 ? STOCK_BUCKETS_MIN : stock->entry_room * 2;
    struct stock_entry *entries = realloc(stock->entries, room * sizeof(*entries));
    if (entries == NULL)
        return false;
    stock->entries = entries;
    uint32_t *buckets = realloc(stock->buckets, room * sizeof(*buckets));
    if (buckets == NULL)
        return false;
    stock->buckets = buckets;
    stock->entry_room = stock->bucket_count = room;

    memset(buckets, 0xff, room * sizeof(*buckets));
    for (uint32_t at = 0; at < stock->entry_count; at++) { /* none is free: there was no room */
        uint32_t *bucket = bucket_of(stock, entries[at].kind, &entries[at].id);
        entries[at].chain = *bucket;
        *bucket = at;
    }
    return true;
}

uint32_t stock_add(struct stock *stock, unsigned kind, const struct digest *id)
{
    uint32_t at = stock->free;
    if (at != STOCK_NONE)
        stock->free = stock->entries[at].older;
    else
        at = stock->entry_count++;
    uint32_t *bucket = bucket_of(stock, kind, id);
    stock->entries[at] = (struct stock_entry){.id = *id, .kind = kind, .chain = *bucket};
    *bucket = at;
    return at;
}

static void remove_entry(struct stock *stock, uint32_t at)
{
    struct stock_entry *entry = &stock->entries[at];
    uint32_t *link = bucket_of(stock, entry->kind, &entry->id);
    while (*link != at)
        link = &stock->entries[*link].chain;
    *link = entry->chain;
    entry->older = stock->free;
    stock->free = at;
}

void stock_not_far(struct stock *stock, uint32_t at)
{
    struct stock_entry *entry = &stock->entries[at];
    bool alone = entry->far && !entry->here;
    if (alone)
        order_unlink(stock, at);
    entry->far = false;
    if (alone)
        remove_entry(stock, at);
}

/* Among those that are far alone, of which there aren't too many. */
static void append_away(struct stock *stock, uint32_t at)
{
    order_append(stock, at);
    if (stock->away.count > stock->away_max)
        stock_not_far(stock, stock->away.oldest);
}

void stock_far(struct stock *stock, uint32_t at)
{
    struct stock_entry *entry = &stock->entries[at];
    if (entry->far)
        return;
    entry->far = true;
    if (!entry->here)
        append_away(stock, at);
}

void stock_here(struct stock *stock, uint32_t at, uint64_t size)
{
    struct stock_entry *entry = &stock->entries[at];
    if (entry->far)
        order_unlink(stock, at);
    entry->here = true;
    entry->size = size;
    order_append(stock, at);
    stock->bytes += size;
    stock->files++;
}

void stock_gone(struct stock *stock, uint32_t at)
{
    struct stock_entry *entry = &stock->entries[at];
    order_unlink(stock, at);
    stock->bytes -= entry->size;
    stock->files--;
    entry->here = false;
    if (entry->far)
        append_away(stock, at);
    else
        remove_entry(stock, at);
}
