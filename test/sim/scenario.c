#include "test/sim/scenario.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "test/sim/cluster.h"
#include "test/sim/weather.h"

#define HEALING_TIMEOUTS 3 /* a new block everywhere after so many of the longest time-out ... */
#define HEALING_MS       5000u /* ... and this, for messages and disks ... */
/* ... and two STATUS intervals for each window of blocks that the last one lacks, since a liar may be asked for it ... */
#define HEALING_WINDOW_MS 2000u
#define DRAINING_MS       120000u /* ... and everything that was asked for in this. */
#define SPARES_MAX        8u
#define FEW               6u /* seats, of which a run costs little */

const struct scenario_form scenario_forms[SCENARIO_OPTIONS] = {
    {"count", 4, false},      {"delay", 10, false},   {"spread", 0, false},
    {"disk", 1, false},       {"loss", 0, false},     {"duplicates", 0, false},
    {"skew", 0, false},       {"client", 500, false}, {"timeout", 2000, false},
    {"longest", 8000, false}, {"turn", 0, false},     {"liars", 0, true},
    {"tricks", 0, true},      {"rotten", 0, true},    {"misfortunes", 0, true},
    {"lull", 5000, false},    {"cuts", 0, false},     {"blackouts", 0, false},
    {"faults", 1000, false},  {"ledger", 0, false},   {"spares", 0, false},
    {"motions", 0, false},    {"keep", 0, false},     {"calm", 0, false},
};

/* --- what a seed stands for --- */

/* Mostly four; often any number up to ten; now and then few, or many. */
static uint64_t draw_count(struct dice *dice)
{
    const uint64_t kind = dice_between(dice, 0, 19);
    if (kind < 11)
        return 4;
    if (kind < 18)
        return dice_between(dice, 5, 10);
    return kind == 18 ? dice_between(dice, 1, 3) : dice_between(dice, 11, 16);
}

/* One bit, a few, or all of `count` in half of the throws of any. */
static uint64_t draw_bits(struct dice *dice, uint32_t count)
{
    const uint64_t all = (UINT64_C(1) << count) - 1;
    switch (dice_between(dice, 0, 3)) {
    case 0:
        return UINT64_C(1) << dice_between(dice, 0, count - 1);
    case 1:
        return dice_u64(dice) & dice_u64(dice) & all;
    default:
        return dice_u64(dice) & all;
    }
}

/* Many short runs meet more than few long ones; but now and then a long one, for what needs time. Work grows with the square of the seats. */
static uint64_t draw_faults_ms(struct dice *dice, uint64_t count)
{
    const uint64_t long_ms = dice_chance(dice, 100) ? 60000 : 30000;
    return dice_between(dice, 5000, count > FEW ? long_ms / 3 : long_ms);
}

static uint64_t sometimes(struct dice *dice, uint32_t per_mille, uint64_t most)
{
    return dice_chance(dice, per_mille) ? dice_between(dice, 0, most) : 0;
}

/* A run in which nothing is wrong. */
static void draw_calm(struct dice *dice, uint64_t *values)
{
    values[SCENARIO_CALM] = 1;
    values[SCENARIO_DELAY_MIN_MS] = dice_between(dice, 1, 10);
    values[SCENARIO_DELAY_SPREAD_MS] = dice_between(dice, 0, 20);
    values[SCENARIO_DISK_MS] = dice_between(dice, 1, 10);
    values[SCENARIO_TIMEOUT_MS] = dice_between(dice, 1000, 3000);
    values[SCENARIO_LOSS] = values[SCENARIO_DUPLICATES] = 0;
}

static void draw_faults(struct dice *dice, uint64_t *values)
{
    const uint64_t faults = (values[SCENARIO_COUNT] - 1) / 3;
    for (uint64_t i = 0; i < faults && dice_chance(dice, 600); i++)
        values[dice_chance(dice, 850) ? SCENARIO_LIARS : SCENARIO_ROTTEN] |=
            UINT64_C(1) << dice_between(dice, 0, values[SCENARIO_COUNT] - 1);
    values[SCENARIO_TRICKS] = draw_bits(dice, LIAR_TRICK_COUNT);
    values[SCENARIO_MISFORTUNES] = draw_bits(dice, WEATHER_COUNT);
    if (values[SCENARIO_ROTTEN])
        values[SCENARIO_MISFORTUNES] |= WEATHER_ROT;
    values[SCENARIO_SKEW_MS] = sometimes(dice, 300, 10000);
    values[SCENARIO_POWER_CUTS] = sometimes(dice, 300, 300);
    values[SCENARIO_BLACKOUTS] = sometimes(dice, 150, 30);
}

/* What changes in the chain itself: spares and motions, or how many blocks are kept. */
static void draw_changes(struct dice *dice, uint64_t *values)
{
    if (!values[SCENARIO_LEDGER] && !values[SCENARIO_CALM] && dice_chance(dice, 350)) {
        values[SCENARIO_SPARES] = dice_between(dice, 1, SPARES_MAX);
        values[SCENARIO_MOTION_MS] = dice_between(dice, 200, 10000);
        for (uint64_t i = 0; i < values[SCENARIO_SPARES]; i++)
            if (values[SCENARIO_LIARS] && dice_chance(dice, 200))
                values[SCENARIO_LIARS] |= UINT64_C(1) << (values[SCENARIO_COUNT] + i);
    } else if (dice_chance(dice, 500)) {
        values[SCENARIO_KEEP] = dice_between(dice, 1, 4 * BOUNDS_WINDOW);
    }
}

void scenario_draw(struct scenario *scenario, uint64_t seed)
{
    *scenario = (struct scenario){.seed = seed};
    uint64_t *values = scenario->values;
    struct dice dice;
    dice_init(&dice, seed ^ UINT64_C(0x74656e757265));
    values[SCENARIO_COUNT] = draw_count(&dice);
    values[SCENARIO_DELAY_MIN_MS] = dice_between(&dice, 1, 20);
    values[SCENARIO_DELAY_SPREAD_MS] = dice_between(&dice, 0, 200);
    values[SCENARIO_DISK_MS] = dice_between(&dice, 1, 40);
    values[SCENARIO_LOSS] = sometimes(&dice, 500, 200);
    values[SCENARIO_DUPLICATES] = sometimes(&dice, 500, 200);
    values[SCENARIO_CLIENT_MS] = dice_between(&dice, 40, dice_chance(&dice, 300) ? 100 : 2000);
    values[SCENARIO_TIMEOUT_MS] = dice_between(&dice, 500, 3000);
    /* A storm cuts between two messages, a lull lets time-outs pass. */
    static const uint64_t lulls_ms[3] = {150, 1500, 15000};
    values[SCENARIO_LULL_MS] = dice_between(&dice, 10, lulls_ms[dice_between(&dice, 0, 2)]);
    if (dice_chance(&dice, 60))
        draw_calm(&dice, values);
    else
        draw_faults(&dice, values);
    values[SCENARIO_TIMEOUT_MAX_MS] = values[SCENARIO_TIMEOUT_MS] * dice_between(&dice, 4, 20);
    values[SCENARIO_LEDGER] = dice_chance(&dice, values[SCENARIO_COUNT] > FEW ? 60 : 250);
    values[SCENARIO_TURN] = dice_chance(&dice, 330) ? dice_between(&dice, 2, 12) : 0;
    values[SCENARIO_FAULTS_MS] = draw_faults_ms(&dice, values[SCENARIO_COUNT]);
    dice_init(&dice, ~seed); /* what is above stays what it is when this draws otherwise */
    draw_changes(&dice, values);
}

bool scenario_set(struct scenario *scenario, const char *text)
{
    while (*text) {
        int option = 0;
        size_t size = 0;
        for (; option < SCENARIO_OPTIONS; option++) {
            size = strlen(scenario_forms[option].name);
            if (strncmp(text, scenario_forms[option].name, size) == 0 && text[size] == '=')
                break;
        }
        char *end;
        if (option == SCENARIO_OPTIONS || text[size + 1] < '0' || text[size + 1] > '9')
            return false;
        scenario->values[option] = strtoull(text + size + 1, &end, 10);
        if (*end && *end != ',')
            return false;
        text = *end ? end + 1 : end;
    }
    return scenario->values[SCENARIO_COUNT] >= 1 && scenario->values[SCENARIO_COUNT] <= 16 &&
           scenario->values[SCENARIO_SPARES] <= SPARES_MAX &&
           scenario->values[SCENARIO_CLIENT_MS] && scenario->values[SCENARIO_TIMEOUT_MS] &&
           scenario->values[SCENARIO_TIMEOUT_MAX_MS] >= scenario->values[SCENARIO_TIMEOUT_MS];
}

void scenario_text(const struct scenario *scenario, struct text *text)
{
    struct scenario drawn;
    scenario_draw(&drawn, scenario->seed);
    const char *comma = "";
    for (int i = 0; i < SCENARIO_OPTIONS; i++) {
        if (scenario->values[i] == drawn.values[i])
            continue;
        text_add(text, "%s%s=%llu", comma, scenario_forms[i].name,
                 (unsigned long long)scenario->values[i]);
        comma = ",";
    }
}

/* --- a run --- */

static struct cluster_options options_of(const struct scenario *scenario, bool story)
{
    const uint64_t *v = scenario->values;
    const uint64_t all = (UINT64_C(1) << (v[SCENARIO_COUNT] + v[SCENARIO_SPARES])) - 1;
    return (struct cluster_options){
        .seed = scenario->seed,
        .count = (uint8_t)v[SCENARIO_COUNT],
        .delay_min_ms = v[SCENARIO_DELAY_MIN_MS],
        .delay_max_ms = v[SCENARIO_DELAY_MIN_MS] + v[SCENARIO_DELAY_SPREAD_MS],
        .disk_ms = v[SCENARIO_DISK_MS],
        .loss = (uint32_t)v[SCENARIO_LOSS],
        .duplicates = (uint32_t)v[SCENARIO_DUPLICATES],
        .liars = v[SCENARIO_LIARS] & all,
        .tricks = (uint32_t)v[SCENARIO_TRICKS],
        .skew_ms = v[SCENARIO_SKEW_MS],
        .power_cuts = (uint32_t)v[SCENARIO_POWER_CUTS],
        .blackouts = (uint32_t)v[SCENARIO_BLACKOUTS],
        .real = v[SCENARIO_LEDGER] != 0,
        .sound = v[SCENARIO_LEDGER] > 1,
        .spares = (uint8_t)v[SCENARIO_SPARES],
        .motion_ms = v[SCENARIO_LEDGER] ? 0 : v[SCENARIO_MOTION_MS],
        .keep = v[SCENARIO_MOTION_MS] ? 0 : v[SCENARIO_KEEP], /* blocks lead from set to set */
        .rotten = v[SCENARIO_ROTTEN],
        .calm = v[SCENARIO_CALM] != 0,
        .client_ms = v[SCENARIO_CLIENT_MS],
        .timeout_ms = v[SCENARIO_TIMEOUT_MS],
        .timeout_max_ms = v[SCENARIO_TIMEOUT_MAX_MS],
        .turn_blocks = (uint32_t)v[SCENARIO_TURN],
        .story = story,
    };
}

static void suffer(struct cluster *c, const struct scenario *scenario)
{
    struct weather weather;
    weather_init(&weather, c, scenario->seed, (uint32_t)scenario->values[SCENARIO_MISFORTUNES],
                 scenario->values[SCENARIO_ROTTEN]);
    const uint64_t until_ms = scenario->values[SCENARIO_FAULTS_MS];
    const uint64_t lull_ms = scenario->values[SCENARIO_LULL_MS];
    while (c->now_ms < until_ms && !c->judge.fault_count) {
        cluster_run(c, c->now_ms + dice_between(&weather.dice, 1, 2 * lull_ms));
        weather_change(&weather);
    }
}

/* All honest seats decide something new within a bound. Returns when they did. */
static uint64_t recover(struct cluster *c)
{
    links_heal(&c->links);
    memset(c->slow_ms, 0, sizeof(c->slow_ms));
    c->links.loss = c->links.duplicates = 0;
    c->options.power_cuts = c->options.blackouts = 0;
    for (uint8_t node = 0; node < c->nodes; node++)
        cluster_restart(c, node);
    const uint64_t healed = c->now_ms, high = cluster_high(c);
    const uint64_t behind = high - cluster_low(c);
    const uint64_t bound = HEALING_TIMEOUTS * c->options.timeout_max_ms + HEALING_MS +
                           behind / BOUNDS_WINDOW * HEALING_WINDOW_MS;
    while (!c->judge.fault_count && cluster_low(c) <= high && c->now_ms < healed + bound)
        cluster_run(c, c->now_ms + 100);
    if (!c->judge.fault_count && cluster_low(c) <= high)
        judge_fault(&c->judge, "no block everywhere %llu ms after healing: heights %llu to %llu",
                    (unsigned long long)(c->now_ms - healed), (unsigned long long)cluster_low(c),
                    (unsigned long long)cluster_high(c));
    return c->now_ms - healed;
}

/* All that clients asked for is in the chain within another bound. */
static void drain(struct cluster *c)
{
    const uint64_t limit = c->now_ms + DRAINING_MS;
    cluster_run(c, c->now_ms + 10000);
    c->options.client_ms = 1000000; /* what is open may finish */
    if (c->options.motion_ms)
        c->options.motion_ms = 1000000;
    while (c->now_ms < limit && !c->judge.fault_count && !cluster_is_done(c))
        cluster_run(c, c->now_ms + 500);
    if (!c->judge.fault_count && !cluster_is_done(c))
        judge_fault(&c->judge,
                    "no progress %u ms after healing: heights %llu to %llu, %zu numbers open",
                    DRAINING_MS, (unsigned long long)cluster_low(c),
                    (unsigned long long)cluster_high(c), c->open_count);
}

/* Where a failed CHECK goes: what the run had is lost then, but the fault is told. */
static jmp_buf broken;
static char broken_text[256];

void scenario_broke(const char *condition, const char *file, int line)
{
    snprintf(broken_text, sizeof(broken_text), "FAULT: %s:%d: CHECK(%s)\n", file, line, condition);
    longjmp(broken, 1);
}

void scenario_run(const struct scenario *scenario, bool story, struct outcome *outcome)
{
    memset(outcome, 0, sizeof(*outcome));
    text_init(&outcome->story, 64u << 20);
    text_init(&outcome->faults, 64u << 10);
    const struct cluster_options options = options_of(scenario, story);
    static struct cluster *c;
    c = NULL;
    if (setjmp(broken)) {
        if (c)
            text_put(&outcome->story, bytes_text(cluster_story(c)));
        text_add(&outcome->faults, "%s", broken_text);
        return;
    }
    c = cluster_new(&options);
    suffer(c, scenario);
    outcome->healing_ms = recover(c);
    drain(c);
    c->coverage.counts[COVERAGE_BLOCKS] = cluster_high(c);
    c->coverage.counts[COVERAGE_VACATED] = c->judge.vacated;
    outcome->good = !c->judge.fault_count;
    outcome->cluster_ms = c->now_ms;
    outcome->trace = c->trace;
    outcome->coverage = c->coverage;
    text_put(&outcome->story, bytes_text(cluster_story(c)));
    text_add(&outcome->faults, "%s", text_string(&c->judge.faults));
    cluster_free(c);
}

void scenario_release(struct outcome *outcome)
{
    text_release(&outcome->story);
    text_release(&outcome->faults);
}
