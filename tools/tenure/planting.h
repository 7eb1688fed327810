/* The worker's part in planted leaves (contracts/claim.h): which segments are planted, how their leaves look until the claim, and the claim.
 *
 * A planted segment has every witness planted, so that whatever a replayer draws catches it. Which segments those are, and the nonces,
 * follow from the key: after a restart, with the same share, they are the same. */
#ifndef TOOLS_TENURE_PLANTING_H
#define TOOLS_TENURE_PLANTING_H

#include "tools/tenure/agent.h"

struct planting {
    const struct agent *agent;
    uint32_t percent; /* of the segments; 0: none */
};

bool planting_is_planted(const struct planting *planting, const struct jobs_segment *segment);

/* The leaves as the ledger sees them before the claim, in shown[count]; leaves[0] is the start. A trace that diverged is shown as it is. */
void planting_show(const struct planting *planting, const struct jobs_segment *segment,
                   const struct trace_leaf *leaves, uint32_t count, struct trace_leaf *shown);

/* The claim that opens them; its arguments are in truths[count - 1]. */
struct jobs_claim planting_claim(const struct planting *planting,
                                 const struct jobs_segment *segment,
                                 const struct trace_leaf *leaves, uint32_t count,
                                 struct jobs_answer *truths);

#endif
