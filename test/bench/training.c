/* What training costs: writes build/bench/training.json, an object a measure, each with both sides' figures and their `ratio`.
 *
 *     gpt step       a step (forward, backward, the gradient's norm, AdamW) against PyTorch's (Debian's python3-torch, with the OpenMP build
 *                    of OpenBLAS if that is here) and llm.c's (LLMC names a folder of its sources): ratio = their time / ours. Where one
 *                    isn't here, `rival` says so and there is no ratio
 *     commitment     of the state after 10 steps: ratio = its time / the steps'; streamed: a thread hashes a copy while the training goes on,
 *                    which waits so long for it
 *     AdamW, rows without gradient   2,000 steps in which half of the rows see a gradient only once, so that their moments fade through
 *                    all small numbers, against 2,000 steps with gradients everywhere: ratio of the times
 *     bytes up       of a worker's round of 100 steps in int8 and int4 blocks, against a float32 gradient each step: ratio
 *
 * Two sides take turns, step by step; figures are medians, `ratio` is the median over neighbouring turns. With one thread the time is the
 * processor's, so that other load on the machine doesn't count. The best kernel of OpenBLAS is forced as in kernels.c. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "tools/sys/parallel.h"
#include "tools/sys/thread.h"
#include "trainer/delta.h"
#include "trainer/model.h"
#include "trainer/network.h"
#include "trainer/optimizer.h"
#include "trainer/tokens.h"

#define STEPS  9
#define OUTPUT "build/bench/training.json"
#define TOKENS 20000u

/* Between two commitments. */
#define INTERVAL 10

/* Between two exchanges. */
#define ROUND 100

/* By the wall, or with one thread of this process. */
static double now_s(uint32_t threads)
{
    struct timespec now;
    clock_gettime(threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
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

/* Begins the next object of the list. */
static void begin(FILE *out)
{
    fprintf(out, "%s  {", ftell(out) > 2 ? ",\n" : "");
}

/* --- the other side: a program that does a step for each line --- */

struct rival {
    const char *name;
    const char *program; /* exits with 3 where what it measures isn't installed */
};

static const struct rival rivals[] = {{"PyTorch", "test/bench/rivals/torch"},
                                      {"llm.c", "test/bench/rivals/llmc"}};

struct course {
    pid_t pid;
    FILE *to;
    FILE *from;
};

static void run_rival(const struct rival *rival, const struct program *program, uint32_t threads)
{
    const struct program_gpt *g = &program->gpt;
    uint32_t numbers[] = {g->blocks,  g->heads,       g->width, g->context,
                          g->symbols, program->batch, threads};
    char text[7][16], *argv[9] = {(char *)(uintptr_t)rival->program};
    int count = strstr(rival->program, "torch") ? 7 : 6;
    for (int i = 0; i < count; i++) {
        snprintf(text[i], sizeof(text[i]), "%u", numbers[i]);
        argv[i + 1] = text[i];
    }
    setenv("OMP_NUM_THREADS", threads == 1 ? "1" : "2", 1);
    setenv("OPENBLAS_CORETYPE", kernel_is_supported(KERNEL_AVX512) ? "SkylakeX" : "Haswell", 1);
    setenv("LD_LIBRARY_PATH", "/usr/lib/x86_64-linux-gnu/openblas-openmp", 1);
    setenv("MALLOC_MMAP_THRESHOLD_", "33554432",
           1); /* keep what is freed: fresh pages cost PyTorch a tenth */
    setenv("MALLOC_TRIM_THRESHOLD_", "4294967296", 1);
    execv(rival->program, argv);
    _exit(3);
}

static struct course course_start(const struct rival *rival, const struct program *program,
                                  uint32_t threads)
{
    int to[2], from[2];
    CHECK(pipe(to) == 0);
    CHECK(pipe(from) == 0);
    fflush(NULL);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        dup2(to[0], STDIN_FILENO);
        dup2(from[1], STDOUT_FILENO);
        close(to[1]);
        close(from[0]);
        run_rival(rival, program, threads);
    }
    close(to[0]);
    close(from[1]);
    return (struct course){pid, fdopen(to[1], "w"), fdopen(from[0], "r")};
}

/* Seconds of a step: by the wall, or with one thread the processor's; 0 if it isn't installed. */
static double course_step(const struct course *course, uint32_t threads)
{
    char line[256];
    double wall, processor;
    fputc('\n', course->to);
    fflush(course->to);
    while (fgets(line, sizeof(line), course->from))
        if (sscanf(line, "step %lf %lf", &wall, &processor) == 2)
            return threads == 1 ? processor : wall;
    return 0;
}

static void course_end(struct course *course)
{
    fclose(course->to);
    fclose(course->from);
    waitpid(course->pid, NULL, 0);
}

/* --- our side --- */

struct trainer {
    struct program program;
    const struct dataset *data;
    uint32_t threads;
    struct parallel *pool;
    struct kernel kernel;
    struct network network;
    struct state state;
};

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
        .bits = 8,
        .seed = 1,
    };
}

static void trainer_init(struct trainer *t, const struct program *program,
                         const struct dataset *data, uint32_t threads, enum kernel_kind kind)
{
    *t = (struct trainer){.program = *program, .data = data, .threads = threads};
    t->pool = parallel_new(threads);
    CHECK(t->pool);
    struct kernel_parallel parallel = {t->pool, threads, parallel_each};
    CHECK(program_check(program, NULL) == ERR_NONE);
    CHECK(kernel_init(&t->kernel, kind, &parallel, NULL) == ERR_NONE);
    CHECK(network_init(&t->network, &t->program, &t->kernel, NULL) == ERR_NONE);
    CHECK(state_init(&t->state, &t->program, STATE_SEGMENT, NULL) == ERR_NONE);
    model_seed(&t->program, state_floats(&t->state, STATE_PARAMETERS));
}

static void trainer_release(struct trainer *t)
{
    state_release(&t->state);
    network_release(&t->network);
    kernel_release(&t->kernel);
    parallel_free(t->pool);
}

static double step_s(struct trainer *t)
{
    double start = now_s(t->threads);
    const float *gradient;
    struct network_place place = {0, 0, t->state.step};
    network_train(&t->network, &gradient, state_floats(&t->state, STATE_PARAMETERS), t->data,
                  &place);
    float norm = kernel_norm(&t->kernel, gradient, t->state.parameter_count);
    optimizer_step(&t->kernel, &t->program, &t->state, gradient, norm);
    return now_s(t->threads) - start;
}

/* --- a step --- */

static void describe(FILE *out, const struct trainer *t, double step, const char *rival)
{
    const struct program_gpt *g = &t->program.gpt;
    uint64_t work;
    CHECK(program_work(&work, &t->program));
    double rate = program_rows(&t->program) / step, gflops = 2e-9 * (double)work / step;
    printf("gpt 6x384, %5u symbols, 4x%u tokens, %u thread%s %-7s %7.1f ms a step %6.0f tokens/s "
           "%6.1f GFLOP/s",
           g->symbols, g->context, t->threads, t->threads == 1 ? " " : "s",
           kernel_name(t->kernel.kind), step * 1e3, rate, gflops);
    begin(out);
    fprintf(out,
            "\"measure\": \"gpt step\", \"model\": \"6 blocks, 6 heads, 384 wide, %u symbols\", "
            "\"tokens\": \"4x%u\", \"threads\": %u, \"kernel\": \"%s\", \"step_ms\": %.2f, "
            "\"tokens_s\": %.0f, \"gflops\": %.1f, \"rival\": \"%s",
            g->symbols, g->context, t->threads, kernel_name(t->kernel.kind), step * 1e3, rate,
            gflops, rival);
}

static void measure_step(FILE *out, struct trainer *t, const struct rival *rival)
{
    double ours[STEPS], theirs[STEPS], ratios[STEPS];
    struct course course = course_start(rival, &t->program, t->threads);
    bool is_here = true;
    for (int i = -2; i < STEPS; i++) { /* two turns of each warm up */
        double our = step_s(t), their = is_here ? course_step(&course, t->threads) : 0;
        is_here = their > 0;
        if (i >= 0) {
            ours[i] = our;
            theirs[i] = their;
            ratios[i] = their / our;
        }
    }
    course_end(&course);
    describe(out, t, median(ours, STEPS), rival->name);
    if (is_here) {
        double their = median(theirs, STEPS), ratio = median(ratios, STEPS);
        printf("   %s %.1f ms, ratio %.2f\n", rival->name, their * 1e3, ratio);
        fprintf(out, "\", \"rival_step_ms\": %.2f, \"ratio\": %.3f}", their * 1e3, ratio);
    } else {
        printf("   %s isn't installed\n", rival->name);
        fprintf(out, " isn't installed\"}");
    }
}

/* --- what commitments cost --- */

static void measure_commitment(FILE *out, struct trainer *t)
{
    double commits[STEPS], steps[STEPS];
    for (int i = 0; i < STEPS; i++) {
        steps[i] = step_s(t);
        double start = now_s(t->threads);
        state_changed(&t->state, STATE_PARAMETERS);
        state_changed(&t->state, STATE_MOMENT1);
        state_changed(&t->state, STATE_MOMENT2);
        state_root(&t->state);
        commits[i] = now_s(t->threads) - start;
    }
    double commit = median(commits, STEPS), step = median(steps, STEPS);
    double ratio = commit / (INTERVAL * step);
    printf("a commitment every %d steps, %u thread%s: %.1f ms, %.2f of the steps' time\n", INTERVAL,
           t->threads, t->threads == 1 ? "" : "s", commit * 1e3, ratio);
    begin(out);
    fprintf(out,
            "\"measure\": \"commitment every %d steps\", \"threads\": %u, \"commit_ms\": %.2f, "
            "\"steps_ms\": %.2f, \"ratio\": %.4f}",
            INTERVAL, t->threads, commit * 1e3, INTERVAL * step * 1e3, ratio);
}

static void scribe(void *self)
{
    state_root(self);
}

/* How long the training waits for commitments, when a thread makes them of a copy while it goes on. By the wall. */
static void measure_streaming(FILE *out, struct trainer *t)
{
    double waits[STEPS], steps[STEPS];
    struct thread thread = {0};
    struct state copy;
    CHECK(state_init(&copy, &t->program, STATE_SEGMENT, NULL) == ERR_NONE);
    state_copy(&copy, &t->state);
    for (int i = 0; i < STEPS; i++) {
        double start = now_s(0);
        for (int j = 0; j < INTERVAL; j++)
            step_s(t);
        double end = now_s(0);
        steps[i] = end - start;
        state_changed(&t->state, STATE_PARAMETERS);
        state_changed(&t->state, STATE_MOMENT1);
        state_changed(&t->state, STATE_MOMENT2);
        thread_join(&thread);
        state_follow(&copy, &t->state);
        CHECK(thread_start(&thread, "scribe", scribe, &copy) == ERR_NONE);
        waits[i] = now_s(0) - end;
    }
    thread_join(&thread);
    state_release(&copy);
    double wait = median(waits, STEPS), all = median(steps, STEPS);
    printf("  streamed: the training waits %.1f ms, %.3f of the steps' time\n", wait * 1e3,
           wait / all);
    begin(out);
    fprintf(
        out,
        "\"measure\": \"commitment every %d steps, streamed\", \"threads\": %u, \"wait_ms\": %.2f, "
        "\"steps_ms\": %.2f, \"ratio\": %.4f}",
        INTERVAL, t->threads, wait * 1e3, all * 1e3, wait / all);
}

/* --- AdamW over small numbers --- */

#define ROWS 256u
#define ROW  384u

/* 2,000 steps: the moments of a row without gradient fall below 2^-100 after 1,400. The powers end at +0, as the trainer's. */
static double fade_s(struct kernel *kernel, bool half)
{
    static float parameters[ROWS * ROW], moment1[ROWS * ROW], moment2[ROWS * ROW],
        gradient[ROWS * ROW];
    struct kernel_rates rates = {1e-3f, 1, 0.9f, 0.95f, 1e-8f, 0.1f, 1, 1};
    memset(moment1, 0, sizeof(moment1));
    memset(moment2, 0, sizeof(moment2));
    for (uint32_t i = 0; i < ROWS * ROW; i++)
        gradient[i] = parameters[i] = 0.01f * (float)(i % 7 + 1);
    double start = now_s(1);
    for (int step = 0; step < 2000; step++) {
        rates.beta1_power *= step < 500 ? rates.beta1 : 0;
        rates.beta2_power *= step < 500 ? rates.beta2 : 0;
        kernel_adamw(kernel, parameters, moment1, moment2, gradient, ROWS * ROW, &rates);
        for (uint32_t i = 0; half && step == 0 && i < ROWS; i += 2)
            memset(gradient + (size_t)i * ROW, 0, ROW * sizeof(float));
    }
    return now_s(1) - start;
}

static void measure_fading(FILE *out, struct kernel *kernel)
{
    double full[STEPS], half[STEPS], ratios[STEPS];
    for (int i = 0; i < STEPS; i++) {
        full[i] = fade_s(kernel, false);
        half[i] = fade_s(kernel, true);
        ratios[i] = half[i] / full[i];
    }
    double ratio = median(ratios, STEPS);
    printf("AdamW with half of the rows untouched: %.2f of its time\n", ratio);
    begin(out);
    fprintf(out,
            "\"measure\": \"AdamW, half of the rows without gradient\", \"half_ms\": %.2f, "
            "\"full_ms\": %.2f, \"ratio\": %.3f}",
            median(half, STEPS) * 1e3, median(full, STEPS) * 1e3, ratio);
}

/* --- bytes --- */

static void measure_bytes(FILE *out, uint32_t count, uint8_t bits)
{
    uint64_t ours = delta_size(count, bits) + delta_block_count(count);
    uint64_t dense = (uint64_t)ROUND * count * sizeof(float);
    printf("bytes up in %d steps, int%u: 1/%.1f of a dense exchange\n", ROUND, bits,
           (double)dense / (double)ours);
    begin(out);
    fprintf(out,
            "\"measure\": \"bytes up in a round of %d steps, int%u\", \"bytes\": %llu, "
            "\"dense_bytes\": %llu, \"ratio\": %.6f}",
            ROUND, bits, (unsigned long long)ours, (unsigned long long)dense,
            (double)ours / (double)dense);
}

/* All measures of a model with so many threads. */
static void measure(FILE *out, const struct program *program, const struct dataset *data,
                    uint32_t threads, bool small)
{
    for (int kind = KERNEL_AVX2; kind < KERNEL_KINDS; kind++) {
        if (!kernel_is_supported((enum kernel_kind)kind))
            continue;
        bool best = kind == KERNEL_KINDS - 1 || !kernel_is_supported((enum kernel_kind)(kind + 1));
        struct trainer t;
        trainer_init(&t, program, data, threads, (enum kernel_kind)kind);
        measure_step(out, &t, &rivals[0]);
        if (best)
            measure_step(out, &t, &rivals[1]);
        if (best && small) {
            measure_commitment(out, &t);
            measure_streaming(out, &t);
        }
        if (best && small && threads == 1) {
            measure_fading(out, &t.kernel);
            measure_bytes(out, t.state.parameter_count, 8);
            measure_bytes(out, t.state.parameter_count, 4);
        }
        trainer_release(&t);
    }
}

int main(void)
{
    static const struct {
        uint32_t context;
        uint32_t symbols;
    } models[] = {{128, 256}, {256, 256}, {128, 50257}};
    struct dataset data = text();
    mkdir("build", 0777);
    mkdir("build/bench", 0777);
    signal(SIGPIPE, SIG_IGN);
    FILE *out = fopen(OUTPUT, "w");
    if (!out) {
        fprintf(stderr, "training: can't write " OUTPUT ": %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    fprintf(out, "[\n");
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
        for (uint32_t threads = 1; threads <= 2; threads++) {
            struct program program = program_of(models[i].context, models[i].symbols);
            measure(out, &program, &data, threads, i == 0);
        }
    fprintf(out, "\n]\n");
    return fclose(out) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
