/* One height of the window: its block, its votes, what was promised about it, and what is proven. */
#ifndef CONSENSUS_SLOT_H
#define CONSENSUS_SLOT_H

#include "consensus/message.h"

/* A header, kept. */
struct slot_block {
    struct consensus_block block;
    uint16_t size; /* of `header`; 0: none is here */
    uint8_t header[BOUNDS_HEADER_BYTES];
};

/* A certificate, kept. */
struct slot_proof {
    bool here;
    struct ballot ballot;
    uint64_t voters; /* exactly a quorum (none for the base) */
    uint8_t signatures[BOUNDS_QUORUM * SIGN_SIGNATURE_SIZE];
};

/* Votes of one kind in one view: at most one a seat, each for a digest. */
struct slot_votes {
    uint64_t voters;
    struct digest digests[LIMIT_VALIDATORS];
    struct sign_signature signatures[LIMIT_VALIDATORS];
};

enum slot_run {
    SLOT_IDLE,    /* not executed, not asked for */
    SLOT_RUNNING, /* EXECUTE is out, under `ticket` */
    SLOT_VALID,   /* executed here: its overlay is there */
    SLOT_INVALID, /* refused */
};

/*   empty --PRE-PREPARE, NEW-VIEW, DECIDED--> block: idle --EXECUTE--> running --EXECUTED--> valid | invalid
 *     ^                                         |
 *     +---- a NEW-VIEW or certificate chose another ----+  (its overlay is discarded) */
struct slot {
    struct height height;
    struct slot_block held; /* the block that this height is about now */
    enum slot_run run;      /* of `held` */
    uint64_t ticket;
    bool open; /* `held` may be voted on in the current view */
    bool
        fresh; /* by a PRE-PREPARE of the current view: its time is still to be compared with its parent's */

    bool has_pre_prepare; /* the primary's signature over it is here, to pass on */
    struct sign_signature pre_prepare;
    struct slot_votes prepares, commits; /* in the view that votes are counted for */
    bool my_prepare;                     /* promised in that view, for `my_digest` */
    bool my_commit;                      /* promised in that view, for the ballot of `lock` */
    struct digest my_digest;

    struct slot_block lock_block; /* the block of `lock` */
    struct slot_proof
        lock; /* its prepared certificate of the highest view, until the height is durable */
    struct slot_proof decided; /* a commit certificate for `held` */
};

/* Empties the slot for another height. */
void slot_reset(struct slot *slot, struct height height);

/* Forgets what belongs to one view: votes, own votes, whether the block is open. Keeps block, execution, lock and decision. */
void slot_leave_view(struct slot *slot);

/* Takes a block in place of what was held. Requires header.size <= BOUNDS_HEADER_BYTES. */
void slot_hold(struct slot *slot, const struct consensus_block *block, struct bytes header);

/* Drops the held block. */
void slot_drop(struct slot *slot);

bool slot_has_block(const struct slot *slot);

enum slot_vote { SLOT_COUNTED, SLOT_REPEATED, SLOT_CONFLICT };

/* Keeps the seat's first vote: COUNTED; the same again: REPEATED; for another digest: CONFLICT. Only COUNTED changes anything. */
enum slot_vote slot_votes_add(struct slot_votes *votes, struct seat seat,
                              const struct digest *digest, const struct sign_signature *signature);

/* Bits of seats that voted for `digest`. */
uint64_t slot_votes_for(const struct slot_votes *votes, const struct digest *digest);

/* Makes a certificate of the lowest `quorum` seats that voted for ballot->digest. Requires that there are so many. */
void slot_prove(struct slot_proof *proof, const struct slot_votes *votes,
                const struct ballot *ballot, uint8_t quorum);

/* Keeps a verified certificate. Requires that its signatures fit. */
void slot_proof_keep(struct slot_proof *proof, const struct certificate *certificate);

/* The same as a record; borrows from `proof`. */
struct certificate slot_proof_certificate(const struct slot_proof *proof);

void slot_block_keep(struct slot_block *kept, const struct consensus_block *block,
                     struct bytes header);
struct bytes slot_block_header(const struct slot_block *kept);

#endif
