#include "trainer/attention.h"

#include "test/unit/operators.h"

/* One head of one sequence: rows of q, k, v are `stride` apart, those of out and gradient `across`. */
struct head {
    const float *q;
    const float *k;
    const float *v;
    size_t stride;
    size_t across;
    size_t tokens;
    size_t size;
};

static float plain_scale(const struct head *h)
{
    return 1 / sqrtf((float)h->size);
}

/* weights[tokens][tokens], of j <= i. */
static void plain_weights(float *weights, const struct head *h)
{
    for (size_t i = 0; i < h->tokens; i++) {
        float *row = weights + i * h->tokens, most = -INFINITY;
        for (size_t j = 0; j <= i; j++) {
            row[j] = plain_element(h->q + i * h->stride, 1, h->k + j * h->stride, 1, 0, h->size) *
                     plain_scale(h);
            most = row[j] > most ? row[j] : most;
        }
        for (size_t j = 0; j <= i; j++)
            row[j] = plain_exp(row[j] - most);
        float sum = plain_lanes(row, i + 1, false);
        for (size_t j = 0; j <= i; j++)
            row[j] = row[j] / sum;
    }
}

static void plain_forward(float *out, const struct head *h)
{
    size_t tokens = h->tokens;
    float *weights = values(tokens * tokens, ORDINARY);
    plain_weights(weights, h);
    for (size_t i = 0; i < tokens; i++)
        for (size_t c = 0; c < h->size; c++)
            out[i * h->across + c] =
                plain_element(weights + i * tokens, 1, h->v + c, h->stride, 0, i + 1);
    free(weights);
}

static void plain_backward(float *q, float *k, float *v, const float *gradient,
                           const struct head *h)
{
    size_t tokens = h->tokens;
    float *weights = values(tokens * tokens, ORDINARY), *back = values(tokens * tokens, ORDINARY);
    plain_weights(weights, h);
    for (size_t i = 0; i < tokens; i++) {
        float *row = back + i * tokens;
        for (size_t j = 0; j <= i; j++)
            row[j] =
                plain_element(gradient + i * h->across, 1, h->v + j * h->stride, 1, 0, h->size);
        float mean = plain_dot(weights + i * tokens, row, i + 1);
        for (size_t j = 0; j <= i; j++)
            row[j] = weights[i * tokens + j] * (row[j] - mean) * plain_scale(h);
    }
    for (size_t i = 0; i < tokens; i++)
        for (size_t c = 0; c < h->size; c++) {
            q[i * h->stride + c] =
                plain_element(back + i * tokens, 1, h->k + c, h->stride, 0, i + 1);
            k[i * h->stride + c] = plain_element(back + i, tokens, h->q + c, h->stride, i, tokens);
            v[i * h->stride + c] =
                plain_element(weights + i, tokens, gradient + c, h->across, i, tokens);
        }
    free(weights);
    free(back);
}

static void check(const struct attention *shape, enum mix mix)
{
    size_t rows = shape->sequences * shape->tokens, width = shape->heads * shape->size;
    float *mixed = values(rows * 3 * width, mix), *gradient = values(rows * width, mix),
          *out = values(rows * width, mix), *back = values(rows * 3 * width, mix);
    for (size_t s = 0; s < shape->sequences; s++)
        for (size_t head = 0; head < shape->heads; head++) {
            size_t narrow = s * shape->tokens * width + head * shape->size,
                   wide = s * shape->tokens * 3 * width + head * shape->size;
            const float *q = mixed + wide;
            struct head h = {q,     q + width,     q + 2 * width, 3 * width,
                             width, shape->tokens, shape->size};
            float *b = back + wide;
            plain_forward(out + narrow, &h);
            plain_backward(b, b + width, b + 2 * width, gradient + narrow, &h);
        }
    for (int kind = 0; kind < KERNEL_KINDS; kind++) {
        uint32_t threads = 1 + number() % 5;
        struct kernel *kernel = kernel_of(kind, threads);
        if (!kernel)
            continue;
        float *room = values(attention_room(shape, threads), SMALL),
              *got = values(rows * width, mix), *got_back = values(rows * 3 * width, mix);
        attention_forward(kernel, got, mixed, shape, room);
        attention_backward(kernel, got_back, gradient, mixed, shape, room);
        expect_same(got, out, rows * width, "attention", kind);
        expect_same(got_back, back, rows * 3 * width, "attention's gradient", kind);
        expect_untouched(got, rows * width);
        expect_untouched(got_back, rows * 3 * width);
        expect_untouched(room, attention_room(shape, threads));
        free(room);
        free(got);
        free(got_back);
    }
    free(mixed);
    free(gradient);
    free(out);
    free(back);
}

START_TEST(both_passes_have_the_profile_s_bits_for_all_kernels_threads_and_shapes)
{
    for (int i = 0; i < 60; i++) {
        struct attention shape = {1 + number() % 3, 1 + number() % 40, 1 + number() % 3,
                                  1 + number() % 30};
        check(&shape, i % 2 ? SMALL : ORDINARY);
    }
}
END_TEST

START_TEST(sums_over_tokens_and_sizes_are_cut_into_chunks)
{
    static const struct attention shapes[] = {
        {1, 256, 1, 3}, {1, 257, 1, 17}, {1, 523, 2, 9}, {1, 7, 1, 300}, {2, 64, 2, 64}};
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
        check(&shapes[i], SMALL);
}
END_TEST

START_TEST(no_token_sees_those_after_it)
{
    enum { TOKENS = 21, WIDTH = 10 };
    struct attention shape = {1, TOKENS, 2, WIDTH / 2};
    float *mixed = values(TOKENS * 3 * WIDTH, ORDINARY), *room = values(2 * 24 * 24, ORDINARY);
    float before[TOKENS * WIDTH], after[TOKENS * WIDTH];
    struct kernel *kernel = kernel_of(KERNEL_SCALAR, 1);
    attention_forward(kernel, before, mixed, &shape, room);
    for (int i = 13 * 3 * WIDTH; i < TOKENS * 3 * WIDTH; i++)
        mixed[i] = NAN;
    attention_forward(kernel, after, mixed, &shape, room);
    expect_same(after, before, 13 * WIDTH, "attention", KERNEL_SCALAR);
    free(mixed);
    free(room);
}
END_TEST

HARNESS_MAIN("attention", both_passes_have_the_profile_s_bits_for_all_kernels_threads_and_shapes,
             sums_over_tokens_and_sizes_are_cut_into_chunks, no_token_sees_those_after_it)
