#include "trainer/norm.h"

#include "test/unit/operators.h"
#include "trainer/kernel_table.h"

struct rows {
    float *out;
    float *gain_back;
    float *bias_back;
    struct kernel_moments *moments;
};

static struct rows rows_new(size_t rows, size_t n)
{
    return (struct rows){values(rows * n, SMALL), values(n, SMALL), values(n, SMALL),
                         malloc(norm_moments_size(rows))};
}

static void rows_free(struct rows *r)
{
    free(r->out);
    free(r->gain_back);
    free(r->bias_back);
    free(r->moments);
}

static void plain_forward(struct rows *to, const float *x, const float *gain, const float *bias,
                          size_t rows, size_t n)
{
    for (size_t row = 0; row < rows; row++, x += n) {
        float mean = plain_lanes(x, n, false) / (float)n, *out = to->out + row * n;
        for (size_t j = 0; j < n; j++)
            out[j] = x[j] - mean;
        float variance = plain_lanes(out, n, true) / (float)n;
        float inverse = 1 / sqrtf(variance + of_bits(0x3727c5ac));
        for (size_t j = 0; j < n; j++)
            out[j] = fmaf(out[j] * inverse, gain[j], bias[j]);
        to->moments[row] = (struct kernel_moments){mean, inverse};
    }
}

static void plain_backward(struct rows *to, const float *base, const float *gradient,
                           const float *x, const float *gain, size_t rows, size_t n)
{
    float *weighted = values(rows * n, ORDINARY), one = 1;
    for (size_t row = 0; row < rows; row++) {
        const struct kernel_moments *m = &to->moments[row];
        const float *g = gradient + row * n;
        float *w = weighted + row * n;
        for (size_t j = 0; j < n; j++)
            w[j] = g[j] * ((x[row * n + j] - m->mean) * m->inverse);
        float flat = plain_dot(g, gain, n) / (float)n, tilt = plain_dot(w, gain, n) / (float)n;
        for (size_t j = 0; j < n; j++) {
            float h = (x[row * n + j] - m->mean) * m->inverse;
            float d = (fmaf(g[j], gain[j], -flat) - h * tilt) * m->inverse;
            to->out[row * n + j] = base ? base[row * n + j] + d : d;
        }
    }
    for (size_t j = 0; j < n; j++) {
        to->gain_back[j] = plain_element(&one, 0, weighted + j, n, 0, rows);
        to->bias_back[j] = plain_element(&one, 0, gradient + j, n, 0, rows);
    }
    free(weighted);
}

static void check(size_t rows, size_t n, enum mix mix)
{
    float *x = values(rows * n, mix), *gradient = values(rows * n, mix), *gain = values(n, mix),
          *bias = values(n, mix), *base = values(rows * n, mix);
    struct rows forward = rows_new(rows, n), backward = rows_new(rows, n);
    plain_forward(&forward, x, gain, bias, rows, n);
    memcpy(backward.moments, forward.moments, norm_moments_size(rows));
    bool based = number() % 2;
    plain_backward(&backward, based ? base : NULL, gradient, x, gain, rows, n);
    for (int kind = 0; kind < KERNEL_KINDS; kind++) {
        struct kernel *kernel = kernel_of(kind, 1 + number() % 5);
        if (!kernel)
            continue;
        struct rows got = rows_new(rows, n);
        float *room = values(rows * n, mix);
        norm_forward(kernel, got.out, got.moments, x, gain, bias, rows, n);
        expect_same(got.out, forward.out, rows * n, "norm", kind);
        memcpy(got.out, base, rows * n * sizeof(float));
        norm_backward(kernel, got.out, got.gain_back, got.bias_back, based ? got.out : NULL,
                      gradient, x, got.moments, gain, room, rows, n);
        expect_same(got.out, backward.out, rows * n, "norm's gradient", kind);
        expect_same(got.gain_back, backward.gain_back, n, "the gain's gradient", kind);
        expect_same(got.bias_back, backward.bias_back, n, "the bias's gradient", kind);
        expect_untouched(got.out, rows * n);
        expect_untouched(got.gain_back, n);
        rows_free(&got);
        free(room);
    }
    rows_free(&forward);
    rows_free(&backward);
    free(x);
    free(gradient);
    free(gain);
    free(bias);
    free(base);
}

START_TEST(both_passes_have_the_profile_s_bits_for_all_kernels)
{
    for (int i = 0; i < 60; i++)
        check(1 + number() % 20, 1 + number() % 100, i % 2 ? SMALL : ORDINARY);
    check(300, 384, ORDINARY);
}
END_TEST

START_TEST(a_row_comes_out_with_mean_zero_and_deviation_one)
{
    enum { N = 50 };
    float *x = values(N, ORDINARY), gain[N], bias[N] = {0}, out[N];
    double mean = 0, square = 0;
    struct kernel_moments moments;
    for (int i = 0; i < N; i++)
        gain[i] = 1;
    norm_forward(kernel_of(KERNEL_SCALAR, 1), out, &moments, x, gain, bias, 1, N);
    for (int i = 0; i < N; i++) {
        mean += (double)out[i] / N;
        square += (double)out[i] * (double)out[i] / N;
    }
    ck_assert(fabs(mean) < 1e-6);
    ck_assert(fabs(square - 1) < 1e-4);
    free(x);
}
END_TEST

HARNESS_MAIN("norm", both_passes_have_the_profile_s_bits_for_all_kernels,
             a_row_comes_out_with_mean_zero_and_deviation_one)
