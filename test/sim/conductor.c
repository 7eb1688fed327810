#include "test/sim/conductor.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "test/sim/mail.h"
#include "test/sim/toy.h"

#define RETRY_MS  150 /* a body or blocks that were asked for don't come */
#define SLOW_DISK 30  /* times */

void conductor_schedule(struct cluster *c, uint64_t delay_ms, enum conductor_happening kind,
                        uint8_t seat, uint64_t a, struct bytes data)
{
    struct wheel_event event = {.time_ms = c->now_ms + delay_ms,
                                .kind = (int)kind,
                                .seat = seat,
                                .life = c->stations[seat].life,
                                .a = a};
    wheel_add(&c->wheel, &event, data);
}

static uint64_t disk_delay(struct cluster *c, uint8_t node)
{
    const uint64_t delay = dice_between(&c->dice, 1, c->options.disk_ms);
    return c->slow_ms[node] > c->now_ms ? delay * SLOW_DISK : delay;
}

uint64_t conductor_clock(const struct cluster *c, uint8_t node)
{
    return BOOKS_START_MS + c->now_ms + (uint64_t)c->skews_ms[node];
}

static bool is_liar(const struct cluster *c, uint8_t node)
{
    return c->options.liars & COMMITTEE_BIT(c->stations[node].member);
}

struct verify_context conductor_context(const struct cluster *c, uint8_t node)
{
    const struct term *term = &c->stations[node].term;
    return (struct verify_context){.chain = c->world.chain,
                                   .base = term->base,
                                   .committee = &term->committee,
                                   .read = c->world.kind->read,
                                   .signature = toy_verify};
}

struct forge conductor_forge(struct cluster *c, uint8_t node, const struct verify_context *context)
{
    const struct station *station = &c->stations[node];
    CHECK(station->seat.n != COMMITTEE_NO_SEAT);
    return (struct forge){.dice = &c->dice,
                          .arena = &c->stations[node].arena,
                          .context = context,
                          .header = c->world.kind->header,
                          .mine = is_liar(c, node) ? term_seats(&station->term, c->options.liars)
                                                   : COMMITTEE_BIT(station->seat.n)};
}

/* --- actions --- */

static void count(struct cluster *c, enum coverage_item item)
{
    c->coverage.counts[item]++;
}

static void tell(struct cluster *c, uint8_t seat, const struct narrate_line *line)
{
    if (!is_liar(c, seat) && line->kind == NARRATE_ENTERED)
        count(c, COVERAGE_VIEWS);
    if (!is_liar(c, seat) && line->kind == NARRATE_SUSPECTED) {
        count(c, COVERAGE_SUSPICIONS);
        if (c->options.calm)
            judge_fault(&c->judge, "%u suspects the primary of view %llu, and nothing is wrong",
                        seat, (unsigned long long)line->view.n);
    }
    if (!c->options.story)
        return;
    char text[NARRATE_TEXT_SIZE];
    narrate_text(text, line);
    text_add(&c->story, "[%5llu] %u %s\n", (unsigned long long)c->now_ms, seat, text);
}

/* Once a second, with its STATUS. */
static void weigh(struct cluster *c, uint8_t seat)
{
    const struct station *station = &c->stations[seat];
    struct judge_load load = {.records = station->disk.count,
                              .blocks = station->block_count,
                              .orders = station->order_count,
                              .sent = c->sent[seat] / station->term.seating.count};
    judge_weigh(&c->judge, station->member, &load);
    c->sent[seat] = 0;
}

static void sign(struct cluster *c, uint8_t seat, const struct action_sign *sign)
{
    struct station *station = &c->stations[seat];
    const uint64_t since = term_since(&station->term);
    if (!disk_sign(&station->disk, sign, since))
        return;
    judge_signed(&c->judge, station->member, sign, since,
                 sign->tag == MESSAGE_STATUS || disk_has(&station->disk, sign));
    if (sign->tag == MESSAGE_PRE_PREPARE)
        mail_body(c, seat, sign);
    struct liar_sending sendings[LIAR_SENDINGS];
    const struct verify_context context = conductor_context(c, seat);
    const struct forge forge = conductor_forge(c, seat, &context);
    uint32_t sent = liar_sign(&c->liars[seat], &forge, station, sign, sendings);
    c->coverage.counts[COVERAGE_LIES] += sent - 1;
    for (uint32_t i = 0; i < sent; i++)
        mail_message(c, seat, sendings[i].to, sendings[i].message);
    if (sign->tag != MESSAGE_STATUS)
        conductor_schedule(c, 0, CONDUCTOR_OWN, seat, 0, sendings[0].message);
    else {
        mail_status(c, seat, sendings[0].message);
        weigh(c, seat);
    }
}

static void sign_what_is_durable(struct cluster *c, uint8_t seat)
{
    struct station_signing signing;
    while (station_next_sign(&c->stations[seat], &signing)) {
        sign(c, seat, &signing.sign);
        free(signing.body.data);
    }
}

static void sync_log(struct cluster *c, uint8_t seat)
{
    struct station *station = &c->stations[seat];
    struct disk *disk = &station->disk;
    if (disk->syncing || disk->synced == disk->appended)
        return;
    disk->syncing = disk->appended;
    conductor_schedule(c, disk_delay(c, seat), CONDUCTOR_SYNCED, seat, disk->appended,
                       bytes_of(NULL, 0));
}

void conductor_pursue(struct cluster *c, uint8_t seat, struct station_order *order)
{
    if (order->body.data)
        return;
    const struct bytes body = station_body(&c->stations[seat], &order->body_digest);
    if (body.data) {
        order->body = disk_copy(body);
        conductor_schedule(c, dice_between(&c->dice, 1, 5), CONDUCTOR_EXECUTED, seat, order->ticket,
                           bytes_of(NULL, 0));
        return;
    }
    const uint8_t count = c->stations[seat].term.seating.count;
    struct seat from = {(uint8_t)dice_between(&c->dice, 0, count - 1)};
    for (uint8_t i = 0; i < count && dice_chance(&c->dice, 800); i++, from.n = (from.n + 1) % count)
        if (order->holders & COMMITTEE_BIT(from.n) && from.n != c->stations[seat].seat.n)
            break;
    mail_to_seat(c, seat, from, CONDUCTOR_WANT, seat,
                 bytes_of(order->body_digest.bytes, DIGEST_SIZE));
    conductor_schedule(c, RETRY_MS, CONDUCTOR_RETRY, seat, order->ticket, bytes_of(NULL, 0));
}

static void execute(struct cluster *c, uint8_t seat, const struct action_execute *execute)
{
    struct station *station = &c->stations[seat];
    station_add_order(station, execute);
    conductor_pursue(c, seat, &station->orders[station->order_count - 1]);
}

static void commit(struct cluster *c, uint8_t seat, const struct action_commit *commit)
{
    struct station *station = &c->stations[seat];
    const struct station_decided *decided = station_commit(station, commit);
    judge_decided(&c->judge, station->member, bytes_of(decided->header, decided->header_size),
                  bytes_of(decided->body.data, decided->body.size), commit->certificate,
                  BOOKS_START_MS + c->now_ms + c->options.skew_ms + station->config.clock_bound_ms);
    if (c->options.blackouts && dice_chance(&c->dice, c->options.blackouts)) {
        struct wheel_event event = {.time_ms = c->now_ms + dice_between(&c->dice, 0, 50),
                                    .kind = CONDUCTOR_BLACKOUT,
                                    .life = UINT32_MAX};
        wheel_add(&c->wheel, &event, bytes_of(NULL, 0));
    }
    conductor_schedule(c, disk_delay(c, seat), CONDUCTOR_DURABLE, seat, commit->height.n,
                       bytes_of(NULL, 0));
}

/* What a core says of a seat must be proven, and of a liar. Where a ledger knows motions, it then loses its seat. */
static void accuse(struct cluster *c, uint8_t seat, const struct action_accuse *accusation)
{
    const struct station *station = &c->stations[seat];
    const uint8_t accused = station->term.seating.members[accusation->seat.n];
    const struct verify_context context = conductor_context(c, seat);
    struct evidence_finding finding;
    const bool proven = evidence_check(&c->stations[seat].arena, &context, &finding,
                                       accusation->evidence, NULL) == ERR_NONE &&
                        finding.seat.n == accusation->seat.n;
    count(c, COVERAGE_ACCUSATIONS);
    if (!proven || !(c->options.liars & COMMITTEE_BIT(accused)))
        judge_fault(&c->judge, "%u accuses %u of %s in view %llu: %s", seat, accused,
                    evidence_name(accusation->kind), (unsigned long long)accusation->view.n,
                    proven ? "it is honest" : "that is not proven");
    else
        c->coverage.proofs[accusation->kind]++;
    if (proven && c->options.motion_ms)
        cluster_move(c, &(struct motion){MOTION_VACATE, accused, 0});
}

static void perform(struct cluster *c, uint8_t seat, const struct action *action)
{
    struct station *station = &c->stations[seat];
    switch (action->kind) {
    case ACTION_PERSIST:
        disk_append(&station->disk, &action->as.persist);
        break;
    case ACTION_SIGN:
        if (action->as.sign.after > station->disk.synced)
            station_queue_sign(station, &action->as.sign);
        else
            sign(c, seat, &action->as.sign);
        break;
    case ACTION_SEND:
        mail_message(c, seat, action->as.send.to & ~c->liars[seat].shunned,
                     action->as.send.message);
        break;
    case ACTION_BUILD:
        conductor_schedule(c, dice_between(&c->dice, 1, 5), CONDUCTOR_BUILT, seat, 0,
                           bytes_of(&action->as.build, sizeof(action->as.build)));
        break;
    case ACTION_EXECUTE:
        execute(c, seat, &action->as.execute);
        break;
    case ACTION_COMMIT:
        commit(c, seat, &action->as.commit);
        break;
    case ACTION_DISCARD:
        station_discard(station, &action->as.discard);
        break;
    case ACTION_CATCH_UP:
        count(c, COVERAGE_CATCH_UPS);
        mail_want(c, seat, &action->as.catch_up);
        break;
    case ACTION_FORGET:
        station->disk.forget = action->as.forget;
        break;
    case ACTION_ACCUSE:
        accuse(c, seat, &action->as.accuse);
        break;
    case ACTION_HALT:
        if (!is_liar(c, seat))
            judge_fault(&c->judge, "%u halts at height %llu", seat,
                        (unsigned long long)action->as.halt.n);
        break;
    case ACTION_TELL:
        tell(c, seat, &action->as.tell);
        break;
    }
}

/* Between two actions, after one of those that matter. */
static bool power_fails(struct cluster *c, const struct action *action)
{
    return c->options.power_cuts &&
           (action->kind == ACTION_PERSIST || action->kind == ACTION_SIGN ||
            action->kind == ACTION_COMMIT) &&
           dice_between(&c->dice, 1, 100000) <= c->options.power_cuts;
}

/* False if power fails meanwhile. */
static bool step(struct cluster *c, uint8_t seat, struct event *event)
{
    struct station *station = &c->stations[seat];
    event->now_ms = c->now_ms;
    event->clock_ms = conductor_clock(c, seat);
    c->actions.arena = &station->arena;
    consensus_step(station->core, event, &c->actions);
    if (c->actions.ignored == NARRATE_CONFLICT)
        count(c, COVERAGE_CONFLICTS);
    for (uint32_t i = 0; i < c->actions.count; i++) {
        perform(c, seat, &c->actions.list[i]);
        if (power_fails(c, &c->actions.list[i])) {
            count(c, COVERAGE_POWER_CUTS);
            cluster_crash(c, seat);
            return false;
        }
    }
    sync_log(c, seat);
    const uint64_t deadline_ms = c->actions.deadline_ms;
    if (deadline_ms < station->tick_ms || station->tick_ms <= c->now_ms) {
        station->tick_ms = deadline_ms > c->now_ms ? deadline_ms : c->now_ms + 1;
        if (deadline_ms != UINT64_MAX)
            conductor_schedule(c, station->tick_ms - c->now_ms, CONDUCTOR_TICK, seat, 0,
                               bytes_of(NULL, 0));
    }
    arena_clear(&station->arena);
    return true;
}

struct event_work conductor_work(struct cluster *c, uint8_t seat)
{
    return c->world.kind->work(c->stations[seat].books);
}

static bool work_equal(const struct event_work *a, const struct event_work *b)
{
    return a->buildable == b->buildable && a->waiting == b->waiting && a->mark == b->mark &&
           a->passed_over == b->passed_over && a->due_ms == b->due_ms;
}

/* One event, and what it changed for the pool. Clears the arena afterwards: `event` may borrow from it. */
void conductor_feed(struct cluster *c, uint8_t seat, struct event *event)
{
    if (!step(c, seat, event))
        return;
    struct event renewed = {.kind = EVENT_WORK};
    renewed.as.work = conductor_work(c, seat);
    if (work_equal(&renewed.as.work, &c->works[seat]))
        return;
    c->works[seat] = renewed.as.work;
    (void)step(c, seat, &renewed);
}

void conductor_synced(struct cluster *c, uint8_t seat, uint64_t sequence)
{
    struct station *station = &c->stations[seat];
    station->disk.syncing = 0;
    station_synced(station, sequence);
    sign_what_is_durable(c, seat);
    disk_forget(&station->disk);
    arena_clear(&station->arena);
    sync_log(c, seat);
}
