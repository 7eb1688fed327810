/* NUMERICS.md sections 8 and 9: states and their roots, segments and their traces, deltas, and the close of a round. */
#ifndef TEST_REFERENCE_PUPIL_H
#define TEST_REFERENCE_PUPIL_H

#include "test/reference/course.h"

/* One state, global or of a segment; each tensor has `count` values but exponents. */
struct pupil {
    const struct course *course; /* borrowed */
    bool is_segment;
    uint32_t round;
    uint32_t slot;  /* global: 0 */
    uint32_t steps; /* global: 0 */
    uint32_t step;
    float power[2];
    size_t count;  /* P */
    size_t blocks; /* ceil(P / 1024) */
    float *parameters;
    float *outer; /* global */
    float *anchor;
    float *moment1;
    float *moment2;
    float *residue;
    int8_t *delta;
    int8_t *exponents; /* [blocks] */
};

/* The global state before round 0, and a segment's state whose residue is zero. */
void pupil_init(struct pupil *pupil, const struct course *course, bool is_segment);
void pupil_release(struct pupil *pupil);

struct digest pupil_root(const struct pupil *pupil);

/* Begins the global state's round in the segment's state; the residue stays. */
void pupil_start(struct pupil *segment, const struct pupil *global, uint32_t slot, uint32_t steps);

/* Trains the whole segment and prints its trace; false if it diverged. */
bool pupil_run(struct pupil *segment);

/* The close of a round over the end states. */
void pupil_close(struct pupil *global, const struct pupil *ends, uint32_t count);

#endif
