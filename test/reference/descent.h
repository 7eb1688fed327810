/* NUMERICS.md section 7: the optimizers and the rate of a step. */
#ifndef TEST_REFERENCE_DESCENT_H
#define TEST_REFERENCE_DESCENT_H

#include "test/reference/course.h"

/* What an optimizer changes. */
struct descent {
    float *parameters;
    float *moment1;
    float *moment2; /* AdamW */
    float *power;   /* [2], AdamW */
};

/* Step `step` of round `round`, from a gradient of this norm. */
void descent_step(const struct course *course, const struct descent *descent, uint32_t round, uint32_t step,
                  const float *gradient, float norm);

#endif
