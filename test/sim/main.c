/* Simulates clusters from seeds: faults first, then healing, with the judge watching all the time.
 *
 *     sim --seed 7 --trace        one run, its story told
 *     sim --from 1 --count 2000   many, a summary at the end
 *
 * A fault is printed with its seed, and the exit status is 1. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "test/sim/cluster.h"

#define FAULTS_MS        60000u /* virtual time with faults ... */
#define HEALING_TIMEOUTS 3 /* ... then new blocks again after so many of the longest time-out ... */
#define HEALING_MS       5000u   /* ... and this, for messages and disks ... */
#define DRAINING_MS      120000u /* ... and everything that was asked for in this. */

struct totals {
    uint64_t runs, failed, blocks, view_changes, crashes, virtual_ms;
    uint64_t healing_ms, healing_max_ms; /* until the first new block everywhere: sum, longest */
};

/* Mostly four; often any number up to ten; now and then few, or many. */
static uint8_t draw_count(struct dice *dice)
{
    const uint64_t kind = dice_between(dice, 0, 19);
    if (kind < 11)
        return 4;
    if (kind < 18)
        return (uint8_t)dice_between(dice, 5, 10);
    return kind == 18 ? (uint8_t)dice_between(dice, 1, 3) : (uint8_t)dice_between(dice, 11, 16);
}

/* What a seed stands for. */
static struct cluster_options draw(struct dice *dice, uint64_t seed, bool story)
{
    struct cluster_options options = {.seed = seed, .story = story};
    options.count = draw_count(dice);
    options.delay_min_ms = dice_between(dice, 1, 20);
    options.delay_max_ms = options.delay_min_ms + dice_between(dice, 0, 200);
    options.disk_ms = dice_between(dice, 1, 40);
    options.loss = dice_chance(dice, 500) ? (uint32_t)dice_between(dice, 0, 200) : 0;
    options.duplicates = dice_chance(dice, 500) ? (uint32_t)dice_between(dice, 0, 200) : 0;
    options.client_ms = dice_between(dice, 40, dice_chance(dice, 300) ? 100 : 2000);
    options.timeout_ms = dice_between(dice, 500, 3000);
    options.timeout_max_ms = options.timeout_ms * dice_between(dice, 4, 20);
    uint8_t faults = (uint8_t)((options.count - 1) / 3);
    for (uint8_t i = 0; i < faults && dice_chance(dice, 500); i++)
        options.liars |= COMMITTEE_BIT(dice_between(dice, 0, options.count - 1));
    options.tricks = dice_chance(dice, 500) ? 1u << dice_between(dice, 0, LIAR_TRICK_COUNT - 1)
                                            : (uint32_t)(dice_u64(dice) & LIAR_TRICKS);
    return options;
}

/* One misfortune, of the network, or of power too. */
static void disturb(struct cluster *c, struct dice *dice, bool power)
{
    uint8_t seat = (uint8_t)dice_between(dice, 0, c->options.count - 1);
    switch (dice_between(dice, 0, power ? 8 : 3)) {
    case 0:
        cluster_split(c, dice_u64(dice) & committee_all(&c->committee));
        break;
    case 1:
        cluster_one_way(c, seat, (uint8_t)dice_between(dice, 0, c->options.count - 1));
        break;
    case 2:
    case 3:
        cluster_heal(c);
        break;
    case 4:
    case 5:
        cluster_crash(c, seat);
        break;
    case 6:
    case 7:
        cluster_restart(c, seat);
        break;
    case 8: /* all at once: a power failure */
        for (seat = 0; seat < c->options.count && dice_chance(dice, 300); seat++)
            cluster_crash(c, seat);
        break;
    }
}

static void heal(struct cluster *c)
{
    cluster_heal(c);
    c->options.loss = 0;
    c->options.duplicates = 0;
    for (uint8_t seat = 0; seat < c->options.count; seat++)
        cluster_restart(c, seat);
}

static bool run(uint64_t seed, bool story, struct totals *totals)
{
    struct dice dice;
    dice_init(&dice, seed ^ UINT64_C(0x74656e757265));
    struct cluster_options options = draw(&dice, seed, story);
    struct cluster *c = cluster_new(&options);
    /* A storm cuts between two messages, a calm lets time-outs pass. */
    static const uint64_t calms_ms[3] = {150, 1500, 15000};
    const uint64_t calm = dice_between(&dice, 10, calms_ms[dice_between(&dice, 0, 2)]);
    const bool power = dice_chance(&dice, 500);
    while (c->now_ms < FAULTS_MS && !c->judge.fault_count) {
        cluster_run(c, c->now_ms + dice_between(&dice, 1, 2 * calm));
        disturb(c, &dice, power);
    }
    heal(c);
    /* All honest seats decide something new within a bound ... */
    const uint64_t healed = c->now_ms, high = cluster_high(c);
    const uint64_t bound = HEALING_TIMEOUTS * options.timeout_max_ms + HEALING_MS;
    while (!c->judge.fault_count && cluster_low(c) <= high && c->now_ms < healed + bound)
        cluster_run(c, c->now_ms + 100);
    const uint64_t healing_ms = c->now_ms - healed;
    if (!c->judge.fault_count && cluster_low(c) <= high)
        judge_fault(&c->judge, "no block everywhere %llu ms after healing: heights %llu to %llu",
                    (unsigned long long)healing_ms, (unsigned long long)cluster_low(c),
                    (unsigned long long)cluster_high(c));
    totals->healing_ms += healing_ms;
    if (healing_ms > totals->healing_max_ms)
        totals->healing_max_ms = healing_ms;

    /* ... and all that clients asked for within another. */
    const uint64_t limit = c->now_ms + DRAINING_MS;
    cluster_run(c, c->now_ms + 10000);
    c->options.client_ms = 1000000; /* what is open may finish */
    while (c->now_ms < limit && !c->judge.fault_count && !cluster_is_done(c))
        cluster_run(c, c->now_ms + 500);
    if (!c->judge.fault_count && !cluster_is_done(c))
        judge_fault(&c->judge,
                    "no progress %u ms after healing: heights %llu to %llu, %zu numbers open",
                    DRAINING_MS, (unsigned long long)cluster_low(c),
                    (unsigned long long)cluster_high(c), c->open_count);

    bool good = !c->judge.fault_count;
    totals->runs++;
    totals->failed += !good;
    totals->blocks += cluster_high(c);
    totals->view_changes += c->view_changes;
    totals->crashes += c->crashes;
    totals->virtual_ms += c->now_ms * options.count;
    fputs(cluster_story(c), stdout);
    fputs(text_string(&c->judge.faults), stdout);
    cluster_free(c);
    return good;
}

static void show_usage(FILE *out)
{
    fputs("usage: sim --seed N [--trace]\n"
          "       sim --from A --count K\n",
          out);
}

static bool read_number(const char *text, uint64_t *value)
{
    char *end;
    *value = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"seed", required_argument, NULL, 's'},  {"from", required_argument, NULL, 'f'},
        {"count", required_argument, NULL, 'c'}, {"trace", no_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},        {0}};
    uint64_t from = 1, count = 1;
    bool story = false;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        uint64_t *value = option == 'c' ? &count : &from;
        if (option == 't') {
            story = true;
        } else if (option == '?' || option == 'h' || !read_number(optarg, value)) {
            show_usage(option == 'h' ? stdout : stderr);
            return option == 'h' ? EXIT_SUCCESS : 2;
        }
    }
    struct totals totals = {0};
    for (uint64_t seed = from; seed < from + count; seed++) {
        if (run(seed, story, &totals))
            continue;
        printf("seed %llu failed; see sim --seed %llu --trace\n", (unsigned long long)seed,
               (unsigned long long)seed);
        fflush(stdout);
    }
    printf("%llu runs, %llu blocks, %llu views entered, %llu crashes, %llu node-minutes, "
           "healed in %llu ms, %llu ms at most\n",
           (unsigned long long)totals.runs, (unsigned long long)totals.blocks,
           (unsigned long long)totals.view_changes, (unsigned long long)totals.crashes,
           (unsigned long long)(totals.virtual_ms / 60000),
           (unsigned long long)(totals.healing_ms / (totals.runs ? totals.runs : 1)),
           (unsigned long long)totals.healing_max_ms);
    printf("%llu passed, %llu failed\n", (unsigned long long)(totals.runs - totals.failed),
           (unsigned long long)totals.failed);
    return totals.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
