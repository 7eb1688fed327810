#include "tools/tenured/bids.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum err bids_put(struct bids *bids, struct place from, const struct bid *bid)
{
    struct bid *kept = &bids->list[from.n];
    bids_drop(bids, from);
    uint8_t *data = malloc(bid->header.size + bid->certificate.size + 1);
    if (!data)
        return ERR_LIMIT;
    *kept = *bid;
    kept->data = data;
    memcpy(data, bid->header.data, bid->header.size);
    kept->header = bytes_of(data, bid->header.size);
    data += bid->header.size;
    if (bid->certificate.size > 0)
        memcpy(data, bid->certificate.data, bid->certificate.size);
    kept->certificate = bytes_of(data, bid->certificate.size);
    return ERR_NONE;
}

void bids_drop(struct bids *bids, struct place from)
{
    free(bids->list[from.n].data);
    bids->list[from.n] = (struct bid){.height = {0}};
}

void bids_clear(struct bids *bids)
{
    for (uint8_t i = 0; i < PEER_PLACES; i++)
        bids_drop(bids, (struct place){i});
}

bool bids_has(const struct bids *bids, struct place from, const struct digest *digest)
{
    const struct bid *bid = &bids->list[from.n];
    return bid->data && digest_equal(&bid->digest, digest);
}

unsigned bids_count(const struct bids *bids, const struct digest *digest)
{
    unsigned count = 0;
    for (uint8_t i = 0; i < PEER_PLACES; i++)
        count += bids_has(bids, (struct place){i}, digest);
    return count;
}

const struct bid *bids_choose(const struct bids *bids, unsigned enough)
{
    const struct bid *best = NULL;
    for (unsigned i = 0; i < PEER_PLACES; i++) {
        const struct bid *bid = &bids->list[i];
        if (bid->data && (!best || bid->height.n > best->height.n) &&
            bids_count(bids, &bid->digest) >= enough)
            best = bid;
    }
    return best;
}

struct height bids_reached(const struct bids *bids, unsigned enough)
{
    struct height reached = {0};
    CHECK(enough > 0);
    for (unsigned i = 0; i < PEER_PLACES; i++) {
        unsigned above = 0;
        for (unsigned k = 0; k < PEER_PLACES; k++)
            above += bids->list[k].data && bids->list[k].height.n >= bids->list[i].height.n;
        if (bids->list[i].data && above >= enough && bids->list[i].height.n > reached.n)
            reached = bids->list[i].height;
    }
    return reached;
}

unsigned bids_gone(const struct bids *bids, struct height height)
{
    unsigned count = 0;
    for (unsigned i = 0; i < PEER_PLACES; i++)
        count += bids->list[i].data && bids->list[i].start.n > height.n;
    return count;
}
