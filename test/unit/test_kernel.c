#include "trainer/kernel.h"

#include <fenv.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <xmmintrin.h>

#include "test/unit/operators.h"
#include "trainer/kernel_table.h"

/* Every operator is computed a second time here, element by element, as NUMERICS.md writes it. */

/* --- products --- */

typedef void product_fn(struct kernel *kernel, float *out, const float *a, const float *b,
                        const float *bias, size_t m, size_t n, size_t k);

struct product_case {
    const char *name;
    product_fn *run;
    bool a_turned;
    bool b_turned;
};

static const struct product_case products[] = {{"nn", kernel_gemm_nn, false, false},
                                               {"nt", kernel_gemm_nt, false, true},
                                               {"tn", kernel_gemm_tn, true, false}};

static void plain_product(float *out, const struct product_case *how, const float *a,
                          const float *b, const float *bias, size_t m, size_t n, size_t k)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            float total = 0;
            for (size_t from = 0; from < k; from += 256) {
                float sum = 0;
                for (size_t l = from; l < k && l < from + 256; l++)
                    sum = fmaf(how->a_turned ? a[l * m + i] : a[i * k + l],
                               how->b_turned ? b[j * k + l] : b[l * n + j], sum);
                total = from == 0 ? sum : total + sum;
            }
            out[i * n + j] = bias ? total + bias[j] : total;
        }
}

static void check_product(const struct product_case *how, size_t m, size_t n, size_t k,
                          enum mix mix, bool biased)
{
    float *a = values(m * k, mix), *b = values(k * n, mix), *bias = values(n, mix);
    float *want = values(m * n, mix);
    plain_product(want, how, a, b, biased ? bias : NULL, m, n, k);
    for (int kind = 0; kind < KERNEL_KINDS; kind++)
        for (uint32_t threads = 1; threads <= 5; threads += 2) {
            struct kernel *kernel = kernel_of(kind, threads);
            if (!kernel)
                continue;
            float *got = values(m * n, mix);
            how->run(kernel, got, a, b, biased ? bias : NULL, m, n, k);
            expect_same(got, want, m * n, how->name, kind);
            expect_untouched(got, m * n);
            free(got);
        }
    free(a);
    free(b);
    free(bias);
    free(want);
}

START_TEST(products_have_the_profile_s_bits_for_all_kernels_threads_and_shapes)
{
    for (int i = 0; i < 120; i++) {
        size_t m = 1 + number() % 70, n = 1 + number() % 130,
               k = 1 + number() % (i % 3 == 0 ? 600 : 40);
        check_product(&products[i % 3], m, n, k, (enum mix)(i / 3 % 3), number() % 2);
    }
}
END_TEST

START_TEST(products_at_the_edges_of_chunks_and_blocks)
{
    static const size_t sizes[][3] = {{1, 1, 1},     {1, 1, 256},   {1, 1, 257}, {65, 48, 256},
                                      {64, 49, 512}, {66, 48, 513}, {8, 384, 3}, {9, 385, 2},
                                      {3, 800, 1},   {200, 16, 5}, {75, 121, 2049}};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        for (int how = 0; how < 3; how++)
            check_product(&products[how], sizes[i][0], sizes[i][1], sizes[i][2], SMALL, true);
}
END_TEST

START_TEST(column_sums_are_products_with_ones)
{
    for (int i = 0; i < 40; i++) {
        size_t m = 1 + number() % 600, n = 1 + number() % 100;
        float *x = values(m * n, (enum mix)(i % 3)), *ones = values(m, ORDINARY),
              *want = values(n, ORDINARY);
        for (size_t j = 0; j < m; j++)
            ones[j] = 1;
        plain_product(want, &products[0], ones, x, NULL, 1, n, m);
        for (int kind = 0; kind < KERNEL_KINDS; kind++) {
            struct kernel *kernel = kernel_of(kind, 3);
            if (!kernel)
                continue;
            float *got = values(n, ORDINARY);
            kernel_column_sums(kernel, got, x, m, n);
            expect_same(got, want, n, "column sums", kind);
            expect_untouched(got, n);
            free(got);
        }
        free(x);
        free(ones);
        free(want);
    }
}
END_TEST

/* --- element by element --- */

START_TEST(relu_gives_plus_zero_for_all_that_is_not_above)
{
    const float in[] = {1,        -1,        0,  -0.0f, of_bits(1), of_bits(0x80000001u),
                        INFINITY, -INFINITY, NAN};
    const uint32_t want[] = {0x3f800000u, 0, 0, 0, 1, 0, 0x7f800000u, 0, 0};
    for (int kind = 0; kind < KERNEL_KINDS; kind++) {
        struct kernel *kernel = kernel_of(kind, 1);
        if (!kernel)
            continue;
        for (size_t pad = 0; pad < 17;
             pad++) { /* so that it is done by full vectors and by the rest */
            float x[9 + 17], gradient[9 + 17];
            memset(x, 0, sizeof(x));
            memcpy(x + pad, in, sizeof(in));
            for (size_t i = 0; i < 9 + pad; i++)
                gradient[i] = -7;
            kernel_relu_back(kernel, gradient, x, 9 + pad);
            kernel_relu(kernel, x, 9 + pad);
            for (size_t i = 0; i < 9; i++) {
                ck_assert_uint_eq(bits_of(x[pad + i]), want[i]);
                ck_assert_uint_eq(bits_of(gradient[pad + i]), bits_of(in[i] > 0 ? -7.0f : 0.0f));
            }
        }
    }
}
END_TEST

static float without_small(float x)
{
    return fabsf(x) < 0x1p-100f ? 0 : x;
}

static void plain_adamw(float *p, float *m, float *v, float g, const struct kernel_rates *r)
{
    g = g * r->shrink;
    *m = without_small(fmaf(r->beta1, *m, (1 - r->beta1) * g));
    *v = without_small(fmaf(r->beta2, *v, (1 - r->beta2) * without_small(g * g)));
    float direction =
        *m * (1 / (1 - r->beta1_power)) / (sqrtf(*v * (1 / (1 - r->beta2_power))) + r->epsilon);
    *p = fmaf(-r->rate, direction, fmaf(-(r->rate * r->weight_decay), *p, *p));
}

static void plain_sgd(float *p, float *m, float g, const struct kernel_rates *r)
{
    *m = without_small(fmaf(r->beta1, *m, g * r->shrink));
    *p = fmaf(-r->rate, *m, fmaf(-(r->rate * r->weight_decay), *p, *p));
}

START_TEST(optimizers_have_the_profile_s_bits)
{
    const struct kernel_rates rates = {1e-3f, 0.3f,  0.9f,        0.999f,
                                       1e-8f, 0.01f, 0.9f * 0.9f, 0.999f * 0.999f};
    for (int i = 0; i < 60; i++) {
        size_t count = i < 40 ? 1 + number() % 50 : 40000 + number() % 50;
        bool adamw = i % 2;
        float *start[4], *want[3], *got[3];
        for (int j = 0; j < 4; j++)
            start[j] = values(count, SMALL); /* parameters, moments, gradient */
        for (size_t j = 0; j < count; j++)
            start[2][j] = fabsf(start[2][j]);
        for (int j = 0; j < 3; j++) {
            want[j] = values(count, SMALL);
            got[j] = values(count, SMALL);
            memcpy(want[j], start[j], count * sizeof(float));
        }
        for (size_t j = 0; j < count; j++)
            if (adamw)
                plain_adamw(want[0] + j, want[1] + j, want[2] + j, start[3][j], &rates);
            else
                plain_sgd(want[0] + j, want[1] + j, start[3][j], &rates);
        for (int kind = 0; kind < KERNEL_KINDS; kind++) {
            struct kernel *kernel = kernel_of(kind, 2);
            if (!kernel)
                continue;
            for (int j = 0; j < 3; j++)
                memcpy(got[j], start[j], count * sizeof(float));
            if (adamw)
                kernel_adamw(kernel, got[0], got[1], got[2], start[3], count, &rates);
            else
                kernel_sgd(kernel, got[0], got[1], start[3], count, &rates);
            for (int j = 0; j < 3; j++) {
                expect_same(got[j], want[j], count, adamw ? "adamw" : "sgd", kind);
                expect_untouched(got[j], count);
            }
        }
        for (int j = 0; j < 3; j++) {
            free(want[j]);
            free(got[j]);
        }
        for (int j = 0; j < 4; j++)
            free(start[j]);
    }
}
END_TEST

static float plain_log(float x)
{
    static const uint32_t c[] = {0x3dd7e936, 0x3e0cda3e, 0xbe38ad70, 0x3e0feb02, 0xbe25d361,
                                 0x3e4cdff4, 0xbe80135a, 0x3eaaaa96, 0xbeffffd6};
    int e = 0;
    while (x >= of_bits(0x3faaaaab)) {
        x /= 2;
        e++;
    }
    while (x < of_bits(0x3f2aaaab)) {
        x *= 2;
        e--;
    }
    float f = x - 1, p = of_bits(c[0]), power = (float)e;
    for (int i = 1; i < 9; i++)
        p = fmaf(p, f, of_bits(c[i]));
    return fmaf(power, of_bits(0x3f317200), f + fmaf(f * f, p, power * of_bits(0x35bfbe8e)));
}

START_TEST(exp_and_log_have_the_profile_s_bits_and_are_right)
{
    enum { COUNT = 20003 };
    static float x[COUNT], y[COUNT];
    for (int kind = 0; kind < KERNEL_KINDS; kind++) {
        struct kernel *kernel = kernel_of(kind, 1);
        if (!kernel)
            continue;
        for (int i = 0; i < COUNT; i++) {
            x[i] = -(float)i * 0.005f;
            y[i] = of_bits((uint32_t)(0x00800000 + (uint64_t)i * 0x7f000000 / COUNT));
        }
        x[0] = -0.0f;
        kernel->table->exp(x, COUNT);
        kernel->table->log(y, COUNT);
        for (int i = 0; i < COUNT; i++) {
            float from = i == 0 ? -0.0f : -(float)i * 0.005f;
            expect_bits(x[i], plain_exp(from));
            if (from >= -87 && fabs(x[i] - exp((double)from)) > 1e-7 * exp((double)from))
                ck_abort_msg("exp of element %d is off", i);
            float of = of_bits((uint32_t)(0x00800000 + (uint64_t)i * 0x7f000000 / COUNT));
            expect_bits(y[i], plain_log(of));
            if (fabs(y[i] - log((double)of)) > 2e-7 * fabs(log((double)of)) + 1e-9)
                ck_abort_msg("log of element %d is off", i);
        }
    }
}
END_TEST

struct point {
    uint32_t x;
    uint32_t y;
};

/* Another last bit in any coefficient changes one of these results, but for exp's first coefficient one bit up, which only the digest
 * over all arguments shows (test/math). */
static const struct point exp_points[] = {
    {0x00000000u, 0x3f800000u}, /* 0 */
    {0x80000000u, 0x3f800000u}, /* -0 */
    {0x80000001u, 0x3f800000u}, /* the least of all */
    {0xc2adffffu, 0x00b336e0u}, /* above -87 */
    {0xc2ae0000u, 0x00b33687u}, /* -87 */
    {0xc2ae0001u, 0x00000000u}, /* below -87 */
    {0xff800000u, 0x00000000u}, /* -infinity */
    {0xc297cc9bu, 0x08b504c6u}, {0xc2093e3eu, 0x26b5050bu}, {0xc2a0ccf2u, 0x05809d4fu},
    {0xc299ef9au, 0x07f8c601u}, {0xc0190596u, 0x3dbb79f7u}, {0xc1e47869u, 0x2ade9bf5u}};

static const struct point log_points[] = {
    {0x3f7fffffu, 0xb3800000u}, /* below 1 */
    {0x3f800000u, 0x00000000u}, /* 1 */
    {0x3f800001u, 0x33ffffffu}, /* above 1 */
    {0x3f2aaaaau, 0xbecf9921u}, /* below 2/3, where f changes its side */
    {0x3f2aaaabu, 0xbecf991eu}, /* nearly 2/3 */
    {0x00800000u, 0xc2aeac50u}, /* the least normal number */
    {0x7f7fffffu, 0x42b17218u}, /* the largest */
    {0x3fab7138u, 0x3e959d60u}, {0x3f2cdb80u, 0xbec91155u}, {0x435f76fcu, 0x40ad189cu},
    {0x3fbae0e2u, 0x3ec1c155u}};

static void expect_points(void (*apply)(float *x, size_t count), const struct point *points,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float x[16 + 1]; /* by a full vector and by the rest */
        for (int j = 0; j < 17; j++)
            x[j] = of_bits(points[i].x);
        apply(x, 17);
        for (int j = 0; j < 17; j++)
            if (bits_of(x[j]) != points[i].y)
                ck_abort_msg("%08x gives %08x, not %08x", points[i].x, bits_of(x[j]), points[i].y);
    }
}

START_TEST(the_last_bit_of_every_coefficient_shows_in_exp_and_log)
{
    for (int kind = 0; kind < KERNEL_KINDS; kind++) {
        struct kernel *kernel = kernel_of(kind, 1);
        if (!kernel)
            continue;
        expect_points(kernel->table->exp, exp_points, sizeof(exp_points) / sizeof(exp_points[0]));
        expect_points(kernel->table->log, log_points, sizeof(log_points) / sizeof(log_points[0]));
    }
}
END_TEST

/* For t: the greater and the lesser of logistic(t) and logistic(-t). */
static void plain_logistic(float *r, float *q, float t)
{
    float e = plain_exp(0 - fabsf(t));
    *r = 1 / (1 + e);
    *q = e * *r;
}

static float plain_gelu(float x, float *slope)
{
    float square = x * x, r, q;
    float t = x * fmaf(of_bits(0x3d922279), square, of_bits(0x3fcc422a));
    plain_logistic(&r, &q, t);
    float s = t > 0 ? r : q;
    *slope = fmaf(x * fmaf(of_bits(0x3e5b33b6), square, of_bits(0x3fcc422a)), r * q, s);
    return x * s;
}

START_TEST(sums_of_two_and_gelu_have_the_profile_s_bits)
{
    for (size_t count = 1; count < 60; count++) {
        float *x = values(count, SMALL), *g = values(count, SMALL);
        float added[60], passed[60], back[60], slope;
        for (size_t i = 0; i < count; i++) {
            if (i % 7 == 0)
                x[i] *= 8;
            added[i] = x[i] + g[i];
            passed[i] = plain_gelu(x[i], &slope);
            back[i] = g[i] * slope;
        }
        for (int kind = 0; kind < KERNEL_KINDS; kind++) {
            struct kernel *kernel = kernel_of(kind, 2);
            if (!kernel)
                continue;
            float *got = values(count, ORDINARY);
            kernel_add(kernel, got, x, g, count);
            expect_same(got, added, count, "add", kind);
            kernel_gelu(kernel, got, x, count);
            expect_same(got, passed, count, "gelu", kind);
            memcpy(got, g, count * sizeof(float));
            kernel_gelu_back(kernel, got, x, count);
            expect_same(got, back, count, "gelu's gradient", kind);
            expect_untouched(got, count);
            free(got);
        }
        free(x);
        free(g);
    }
}
END_TEST

/* So a diverging step ends in the same place whatever the kernel. */
START_TEST(gelu_s_gradient_is_no_number_where_the_profile_says_so)
{
    static const uint32_t last = 0x5529d4e2; /* 0x1.53a9c4p43 */
    const float x[] = {of_bits(last), of_bits(last + 1), -of_bits(last), -of_bits(last + 1), 1e38f,
                       -1e38f};
    const float want[] = {1, NAN, 0, NAN, NAN, NAN};
    for (int kind = 0; kind < KERNEL_KINDS; kind++) {
        struct kernel *kernel = kernel_of(kind, 1);
        if (!kernel)
            continue;
        float got[] = {1, 1, 1, 1, 1, 1};
        kernel_gelu_back(kernel, got, x, 6);
        for (size_t i = 0; i < 6; i++)
            ck_assert_msg(want[i] != want[i] ? got[i] != got[i] : got[i] == want[i],
                          "%s has %g at %g", kernel_name((enum kernel_kind)kind), (double)got[i],
                          (double)x[i]);
    }
}
END_TEST

static double wide_gelu(double x)
{
    return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

START_TEST(gelu_is_right)
{
    for (int i = -12000; i <= 12000; i++) {
        float slope, x = (float)i * 1e-3f, y = plain_gelu(x, &slope);
        double at = (double)x, h = 1e-5, want = wide_gelu(at);
        double rise = (wide_gelu(at + h) - wide_gelu(at - h)) / (2 * h);
        if (fabs((double)y - want) > 3e-6 * fabs(want) + 1e-12 || fabs((double)slope - rise) > 1e-6)
            ck_abort_msg("gelu(%g) is %g with slope %g, not %g with %g", at, (double)y,
                         (double)slope, want, rise);
    }
}
END_TEST

/* --- sums --- */

static float plain_sum(const float *x, size_t count, bool square)
{
    float pieces[64];
    size_t n = 0;
    for (size_t from = 0; from < count; from += 16384)
        pieces[n++] = plain_lanes(x + from, count - from < 16384 ? count - from : 16384, square);
    return plain_lanes(pieces, n, false);
}

START_TEST(sums_go_by_sixteen_lanes_and_pieces)
{
    static const size_t counts[] = {0,  1,    7,     15,    16,     17,    31,
                                    33, 1000, 16384, 16385, 100001, 300000};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        float *x = values(counts[i], SMALL);
        for (int kind = 0; kind < KERNEL_KINDS; kind++)
            for (uint32_t threads = 1; threads <= 4; threads += 3) {
                struct kernel *kernel = kernel_of(kind, threads);
                if (!kernel)
                    continue;
                ck_assert_uint_eq(bits_of(kernel_sum(kernel, x, counts[i])),
                                  bits_of(plain_sum(x, counts[i], false)));
                ck_assert_uint_eq(bits_of(kernel_norm(kernel, x, counts[i])),
                                  bits_of(sqrtf(plain_sum(x, counts[i], true))));
            }
        free(x);
    }
}
END_TEST

START_TEST(cross_entropy_has_the_profile_s_bits)
{
    enum { ROWS = 23 };
    for (size_t classes = 1; classes <= 40; classes++) {
        float *logits = values(ROWS * classes, ORDINARY);
        float loss[ROWS], want[ROWS * 40];
        uint16_t labels[ROWS];
        logits[0] = -200; /* its exponential is zero when another is larger */
        for (size_t row = 0; row < ROWS; row++) {
            const float *x = logits + row * classes;
            float *e = want + row * classes, most = x[0];
            labels[row] = (uint16_t)(number() % classes);
            for (size_t j = 0; j < classes; j++)
                most = x[j] > most ? x[j] : most;
            for (size_t j = 0; j < classes; j++)
                e[j] = plain_exp(x[j] - most);
            float sum = plain_lanes(e, classes, false);
            loss[row] = plain_log(sum) - (x[labels[row]] - most);
            for (size_t j = 0; j < classes; j++)
                e[j] = (e[j] / sum - (j == labels[row] ? 1.0f : 0.0f)) * (1.0f / (2 * ROWS));
        }
        for (int kind = 0; kind < KERNEL_KINDS; kind++) {
            struct kernel *kernel = kernel_of(kind, 2);
            if (!kernel)
                continue;
            float got_loss[ROWS], *got = values(ROWS * classes, ORDINARY);
            memcpy(got, logits, ROWS * classes * sizeof(float));
            kernel_cross_entropy(kernel, got_loss, got, got, labels, ROWS, classes,
                                 2 * ROWS);
            expect_same(got_loss, loss, ROWS, "loss", kind);
            expect_same(got, want, ROWS * classes, "gradient", kind);
            expect_untouched(got, ROWS * classes);
            free(got);
        }
        free(logits);
    }
}
END_TEST

/* --- control, threads, names --- */

START_TEST(the_caller_s_rounding_and_flushing_change_nothing_and_come_back)
{
    float a[2] = {1, 0x1p-24f}, b[2] = {1, 1}, tiny[2] = {of_bits(3), 0}, one[2] = {1, 1}, out;
    struct kernel *kernel = kernel_of(KERNEL_SCALAR, 1);
    ck_assert_ptr_nonnull(kernel);
    uint32_t before = _mm_getcsr(),
             odd = (before & ~0x6000u) | 0x4000u | 0x8040u; /* upwards, flush, read as zero */
    _mm_setcsr(odd);
    kernel_gemm_nn(kernel, &out, a, b, NULL, 1, 1, 2);
    uint32_t rounded = bits_of(out);
    kernel_gemm_nn(kernel, &out, tiny, one, NULL, 1, 1, 2);
    uint32_t after = _mm_getcsr();
    _mm_setcsr(before);
    ck_assert_uint_eq(rounded, 0x3f800000u);
    ck_assert_uint_eq(bits_of(out), 3);
    ck_assert_uint_eq(after, odd);
}
END_TEST

struct part {
    void (*body)(void *work, uint32_t index);
    void *work;
    uint32_t index;
};

static void *part_main(void *raw)
{
    struct part *part = raw;
    part->body(part->work, part->index);
    return NULL;
}

static void in_threads(void *self, uint32_t count, void (*body)(void *work, uint32_t index),
                       void *work)
{
    pthread_t threads[8];
    struct part parts[8];
    ck_assert_uint_le(count, 8);
    (*(uint32_t *)self)++;
    for (uint32_t i = 0; i < count; i++) {
        parts[i] = (struct part){body, work, i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, part_main, &parts[i]), 0);
    }
    for (uint32_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

START_TEST(real_threads_share_a_product)
{
    uint32_t calls = 0;
    struct kernel_parallel parallel = {&calls, 4, in_threads};
    enum kernel_kind kind;
    struct kernel kernel;
    ck_assert(kernel_best(&kind));
    ck_assert_int_eq(kernel_init(&kernel, kind, &parallel, NULL), ERR_NONE);
    size_t m = 100, n = 150, k = 300;
    float *a = values(m * k, SMALL), *b = values(n * k, SMALL), *got = values(m * n, SMALL),
          *want = values(m * n, SMALL);
    kernel_gemm_nt(&kernel, got, a, b, NULL, m, n, k);
    plain_product(want, &products[1], a, b, NULL, m, n, k);
    expect_same(got, want, m * n, "threads", kind);
    ck_assert_uint_eq(calls, 1);
    free(a);
    free(b);
    free(got);
    free(want);
    kernel_release(&kernel);
}
END_TEST

START_TEST(kernels_are_known_by_name)
{
    enum kernel_kind kind = KERNEL_AVX2;
    ck_assert(kernel_parse(&kind, "scalar"));
    ck_assert_int_eq(kind, KERNEL_SCALAR);
    ck_assert(!kernel_parse(&kind, "AVX2"));
    ck_assert_int_eq(kind, KERNEL_SCALAR);
    for (int i = 0; i < KERNEL_KINDS; i++) {
        ck_assert(kernel_parse(&kind, kernel_name((enum kernel_kind)i)));
        ck_assert_int_eq((int)kind, i);
    }
    ck_assert(kernel_best(&kind));
    ck_assert(kernel_is_supported(kind));
}
END_TEST

HARNESS_MAIN("kernel", products_have_the_profile_s_bits_for_all_kernels_threads_and_shapes,
             products_at_the_edges_of_chunks_and_blocks, column_sums_are_products_with_ones,
             relu_gives_plus_zero_for_all_that_is_not_above, optimizers_have_the_profile_s_bits,
             exp_and_log_have_the_profile_s_bits_and_are_right,
             the_last_bit_of_every_coefficient_shows_in_exp_and_log, sums_go_by_sixteen_lanes_and_pieces,
             sums_of_two_and_gelu_have_the_profile_s_bits, gelu_is_right,
             gelu_s_gradient_is_no_number_where_the_profile_says_so,
             cross_entropy_has_the_profile_s_bits,
             the_caller_s_rounding_and_flushing_change_nothing_and_come_back,
             real_threads_share_a_product, kernels_are_known_by_name)
