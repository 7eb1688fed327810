#include "trainer/mlp.h"

#include <math.h>

#include "test/unit/sample.h"
#include "trainer/model.h"

enum { ROWS = 7 };

/* The mean loss in double, straight from the definition. */
static double plain_loss(const struct mlp *mlp, const double *parameters)
{
    double total = 0, now[64], next[64];
    const struct program *program = mlp->program;
    for (int row = 0; row < ROWS; row++) {
        uint32_t width = program_inputs(program);
        for (uint32_t i = 0; i < width; i++)
            now[i] = (double)mlp->activations[0][(uint32_t)row * width + i];
        const double *p = parameters;
        for (uint32_t layer = 1; layer < program->layer_count; layer++) {
            uint32_t outputs = program->layers[layer].width;
            for (uint32_t o = 0; o < outputs; o++) {
                next[o] = p[outputs * width + o];
                for (uint32_t i = 0; i < width; i++)
                    next[o] += p[o * width + i] * now[i];
                if (layer + 1 < program->layer_count && next[o] < 0)
                    next[o] = 0;
            }
            p += (width + 1) * outputs;
            width = outputs;
            memcpy(now, next, sizeof(now));
        }
        double sum = 0;
        for (uint32_t i = 0; i < width; i++)
            sum += exp(now[i]);
        total += log(sum) - now[mlp->labels[row]];
    }
    return total / ROWS;
}

static void check_gradient(uint32_t layer_count)
{
    struct sample *s = sample_new();
    struct program_layer layers[] = {{32}, {20}, {9}, {3}};
    s->program.layers = layers;
    s->program.layer_count = layer_count;
    layers[layer_count - 1].width = 3;
    uint32_t count = program_parameter_count(&s->program);
    float *parameters = calloc(count, sizeof(float));
    double *wide = calloc(count, sizeof(double));
    model_seed(&s->program, parameters);
    for (uint32_t i = 0; i < count; i++) { /* biases too */
        parameters[i] += ((float)(sample_number(i) % 1000) - 500) * 1e-4f;
        wide[i] = (double)parameters[i];
    }
    struct mlp mlp;
    ck_assert_int_eq(mlp_init(&mlp, &s->program, ROWS, NULL), ERR_NONE);
    for (uint32_t row = 0; row < ROWS; row++)
        mlp.labels[row] =
            dataset_read(&s->data, 5 * row, mlp.activations[0] + row * SAMPLE_FEATURES);
    mlp_forward(&mlp, &s->kernel, parameters, ROWS);
    mlp_backward(&mlp, &s->kernel, parameters, ROWS);

    double loss = 0;
    for (int row = 0; row < ROWS; row++)
        loss += (double)mlp.loss[row] / ROWS;
    ck_assert(fabs(loss - plain_loss(&mlp, wide)) < 1e-6);
    for (uint32_t i = 0; i < count; i++) {
        double h = 1e-5, before = wide[i];
        wide[i] = before + h;
        double above = plain_loss(&mlp, wide);
        wide[i] = before - h;
        double below = plain_loss(&mlp, wide);
        wide[i] = before;
        if (fabs((above - below) / (2 * h) - (double)mlp.gradient[i]) > 2e-6)
            ck_abort_msg("parameter %u: %g, not %g", i, (double)mlp.gradient[i],
                         (above - below) / (2 * h));
    }
    mlp_release(&mlp);
    free(parameters);
    free(wide);
    s->program.layers = s->layers;
    sample_free(s);
}

START_TEST(gradients_are_those_of_finite_differences)
{
    check_gradient(2);
    check_gradient(3);
    check_gradient(4);
}
END_TEST

START_TEST(fewer_rows_than_fit_give_the_same_logits)
{
    struct sample *s = sample_new();
    struct mlp mlp;
    float logits[3];
    const float *parameters = state_floats(&s->global, STATE_PARAMETERS);
    ck_assert_int_eq(mlp_init(&mlp, &s->program, ROWS, NULL), ERR_NONE);
    for (uint32_t row = 0; row < ROWS; row++)
        dataset_read(&s->data, row, mlp.activations[0] + row * SAMPLE_FEATURES);
    mlp_forward(&mlp, &s->kernel, parameters, ROWS);
    memcpy(logits, mlp.activations[2] + 3, sizeof(logits));
    mlp_forward(&mlp, &s->kernel, parameters, 2);
    ck_assert_int_eq(memcmp(logits, mlp.activations[2] + 3, sizeof(logits)), 0);
    mlp_release(&mlp);
    sample_free(s);
}
END_TEST

HARNESS_MAIN("mlp", gradients_are_those_of_finite_differences,
             fewer_rows_than_fit_give_the_same_logits)
