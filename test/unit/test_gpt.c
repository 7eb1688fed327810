#include "trainer/gpt.h"

#include <math.h>

#include "test/unit/story.h"
#include "trainer/model.h"

enum { SEQUENCES = 2, TOKENS = 5, WIDTH = 6, HEADS = 2, BLOCKS = 2, SYMBOLS = 7 };
enum { ROWS = SEQUENCES * TOKENS, SIZE = WIDTH / HEADS };

/* --- the mean loss in double, straight from the definition --- */

static const double *tensor_at(const struct program *program, const double *parameters,
                               uint32_t index)
{
    return parameters + model_tensor(program, index).offset;
}

static void wide_norm(double *out, const double *x, const double *gain, const double *bias)
{
    double mean = 0, variance = 0;
    for (int j = 0; j < WIDTH; j++)
        mean += x[j] / WIDTH;
    for (int j = 0; j < WIDTH; j++)
        variance += (x[j] - mean) * (x[j] - mean) / WIDTH;
    for (int j = 0; j < WIDTH; j++)
        out[j] = (x[j] - mean) / sqrt(variance + 1e-5) * gain[j] + bias[j];
}

static void wide_linear(double *out, const double *x, const double *weight, const double *bias,
                        int inputs, int outputs)
{
    for (int o = 0; o < outputs; o++) {
        out[o] = bias[o];
        for (int i = 0; i < inputs; i++)
            out[o] += x[i] * weight[i * outputs + o];
    }
}

static void wide_attention(double out[TOKENS][WIDTH], double mixed[TOKENS][3 * WIDTH])
{
    for (int head = 0; head < HEADS; head++)
        for (int i = 0; i < TOKENS; i++) {
            double weight[TOKENS], sum = 0;
            for (int j = 0; j <= i; j++) {
                double product = 0;
                for (int c = head * SIZE; c < (head + 1) * SIZE; c++)
                    product += mixed[i][c] * mixed[j][WIDTH + c];
                weight[j] = exp(product / sqrt(SIZE));
                sum += weight[j];
            }
            for (int c = head * SIZE; c < (head + 1) * SIZE; c++) {
                out[i][c] = 0;
                for (int j = 0; j <= i; j++)
                    out[i][c] += weight[j] / sum * mixed[j][2 * WIDTH + c];
            }
        }
}

static void wide_block(double x[TOKENS][WIDTH], const struct program *program,
                       const double *parameters, uint32_t block)
{
    double normed[WIDTH], mixed[TOKENS][3 * WIDTH], heads[TOKENS][WIDTH], hidden[4 * WIDTH],
        added[WIDTH];
    const double *t[MODEL_BLOCK_TENSORS];
    for (int i = 0; i < MODEL_BLOCK_TENSORS; i++)
        t[i] = tensor_at(program, parameters, model_block_tensor(block, (enum model_gpt)i));
    for (int i = 0; i < TOKENS; i++) {
        wide_norm(normed, x[i], t[MODEL_NORM1_GAIN], t[MODEL_NORM1_BIAS]);
        wide_linear(mixed[i], normed, t[MODEL_MIX_WEIGHT], t[MODEL_MIX_BIAS], WIDTH, 3 * WIDTH);
    }
    wide_attention(heads, mixed);
    for (int i = 0; i < TOKENS; i++) {
        wide_linear(added, heads[i], t[MODEL_JOIN_WEIGHT], t[MODEL_JOIN_BIAS], WIDTH, WIDTH);
        for (int j = 0; j < WIDTH; j++)
            x[i][j] += added[j];
        wide_norm(normed, x[i], t[MODEL_NORM2_GAIN], t[MODEL_NORM2_BIAS]);
        wide_linear(hidden, normed, t[MODEL_WIDEN_WEIGHT], t[MODEL_WIDEN_BIAS], WIDTH, 4 * WIDTH);
        for (int j = 0; j < 4 * WIDTH; j++)
            hidden[j] *=
                0.5 * (1 + tanh(sqrt(2 / M_PI) * (hidden[j] + 0.044715 * pow(hidden[j], 3))));
        wide_linear(added, hidden, t[MODEL_NARROW_WEIGHT], t[MODEL_NARROW_BIAS], 4 * WIDTH, WIDTH);
        for (int j = 0; j < WIDTH; j++)
            x[i][j] += added[j];
    }
}

static double wide_loss(const struct gpt *gpt, const double *parameters)
{
    const struct program *program = gpt->program;
    uint32_t last = model_tensor_count(program) - 1;
    const double *position = tensor_at(program, parameters, 1);
    double total = 0, x[TOKENS][WIDTH], normed[WIDTH];
    for (int s = 0; s < SEQUENCES; s++) {
        const uint16_t *tokens = gpt->tokens + s * TOKENS, *labels = gpt->labels + s * TOKENS;
        for (int i = 0; i < TOKENS; i++)
            for (int j = 0; j < WIDTH; j++)
                x[i][j] = parameters[tokens[i] * WIDTH + j] + position[i * WIDTH + j];
        for (uint32_t block = 0; block < BLOCKS; block++)
            wide_block(x, program, parameters, block);
        for (int i = 0; i < TOKENS; i++) {
            double sum = 0, right = 0;
            wide_norm(normed, x[i], tensor_at(program, parameters, last - 1),
                      tensor_at(program, parameters, last));
            for (int v = 0; v < SYMBOLS; v++) {
                double logit = 0;
                for (int j = 0; j < WIDTH; j++)
                    logit += normed[j] * parameters[v * WIDTH + j];
                sum += exp(logit);
                right = v == labels[i] ? logit : right;
            }
            total += log(sum) - right;
        }
    }
    return total / ROWS;
}

/* --- the tests --- */

struct bench {
    struct story *story;
    struct gpt gpt;
    uint32_t count;
    float *parameters;
};

static struct bench bench_new(void)
{
    struct bench b = {.story = story_new()};
    struct program *program = &b.story->program;
    program->gpt.width = WIDTH;
    program->gpt.context = TOKENS;
    program->gpt.symbols = SYMBOLS;
    program->batch = SEQUENCES;
    ck_assert_int_eq(program_check(program, NULL), ERR_NONE);
    b.count = program_parameter_count(program);
    b.parameters = calloc(b.count, sizeof(float));
    ck_assert_ptr_nonnull(b.parameters);
    model_seed(program, b.parameters);
    for (uint32_t i = 0; i < b.count; i++) /* biases too, and weights that matter */
        b.parameters[i] += (float)((i * 2654435761u >> 8) % 1000) * 6e-4f - 0.3f;
    ck_assert_int_eq(gpt_init(&b.gpt, program, SEQUENCES, 1, NULL), ERR_NONE);
    for (uint32_t row = 0; row < ROWS; row++) {
        b.gpt.tokens[row] = (uint16_t)(row * row % SYMBOLS);
        b.gpt.labels[row] = (uint16_t)((row * 3 + 1) % SYMBOLS);
    }
    return b;
}

static void bench_free(struct bench *b)
{
    gpt_release(&b->gpt);
    free(b->parameters);
    story_free(b->story);
}

START_TEST(gradients_are_those_of_finite_differences)
{
    struct bench b = bench_new();
    double *wide = calloc(b.count, sizeof(double)), loss = 0;
    for (uint32_t i = 0; i < b.count; i++)
        wide[i] = (double)b.parameters[i];
    gpt_forward(&b.gpt, &b.story->kernel, b.parameters, SEQUENCES, NULL);
    gpt_backward(&b.gpt, &b.story->kernel, b.parameters, SEQUENCES, ROWS, NULL);
    for (int row = 0; row < ROWS; row++)
        loss += (double)b.gpt.loss[row] / ROWS;
    ck_assert(fabs(loss - wide_loss(&b.gpt, wide)) < 1e-6);
    for (uint32_t i = 0; i < b.count; i++) {
        double h = 1e-5, before = wide[i];
        wide[i] = before + h;
        double above = wide_loss(&b.gpt, wide);
        wide[i] = before - h;
        double below = wide_loss(&b.gpt, wide);
        wide[i] = before;
        if (fabs((above - below) / (2 * h) - (double)b.gpt.gradient[i]) > 2e-6)
            ck_abort_msg("parameter %u: %g, not %g", i, (double)b.gpt.gradient[i],
                         (above - below) / (2 * h));
    }
    free(wide);
    bench_free(&b);
}
END_TEST

START_TEST(sequences_do_not_see_each_other)
{
    struct bench b = bench_new();
    float logits[TOKENS * SYMBOLS];
    gpt_forward(&b.gpt, &b.story->kernel, b.parameters, SEQUENCES, NULL);
    memcpy(logits, b.gpt.logits + TOKENS * SYMBOLS, sizeof(logits));
    memcpy(b.gpt.tokens, b.gpt.tokens + TOKENS, TOKENS * sizeof(b.gpt.tokens[0]));
    gpt_forward(&b.gpt, &b.story->kernel, b.parameters, 1, NULL);
    ck_assert_int_eq(memcmp(logits, b.gpt.logits, sizeof(logits)), 0);
    bench_free(&b);
}
END_TEST

HARNESS_MAIN("gpt", gradients_are_those_of_finite_differences, sequences_do_not_see_each_other)
