/* The snapshots that members offer to a node that fetches the state: one of each, kept until the choice is made and while it is fetched.
 *
 * An offer is a header with its certificate, so none is forged; but one liar may offer a height that nobody else has, and then be silent.
 * So a height counts when f + 1 members offer it: an honest one is among them. When honest heads are too far apart for that, everybody is
 * asked for the highest height that f + 1 have reached.
 *
 * Who is a member is the caller's to check. For one thread. */
#ifndef TOOLS_TENURED_BIDS_H
#define TOOLS_TENURED_BIDS_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/units.h"
#include "net/peer.h"

struct bid {
    struct height height;
    struct height start;  /* the lowest height whose state its sender has; it has blocks above it */
    struct digest digest; /* of the header */
    struct bytes header, certificate;
    uint8_t *data; /* what they point into; owned; NULL: no offer */
};

struct bids {
    struct bid list[PEER_PLACES]; /* by sender; zeroed at first */
};

/* Copies a peer's offer, in the place of its last one. ERR_LIMIT: no memory, and it has none now. */
MUST_USE enum err bids_put(struct bids *bids, struct place from, const struct bid *bid);

/* Forgets a peer's offer; all. */
void bids_drop(struct bids *bids, struct place from);
void bids_clear(struct bids *bids);

/* Does the peer offer the header `digest`? How many do? */
bool bids_has(const struct bids *bids, struct place from, const struct digest *digest);
unsigned bids_count(const struct bids *bids, const struct digest *digest);

/* The highest offer that `enough` peers make; NULL: none. Borrowed until it changes. */
const struct bid *bids_choose(const struct bids *bids, unsigned enough);

/* The highest height that `enough` peers offer or are above; 0: none. Requires enough > 0. */
struct height bids_reached(const struct bids *bids, unsigned enough);

/* How many say that the block after `height` is gone where they are. */
unsigned bids_gone(const struct bids *bids, struct height height);

#endif
