#include "trainer/aggregate.h"

#include "base/check.h"
#include "trainer/delta.h"
#include "trainer/kernel.h"
#include "trainer/trace.h"

#include <math.h>
#include <stdlib.h>

/* NaN stays. */
static float without_small(float x)
{
    return __builtin_fabsf(x) < 0x1p-100f ? 0.0f : x;
}

enum err aggregate_init(struct aggregate *aggregate, const struct program *program,
                        const struct state *global, struct fault *fault)
{
    CHECK(global->kind == STATE_GLOBAL);
    int64_t *sum = calloc(global->parameter_count, sizeof(*sum));
    if (!sum)
        return fault_set(fault, ERR_LIMIT, "no memory to aggregate %u parameters",
                         global->parameter_count);
    *aggregate = (struct aggregate){
        .program = program,
        .round = global->round,
        .count = global->parameter_count,
        .program_digest = global->program,
        .data = global->data,
        .sum = sum,
    };
    return ERR_NONE;
}

void aggregate_release(struct aggregate *aggregate)
{
    free(aggregate->sum);
    *aggregate = (struct aggregate){0};
}

enum err aggregate_add(struct aggregate *aggregate, const struct state *end, struct fault *fault)
{
    if (end->kind != STATE_SEGMENT || !digest_equal(&end->program, &aggregate->program_digest) ||
        !digest_equal(&end->data, &aggregate->data))
        return fault_set(fault, ERR_MISMATCH,
                         "aggregate: this is no segment of the same program and data");
    if (end->round != aggregate->round || end->step != end->steps || end->steps < 1)
        return fault_set(fault, ERR_MISMATCH,
                         "aggregate: step %u of %u in round %u is no end state of round %u",
                         end->step, end->steps, end->round, aggregate->round);
    uint32_t weight = trace_leaf_count(end->steps, aggregate->program->interval) - 1;
    if (weight > AGGREGATE_WEIGHT_MAX - aggregate->weight)
        return fault_set(fault, ERR_LIMIT, "aggregate: weights sum to more than %u",
                         AGGREGATE_WEIGHT_MAX);
    const int8_t *q = state_bytes(end, STATE_DELTA), *exponents = state_bytes(end, STATE_EXPONENTS);
    for (uint32_t i = 0; i < delta_block_count(aggregate->count); i++)
        if (exponents[i] < DELTA_EXPONENT_MIN || exponents[i] > DELTA_EXPONENT_MAX)
            return fault_set(fault, ERR_MALFORMED,
                             "aggregate: exponent %d of block %u is out of range", exponents[i], i);
    for (uint32_t i = 0; i < aggregate->count; i++) {
        int64_t unit = (int64_t)weight << (exponents[i / DELTA_BLOCK] - DELTA_EXPONENT_MIN);
        aggregate->sum[i] += delta_at(q, i, aggregate->program->bits) * unit;
    }
    aggregate->weight += weight;
    return ERR_NONE;
}

enum err aggregate_finish(const struct aggregate *aggregate, struct state *global,
                          struct fault *fault)
{
    if (aggregate->weight == 0)
        return fault_set(fault, ERR_NOT_NOW, "aggregate: no segment of round %u was added",
                         aggregate->round);
    if (global->kind != STATE_GLOBAL || global->round != aggregate->round ||
        !digest_equal(&global->program, &aggregate->program_digest))
        return fault_set(fault, ERR_NOT_NOW,
                         "aggregate: this is not the state that round %u began with",
                         aggregate->round);
    uint32_t before = kernel_control_set();
    float rate = program_float(aggregate->program->outer_rate),
          mu = program_float(aggregate->program->outer_momentum);
    float weight = (float)aggregate->weight;
    float *parameters = state_floats(global, STATE_PARAMETERS),
          *outer = state_floats(global, STATE_OUTER);
    bool finite = true;
    for (uint32_t i = 0; i < aggregate->count; i++) {
        float g = (float)aggregate->sum[i] / weight * 0x1p-40f;
        outer[i] = without_small(fmaf(mu, outer[i], g));
        parameters[i] = without_small(fmaf(-rate, fmaf(mu, outer[i], g), parameters[i]));
        finite = finite && __builtin_isfinite(outer[i]) && __builtin_isfinite(parameters[i]);
    }
    kernel_control_restore(before);
    state_changed(global, STATE_PARAMETERS);
    state_changed(global, STATE_OUTER);
    global->round++;
    return finite ? ERR_NONE
                  : fault_set(fault, ERR_CORRUPT,
                              "aggregate: round %u ends in a parameter that isn't finite",
                              aggregate->round);
}
