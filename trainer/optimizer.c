#include "trainer/optimizer.h"

#include "base/check.h"
#include "trainer/model.h"

/* --- the rate --- */

/* cos(pi x) is -sin(pi y) for y = x - 1/2, and that y times a polynomial of degree 5 in y^2 (relative error 5e-8 before rounding). */
float optimizer_half_cosine(float x)
{
    float y = x - 0.5f, z = y * y;
    float p = -0x1.cc9b6p-8f;
    p = __builtin_fmaf(p, z, 0x1.501408p-4f);
    p = __builtin_fmaf(p, z, -0x1.32d12ep-1f);
    p = __builtin_fmaf(p, z, 0x1.466bcp+1f);
    p = __builtin_fmaf(p, z, -0x1.4abbcep+2f);
    p = __builtin_fmaf(p, z, 0x1.921fb6p+1f);
    return __builtin_fmaf(-0.5f, y * p, 0.5f);
}

float optimizer_rate(const struct program *program, uint32_t round, uint32_t step)
{
    const struct program_gpt *g = &program->gpt;
    float rate = program_float(program->learning_rate), last = program_float(g->rate_last);
    uint64_t t = (uint64_t)round * program->steps + step;
    if (program->family != PROGRAM_GPT)
        return rate;
    uint32_t before = kernel_control_set();
    if (t < g->warm_up) {
        rate = rate * ((float)(uint32_t)(t + 1) / (float)(g->warm_up + 1));
    } else if (g->decay != 0 && t >= g->decay) {
        rate = last;
    } else if (g->decay != 0) {
        float x = (float)(uint32_t)(t - g->warm_up) / (float)(g->decay - g->warm_up);
        rate = __builtin_fmaf(optimizer_half_cosine(x), rate - last, last);
    }
    kernel_control_restore(before);
    return rate;
}

/* --- the step --- */

/* A running product; +0 when it is small, so that a long segment doesn't end in subnormal powers. */
static float next_power(float power, float beta)
{
    power *= beta;
    return power < 0x1p-100f ? 0.0f : power;
}

/* One step over `count` parameters from `offset`. */
static void update(struct kernel *kernel, const struct program *program, struct state *state,
                   const float *gradient, uint32_t offset, uint32_t count,
                   const struct kernel_rates *rates)
{
    float *parameters = state_floats(state, STATE_PARAMETERS) + offset,
          *moment1 = state_floats(state, STATE_MOMENT1) + offset;
    if (program->optimizer == PROGRAM_ADAMW)
        kernel_adamw(kernel, parameters, moment1, state_floats(state, STATE_MOMENT2) + offset,
                     gradient + offset, count, rates);
    else
        kernel_sgd(kernel, parameters, moment1, gradient + offset, count, rates);
}

void optimizer_step(struct kernel *kernel, const struct program *program, struct state *state,
                    const float *gradient, float norm)
{
    float clip = program_float(program->gpt.clip);
    struct kernel_rates rates = {
        .rate = optimizer_rate(program, state->round, state->step),
        .shrink = clip > 0 && norm > clip ? clip / norm : 1,
        .beta1 = program_float(program->beta1),
        .beta2 = program_float(program->beta2),
        .epsilon = program_float(program->epsilon),
        .weight_decay = program_float(program->weight_decay),
    };
    if (program->optimizer == PROGRAM_ADAMW) {
        rates.beta1_power = state->beta1_power = next_power(state->beta1_power, rates.beta1);
        rates.beta2_power = state->beta2_power = next_power(state->beta2_power, rates.beta2);
    }
    if (program->family != PROGRAM_GPT) {
        update(kernel, program, state, gradient, 0, state->parameter_count, &rates);
        return;
    }
    for (uint32_t i = 0; i < model_tensor_count(program); i++) {
        struct model_tensor tensor = model_tensor(program, i);
        struct kernel_rates its = rates;
        its.weight_decay = tensor.rank == 2 ? rates.weight_decay : 0;
        update(kernel, program, state, gradient, tensor.offset, tensor.count, &its);
    }
}
