#include "trainer/optimizer.h"

#include <math.h>

#include "test/unit/story.h"
#include "trainer/model.h"

START_TEST(the_rate_warms_up_and_falls_along_a_cosine)
{
    struct story *s = story_new();
    struct program *p = &s->program;
    p->gpt.warm_up = 100;
    p->gpt.decay = 2100;
    double peak = (double)0.01f, last = (double)0.001f;
    for (uint32_t round = 0; round < 300; round++)
        for (uint32_t step = 0; step < 10; step++) {
            double t = round * 10.0 + step, want = last;
            if (t < 100)
                want = peak * (t + 1) / 101;
            else if (t < 2100)
                want = last + (peak - last) * (1 + cos(M_PI * (t - 100) / 2000)) / 2;
            double rate = (double)optimizer_rate(p, round, step);
            if (fabs(rate - want) > 2e-9)
                ck_abort_msg("step %g: %.10g, not %.10g", t, rate, want);
        }
    p->gpt.decay = 0;
    ck_assert(optimizer_rate(p, 1000000, 9) == 0.01f);
    p->family = PROGRAM_MLP;
    ck_assert(optimizer_rate(p, 0, 0) == 0.01f);
    story_free(s);
}
END_TEST

/* Another last bit in any coefficient changes one of these. */
START_TEST(half_a_cosine_has_the_profile_s_bits)
{
    static const uint32_t points[][2] = {{0x00000000, 0x3f800000}, {0x00000001, 0x3f800000},
                                         {0x3f000000, 0x3f000000}, {0x3f800000, 0x00000000},
                                         {0x3f7145cb, 0x3c056da0}, {0x3c282c02, 0x3f7feef8}};
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        float x, y;
        memcpy(&x, &points[i][0], sizeof(x));
        memcpy(&y, &points[i][1], sizeof(y));
        ck_assert(optimizer_half_cosine(x) == y);
    }
}
END_TEST

/* One SGD step with gradient 1 everywhere moves each parameter by the rate, after decay. */
START_TEST(matrices_decay_and_vectors_do_not)
{
    struct story *s = story_new();
    struct state state;
    s->program.optimizer = PROGRAM_SGD;
    s->program.beta1 = s->program.beta2 = s->program.epsilon = 0;
    s->program.gpt.warm_up = s->program.gpt.decay = 0;
    ck_assert_int_eq(program_check(&s->program, NULL), ERR_NONE);
    ck_assert_int_eq(state_init(&state, &s->program, STATE_SEGMENT, NULL), ERR_NONE);
    float *parameters = state_floats(&state, STATE_PARAMETERS);
    float *gradient = calloc(state.parameter_count, sizeof(float));
    for (uint32_t i = 0; i < state.parameter_count; i++)
        parameters[i] = gradient[i] = 1;
    optimizer_step(&s->kernel, &s->program, &state, gradient, 0.5f);
    for (uint32_t t = 0; t < model_tensor_count(&s->program); t++) {
        struct model_tensor tensor = model_tensor(&s->program, t);
        float want = (tensor.rank == 2 ? fmaf(-(0.01f * 0.1f), 1, 1) : 1) - 0.01f;
        for (uint32_t i = 0; i < tensor.count; i++)
            ck_assert(fabsf(parameters[tensor.offset + i] - want) < 1e-7f);
    }
    free(gradient);
    state_release(&state);
    story_free(s);
}
END_TEST

START_TEST(a_long_gradient_is_shortened_to_the_bound)
{
    struct story *s = story_new();
    struct state state;
    s->program.optimizer = PROGRAM_SGD;
    s->program.beta1 = s->program.beta2 = s->program.epsilon = s->program.weight_decay = 0;
    s->program.gpt.warm_up = s->program.gpt.decay = 0;
    ck_assert_int_eq(state_init(&state, &s->program, STATE_SEGMENT, NULL), ERR_NONE);
    float *gradient = calloc(state.parameter_count, sizeof(float));
    gradient[7] = 4;
    optimizer_step(&s->kernel, &s->program, &state, gradient, 4);
    ck_assert(state_floats(&state, STATE_PARAMETERS)[7] == -0.01f);
    ck_assert(state_floats(&state, STATE_MOMENT1)[7] == 1);
    free(gradient);
    state_release(&state);
    story_free(s);
}
END_TEST

HARNESS_MAIN("optimizer", the_rate_warms_up_and_falls_along_a_cosine, half_a_cosine_has_the_profile_s_bits,
             matrices_decay_and_vectors_do_not, a_long_gradient_is_shortened_to_the_bound)
