/* What happened in runs, in counts: a simulator that never meets a case says nothing about it. */
#ifndef TEST_SIM_COVERAGE_H
#define TEST_SIM_COVERAGE_H

#include <stdint.h>
#include <stdio.h>

#include "test/sim/liar.h"

enum coverage_item {
    COVERAGE_BLOCKS,
    COVERAGE_VIEWS,      /* entered, by an honest seat */
    COVERAGE_SUSPICIONS, /* of an honest seat */
    COVERAGE_CATCH_UPS,
    COVERAGE_REFUSED,     /* messages that didn't verify */
    COVERAGE_CONFLICTS,   /* messages that contradict what the same seat signed */
    COVERAGE_ACCUSATIONS, /* proven */
    COVERAGE_LIES,        /* messages of liars that aren't their cores' */
    COVERAGE_CRASHES,
    COVERAGE_POWER_CUTS, /* of these, between two actions of a step */
    COVERAGE_BLACKOUTS,  /* of all seats at once */
    COVERAGE_TORN,       /* crashes that left a part of what wasn't synced */
    COVERAGE_ROTTEN,     /* records of a log that can't be read any more */
    COVERAGE_MUTED,      /* starts without the whole log */
    COVERAGE_PARTITIONS,
    COVERAGE_CLOGS,
    COVERAGE_SLOW_DISKS,
    COVERAGE_FULL_POOLS, /* numbers refused */
    COVERAGE_BOUNDARIES, /* crossed by a node: another set of validators */
    COVERAGE_VACATED,    /* seats, by evidence */
    COVERAGE_RETIRED,    /* nodes that were removed, and stopped */
    COVERAGE_JUMPS,      /* states taken over by a node that was away */
    COVERAGE_ITEMS,
};

struct coverage {
    uint64_t counts[COVERAGE_ITEMS];
    uint64_t tricks[LIAR_TRICK_COUNT]; /* runs in which a liar had it */
    uint64_t proofs[EVIDENCE_KIND_MAX +
                    1]; /* proven accusations, by enum evidence_kind; of liars only */
};

void coverage_add(struct coverage *sum, const struct coverage *more);
void coverage_print(const struct coverage *coverage, FILE *out);

#endif
