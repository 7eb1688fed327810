/* Simulates clusters from seeds: faults first, then healing, with the judge watching all the time.
 *
 *     sim --seed 7 --trace                      one run, its story told
 *     sim --seed 7 --set loss=0,liars=2         the same with other numbers
 *     sim --from 1 --count 2000                 many, a summary at the end
 *     sim --seeds test/sim/seeds.txt ...        first those that once failed
 *     sim --exhaust 3                           all small cases (exhaust.h)
 *     sim --exhaust 6 --from 1 --count 1000     some of them
 *     sim --orders                              all orders of delivery to a node (orders.h)
 *
 * A fault is printed with its seed, and the exit status is 1. With --shrink the first one is made as plain as it can, and its end is told. */
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "test/sim/exhaust.h"
#include "test/sim/orders.h"
#include "test/sim/shrink.h"

#define LAST_LINES 200

struct totals {
    uint64_t runs, failed, cluster_ms, trace;
    uint64_t healing_ms, healing_max_ms;
    struct coverage coverage;
    bool shrinks; /* the first fault */
};

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    scenario_broke(condition, file, line);
}

static const char *last_lines(const char *text, unsigned count)
{
    const char *at = text + strlen(text);
    while (at > text && (at[-1] != '\n' || at[0] == 0 || count--))
        at--;
    return at;
}

/* The plainest run like it, as a command and a story. */
static void explain(const struct scenario *scenario)
{
    struct scenario plain = *scenario;
    const uint32_t runs = shrink_scenario(&plain);
    struct outcome outcome;
    scenario_run(&plain, true, &outcome);
    struct text text;
    text_init(&text, 4096);
    scenario_text(&plain, &text);
    printf("%s%s", last_lines(text_string(&outcome.story), LAST_LINES),
           text_string(&outcome.faults));
    printf("after %u runs: sim --seed %llu --set %s --trace\n", runs,
           (unsigned long long)plain.seed, text_string(&text));
    text_release(&text);
    scenario_release(&outcome);
}

static void run(const struct scenario *scenario, bool story, struct totals *totals)
{
    struct outcome outcome;
    scenario_run(scenario, story, &outcome);
    totals->runs++;
    totals->failed += !outcome.good;
    totals->cluster_ms += outcome.cluster_ms;
    totals->healing_ms += outcome.healing_ms;
    totals->trace = (totals->trace ^ outcome.trace) * UINT64_C(0x100000001b3);
    if (outcome.healing_ms > totals->healing_max_ms)
        totals->healing_max_ms = outcome.healing_ms;
    coverage_add(&totals->coverage, &outcome.coverage);
    fputs(text_string(&outcome.story), stdout);
    if (!outcome.good) {
        fputs(text_string(&outcome.faults), stdout);
        printf("seed %llu failed; see sim --seed %llu --trace\n",
               (unsigned long long)scenario->seed, (unsigned long long)scenario->seed);
        if (totals->shrinks && totals->failed == 1)
            explain(scenario);
        fflush(stdout);
    }
    scenario_release(&outcome);
}

static void show_totals(const struct totals *totals)
{
    coverage_print(&totals->coverage, stdout);
    printf("%llu runs, %llu cluster-minutes, healed in %llu ms, %llu ms at most, trace %016llx\n",
           (unsigned long long)totals->runs, (unsigned long long)(totals->cluster_ms / 60000),
           (unsigned long long)(totals->healing_ms / (totals->runs ? totals->runs : 1)),
           (unsigned long long)totals->healing_max_ms, (unsigned long long)totals->trace);
    printf("%llu passed, %llu failed\n", (unsigned long long)(totals->runs - totals->failed),
           (unsigned long long)totals->failed);
}

/* Lines of "SEED [NAME=VALUE,...] # why". False if one isn't. */
static bool run_list(const char *path, bool story, struct totals *totals)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        return false;
    }
    char line[1024];
    bool good = true;
    for (unsigned number = 1; good && fgets(line, sizeof(line), file); number++) {
        line[strcspn(line, "#\n")] = 0;
        char *word = strtok(line, " "), *set = word ? strtok(NULL, " ") : NULL;
        if (!word)
            continue;
        struct scenario scenario;
        scenario_draw(&scenario, strtoull(word, NULL, 10));
        good = !set || scenario_set(&scenario, set);
        if (good)
            run(&scenario, story, totals);
        else
            fprintf(stderr, "%s:%u: not SEED [NAME=VALUE,...] # why\n", path, number);
    }
    fclose(file);
    return good;
}

static int show_usage(FILE *out, int status)
{
    fputs("usage: sim [--seeds FILE] [--from A --count K | --seed N] "
          "[--set NAME=VALUE,...] [--trace] [--shrink]\n       sim --exhaust 1..6 [--from A "
          "--count K]\n       sim "
          "--orders\nnames:",
          out);
    for (int i = 0; i < SCENARIO_OPTIONS; i++)
        fprintf(out, " %s", scenario_forms[i].name);
    fputc('\n', out);
    return status;
}

static bool read_number(const char *text, uint64_t *value)
{
    char *end;
    *value = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end;
}

struct request {
    uint64_t from, count, length;
    const char *set, *list;
    bool story, orders;
};

/* False if the arguments aren't understood. */
static bool read_arguments(int argc, char **argv, struct request *request, struct totals *totals)
{
    static const struct option options[] = {{"seed", required_argument, NULL, 's'},
                                            {"from", required_argument, NULL, 'f'},
                                            {"count", required_argument, NULL, 'c'},
                                            {"set", required_argument, NULL, 'e'},
                                            {"seeds", required_argument, NULL, 'l'},
                                            {"trace", no_argument, NULL, 't'},
                                            {"shrink", no_argument, NULL, 'k'},
                                            {"exhaust", required_argument, NULL, 'x'},
                                            {"orders", no_argument, NULL, 'o'},
                                            {0}};
    *request = (struct request){.from = 1, .count = UINT64_MAX};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 't')
            request->story = true;
        else if (option == 'o')
            request->orders = true;
        else if (option == 'k')
            totals->shrinks = true;
        else if (option == 'e')
            request->set = optarg;
        else if (option == 'l')
            request->list = optarg;
        else if (option == '?' || !read_number(optarg, option == 'c'   ? &request->count
                                                       : option == 'x' ? &request->length
                                                                       : &request->from))
            return false;
    }
    if (request->length > EXHAUST_LENGTH_MAX || optind != argc)
        return false;
    if (request->count == UINT64_MAX) /* one, but none beside a list, and all small cases */
        request->count =
            request->length ? exhaust_cases((uint32_t)request->length) : !request->list;
    return true;
}

static int run_cases(const struct request *request)
{
    struct exhaust exhaust;
    exhaust_run(&exhaust, (uint32_t)request->length, request->from, request->count);
    printf("%s%llu cases, %llu views entered, %llu conflicts, %llu blocks at most\n"
           "%llu passed, %llu failed\n",
           text_string(&exhaust.faults), (unsigned long long)exhaust.cases,
           (unsigned long long)exhaust.views, (unsigned long long)exhaust.conflicts,
           (unsigned long long)exhaust.highest,
           (unsigned long long)(exhaust.cases - exhaust.failed),
           (unsigned long long)exhaust.failed);
    const bool good = exhaust.failed == 0;
    exhaust_release(&exhaust);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_orders(void)
{
    uint64_t cases = 0, failed = 0;
    for (uint32_t scene = 0; scene < ORDERS_SCENES; scene++) {
        struct orders orders = {0};
        orders_run(&orders, scene);
        printf("%sscene %u: %llu orders, %llu decided, %llu views entered, %llu conflicts, "
               "%llu messages refused\n",
               text_string(&orders.faults), scene, (unsigned long long)orders.cases,
               (unsigned long long)orders.decided, (unsigned long long)orders.entered,
               (unsigned long long)orders.conflicts, (unsigned long long)orders.refused);
        cases += orders.cases;
        failed += orders.failed;
        orders_release(&orders);
    }
    printf("%llu passed, %llu failed\n", (unsigned long long)(cases - failed),
           (unsigned long long)failed);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return show_usage(stdout, EXIT_SUCCESS);
    /* Large memory comes zeroed from the kernel, and costs nothing where nobody touches it. */
    mallopt(M_MMAP_THRESHOLD, 256 << 10);
    struct totals totals = {0};
    struct request request;
    if (!read_arguments(argc, argv, &request, &totals))
        return show_usage(stderr, 2);
    if (request.orders)
        return run_orders();
    if (request.length)
        return run_cases(&request);
    if (request.list && !run_list(request.list, request.story, &totals))
        return 2;
    for (uint64_t seed = request.from; seed - request.from < request.count; seed++) {
        struct scenario scenario;
        scenario_draw(&scenario, seed);
        if (request.set && !scenario_set(&scenario, request.set))
            return show_usage(stderr, 2);
        run(&scenario, request.story, &totals);
    }
    show_totals(&totals);
    return totals.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
