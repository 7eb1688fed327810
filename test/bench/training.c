/* How fast a gpt is trained: a step is forward, backward, the gradient's norm and AdamW; writes build/bench/training.json.
 *
 *     [{"model": "6 blocks, 6 heads, 384 wide, 256 symbols", "tokens": "4x128", "threads": 1, "kernel": "avx512",
 *       "step_ms": ..., "tokens_s": ..., "gflops": ...}, ...]
 *
 * Figures are medians over the steps; the products' work is that of program_work. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/check.h"
#include "tools/sys/parallel.h"
#include "trainer/model.h"
#include "trainer/network.h"
#include "trainer/optimizer.h"
#include "trainer/tokens.h"

#define STEPS  7
#define OUTPUT "build/bench/training.json"
#define TOKENS 20000u

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* A text that says little. */
static struct dataset text(void)
{
    static uint8_t file[TOKENS_HEADER_BYTES + 2 * TOKENS];
    static const uint32_t header[] = {TOKENS_MAGIC, TOKENS_VERSION, TOKENS};
    struct dataset data;
    memcpy(file, header, sizeof(header)); /* the profile is for little-endian machines */
    for (uint32_t i = 0; i < TOKENS; i++)
        file[TOKENS_HEADER_BYTES + 2 * i] = (uint8_t)(i * i / 3 % 251);
    CHECK(tokens_init(&data, bytes_of(file, sizeof(file)), NULL) == ERR_NONE);
    return data;
}

static struct program program_of(uint32_t context, uint32_t symbols)
{
    return (struct program){
        .profile = PROGRAM_PROFILE,
        .family = PROGRAM_GPT,
        .gpt = {.blocks = 6,
                .heads = 6,
                .width = 384,
                .context = context,
                .symbols = symbols,
                .micro_batches = 1,
                .clip = program_bits(1.0f)},
        .batch = 4,
        .optimizer = PROGRAM_ADAMW,
        .learning_rate = program_bits(3e-4f),
        .beta1 = program_bits(0.9f),
        .beta2 = program_bits(0.95f),
        .epsilon = program_bits(1e-8f),
        .weight_decay = program_bits(0.1f),
        .outer_rate = program_bits(0.7f),
        .outer_momentum = program_bits(0.9f),
        .steps = 1,
        .interval = 1,
        .seed = 1,
    };
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double step_s(struct network *network, struct state *state, const struct dataset *data)
{
    double start = now_s();
    const float *gradient;
    struct network_place place = {0, 0, state->step};
    network_train(network, &gradient, state_floats(state, STATE_PARAMETERS), data, &place);
    float norm = kernel_norm(network->kernel, gradient, state->parameter_count);
    optimizer_step(network->kernel, network->program, state, gradient, norm);
    return now_s() - start;
}

static void measure(FILE *out, const struct program *program, const struct dataset *data,
                    uint32_t threads, enum kernel_kind kind, bool first)
{
    struct parallel *pool = parallel_new(threads);
    CHECK(pool);
    struct kernel_parallel parallel = {pool, threads, parallel_each};
    struct kernel kernel;
    struct network network;
    struct state state;
    double steps[STEPS];
    uint64_t work;
    CHECK(program_check(program, NULL) == ERR_NONE);
    CHECK(program_work(&work, program));
    CHECK(kernel_init(&kernel, kind, &parallel, NULL) == ERR_NONE);
    CHECK(network_init(&network, program, &kernel, NULL) == ERR_NONE);
    CHECK(state_init(&state, program, STATE_SEGMENT, NULL) == ERR_NONE);
    model_seed(program, state_floats(&state, STATE_PARAMETERS));
    step_s(&network, &state, data); /* warms up */
    for (int i = 0; i < STEPS; i++)
        steps[i] = step_s(&network, &state, data);
    qsort(steps, STEPS, sizeof(steps[0]), by_size);

    double step = steps[STEPS / 2], rate = program_rows(program) / step;
    double gflops = 2e-9 * (double)work / step;
    printf("gpt 6x384, %5u symbols, 4x%u tokens, %u thread%s %-7s %7.1f ms a step %8.0f tokens/s "
           "%6.1f GFLOP/s\n",
           program->gpt.symbols, program->gpt.context, threads, threads == 1 ? " " : "s",
           kernel_name(kind), step * 1e3, rate, gflops);
    fprintf(out,
            "%s  {\"model\": \"6 blocks, 6 heads, 384 wide, %u symbols\", \"tokens\": \"4x%u\", "
            "\"threads\": %u, \"kernel\": \"%s\", \"step_ms\": %.2f, \"tokens_s\": %.0f, "
            "\"gflops\": %.1f}",
            first ? "" : ",\n", program->gpt.symbols, program->gpt.context, threads,
            kernel_name(kind), step * 1e3, rate, gflops);
    state_release(&state);
    network_release(&network);
    kernel_release(&kernel);
    parallel_free(pool);
}

int main(void)
{
    static const struct {
        uint32_t context;
        uint32_t symbols;
    } models[] = {{128, 256}, {256, 256}, {128, 50257}};
    struct dataset data = text();
    bool first = true;
    mkdir("build", 0777);
    mkdir("build/bench", 0777);
    FILE *out = fopen(OUTPUT, "w");
    if (!out) {
        fprintf(stderr, "training: can't write " OUTPUT ": %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    fprintf(out, "[\n");
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
        for (uint32_t threads = 1; threads <= 2; threads++)
            for (int kind = KERNEL_AVX2; kind < KERNEL_KINDS; kind++)
                if (kernel_is_supported((enum kernel_kind)kind)) {
                    struct program program = program_of(models[i].context, models[i].symbols);
                    measure(out, &program, &data, threads, (enum kernel_kind)kind, first);
                    first = false;
                }
    fprintf(out, "\n]\n");
    return fclose(out) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
