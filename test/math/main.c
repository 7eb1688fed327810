/* The functions of NUMERICS.md (section 4) at all their arguments.
 *
 *     math [--sample] [NAME...]        exp log gelu slope cosine; without a name all
 *
 * All 2^32 floats go through every kernel that this CPU can run: their results must have the same bits, or be no numbers together.
 * Within a function's domain its error is measured against libm in double precision, and against MPFR for every SPACING-th argument
 * and wherever it is within 1 % of the bound; and the SHA-256 of its results must be that of NUMERICS.md. --sample takes every
 * STRIDE-th float only, 2^20 in all, which takes a moment instead of minutes. */
#include <math.h>
#include <mpfr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/digest.h"
#include "trainer/kernel_table.h"
#include "trainer/optimizer.h"

#define BATCH   4096u
#define STRIDE  4099u /* a prime, so that all of a float's bits vary */
#define SPACING 211u  /* 2^31 / 211 is 10^7 */
#define BITS    200   /* of an MPFR number */

void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: CHECK(%s) failed\n", file, line, condition);
    abort();
}

/* A function, what it should be, and how far it may be from that: |got - want| < relative * |want| + absolute. */
struct function {
    const char *name;
    void (*apply)(const struct kernel_table *table, float *x, size_t count); /* in place */
    bool (*is_inside)(float x);                                              /* its domain */
    double (*wide)(double x);
    void (*exact)(mpfr_t out, double x);
    double relative;
    double absolute;
    const char
        *digest; /* SHA-256 of its results in the domain by ascending bits of x, little-endian */
    const char *digest_of_sample;
};

/* --- exp, log --- */

static void apply_exp(const struct kernel_table *table, float *x, size_t count)
{
    table->exp(x, count);
}

static bool is_inside_exp(float x)
{
    return x <= 0;
}

/* What is below -87 is zero by definition. */
static double wide_exp(double x)
{
    return x < -87 ? 0 : exp(x);
}

static void exact_exp(mpfr_t out, double x)
{
    mpfr_set_d(out, x, MPFR_RNDN);
    mpfr_exp(out, out, MPFR_RNDN);
    if (x < -87)
        mpfr_set_zero(out, 1);
}

static void apply_log(const struct kernel_table *table, float *x, size_t count)
{
    table->log(x, count);
}

static bool is_inside_log(float x)
{
    return x >= 0x1p-126f && x < INFINITY;
}

static void exact_log(mpfr_t out, double x)
{
    mpfr_set_d(out, x, MPFR_RNDN);
    mpfr_log(out, out, MPFR_RNDN);
}

/* --- GELU in its tanh form: x * s, where s = 1 / (1 + exp(-t)) and t = x (c + c3 x^2) --- */

#define CUBIC 0.044715

static void apply_gelu(const struct kernel_table *table, float *x, size_t count)
{
    table->gelu(x, x, count);
}

static bool is_inside_gelu(float x)
{
    return isfinite(x);
}

static double twice_root(void)
{
    return 2 * sqrt(2 / M_PI);
}

static double wide_gelu(double x)
{
    return x / (1 + exp(-twice_root() * x * (1 + CUBIC * x * x)));
}

/* 2 sqrt(2 / pi) (1 + factor * 0.044715 x^2). */
static void exact_slope_of_t(mpfr_t out, double x, unsigned long factor)
{
    mpfr_t root;
    mpfr_init2(root, BITS);
    mpfr_const_pi(root, MPFR_RNDN);
    mpfr_ui_div(root, 8, root, MPFR_RNDN);
    mpfr_sqrt(root, root, MPFR_RNDN);
    mpfr_set_d(out, x, MPFR_RNDN);
    mpfr_sqr(out, out, MPFR_RNDN);
    mpfr_mul_ui(out, out, 44715 * factor, MPFR_RNDN);
    mpfr_div_ui(out, out, 1000000, MPFR_RNDN);
    mpfr_add_ui(out, out, 1, MPFR_RNDN);
    mpfr_mul(out, out, root, MPFR_RNDN);
    mpfr_clear(root);
}

/* s, the logistic function of t. */
static void exact_share(mpfr_t out, double x)
{
    exact_slope_of_t(out, x, 1);
    mpfr_mul_d(out, out, -x, MPFR_RNDN);
    mpfr_exp(out, out, MPFR_RNDN);
    mpfr_add_ui(out, out, 1, MPFR_RNDN);
    mpfr_ui_div(out, 1, out, MPFR_RNDN);
}

static void exact_gelu(mpfr_t out, double x)
{
    exact_share(out, x);
    mpfr_mul_d(out, out, x, MPFR_RNDN);
}

/* --- its derivative: s + x t' s (1 - s) --- */

static void apply_slope(const struct kernel_table *table, float *x, size_t count)
{
    float gradient[BATCH];
    for (size_t i = 0; i < count; i++)
        gradient[i] = 1;
    table->gelu_back(gradient, x, count);
    memcpy(x, gradient, count * sizeof(float));
}

/* Beyond it x cubed overflows. */
static bool is_inside_slope(float x)
{
    return fabsf(x) <= 0x1p42f;
}

static double wide_slope(double x)
{
    double t = twice_root() * x * (1 + CUBIC * x * x), e = exp(-fabs(t)), r = 1 / (1 + e);
    double rise = x * twice_root() * (1 + 3 * CUBIC * x * x);
    return (t > 0 ? r : e * r) + rise * r * (e * r);
}

static void exact_slope(mpfr_t out, double x)
{
    mpfr_t share, rest;
    mpfr_inits2(BITS, share, rest, (mpfr_ptr)NULL);
    exact_share(share, x);
    mpfr_ui_sub(rest, 1, share, MPFR_RNDN);
    exact_slope_of_t(out, x, 3);
    mpfr_mul_d(out, out, x, MPFR_RNDN);
    mpfr_mul(out, out, rest, MPFR_RNDN);
    mpfr_add_ui(out, out, 1, MPFR_RNDN);
    mpfr_mul(out, out, share, MPFR_RNDN);
    mpfr_clears(share, rest, (mpfr_ptr)NULL);
}

/* --- the fall of the learning rate: the same code with every kernel --- */

static void apply_cosine(const struct kernel_table *table, float *x, size_t count)
{
    (void)table;
    for (size_t i = 0; i < count; i++)
        x[i] = optimizer_half_cosine(x[i]);
}

static bool is_inside_cosine(float x)
{
    return x >= 0 && x <= 1 && !signbit(x);
}

static double wide_cosine(double x)
{
    return (1 + cos(M_PI * x)) / 2;
}

static void exact_cosine(mpfr_t out, double x)
{
    mpfr_const_pi(out, MPFR_RNDN);
    mpfr_mul_d(out, out, x, MPFR_RNDN);
    mpfr_cos(out, out, MPFR_RNDN);
    mpfr_add_ui(out, out, 1, MPFR_RNDN);
    mpfr_div_ui(out, out, 2, MPFR_RNDN);
}

/* The bounds and digests are those of NUMERICS.md, section 4. */
static const struct function functions[] = {
    {"exp", apply_exp, is_inside_exp, wide_exp, exact_exp, 0x1.5p-24, 0,
     "c81fbdd6a23a5eafa396ab8b63a5f3ba4ba1910227148a3351c3cfa5fed76908",
     "df9a4414bc080586eaf4a49f3a91674b2844cc26febb74e169281ca2b2d6c16b"},
    {"log", apply_log, is_inside_log, log, exact_log, 0x1.5p-23, 0,
     "30845e7764bcf0b3c226f5db321655d0d55ae236418fc39ac6350fc7d46c5a9a",
     "d23e840001d6f04056e0084f0d8c0c2527d543f91f23ab533d3e666f2de575a8"},
    {"gelu", apply_gelu, is_inside_gelu, wide_gelu, exact_gelu, 0x1.5p-17, 0x1p-120,
     "41c07086467b93d4d62c91a945fe7eb0d9a660a9b26625b494cc28e3cc22a23f",
     "e9c01b4bbbaffe6f93e468079705a3491acffa59f3b195ce0f4e92d8bf476971"},
    {"slope", apply_slope, is_inside_slope, wide_slope, exact_slope, 0, 0x1p-22,
     "3f3f472b0aff350210e6bce6d56c8912a3fe6b7d1d2dad2b1289c1e9c509b33f",
     "c116c9731e5ac4c29f41fd3c6098bfbc794711c402a9cef800139c8a64197cc7"},
    {"cosine", apply_cosine, is_inside_cosine, wide_cosine, exact_cosine, 0, 0x1.4p-23,
     "737774b9e4fa2a23ee69bfa0ad0dbddb14bbd9e143b3ba175ea30e37170fa23d",
     "6562da2b9c6901421d35e69c0e067ed3d909c897b1de11d01e49204cf26b9414"},
};

/* --- the sweep --- */

struct sweep {
    const struct function *function;
    uint32_t inside; /* arguments in the domain so far, to space MPFR's */
    double worst;    /* largest error as a part of its bound */
    float worst_at;
    struct digest_stream digest;
    uint32_t faults;
};

static float of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

static void fault(struct sweep *s, const char *what, float x, float got, double other)
{
    if (s->faults++ < 5)
        printf("%s(%a): %s: %a and %a\n", s->function->name, (double)x, what, (double)got, other);
}

/* The error as a part of its bound. */
static double exact_part(const struct function *f, float x, float got)
{
    mpfr_t want;
    mpfr_init2(want, BITS);
    f->exact(want, (double)x);
    double bound = f->relative * fabs(mpfr_get_d(want, MPFR_RNDN)) + f->absolute;
    mpfr_sub_d(want, want, (double)got, MPFR_RNDN);
    double apart = fabs(mpfr_get_d(want, MPFR_RNDN));
    mpfr_clear(want);
    return apart > 0 ? apart / bound : 0;
}

static void measure(struct sweep *s, float x, float got)
{
    const struct function *f = s->function;
    double want = f->wide((double)x), apart = fabs((double)got - want);
    double part = apart > 0 ? apart / (f->relative * fabs(want) + f->absolute) : 0;
    if (part >= 0.99 || s->inside++ % SPACING == 0)
        part = exact_part(f, x, got);
    if (!(part < 1))
        fault(s, "too far from what it should be", x, got, want);
    if (part > s->worst) {
        s->worst = part;
        s->worst_at = x;
    }
}

static void batch(struct sweep *s, const float *x, size_t count)
{
    static const struct kernel_table *const tables[KERNEL_KINDS] = {
        &kernel_scalar_table, &kernel_avx2_table, &kernel_avx512_table};
    float got[BATCH], other[BATCH], inside[BATCH];
    memcpy(got, x, count * sizeof(float));
    s->function->apply(&kernel_scalar_table, got, count);
    for (int kind = KERNEL_SCALAR + 1; kind < KERNEL_KINDS; kind++)
        if (kernel_is_supported((enum kernel_kind)kind)) {
            memcpy(other, x, count * sizeof(float));
            s->function->apply(tables[kind], other, count);
            for (size_t i = 0; i < count && memcmp(got, other, count * sizeof(float)) != 0; i++)
                if (memcmp(&got[i], &other[i], sizeof(float)) != 0 &&
                    !(isnan(got[i]) && isnan(other[i])))
                    fault(s, kernel_name((enum kernel_kind)kind), x[i], got[i], (double)other[i]);
        }
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (s->function->is_inside(x[i])) {
            inside[n++] = got[i];
            measure(s, x[i], got[i]);
        }
    digest_add(&s->digest, inside, n * sizeof(float));
}

/* True if all is as it should be. */
static bool sweep(const struct function *function, uint32_t stride)
{
    struct sweep s = {.function = function};
    char digest[DIGEST_TEXT_SIZE];
    float x[BATCH];
    digest_init(&s.digest);
    for (uint64_t bits = 0; bits < 1ull << 32;) {
        size_t count = 0;
        for (; count < BATCH && bits < 1ull << 32; count++, bits += stride)
            x[count] = of_bits((uint32_t)bits);
        batch(&s, x, count);
    }
    struct digest end = digest_end(&s.digest);
    digest_text(digest, &end);
    if (strcmp(digest, stride == 1 ? function->digest : function->digest_of_sample) != 0) {
        printf("%s: SHA-256 of the results is %s\n", function->name, digest);
        s.faults++;
    }
    printf("%-6s %s: largest error %.4f of its bound, at %a\n", function->name,
           s.faults ? "is wrong" : "is right", s.worst, (double)s.worst_at);
    fflush(stdout);
    return s.faults == 0;
}

int main(int argc, char **argv)
{
    uint32_t stride = 1, passed = 0, failed = 0;
    int first = 1;
    if (argc > 1 && strcmp(argv[1], "--sample") == 0) {
        stride = STRIDE;
        first = 2;
    }
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        bool wanted = first == argc;
        for (int j = first; j < argc; j++)
            wanted |= strcmp(argv[j], functions[i].name) == 0;
        if (wanted && sweep(&functions[i], stride))
            passed++;
        else if (wanted)
            failed++;
    }
    mpfr_free_cache();
    printf("%u passed, %u failed\n", passed, failed);
    return failed || !passed ? EXIT_FAILURE : EXIT_SUCCESS;
}
