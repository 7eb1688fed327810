#include "test/sim/weather.h"

#define CROWD  150u /* transactions at once */
#define CROWDS 1u   /* in a run, so that all of them can be ordered in time */

void weather_init(struct weather *w, struct cluster *cluster, uint64_t seed, uint32_t kinds,
                  uint64_t rotten)
{
    *w = (struct weather){
        .cluster = cluster, .kinds = kinds, .rotten = rotten, .stormy = WEATHER_NOWHERE};
    dice_init(&w->dice, seed + UINT64_C(0x776561746865));
}

static uint8_t any_node(struct weather *w)
{
    return (uint8_t)dice_between(&w->dice, 0, w->cluster->nodes - 1);
}

static void strike_network(struct weather *w, enum weather_kind kind)
{
    struct cluster *c = w->cluster;
    c->coverage.counts[kind == WEATHER_CLOG ? COVERAGE_CLOGS : COVERAGE_PARTITIONS]++;
    if (kind == WEATHER_SPLIT)
        links_split(&c->links, dice_u64(&w->dice));
    else if (kind == WEATHER_ONE_WAY)
        links_one_way(&c->links, any_node(w), any_node(w));
    else if (kind == WEATHER_BRIDGE)
        links_bridge(&c->links, any_node(w), dice_u64(&w->dice));
    else if (kind == WEATHER_RING)
        links_ring(&c->links, (uint8_t)dice_between(&w->dice, 1, 2));
    else
        for (uint8_t i = 0; i < c->nodes; i++)
            c->links.clogged_ms[any_node(w)][any_node(w)] =
                c->now_ms + dice_between(&w->dice, 100, 8000);
}

static void strike_power(struct weather *w, enum weather_kind kind)
{
    struct cluster *c = w->cluster;
    if (kind == WEATHER_BLACKOUT) {
        const uint64_t nodes = dice_chance(&w->dice, 500) ? UINT64_MAX : dice_u64(&w->dice);
        for (uint8_t node = 0; node < c->nodes; node++)
            if (nodes & COMMITTEE_BIT(node))
                cluster_crash(c, node);
        if (dice_chance(&w->dice, 500)) /* and power is back */
            for (uint8_t node = 0; node < c->nodes; node++)
                cluster_restart(c, node);
    } else if (kind == WEATHER_ROT) {
        const uint8_t node = any_node(w);
        if (!(w->rotten & COMMITTEE_BIT(node)))
            return;
        cluster_rot(c, node, dice_chance(&w->dice, 500));
        cluster_crash(c, node);
    } else if (kind == WEATHER_STORM) {
        w->stormy = w->stormy == WEATHER_NOWHERE ? any_node(w) : WEATHER_NOWHERE;
    } else {
        cluster_crash(c, any_node(w));
    }
}

static void strike(struct weather *w)
{
    struct cluster *c = w->cluster;
    enum weather_kind kind =
        (enum weather_kind)(1u << dice_between(&w->dice, 0, WEATHER_COUNT - 1));
    if (!(w->kinds & kind))
        return;
    switch (kind) {
    case WEATHER_SPLIT:
    case WEATHER_ONE_WAY:
    case WEATHER_BRIDGE:
    case WEATHER_RING:
    case WEATHER_CLOG:
        strike_network(w, kind);
        break;
    case WEATHER_SLOW:
        cluster_slow(c, any_node(w), dice_between(&w->dice, 100, 10000));
        break;
    case WEATHER_CRASH:
    case WEATHER_STORM:
    case WEATHER_BLACKOUT:
    case WEATHER_ROT:
        strike_power(w, kind);
        break;
    case WEATHER_CROWD:
        for (uint32_t i = 0; i < CROWD && w->crowds < CROWDS; i++)
            cluster_submit(c, dice_u64(&w->dice) & ((UINT64_C(1) << c->members) - 1));
        w->crowds++;
        break;
    case WEATHER_ALL:
        break;
    }
}

void weather_change(struct weather *w)
{
    struct cluster *c = w->cluster;
    strike(w);
    if (w->stormy != WEATHER_NOWHERE) {
        cluster_restart(c, w->stormy);
        if (dice_chance(&w->dice, 700))
            cluster_crash(c, w->stormy);
    }
    if (dice_chance(&w->dice, 150))
        links_heal(&c->links);
    if (dice_chance(&w->dice, 200))
        cluster_restart(c, any_node(w));
}
