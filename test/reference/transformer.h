/* NUMERICS.md section 6.2: a gpt's weights, forward and backward pass. */
#ifndef TEST_REFERENCE_TRANSFORMER_H
#define TEST_REFERENCE_TRANSFORMER_H

#include "test/reference/course.h"

#define TRANSFORMER_TENSORS_MAX (4 + 12 * 64)

struct place {
    size_t at; /* in the vector of parameters */
    size_t rows;
    size_t columns; /* 0: one dimension */
};

/* The tensors in their order; their count. */
uint32_t transformer_places(const struct course *course, struct place places[TRANSFORMER_TENSORS_MAX]);
size_t transformer_count(const struct course *course);

/* The parameters that the seed gives. */
void transformer_start(const struct course *course, float *parameters);

/* One step's micro-batches: `gradient` of the mean loss, which is returned, by `parameters`. */
float transformer_learn(const struct course *course, const float *parameters, uint32_t round, uint32_t slot,
                        uint32_t step, float *gradient);

#endif
