/* Committed blocks for those who were away: serving them, and putting those that come into order.
 *
 * What comes was checked by the verifier: the certificate by the set of its height, the body by its root. A block is then fed to consensus
 * as a DECIDED message, in ascending heights. */
#ifndef TOOLS_TENURED_CATCHUP_H
#define TOOLS_TENURED_CATCHUP_H

#include "consensus/consensus.h"
#include "net/peer.h"

struct node;
struct driver_event;

struct catchup {
    struct height next, to;                    /* heights wanted: next..to; none when next > to */
    struct driver_event *slots[BOUNDS_WINDOW]; /* by height modulo BOUNDS_WINDOW; owned */
    unsigned turn;                             /* whom to ask next */
    bool guided;                               /* from a peer that may be in a later set: */
    struct place guide;
    uint64_t guessed_ms; /* when it was asked last */
};

/* Bits of the other seats that are connected, so that they can be asked now. The driver's thread. */
uint64_t catchup_connected(const struct node *node);

/* The seat in `seats` whose turn it is. Requires one. */
struct seat catchup_choose(unsigned turn, uint64_t seats);

/* Asks one of the seats that have them and are connected; if none is, the core wants them again. */
void catchup_want(struct catchup *catchup, struct node *node, const struct action_catch_up *want);

/* Asks a peer that may be in a later set for the blocks after `committed`, unless one was asked within CATCHUP_GUESS_MS: requests get
 * lost. */
#define CATCHUP_GUESS_MS 1000
void catchup_guess(struct catchup *catchup, struct node *node, struct place place,
                   struct height committed);

/* All that was guessed is committed: asks the same peer for what follows. */
void catchup_go_on(struct catchup *catchup, struct node *node, struct height committed);

/* Takes a decided block that came; false (and it is still the caller's) when it isn't wanted. */
bool catchup_keep(struct catchup *catchup, struct driver_event *event);

/* The next block in order, for the caller; NULL when it isn't here yet. */
struct driver_event *catchup_next(struct catchup *catchup);

void catchup_clear(struct catchup *catchup);

/* Sends the blocks of a WANT_BLOCKS, as many as the window has. Any thread. */
void catchup_serve(struct node *node, struct place to, struct bytes request);

/* Sends the body of a committed block. False if it isn't committed here. Any thread. */
bool catchup_serve_body(struct node *node, struct place to, const struct digest *digest);

#endif
