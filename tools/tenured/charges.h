/* Evidence that this node noticed, on its way into the ledger: a transaction of the validator's own key, if that has an account.
 *
 *     noted      charges_note: one for each seat, whatever else it signs
 *     pressed    charges_press, in its turn, and again while the seat is taken: CHARGES_TRIES times, CHARGES_AGAIN_MS apart
 *     closed     the key sits in the set no more
 *
 * All nodes notice the same. So that they don't all submit it, the seat after the guilty one is the first, and each other one waits
 * CHARGES_TURN_MS longer than the one before: it finds the seat vacant then, unless those before are guilty too, or have no account.
 * A charge is lost in a restart; the others have it, and the file that court.h writes stays. */
#ifndef TOOLS_TENURED_CHARGES_H
#define TOOLS_TENURED_CHARGES_H

#include <pthread.h>

#include "consensus/consensus.h"

#define CHARGES_TURN_MS  2000
#define CHARGES_AGAIN_MS 10000
#define CHARGES_TRIES    3

/* Blocks that a submission may wait for: then it can't come any more, and the next try is another one. */
#define CHARGES_BLOCKS 1000

struct node;

struct charge {
    struct sign_public guilty;
    uint8_t *evidence; /* owned; NULL: closed */
    size_t size;
    uint64_t due_ms; /* when to submit it (again) */
    unsigned tries;
};

struct charges {
    pthread_mutex_t mutex; /* of the list */
    struct charge list[LIMIT_VALIDATORS]; /* by seat */
};

void charges_init(struct charges *charges);
void charges_release(struct charges *charges);

/* The driver's; without memory it isn't noted. */
void charges_note(struct charges *charges, const struct node *node,
                  const struct action_accuse *accuse);

/* Submits what is due. The executor's, whose chain and pool it uses: after each block, so that an idle node does it too. */
void charges_press(struct charges *charges, struct node *node);

#endif
