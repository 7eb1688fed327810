#include "trainer/kernel.h"

#include <fenv.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <xmmintrin.h>

#include "test/harness.h"
#include "trainer/kernel_table.h"

/* Every operator is computed a second time here, element by element, as NUMERICS.md writes it. */

static uint64_t random_state = 88172645463325252ull;

static uint32_t number(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 16);
}

static float of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

/* What the values are drawn from. */
enum mix { ORDINARY, SMALL, WILD };

static float value(enum mix mix)
{
    float ordinary = ((float)(number() % 20001) - 10000) / 5000;
    uint32_t sign = number() & 0x80000000u, dice = number() % 12;
    if (mix == ORDINARY || dice < 6)
        return ordinary;
    if (dice < 8)
        return of_bits(sign); /* +0, -0 */
    if (dice < 10)
        return of_bits(sign | number() % 0x800000); /* subnormal */
    if (mix == SMALL || dice == 10)
        return of_bits(sign | (60 + number() % 20) << 23 |
                       number() % 0x800000); /* products of these are subnormal */
    return number() % 20 == 0 ? of_bits(sign | 0x7f800000u) : ordinary * 0x1p120f;
}

/* `count` values and 16 more that nobody may touch. */
static float *values(size_t count, enum mix mix)
{
    float *x = aligned_alloc(64, (count + 32) * sizeof(float) / 64 * 64 + 64);
    ck_assert_ptr_nonnull(x);
    for (size_t i = 0; i < count; i++)
        x[i] = value(mix);
    for (size_t i = 0; i < 16; i++)
        x[count + i] = 12345.0f;
    return x;
}

/* Check notes every assertion, at the cost of a system call: so these look first and assert only what is wrong. */
static void expect_untouched(const float *x, size_t count)
{
    for (size_t i = 0; i < 16; i++)
        if (x[count + i] != 12345.0f)
            ck_abort_msg("place %zu after the end was written", i);
}

static void expect_same(const float *a, const float *b, size_t count, const char *what, int kind)
{
    for (size_t i = 0; i < count; i++)
        if (bits_of(a[i]) != bits_of(b[i]))
            ck_abort_msg("%s: %s has %08x at %zu of %zu, not %08x", what,
                         kernel_name((enum kernel_kind)kind), bits_of(a[i]), i, count,
                         bits_of(b[i]));
}

static void expect_bits(float x, float y)
{
    if (bits_of(x) != bits_of(y))
        ck_abort_msg("%08x, not %08x", bits_of(x), bits_of(y));
}

/* Runs the parts last to first in one thread: that must not matter either. */
static void backwards(void *self, uint32_t count, void (*body)(void *work, uint32_t index),
                      void *work)
{
    (void)self;
    while (count-- > 0)
        body(work, count);
}

/* The kernel of a kind for 1..5 threads, made once; NULL where this CPU can't run it. */
static struct kernel *kernel_of(int kind, uint32_t threads)
{
    static struct kernel made[KERNEL_KINDS][6];
    struct kernel_parallel parallel = {NULL, threads, backwards};
    struct kernel *kernel = &made[kind][threads];
    if (!kernel_is_supported((enum kernel_kind)kind))
        return NULL;
    if (!kernel->table)
        ck_assert_int_eq(kernel_init(kernel, (enum kernel_kind)kind, &parallel, NULL), ERR_NONE);
    return kernel;
}

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
                                      {3, 800, 1},   {200, 16, 5}};
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
    *m = without_small(fmaf(r->beta1, *m, (1 - r->beta1) * g));
    *v = without_small(fmaf(r->beta2, *v, (1 - r->beta2) * without_small(g * g)));
    float direction =
        *m * (1 / (1 - r->beta1_power)) / (sqrtf(*v * (1 / (1 - r->beta2_power))) + r->epsilon);
    *p = fmaf(-r->rate, direction, fmaf(-(r->rate * r->weight_decay), *p, *p));
}

static void plain_sgd(float *p, float *m, float g, const struct kernel_rates *r)
{
    *m = without_small(fmaf(r->beta1, *m, g));
    *p = fmaf(-r->rate, *m, fmaf(-(r->rate * r->weight_decay), *p, *p));
}

START_TEST(optimizers_have_the_profile_s_bits)
{
    const struct kernel_rates rates = {1e-3f, 0.9f,        0.999f,         1e-8f,
                                       0.01f, 0.9f * 0.9f, 0.999f * 0.999f};
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

static float plain_exp(float x)
{
    if (x < -87)
        return 0;
    float t = fmaf(x, of_bits(0x3fb8aa3b), 12582912.0f), n = t - 12582912.0f;
    float r = fmaf(n, -of_bits(0x35bfbe8e), fmaf(n, -of_bits(0x3f317200), x));
    static const uint32_t c[] = {0x3ab511aa, 0x3c091d36, 0x3d2aac7a, 0x3e2aaa48,
                                 0x3efffffe, 0x3f800000, 0x3f800000};
    float p = of_bits(c[0]);
    for (int i = 1; i < 7; i++)
        p = fmaf(p, r, of_bits(c[i]));
    return p * of_bits((uint32_t)((int)n + 127) << 23);
}

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

/* --- sums --- */

static float plain_lanes(const float *x, size_t count, bool square)
{
    float lane[16] = {0};
    for (size_t i = 0; i < count; i++)
        lane[i % 16] = square ? fmaf(x[i], x[i], lane[i % 16]) : lane[i % 16] + x[i];
    for (int w = 8; w > 0; w /= 2)
        for (int j = 0; j < w; j++)
            lane[j] += lane[j + w];
    return lane[0];
}

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
        uint8_t labels[ROWS];
        logits[0] = -200; /* its exponential is zero when another is larger */
        for (size_t row = 0; row < ROWS; row++) {
            const float *x = logits + row * classes;
            float *e = want + row * classes, most = x[0];
            labels[row] = (uint8_t)(number() % classes);
            for (size_t j = 0; j < classes; j++)
                most = x[j] > most ? x[j] : most;
            for (size_t j = 0; j < classes; j++)
                e[j] = plain_exp(x[j] - most);
            float sum = plain_lanes(e, classes, false);
            loss[row] = plain_log(sum) - (x[labels[row]] - most);
            for (size_t j = 0; j < classes; j++)
                e[j] = (e[j] / sum - (j == labels[row] ? 1.0f : 0.0f)) * (1.0f / ROWS);
        }
        for (int kind = 0; kind < KERNEL_KINDS; kind++) {
            struct kernel *kernel = kernel_of(kind, 2);
            if (!kernel)
                continue;
            float got_loss[ROWS], *got = values(ROWS * classes, ORDINARY);
            memcpy(got, logits, ROWS * classes * sizeof(float));
            kernel_cross_entropy(kernel, got_loss, got, got, labels, ROWS, classes);
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
             exp_and_log_have_the_profile_s_bits_and_are_right, sums_go_by_sixteen_lanes_and_pieces,
             cross_entropy_has_the_profile_s_bits,
             the_caller_s_rounding_and_flushing_change_nothing_and_come_back,
             real_threads_share_a_product, kernels_are_known_by_name)
