/* What a validator costs while nothing happens: build/bench/idle.json.
 *
 * Four validators with a block every six seconds; the time of the processor that each takes in windows of twelve seconds, and its memory.
 * The figures are those of the validator that takes most, median of the windows. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "tools/sys/clock.h"
#include "tools/sys/file.h"
#include "tools/sys/process.h"
#include "tools/tenure/answer.h"
#include "tools/tenure/client.h"
#include "tools/tenure/founding.h"

#define NODES     4
#define WINDOWS   5
#define WINDOW_MS 12000

static struct process nodes[NODES];
static char urls[NODES][128];
static const char folder[] = "build/bench/idle-network";

_Noreturn static void fail(const char *what, const struct fault *fault)
{
    fprintf(stderr, "idle: %s: %s\n", what, fault->text);
    for (size_t i = 0; i < NODES; i++)
        process_signal(&nodes[i], SIGKILL);
    exit(1);
}

static void must(enum err err, const char *what, const struct fault *fault)
{
    if (err)
        fail(what, fault);
}

static void clean(void)
{
    struct fault fault = {.text = "cannot be removed"};
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    if (system(command) != 0)
        fail(folder, &fault);
}

static void found(void)
{
    struct fault fault = {0};
    struct arena arena;
    arena_init(&arena, 64u << 20);
    struct founding *founding = arena_alloc(&arena, sizeof(*founding));
    CHECK(founding != NULL);
    founding->folder = folder;
    founding->name = "bench";
    founding->validators = NODES;
    founding->log_level = "warn";
    founding->parameters = parameters_default();
    must(founding_make(&arena, founding, NULL, &fault), "founding a network", &fault);
    arena_release(&arena);
}

static void start(const char *programs)
{
    struct fault fault = {0};
    char program[FILE_PATH_SIZE], config[FILE_PATH_SIZE], log[FILE_PATH_SIZE], path[FILE_PATH_SIZE];
    snprintf(program, sizeof(program), "%s/tenured", programs);
    must(file_join(path, folder, "nodes", &fault), "nodes", &fault);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    for (size_t i = 0; i < NODES; i++) {
        char name[64];
        CHECK(fscanf(file, "%63s %127s", name, urls[i]) == 2);
        snprintf(config, sizeof(config), "%s/%s/tenured.ini", folder, name);
        snprintf(log, sizeof(log), "%s/%s/log", folder, name);
        const char *const argv[] = {program, "--config", config, NULL};
        must(process_start(&nodes[i], argv, log, PROCESS_TIED, &fault), "starting a node", &fault);
    }
    fclose(file);
}

static uint64_t height(void)
{
    struct fault fault = {0};
    struct client client;
    struct answer *root;
    const char *url = urls[0];
    uint64_t found_height = 0;
    must(client_init(&client, &url, 1, &fault), "client", &fault);
    if (!client_get(&client, &root, &fault, "/v1/status")) {
        found_height = answer_number(root, "height");
        answer_free(root);
    }
    client_release(&client);
    return found_height;
}

/* The most that one validator takes in a window, in per cent of a core. */
static double window(double *rss_mb)
{
    uint64_t before[NODES], rss;
    double most = 0;
    struct fault fault = {.text = "has ended"};
    for (size_t i = 0; i < NODES; i++)
        if (!process_usage(&nodes[i], &before[i], &rss))
            fail(urls[i], &fault);
    uint64_t before_ms = clock_monotonic_ms();
    clock_sleep_ms(WINDOW_MS);
    for (size_t i = 0; i < NODES; i++) {
        uint64_t after;
        if (!process_usage(&nodes[i], &after, &rss))
            fail(urls[i], &fault);
        double per_cent =
            100.0 * (double)(after - before[i]) / (double)(clock_monotonic_ms() - before_ms);
        most = per_cent > most ? per_cent : most;
        *rss_mb = (double)rss / (1 << 20) > *rss_mb ? (double)rss / (1 << 20) : *rss_mb;
    }
    return most;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(void)
{
    struct fault fault = {.text = "no block within 30 s"};
    double windows[WINDOWS], rss_mb = 0;
    clean();
    must(file_make_folder("build/bench", 0755, &fault), "folder", &fault);
    found();
    start(getenv("OUT") ? getenv("OUT") : "build/release");
    for (uint64_t end_ms = clock_monotonic_ms() + 30000; height() == 0; clock_sleep_ms(100))
        if (clock_monotonic_ms() > end_ms)
            fail("start", &fault);
    clock_sleep_ms(2000);
    uint64_t first = height();
    for (size_t i = 0; i < WINDOWS; i++) {
        windows[i] = window(&rss_mb);
        fprintf(stderr, "idle: window %zu of %d: %.2f %%\n", i + 1, WINDOWS, windows[i]);
    }
    uint64_t blocks = height() - first;
    for (size_t i = 0; i < NODES; i++)
        process_end(&nodes[i], 5000);
    qsort(windows, WINDOWS, sizeof(windows[0]), by_value);

    FILE *out = fopen("build/bench/idle.json", "w");
    CHECK(out != NULL);
    fprintf(out,
            "{\"cpu_percent\":%.2f,\"rss_mb\":%.1f,\"validators\":%d,\"blocks_per_minute\":%.1f}\n",
            windows[WINDOWS / 2], rss_mb, NODES, (double)blocks * 60000 / (WINDOWS * WINDOW_MS));
    fclose(out);
    printf("idle: %.2f %% of a core and %.0f MB a validator\n", windows[WINDOWS / 2], rss_mb);
    clean();
    return 0;
}
