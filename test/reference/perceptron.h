/* NUMERICS.md section 6.1: a multi-layer perceptron's weights, forward and backward pass. */
#ifndef TEST_REFERENCE_PERCEPTRON_H
#define TEST_REFERENCE_PERCEPTRON_H

#include "test/reference/course.h"

/* Zeroed floats from the heap; stops the program when there are none. */
float *perceptron_floats(size_t count);

size_t perceptron_count(const struct course *course);

/* The parameters that the seed gives. */
void perceptron_start(const struct course *course, float *parameters);

/* One batch: `gradient` of the mean loss, which is returned, by `parameters`. */
float perceptron_learn(const struct course *course, const float *parameters, uint32_t round, uint32_t slot,
                       uint32_t step, float *gradient);

#endif
