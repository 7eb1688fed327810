#include "trainer/evaluate.h"

#include <math.h>

#include "test/unit/sample.h"

START_TEST(training_makes_the_sample_known)
{
    struct sample *s = sample_new();
    struct evaluation before, after;
    struct state state = sample_start(s, 0);
    struct trace_leaf leaves[9];
    segment_start(&state, &s->program, &s->global, NULL, 0, 32);
    const float *parameters = state_floats(&state, STATE_PARAMETERS);
    ck_assert_int_eq(evaluate(&before, &s->program, parameters, &s->data, &s->kernel, NULL),
                     ERR_NONE);
    ck_assert_int_eq(segment_run(&s->segment, &state, leaves, NULL, NULL), ERR_NONE);
    ck_assert_int_eq(evaluate(&after, &s->program, parameters, &s->data, &s->kernel, NULL),
                     ERR_NONE);
    ck_assert_uint_eq(after.count, SAMPLE_COUNT);
    ck_assert_uint_eq(after.correct, SAMPLE_COUNT);
    ck_assert_uint_lt(before.correct, 50);
    ck_assert(after.loss < before.loss / 4);
    state_release(&state);
    sample_free(s);
}
END_TEST

/* 600 samples are more than go through the model at once: counts and loss must come from all of them. */
START_TEST(all_samples_count_the_same)
{
    enum { COUNT = 600 };
    struct sample *s = sample_new();
    uint8_t pixels[COUNT * SAMPLE_FEATURES], labels[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        memcpy(pixels + i * SAMPLE_FEATURES, s->data.pixels + i % 6 * SAMPLE_FEATURES,
               SAMPLE_FEATURES);
        labels[i] = s->data.labels[i % 6];
    }
    struct dataset many = s->data, few = s->data;
    many.count = COUNT;
    many.pixels = pixels;
    many.labels = labels;
    few.count = 6;
    struct evaluation of_many, of_few;
    const float *parameters = state_floats(&s->global, STATE_PARAMETERS);
    ck_assert_int_eq(evaluate(&of_many, &s->program, parameters, &many, &s->kernel, NULL),
                     ERR_NONE);
    ck_assert_int_eq(evaluate(&of_few, &s->program, parameters, &few, &s->kernel, NULL), ERR_NONE);
    ck_assert_uint_eq(of_many.correct, 100 * of_few.correct);
    ck_assert(fabsf(of_many.loss - of_few.loss) < 1e-6f);
    sample_free(s);
}
END_TEST

START_TEST(equal_logits_choose_the_lowest_class)
{
    struct sample *s = sample_new();
    float parameters[723] = {0};
    struct evaluation evaluation;
    ck_assert_int_eq(evaluate(&evaluation, &s->program, parameters, &s->data, &s->kernel, NULL),
                     ERR_NONE);
    ck_assert_uint_eq(evaluation.correct, 22); /* labels 0, 1, 2, 0, ...: of 64, 22 are 0 */
    ck_assert(fabsf(evaluation.loss - logf(3)) < 1e-6f);
    ck_assert_uint_eq(evaluate_basis_points(&evaluation), 3437);
    sample_free(s);
}
END_TEST

START_TEST(what_can_t_be_evaluated_is_refused)
{
    struct sample *s = sample_new();
    float parameters[723] = {0};
    struct evaluation evaluation = {.count = 7};
    struct fault fault = {0};
    parameters[720] = INFINITY;
    ck_assert_int_eq(evaluate(&evaluation, &s->program, parameters, &s->data, &s->kernel, &fault),
                     ERR_CORRUPT);
    ck_assert_str_eq(fault.text, "the model's loss on this data isn't finite");
    s->layers[0].width = 31;
    ck_assert_int_eq(evaluate(&evaluation, &s->program, parameters, &s->data, &s->kernel, &fault),
                     ERR_MISMATCH);
    ck_assert_str_eq(fault.text, "the data's samples have 32 values, the program's inputs are 31");
    ck_assert_uint_eq(evaluation.count, 7);
    sample_free(s);
}
END_TEST

HARNESS_MAIN("evaluate", training_makes_the_sample_known, all_samples_count_the_same,
             equal_logits_choose_the_lowest_class, what_can_t_be_evaluated_is_refused)
