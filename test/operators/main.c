/* Every operator over random shapes and hard values, by each kernel that this CPU can run: a line for each operator and kernel, with a hash
 * of all result bits. All kernels must print the same hash, on every kind of machine (test/operators/check). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "trainer/attention.h"
#include "trainer/kernel_table.h"
#include "trainer/norm.h"

#define FLOATS 300000u
#define CASES  60

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: CHECK(%s) failed\n", file, line, condition);
    abort();
}

struct run {
    struct kernel *kernel;
    uint64_t dice;
    uint64_t hash;
    float a[FLOATS];
    float b[FLOATS];
    float c[FLOATS];
    float out[FLOATS];
    float room[FLOATS];
};

static uint32_t number(struct run *run)
{
    run->dice ^= run->dice << 13;
    run->dice ^= run->dice >> 7;
    run->dice ^= run->dice << 17;
    return (uint32_t)(run->dice >> 16);
}

/* Ordinary numbers, both zeros, subnormals, and numbers whose products are subnormal. */
static void fill(struct run *run, float *x, size_t count)
{
    CHECK(count <= FLOATS);
    for (size_t i = 0; i < count; i++) {
        uint32_t dice = number(run) % 12, bits = number(run) & 0x807fffffu;
        if (dice == 8)
            bits &= 0x80000000u;
        else if (dice > 9)
            bits |= (60 + number(run) % 20) << 23;
        memcpy(&x[i], &bits, sizeof(bits));
        if (dice < 8)
            x[i] = ((float)(number(run) % 20001) - 10000) / 5000;
    }
}

/* FNV-1a over the bits; all that is no number is one. */
static void hash(struct run *run, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof(bits));
        if (isnan(x[i]))
            bits = 0x7fc00000u;
        run->hash = (run->hash ^ bits) * 0x100000001b3u;
    }
}

static void products(struct run *run)
{
    size_t m = 1 + number(run) % 70, n = 1 + number(run) % 130, k = 1 + number(run) % 600;
    fill(run, run->a, m * k);
    fill(run, run->b, n * k);
    fill(run, run->c, n);
    kernel_gemm_nn(run->kernel, run->out, run->a, run->b, run->c, m, n, k);
    hash(run, run->out, m * n);
    kernel_gemm_nt(run->kernel, run->out, run->a, run->b, NULL, m, n, k);
    hash(run, run->out, m * n);
    kernel_gemm_tn(run->kernel, run->out, run->a, run->b, run->c, m, n, k);
    hash(run, run->out, m * n);
    kernel_column_sums(run->kernel, run->out, run->a, k, m);
    hash(run, run->out, m);
}

static void elements(struct run *run)
{
    size_t n = 1 + number(run) % 100;
    fill(run, run->a, n);
    fill(run, run->b, n);
    kernel_add(run->kernel, run->out, run->a, run->b, n);
    hash(run, run->out, n);
    kernel_gelu(run->kernel, run->out, run->a, n);
    hash(run, run->out, n);
    kernel_gelu_back(run->kernel, run->b, run->a, n);
    kernel_relu_back(run->kernel, run->b, run->a, n);
    hash(run, run->b, n);
    kernel_relu(run->kernel, run->a, n);
    hash(run, run->a, n);
}

static void functions(struct run *run)
{
    for (size_t i = 0; i < 1000; i++) {
        run->a[i] = -(float)(number(run) % 1000003) * 0x1p-13f;
        uint32_t bits = 0x00800000u + number(run) % 0x7f000000u;
        memcpy(&run->b[i], &bits, sizeof(bits));
    }
    run->kernel->table->exp(run->a, 1000);
    run->kernel->table->log(run->b, 1000);
    hash(run, run->a, 1000);
    hash(run, run->b, 1000);
}

static void sums(struct run *run)
{
    size_t n = 1 + number(run) % 40000;
    fill(run, run->a, n);
    run->out[0] = kernel_sum(run->kernel, run->a, n);
    run->out[1] = kernel_norm(run->kernel, run->a, n);
    hash(run, run->out, 2);
}

static void losses(struct run *run)
{
    uint16_t labels[20];
    float loss[20];
    size_t classes = 1 + number(run) % 300;
    fill(run, run->a, 20 * classes);
    for (int i = 0; i < 20; i++)
        labels[i] = (uint16_t)(number(run) % classes);
    kernel_cross_entropy(run->kernel, loss, run->out, run->a, labels, 20, classes, 40);
    hash(run, loss, 20);
    hash(run, run->out, 20 * classes);
}

static void optimizers(struct run *run)
{
    const struct kernel_rates rates = {1e-3f, 0.3f, 0.9f, 0.999f, 1e-8f, 0.01f, 0.81f, 0.998f};
    size_t n = 1 + number(run) % 500;
    float *gradient = run->room;
    fill(run, run->a, n);
    fill(run, run->b, n);
    fill(run, run->c, n);
    fill(run, gradient, n);
    for (size_t i = 0; i < n; i++)
        run->c[i] = fabsf(run->c[i]);
    kernel_adamw(run->kernel, run->a, run->b, run->c, gradient, n, &rates);
    kernel_sgd(run->kernel, run->c, run->b, gradient, n, &rates);
    hash(run, run->a, n);
    hash(run, run->b, n);
    hash(run, run->c, n);
}

static void norms(struct run *run)
{
    size_t rows = 1 + number(run) % 20, n = 1 + number(run) % 200;
    struct kernel_moments moments[20];
    float *gain = run->c, *bias = run->c + n;
    fill(run, run->a, rows * n);
    fill(run, run->b, rows * n);
    fill(run, run->c, 2 * n);
    norm_forward(run->kernel, run->out, moments, run->a, gain, bias, rows, n);
    hash(run, run->out, rows * n);
    norm_backward(run->kernel, run->out, run->c + 2 * n, run->c + 3 * n, NULL, run->b, run->a,
                  moments, gain, run->room, rows, n);
    hash(run, run->out, rows * n);
    hash(run, run->c + 2 * n, 2 * n);
}

/* Every eighth sequence is longer than a chunk. */
static void attentions(struct run *run)
{
    struct attention shape = {1 + number(run) % 3, 1 + number(run) % 80, 1 + number(run) % 3,
                              1 + number(run) % 40};
    if (number(run) % 8 == 0) {
        shape.sequences = 1;
        shape.tokens += 256;
    }
    size_t rows = shape.sequences * shape.tokens, width = shape.heads * shape.size;
    CHECK(attention_room(&shape, 1) <= FLOATS);
    fill(run, run->a, rows * 3 * width);
    fill(run, run->b, rows * width);
    attention_forward(run->kernel, run->out, run->a, &shape, run->room);
    hash(run, run->out, rows * width);
    attention_backward(run->kernel, run->out, run->b, run->a, &shape, run->room);
    hash(run, run->out, rows * 3 * width);
}

static const struct {
    const char *name;
    void (*each)(struct run *run);
} operators[] = {{"products", products},   {"elements", elements},   {"functions", functions},
                 {"sums", sums},           {"losses", losses},       {"optimizers", optimizers},
                 {"normalisation", norms}, {"attention", attentions}};

int main(void)
{
    static struct run run;
    for (int kind = 0; kind < KERNEL_KINDS; kind++) {
        struct kernel kernel;
        if (!kernel_is_supported((enum kernel_kind)kind))
            continue;
        CHECK(kernel_init(&kernel, (enum kernel_kind)kind, NULL, NULL) == ERR_NONE);
        for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
            run.kernel = &kernel;
            run.dice = 88172645463325252u + i;
            run.hash = 0xcbf29ce484222325u;
            for (int j = 0; j < CASES; j++)
                operators[i].each(&run);
            printf("%s %s %016llx\n", operators[i].name, kernel_name((enum kernel_kind)kind),
                   (unsigned long long)run.hash);
        }
        kernel_release(&kernel);
    }
    return EXIT_SUCCESS;
}
