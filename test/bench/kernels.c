/* The matrix product of each kernel against OpenBLAS's, in turn in one run: writes build/bench/kernels.json.
 *
 *     [{"shape": "768x768x768", "form": "nn", "threads": 1, "kernel": "avx512", "gflops": ..., "openblas": "SkylakeX",
 *       "openblas_gflops": ..., "ratio": ...}, ...]
 *
 * A shape is rows x inner x columns; the form says which operand lies transposed. Both pack within their time. The two take turns;
 * figures are medians over the turns, and `ratio` is the median of the ratios of neighbouring turns, so that other load on the machine
 * meets both alike. With one thread the time is the processor's, so that such load hardly counts. OpenBLAS takes some new CPUs for old
 * ones, so its best kernel for the same instructions is forced by OPENBLAS_CORETYPE, which it reads when it is loaded: the program
 * starts itself again for each of our kernels. */
#include <cblas.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "tools/sys/parallel.h"
#include "trainer/kernel.h"

#define REPEATS 15
#define OUTPUT  "build/bench/kernels.json"

/* A turn is repeated until it does about this much: 10 ms at 100 GFLOP/s. */
#define TURN_FLOPS 1e9

/* The scalar kernel is measured on shapes up to this: it takes 7 times as long. */
#define SCALAR_FLOPS_MAX 1e9

enum form { NN, NT, TN };

static const char *const form_names[] = {"nn", "nt", "tn"};

struct shape {
    size_t m;
    size_t k;
    size_t n;
    enum form form;
};

/* Squares; an mlp's first layer; a transformer's layers forward and backward, 384 wide with 512 rows and 768 wide with 1,024; the logits
 * of 50,304 symbols and both of their gradients. */
static const struct shape shapes[] = {
    {512, 512, 512, NN},   {768, 768, 768, NN},   {1024, 1024, 1024, NN}, {2048, 2048, 2048, NN},
    {64, 784, 256, NN},    {512, 384, 1536, NN},  {512, 1536, 384, NN},   {512, 1536, 384, NT},
    {512, 384, 1536, NT},  {384, 512, 1536, TN},  {1536, 512, 384, TN},   {1024, 768, 3072, NN},
    {1024, 3072, 768, NN}, {1024, 3072, 768, NT}, {768, 1024, 3072, TN},  {256, 384, 50304, NT},
    {256, 50304, 384, NN}, {50304, 256, 384, TN},
};

struct matrices {
    float *a;
    float *b;
    float *ours;
    float *theirs;
};

/* By the wall, or with one thread of this process. */
static double now_s(uint32_t threads)
{
    struct timespec now;
    clock_gettime(threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &now);
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
    double start = now_s(kernel->parallel.threads);
    for (int i = 0; i < turns; i++)
        switch (s->form) {
        case NN:
            kernel_gemm_nn(kernel, x->ours, x->a, x->b, NULL, s->m, s->n, s->k);
            break;
        case NT:
            kernel_gemm_nt(kernel, x->ours, x->a, x->b, NULL, s->m, s->n, s->k);
            break;
        case TN:
            kernel_gemm_tn(kernel, x->ours, x->a, x->b, NULL, s->m, s->n, s->k);
            break;
        }
    return 2e-9 * (double)(s->m * s->n * s->k) * turns / (now_s(kernel->parallel.threads) - start);
}

static double theirs_gflops(uint32_t threads, const struct matrices *x, const struct shape *s,
                            int turns)
{
    double start = now_s(threads);
    bool a_turned = s->form == TN, b_turned = s->form == NT;
    for (int i = 0; i < turns; i++)
        cblas_sgemm(CblasRowMajor, a_turned ? CblasTrans : CblasNoTrans,
                    b_turned ? CblasTrans : CblasNoTrans, (int)s->m, (int)s->n, (int)s->k, 1, x->a,
                    (int)(a_turned ? s->m : s->k), x->b, (int)(b_turned ? s->k : s->n), 0,
                    x->theirs, (int)s->n);
    return 2e-9 * (double)(s->m * s->n * s->k) * turns / (now_s(threads) - start);
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
    float bound = 1e-6f * (float)s->k;
    for (size_t i = 0; i < s->m * s->n; i++) {
        float apart = x->ours[i] - x->theirs[i];
        CHECK(apart < bound);
        CHECK(apart > -bound);
    }
}

static void measure(FILE *out, const struct shape *shape, struct parallel *pool,
                    enum kernel_kind kind)
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
               their = theirs_gflops(parallel.threads, &x, shape, turns);
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
    printf("%-14s %s %u thread%s %-7s %7.1f GFLOP/s   OpenBLAS %-8s %7.1f   ratio %.2f\n", name,
           form_names[shape->form], parallel.threads, parallel.threads == 1 ? " " : "s",
           kernel_name(kind), our, openblas_get_corename(), their, ratio);
    fprintf(out,
            "%s  {\"shape\": \"%s\", \"form\": \"%s\", \"threads\": %u, \"kernel\": \"%s\", "
            "\"gflops\": %.1f, \"openblas\": \"%s\", \"openblas_gflops\": %.1f, \"ratio\": %.3f}",
            ftell(out) > 2 ? ",\n" : "", name, form_names[shape->form], parallel.threads,
            kernel_name(kind), our, openblas_get_corename(), their, ratio);
    free(x.a);
    free(x.b);
    free(x.ours);
    free(x.theirs);
    kernel_release(&kernel);
}

/* Appends a kernel's measures to the file. */
static int measure_kind(enum kernel_kind kind)
{
    FILE *out = fopen(OUTPUT, "a");
    CHECK(out);
    CHECK(fseek(out, 0, SEEK_END) == 0);
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++)
        for (uint32_t threads = 1; threads <= 2; threads++) {
            double flops = 2.0 * (double)(shapes[s].m * shapes[s].n * shapes[s].k);
            if (kind == KERNEL_SCALAR && flops > SCALAR_FLOPS_MAX)
                continue;
            struct parallel *pool = parallel_new(threads);
            CHECK(pool);
            measure(out, &shapes[s], pool, kind);
            parallel_free(pool);
        }
    return fclose(out) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Runs this program again for one kernel, with OpenBLAS's best for as wide vectors. */
static bool run_kind(enum kernel_kind kind)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        setenv("OPENBLAS_CORETYPE", kind == KERNEL_AVX512 ? "SkylakeX" : "Haswell", 1);
        execl("/proc/self/exe", "kernels", kernel_name(kind), (char *)NULL);
        fprintf(stderr, "kernels: can't start itself again: %s\n", strerror(errno));
        _exit(EXIT_FAILURE);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

static bool append(const char *mode, const char *text)
{
    FILE *out = fopen(OUTPUT, mode);
    if (out && fputs(text, out) >= 0 && fclose(out) == 0)
        return true;
    fprintf(stderr, "kernels: can't write " OUTPUT ": %s\n", strerror(errno));
    return false;
}

int main(int argc, char **argv)
{
    enum kernel_kind kind;
    if (argc == 2 && kernel_parse(&kind, argv[1]))
        return measure_kind(kind);
    mkdir("build", 0777);
    mkdir("build/bench", 0777);
    bool good = append("w", "[\n");
    for (int i = KERNEL_KINDS - 1; good && i >= 0; i--)
        if (kernel_is_supported((enum kernel_kind)i))
            good = run_kind((enum kernel_kind)i);
    return good && append("a", "\n]\n") ? EXIT_SUCCESS : EXIT_FAILURE;
}
