/* The matrix product of each kernel against OpenBLAS's, in turn in one run: writes build/bench/kernels.json.
 *
 *     [{"shape": "768x768x768", "threads": 1, "kernel": "avx512", "gflops": ..., "openblas_gflops": ..., "ratio": ...}, ...]
 *
 * A shape is rows x inner x columns. The two take turns; figures are medians over the turns, and `ratio` is the median of the ratios of
 * neighbouring turns, so that other load on the machine meets both alike. OpenBLAS takes some new CPUs for old
 * ones, so the best kernel that this CPU runs is forced by OPENBLAS_CORETYPE, which it reads when it is loaded: the program starts
 * itself again with that set. */
#include <cblas.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "tools/sys/parallel.h"
#include "trainer/kernel.h"

#define REPEATS 25
#define OUTPUT  "build/bench/kernels.json"

/* A turn is repeated until it does about this much: 10 ms at 100 GFLOP/s. */
#define TURN_FLOPS 1e9

struct shape {
    size_t m;
    size_t k;
    size_t n;
};

static const struct shape shapes[] = {{768, 768, 768}, {64, 784, 256}};

struct matrices {
    float *a;
    float *b;
    float *ours;
    float *theirs;
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static float *matrix(size_t count)
{
    float *data = aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64);
    CHECK(data);
    for (size_t i = 0; i < count; i++)
        data[i] = (float)(int)(i * 2654435761u % 2001 - 1000) / 1000.0f;
    return data;
}

static double ours_gflops(struct kernel *kernel, const struct matrices *x, const struct shape *s,
                          int turns)
{
    double start = now_s();
    for (int i = 0; i < turns; i++)
        kernel_gemm_nn(kernel, x->ours, x->a, x->b, NULL, s->m, s->n, s->k);
    return 2e-9 * (double)(s->m * s->n * s->k) * turns / (now_s() - start);
}

static double theirs_gflops(const struct matrices *x, const struct shape *s, int turns)
{
    double start = now_s();
    for (int i = 0; i < turns; i++)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)s->m, (int)s->n, (int)s->k, 1,
                    x->a, (int)s->k, x->b, (int)s->n, 0, x->theirs, (int)s->n);
    return 2e-9 * (double)(s->m * s->n * s->k) * turns / (now_s() - start);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof(*values), by_size);
    return values[count / 2];
}

/* Both compute the same product: no more apart than rounding explains. */
static void compare(const struct matrices *x, const struct shape *s)
{
    for (size_t i = 0; i < s->m * s->n; i++) {
        float apart = x->ours[i] - x->theirs[i];
        CHECK(apart < 1e-3f);
        CHECK(apart > -1e-3f);
    }
}

static void measure(FILE *out, const struct shape *shape, struct parallel *pool,
                    enum kernel_kind kind, bool first)
{
    struct kernel_parallel parallel = {pool, parallel_threads(pool), parallel_each};
    struct kernel kernel;
    CHECK(kernel_init(&kernel, kind, &parallel, NULL) == ERR_NONE);
    struct matrices x = {matrix(shape->m * shape->k), matrix(shape->k * shape->n),
                         matrix(shape->m * shape->n), matrix(shape->m * shape->n)};
    openblas_set_num_threads((int)parallel.threads);

    double flops = 2.0 * (double)(shape->m * shape->n * shape->k), ours[REPEATS], theirs[REPEATS],
           ratios[REPEATS];
    int turns = flops < TURN_FLOPS ? (int)(TURN_FLOPS / flops) : 1;
    for (int i = -1; i < REPEATS; i++) { /* the first turn of each warms up */
        double our = ours_gflops(&kernel, &x, shape, turns),
               their = theirs_gflops(&x, shape, turns);
        if (i >= 0) {
            ours[i] = our;
            theirs[i] = their;
            ratios[i] = our / their;
        }
    }
    compare(&x, shape);

    double our = median(ours, REPEATS), their = median(theirs, REPEATS),
           ratio = median(ratios, REPEATS);
    char name[64];
    snprintf(name, sizeof(name), "%zux%zux%zu", shape->m, shape->k, shape->n);
    printf("%-12s %u thread%s %-7s %7.1f GFLOP/s   OpenBLAS %7.1f   ratio %.2f\n", name,
           parallel.threads, parallel.threads == 1 ? " " : "s", kernel_name(kind), our, their,
           ratio);
    fprintf(out,
            "%s  {\"shape\": \"%s\", \"threads\": %u, \"kernel\": \"%s\", \"gflops\": %.1f, "
            "\"openblas_gflops\": %.1f, "
            "\"ratio\": %.3f}",
            first ? "" : ",\n", name, parallel.threads, kernel_name(kind), our, their, ratio);
    free(x.a);
    free(x.b);
    free(x.ours);
    free(x.theirs);
    kernel_release(&kernel);
}

static void force_best_openblas(char **argv)
{
    if (getenv("OPENBLAS_CORETYPE"))
        return;
    setenv("OPENBLAS_CORETYPE", kernel_is_supported(KERNEL_AVX512) ? "SkylakeX" : "Haswell", 1);
    execv("/proc/self/exe", argv);
    fprintf(stderr, "kernels: can't start itself again: %s\n", strerror(errno));
    exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
    (void)argc;
    force_best_openblas(argv);
    printf("OpenBLAS: %s\n", openblas_get_corename());
    mkdir("build", 0777);
    mkdir("build/bench", 0777);
    FILE *out = fopen(OUTPUT, "w");
    if (!out) {
        fprintf(stderr, "kernels: can't write " OUTPUT ": %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    fprintf(out, "[\n");
    bool first = true;
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++)
        for (uint32_t threads = 1; threads <= 2; threads++) {
            struct parallel *pool = parallel_new(threads);
            CHECK(pool);
            for (int kind = 0; kind < KERNEL_KINDS; kind++)
                if (kernel_is_supported((enum kernel_kind)kind)) {
                    measure(out, &shapes[s], pool, (enum kernel_kind)kind, first);
                    first = false;
                }
            parallel_free(pool);
        }
    fprintf(out, "\n]\n");
    return fclose(out) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
