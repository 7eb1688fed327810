/* How good a model is on held-out data. Evaluating changes nothing, and gives the same bits
 * everywhere. */
#ifndef TRAINER_EVALUATE_H
#define TRAINER_EVALUATE_H

#include "trainer/dataset.h"
#include "trainer/kernel.h"
#include "trainer/program.h"

struct evaluation {
    uint32_t count; /* samples, or tokens that follow others */
    uint32_t
        correct; /* whose label had the largest logit (the lowest class among equals), <= count */
    float loss;  /* mean cross entropy */
};

/* Evaluates parameters[P] on all of `data`. ERR_MISMATCH when the data doesn't fit the program,
 * ERR_CORRUPT when the loss isn't finite, ERR_LIMIT when there is no memory (it takes some for the
 * call). */
MUST_USE enum err evaluate(struct evaluation *evaluation, const struct program *program,
                           const float *parameters, const struct dataset *data,
                           struct kernel *kernel, struct fault *fault);

/* Correct answers in hundredths of a percent, rounded down: 8612 is 86.12 %. */
uint32_t evaluate_basis_points(const struct evaluation *evaluation);

#endif
