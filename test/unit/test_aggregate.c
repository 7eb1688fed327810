#include "trainer/aggregate.h"

#include <math.h>

#include "test/unit/sample.h"

#define WORKERS 3

/* Three end states of round 0 with unequal steps. */
static struct sample *s;
static struct state ends[WORKERS];

static void setup_bits(uint8_t bits)
{
    static const uint32_t steps[WORKERS] = {10, 4, 8};
    s = sample_new();
    s->program.bits = bits;
    segment_release(&s->segment);
    state_release(&s->global);
    ck_assert_int_eq(segment_init(&s->segment, &s->program, &s->data, &s->kernel, NULL), ERR_NONE);
    ck_assert_int_eq(state_init(&s->global, &s->program, STATE_GLOBAL, NULL), ERR_NONE);
    state_begin(&s->global, &s->program, &s->data.root);
    for (uint16_t w = 0; w < WORKERS; w++) {
        struct trace_leaf leaves[4];
        ends[w] = sample_start(s, w);
        segment_start(&ends[w], &s->program, &s->global, NULL, w, steps[w]);
        ck_assert_int_eq(segment_run(&s->segment, &ends[w], leaves, NULL, NULL), ERR_NONE);
    }
}

static void setup(void)
{
    setup_bits(8);
}

static void teardown(void)
{
    for (int w = 0; w < WORKERS; w++)
        state_release(&ends[w]);
    sample_free(s);
}

/* The next global state when ends are added in this order. */
static struct state next_state(const int *order)
{
    struct aggregate aggregate;
    struct state next;
    ck_assert_int_eq(state_init(&next, &s->program, STATE_GLOBAL, NULL), ERR_NONE);
    state_copy(&next, &s->global);
    ck_assert_int_eq(aggregate_init(&aggregate, &s->program, &next, NULL), ERR_NONE);
    for (int i = 0; i < WORKERS; i++)
        ck_assert_int_eq(aggregate_add(&aggregate, &ends[order[i]], NULL), ERR_NONE);
    ck_assert_int_eq(aggregate_finish(&aggregate, &next, NULL), ERR_NONE);
    aggregate_release(&aggregate);
    return next;
}

START_TEST(the_order_of_workers_doesn_t_matter)
{
    static const int orders[][WORKERS] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}};
    struct digest roots[3];
    setup();
    for (int i = 0; i < 3; i++) {
        struct state next = next_state(orders[i]);
        roots[i] = state_root(&next);
        state_release(&next);
    }
    ck_assert(digest_equal(&roots[0], &roots[1]));
    ck_assert(digest_equal(&roots[0], &roots[2]));
    teardown();
}
END_TEST

START_TEST(the_next_state_is_the_weighted_mean_s_nesterov_step)
{
    static const int order[] = {0, 1, 2},
                     weights[] = {3, 1, 2}; /* intervals of 4: 10 steps, 4, 8 */
    setup();
    float *outer = state_floats(&s->global, STATE_OUTER);
    for (uint32_t i = 0; i < s->global.parameter_count; i++)
        outer[i] = (float)(i % 5) * 1e-3f;
    struct state next = next_state(order);
    ck_assert_uint_eq(next.round, 1);
    for (uint32_t i = 0; i < next.parameter_count; i++) {
        double mean = 0;
        for (int w = 0; w < WORKERS; w++)
            mean += weights[w] / 6.0 * state_bytes(&ends[w], STATE_DELTA)[i] *
                    exp2(state_bytes(&ends[w], STATE_EXPONENTS)[0]);
        float g = (float)mean, momentum = fmaf(0.9f, outer[i], g);
        float want =
            fmaf(-0.7f, fmaf(0.9f, momentum, g), state_floats(&s->global, STATE_PARAMETERS)[i]);
        if (fabsf(state_floats(&next, STATE_OUTER)[i] - momentum) > 1e-8f ||
            fabsf(state_floats(&next, STATE_PARAMETERS)[i] - want) > 1e-7f)
            ck_abort_msg("element %u", i);
    }
    state_release(&next);
    teardown();
}
END_TEST

static void clear_deltas(void)
{
    for (int w = 0; w < WORKERS; w++)
        memset(state_bytes(&ends[w], STATE_DELTA), 0, ends[w].parameter_count);
}

START_TEST(the_sum_is_exact_at_both_ends_of_the_range)
{
    static const int order[] = {0, 1, 2};
    setup();
    clear_deltas();
    state_bytes(&ends[0], STATE_EXPONENTS)[0] = 0;
    state_bytes(&ends[1], STATE_EXPONENTS)[0] = 0;
    state_bytes(&ends[2], STATE_EXPONENTS)[0] = -40;
    state_bytes(&ends[0], STATE_DELTA)[0] =
        40; /* 3 * 40 - 120 + 2 * 3 * 2^-40: floats would lose the rest */
    state_bytes(&ends[1], STATE_DELTA)[0] = -120;
    state_bytes(&ends[2], STATE_DELTA)[0] = 3;
    struct state next = next_state(order);
    ck_assert(state_floats(&next, STATE_OUTER)[0] == 0x1p-40f);
    state_release(&next);
    teardown();
}
END_TEST

/* 3 and 1 and 2 intervals of four bits, element by element in 128-bit integers: no order and no rounding before the one conversion. */
START_TEST(a_sum_of_four_bits_is_exact)
{
    static const int orders[][WORKERS] = {{0, 1, 2}, {2, 1, 0}}, weights[] = {3, 1, 2};
    setup_bits(4);
    ck_assert_uint_eq(ends[0].tensors[STATE_DELTA].size, (ends[0].parameter_count + 1) / 2);
    state_bytes(&ends[0], STATE_EXPONENTS)[0] = 0;
    state_bytes(&ends[1], STATE_EXPONENTS)[0] = -40;
    struct state next = next_state(orders[0]), again = next_state(orders[1]);
    for (uint32_t i = 0; i < next.parameter_count; i++) {
        __int128 sum = 0;
        for (int w = 0; w < WORKERS; w++) {
            const int8_t *q = state_bytes(&ends[w], STATE_DELTA);
            int byte = q[i / 2], value = i % 2 ? byte >> 4 : (int8_t)(byte * 16) >> 4;
            ck_assert_int_ge(value, -7);
            sum += (__int128)(weights[w] * value) *
                   ((__int128)1 << (state_bytes(&ends[w], STATE_EXPONENTS)[i / 1024] + 40));
        }
        if (state_floats(&next, STATE_OUTER)[i] != (float)(int64_t)sum / 6 * 0x1p-40f)
            ck_abort_msg("element %u", i);
    }
    struct digest one = state_root(&next), other = state_root(&again);
    ck_assert(digest_equal(&one, &other));
    state_release(&next);
    state_release(&again);
    teardown();
}
END_TEST

START_TEST(small_momentum_becomes_zero)
{
    static const int order[] = {0, 1, 2};
    setup();
    clear_deltas();
    state_floats(&s->global, STATE_OUTER)[0] = 0x1p-100f;
    state_floats(&s->global, STATE_OUTER)[1] = 0x1.2p-100f;
    struct state next = next_state(order);
    ck_assert(state_floats(&next, STATE_OUTER)[0] == 0);
    ck_assert(state_floats(&next, STATE_OUTER)[1] > 0x1p-100f);
    state_release(&next);
    teardown();
}
END_TEST

START_TEST(what_doesn_t_belong_is_refused)
{
    setup();
    struct aggregate aggregate;
    struct fault fault = {0};
    ck_assert_int_eq(aggregate_init(&aggregate, &s->program, &s->global, NULL), ERR_NONE);
    ck_assert_int_eq(aggregate_finish(&aggregate, &s->global, &fault), ERR_NOT_NOW);
    ck_assert_str_eq(fault.text, "aggregate: no segment of round 0 was added");
    ck_assert_int_eq(aggregate_add(&aggregate, &s->global, &fault), ERR_MISMATCH);
    ck_assert_str_eq(fault.text, "aggregate: this is no segment of the same program and data");
    ends[0].step = 8;
    ck_assert_int_eq(aggregate_add(&aggregate, &ends[0], &fault), ERR_MISMATCH);
    ck_assert_str_eq(fault.text, "aggregate: step 8 of 10 in round 0 is no end state of round 0");
    ends[0].step = 10;
    ends[0].round = 2;
    ck_assert_int_eq(aggregate_add(&aggregate, &ends[0], &fault), ERR_MISMATCH);
    ck_assert_str_eq(fault.text, "aggregate: step 10 of 10 in round 2 is no end state of round 0");
    ends[0].round = 0;
    state_bytes(&ends[0], STATE_EXPONENTS)[0] = 1;
    ck_assert_int_eq(aggregate_add(&aggregate, &ends[0], &fault), ERR_MALFORMED);
    ck_assert_str_eq(fault.text, "aggregate: exponent 1 of block 0 is out of range");
    aggregate.weight = AGGREGATE_WEIGHT_MAX;
    ck_assert_int_eq(aggregate_add(&aggregate, &ends[1], &fault), ERR_LIMIT);
    ck_assert_str_eq(fault.text, "aggregate: weights sum to more than 32768");
    ck_assert(aggregate.sum[0] == 0);
    s->global.round = 1;
    ck_assert_int_eq(aggregate_finish(&aggregate, &s->global, &fault), ERR_NOT_NOW);
    ck_assert_str_eq(fault.text, "aggregate: this is not the state that round 0 began with");
    s->global.round = 0;
    state_floats(&s->global, STATE_OUTER)[1] = INFINITY;
    ck_assert_int_eq(aggregate_finish(&aggregate, &s->global, &fault), ERR_CORRUPT);
    ck_assert_str_eq(fault.text, "aggregate: round 0 ends in a parameter that isn't finite");
    aggregate_release(&aggregate);
    teardown();
}
END_TEST

HARNESS_MAIN("aggregate", the_order_of_workers_doesn_t_matter,
             the_next_state_is_the_weighted_mean_s_nesterov_step,
             the_sum_is_exact_at_both_ends_of_the_range, a_sum_of_four_bits_is_exact,
             small_momentum_becomes_zero, what_doesn_t_belong_is_refused)
