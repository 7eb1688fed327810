/* What a NEW-VIEW proposes again: a pure function of its quorum of VIEW-CHANGEs, so that each seat computes it for itself. (DESIGN 5)
 *
 * From the highest certified committed height upwards, height by height the prepared block of the highest view; it stops at the first
 * height that has none, or whose block isn't the child of the one chosen below. Why nothing committed is lost: whoever sent COMMIT for a
 * height held prepared certificates of that view for it and for all uncommitted heights below, and reports them, or a later one of the
 * same block, in every VIEW-CHANGE; a quorum of VIEW-CHANGEs shares a correct seat with every quorum of COMMITs. */
#ifndef CONSENSUS_PLAN_H
#define CONSENSUS_PLAN_H

#include "consensus/message.h"

struct plan {
    const struct certificate *base; /* highest committed certificate in the message; borrowed */
    uint64_t holders;               /* bits of seats that reported it: they have its block */
    const struct message_prepared *chosen[BOUNDS_WINDOW]; /* heights base + 1 and up; borrowed */
    uint32_t count;                                       /* of `chosen` */
};

/* Requires a verified NEW-VIEW. */
void plan_make(struct plan *plan, const struct message_new_view *new_view);

#endif
