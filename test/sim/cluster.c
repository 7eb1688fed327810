#include "test/sim/cluster.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "test/sim/arrival.h"
#include "test/sim/estate.h"
#include "test/sim/toy.h"

#define STORY_BYTES   (64u << 20)
#define CLIENT_TRY_MS 700 /* a client gives its number again */

/* --- clients --- */

static uint64_t all_members(const struct cluster *c)
{
    return (UINT64_C(1) << c->members) - 1;
}

/* Clients keep a number until it is in the chain. */
static void give(struct cluster *c, uint64_t number, uint64_t members)
{
    for (uint8_t member = 0; member < c->members; member++)
        if (members & COMMITTEE_BIT(member))
            conductor_schedule(c, dice_between(&c->dice, 1, c->options.delay_max_ms),
                               CONDUCTOR_NUMBER, member, number, bytes_of(NULL, 0));
    struct wheel_event again = {.time_ms = c->now_ms + CLIENT_TRY_MS,
                                .kind = CONDUCTOR_AGAIN,
                                .life = UINT32_MAX,
                                .a = number,
                                .b = members};
    wheel_add(&c->wheel, &again, bytes_of(NULL, 0));
}

static void on_again(struct cluster *c, const struct wheel_event *e)
{
    if (!judge_has(&c->judge, e->a)) {
        give(c, e->a, all_members(c));
        return;
    }
    for (size_t i = 0; i < c->open_count; i++)
        if (c->open[i] == e->a)
            c->open[i--] = c->open[--c->open_count];
}

void cluster_run(struct cluster *c, uint64_t until_ms)
{
    struct wheel_event e;
    while (!c->judge.fault_count && wheel_take(&c->wheel, &e, until_ms)) {
        c->now_ms = e.time_ms;
        c->trace = (c->trace ^ e.time_ms ^ (uint64_t)e.kind << 56 ^ (uint64_t)e.seat << 48 ^
                    e.size << 32) *
                   UINT64_C(0x100000001b3);
        if (e.kind == CONDUCTOR_CLIENT) {
            cluster_submit(c, dice_u64(&c->dice) & all_members(c));
            conductor_schedule(c, dice_between(&c->dice, 1, 2 * c->options.client_ms),
                               CONDUCTOR_CLIENT, 0, 0, bytes_of(NULL, 0));
        } else if (e.kind == CONDUCTOR_AGAIN) {
            on_again(c, &e);
        } else if (e.kind == CONDUCTOR_MOTION) {
            cluster_govern(c);
            conductor_schedule(c, dice_between(&c->dice, 1, 2 * c->options.motion_ms),
                               CONDUCTOR_MOTION, 0, 0, bytes_of(NULL, 0));
        } else if (e.kind == CONDUCTOR_BLACKOUT) {
            c->coverage.counts[COVERAGE_BLACKOUTS]++;
            for (uint8_t node = 0; node < c->nodes; node++)
                cluster_crash(c, node);
        } else if (c->stations[e.seat].alive &&
                   (e.life == UINT32_MAX || e.life == c->stations[e.seat].life)) {
            arrival_happen(c, &e);
        }
        free(e.data);
    }
    c->now_ms = until_ms;
}

/* --- the outside --- */

static void submit(struct cluster *c, uint64_t number, uint64_t members)
{
    if (c->open_count == c->open_room) {
        c->open_room = c->open_room ? c->open_room * 2 : 64;
        c->open = realloc(c->open, c->open_room * sizeof(*c->open));
        CHECK(c->open);
    }
    c->open[c->open_count++] = number;
    give(c, number, members);
}

void cluster_submit(struct cluster *c, uint64_t seats)
{
    submit(c, c->next_number++, seats);
}

void cluster_move(struct cluster *c, const struct motion *motion)
{
    const uint64_t number = term_number(motion, BOOKS_NUMBER_MAX);
    bool known = judge_has(&c->judge, number);
    for (size_t i = 0; i < c->open_count && !known; i++)
        known = c->open[i] == number;
    if (known)
        return;
    submit(c, number, all_members(c));
    if (motion->kind != MOTION_VACATE)
        c->motion = number;
}

/* So few of the set are liars, rotten or gone that it bears them. */
static bool is_borne(const struct cluster *c, const struct seating *seating)
{
    const struct term term = {.seating = *seating};
    const unsigned bad = committee_size(term_seats(&term, c->options.liars | c->options.rotten)) +
                         committee_size(seating->vacant);
    return bad <= (seating->count - 1u) / 3;
}

/* Who was removed stops, and comes back only by hand. */
static bool has_sat(const struct cluster *c, uint8_t member)
{
    for (size_t i = 0; i < c->judge.term_count; i++) {
        const struct seating *seating = &c->judge.terms[i].seating;
        for (uint8_t seat = 0; seat < seating->count; seat++)
            if (seating->members[seat] == member)
                return true;
    }
    return false;
}

void cluster_govern(struct cluster *c)
{
    if (c->motion && !judge_has(&c->judge, c->motion))
        return;
    const struct term *term = judge_term(&c->judge, UINT64_MAX);
    struct seating after = term->seating;
    const struct motion motion = {
        (enum motion_kind)dice_between(&c->dice, MOTION_ADD, MOTION_REPLACE),
        after.members[dice_between(&c->dice, 0, after.count - 1)],
        (uint8_t)dice_between(&c->dice, 0, c->members - 1)};
    if ((motion.kind != MOTION_REMOVE && has_sat(c, motion.whom)) || !term_move(&after, &motion) ||
        !is_borne(c, &after))
        return;
    cluster_move(c, &motion);
}

void cluster_cut(struct cluster *c, uint8_t node)
{
    links_split(&c->links, COMMITTEE_BIT(node));
}

void cluster_split(struct cluster *c, uint64_t nodes)
{
    links_split(&c->links, nodes);
}

void cluster_heal(struct cluster *c)
{
    links_heal(&c->links);
}

void cluster_crash(struct cluster *c, uint8_t node)
{
    struct station *station = &c->stations[node];
    if (!station->alive)
        return;
    const uint64_t waiting = station->disk.appended - station->disk.synced;
    const uint64_t kept = waiting ? dice_between(&c->dice, 0, waiting) : 0;
    if (kept)
        c->coverage.counts[COVERAGE_TORN]++;
    station_crash(station, kept);
    c->coverage.counts[COVERAGE_CRASHES]++;
}

void cluster_restart(struct cluster *c, uint8_t node)
{
    struct station *station = &c->stations[node];
    if (station->alive || station->retired)
        return;
    judge_restarted(&c->judge, station->member, station->durable,
                    &station->chain[station->durable].digest);
    station_restart(station);
    c->works[node] = (struct event_work){0};
    struct event start = station_start(station);
    if (start.as.start.muted)
        c->coverage.counts[COVERAGE_MUTED]++;
    conductor_feed(c, node, &start);
}

void cluster_slow(struct cluster *c, uint8_t node, uint64_t for_ms)
{
    c->slow_ms[node] = c->now_ms + for_ms;
    c->coverage.counts[COVERAGE_SLOW_DISKS]++;
}

void cluster_rot(struct cluster *c, uint8_t node, bool last)
{
    struct disk *disk = &c->stations[node].disk;
    size_t synced = 0;
    while (synced < disk->count && disk->records[synced].sequence <= disk->synced)
        synced++;
    if (!synced)
        return;
    disk_rot(disk, last ? synced - 1 : dice_between(&c->dice, 0, synced - 1));
    c->coverage.counts[COVERAGE_ROTTEN]++;
}

/* Of the last set that is agreed. */
static uint64_t honest_members(const struct cluster *c)
{
    const struct term *term = judge_term(&c->judge, UINT64_MAX);
    return term_members(term, committee_all(&term->committee)) & ~c->options.liars;
}

uint64_t cluster_low(const struct cluster *c)
{
    const uint64_t members = honest_members(c);
    uint64_t low = UINT64_MAX;
    for (uint8_t member = 0; member < c->members; member++)
        if (members & COMMITTEE_BIT(member) && c->judge.height[member] < low)
            low = c->judge.height[member];
    return low;
}

uint64_t cluster_high(const struct cluster *c)
{
    return c->judge.chain_count - 1;
}

bool cluster_is_done(const struct cluster *c)
{
    const uint64_t members = honest_members(c);
    for (uint8_t member = 0; member < c->members; member++) {
        const struct station *station = &c->stations[member];
        if (members & COMMITTEE_BIT(member) ? !station->alive
                                            : station->dismissed && !station->retired)
            return false;
    }
    for (size_t i = 0; i < c->open_count; i++)
        if (!judge_has(&c->judge, c->open[i]))
            return false;
    return cluster_low(c) + 1 >= cluster_high(c); /* the last block may be on its way */
}

const char *cluster_story(const struct cluster *c)
{
    return text_string(&c->story);
}

struct cluster_options cluster_quiet(uint8_t count)
{
    return (struct cluster_options){.seed = 1,
                                    .count = count,
                                    .delay_min_ms = 10,
                                    .delay_max_ms = 10,
                                    .disk_ms = 1,
                                    .story = true};
}

static void configure(const struct cluster *c, struct consensus_config *config)
{
    consensus_config_defaults(config);
    config->chain = c->world.chain;
    config->read = c->world.kind->read;
    if (c->options.timeout_ms)
        config->timeout_ms = c->options.timeout_ms;
    if (c->options.turn_blocks)
        config->turn_blocks = c->options.turn_blocks;
    if (c->options.timeout_max_ms)
        config->timeout_max_ms = c->options.timeout_max_ms;
    if (c->options.block_interval_max_ms)
        config->block_interval_max_ms = c->options.block_interval_max_ms;
}

static void open_node(struct cluster *c, const struct consensus_config *config, uint8_t member)
{
    const uint8_t node = c->nodes++;
    struct liar *liar = &c->liars[node];
    station_init(&c->stations[node], member, config, &c->world);
    c->stations[node].keep = c->world.kind->state ? c->options.keep : 0;
    if (c->options.skew_ms)
        c->skews_ms[node] = (int64_t)dice_between(&c->dice, 0, 2 * c->options.skew_ms) -
                            (int64_t)c->options.skew_ms;
    if (c->options.liars & COMMITTEE_BIT(member))
        liar->tricks = c->options.tricks;
    liar->pact = &c->pact;
    if (liar->tricks & LIAR_IS_SILENT)
        liar->shunned = dice_u64(&c->dice);
}

static void open_nodes(struct cluster *c)
{
    struct consensus_config config;
    configure(c, &config);
    for (uint8_t member = 0; member < c->members; member++)
        open_node(c, &config, member);
    for (uint8_t member = 0; member < c->members; member++)
        if (c->liars[member].tricks & LIAR_TWINS) {
            c->twins[member] = c->nodes;
            open_node(c, &config, member);
        }
    for (uint32_t i = 0; i < LIAR_TRICK_COUNT && c->options.liars; i++)
        c->coverage.tricks[i] += c->options.tricks >> i & 1;
}

struct cluster *cluster_new(const struct cluster_options *options)
{
    struct cluster *c = calloc(1, sizeof(*c));
    CHECK(c);
    c->options = *options;
    c->next_number = 1;
    c->members = options->count + options->spares;
    dice_init(&c->dice, options->seed);
    text_init(&c->story, STORY_BYTES);

    c->world.kind = options->real ? &estate_kind : &toy_kind;
    c->world.kind->found(&c->world, options->count, options->sound);
    c->world.first.base.digest = digest_of(c->world.header, c->world.header_size);
    judge_init(&c->judge, &c->world, options->liars);

    open_nodes(c);
    c->links = (struct links){.count = c->nodes,
                              .delay_min_ms = options->delay_min_ms,
                              .delay_max_ms = options->delay_max_ms,
                              .loss = options->loss,
                              .duplicates = options->duplicates};
    links_heal(&c->links);
    for (uint8_t node = 0; node < c->nodes; node++) {
        struct event start = station_start(&c->stations[node]);
        conductor_feed(c, node, &start);
    }
    if (options->client_ms)
        conductor_schedule(c, options->client_ms, CONDUCTOR_CLIENT, 0, 0, bytes_of(NULL, 0));
    if (options->motion_ms && c->world.kind->term)
        conductor_schedule(c, options->motion_ms, CONDUCTOR_MOTION, 0, 0, bytes_of(NULL, 0));
    return c;
}

void cluster_free(struct cluster *c)
{
    for (uint8_t node = 0; node < c->nodes; node++) {
        station_release(&c->stations[node]);
        liar_release(&c->liars[node]);
    }
    judge_release(&c->judge);
    c->world.kind->dissolve(&c->world);
    wheel_release(&c->wheel);
    text_release(&c->story);
    free(c->open);
    free(c);
}
