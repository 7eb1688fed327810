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

static uint64_t clock_of(const struct cluster *c, uint8_t node)
{
    return BOOKS_START_MS + c->now_ms + (uint64_t)c->skews_ms[node];
}

static bool is_liar(const struct cluster *c, uint8_t node)
{
    return c->options.liars & COMMITTEE_BIT(c->stations[node].member);
}

/* What messages of a node's set are checked against. */
static struct verify_context context_of(const struct cluster *c, uint8_t node)
{
    const struct term *term = &c->stations[node].term;
    return (struct verify_context){.chain = c->world.chain,
                                   .base = term->base,
                                   .committee = &term->committee,
                                   .read = c->world.kind->read,
                                   .signature = toy_verify};
}

/* Requires that it has a seat. */
static struct forge forge_of(struct cluster *c, uint8_t node, const struct verify_context *context)
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
    const struct verify_context context = context_of(c, seat);
    const struct forge forge = forge_of(c, seat, &context);
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

/* Runs an order whose body is here, or asks somebody for the body. */
static void pursue(struct cluster *c, uint8_t seat, struct station_order *order)
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
    pursue(c, seat, &station->orders[station->order_count - 1]);
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
    const struct verify_context context = context_of(c, seat);
    struct evidence_finding finding;
    const bool proven = evidence_check(&c->stations[seat].arena, &context, &finding,
                                       accusation->evidence, NULL) == ERR_NONE &&
                        finding.seat.n == accusation->seat.n;
    count(c, COVERAGE_ACCUSATIONS);
    if (!proven || !(c->options.liars & COMMITTEE_BIT(accused)))
        judge_fault(&c->judge, "%u accuses %u of %s in view %llu: %s", seat, accused,
                    evidence_name(accusation->kind), (unsigned long long)accusation->view.n,
                    proven ? "it is honest" : "that is not proven");
    else if (c->options.motion_ms)
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
    event->clock_ms = clock_of(c, seat);
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

static struct event_work work_of(struct cluster *c, uint8_t seat)
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
    renewed.as.work = work_of(c, seat);
    if (work_equal(&renewed.as.work, &c->works[seat]))
        return;
    c->works[seat] = renewed.as.work;
    (void)step(c, seat, &renewed);
}

/* --- happenings --- */

/* What a liar makes of what it hears: for the honest, since liars that answer each other would breed messages
 * without end. */
static void lie(struct cluster *c, uint8_t seat, struct bytes heard)
{
    struct liar_sending sendings[LIAR_SENDINGS];
    const struct station *station = &c->stations[seat];
    if (station->seat.n == COMMITTEE_NO_SEAT)
        return;
    const struct verify_context context = context_of(c, seat);
    const struct forge forge = forge_of(c, seat, &context);
    uint32_t sent = liar_hear(&c->liars[seat], &forge, &c->stations[seat], heard, sendings);
    c->coverage.counts[COVERAGE_LIES] += sent;
    for (uint32_t i = 0; i < sent; i++)
        mail_message(c, seat, sendings[i].to & ~term_seats(&station->term, c->options.liars),
                     sendings[i].message);
}

/* A STATUS tells one that was removed when it may go: f + 1 of the set after it have a block of their own. True if it does. */
static bool leaves(struct cluster *c, uint8_t node, const struct message *message)
{
    struct station *station = &c->stations[node];
    const uint64_t since = term_since(&station->term);
    if (message->tag != MESSAGE_STATUS)
        return false;
    station->heights[message->envelope.from.n] = message->as.status.height.n;
    const struct committee *committee = &station->term.committee;
    if (!station->dismissed ||
        committee_reached(committee, station->heights, committee_faults(committee) + 1) < since)
        return false;
    judge_left(&c->judge, station->member, since);
    station_retire(station);
    count(c, COVERAGE_RETIRED);
    return true;
}

static void on_message(struct cluster *c, uint8_t seat, struct bytes raw, uint8_t from,
                       verify_signature *signature)
{
    struct station *station = &c->stations[seat];
    struct consensus_summary summary;
    consensus_summarise(station->core, &summary);
    struct verify_context context = context_of(c, seat);
    context.view = summary.view;
    context.height = summary.committed;
    context.signature = signature;
    struct message message;
    struct fault fault;
    struct event event = {.kind = EVENT_MESSAGE};
    event.as.message = &message;
    const enum err err = verify_message(&station->arena, &context, &message, raw, &fault);
    if (err) {
        count(c, COVERAGE_REFUSED);
        arena_clear(&station->arena);
        if (err == ERR_MISMATCH)
            mail_guess(c, seat, from, &summary);
        return;
    }
    if (c->liars[seat].tricks && signature != verify_trusting)
        lie(c, seat, raw);
    if (!leaves(c, seat, &message))
        conductor_feed(c, seat, &event);
}

static void on_want(struct cluster *c, uint8_t seat, const struct wheel_event *e)
{
    struct digest digest;
    memcpy(digest.bytes, e->data, DIGEST_SIZE);
    struct bytes body = station_body(&c->stations[seat], &digest);
    if (!body.data)
        return;
    if (c->liars[seat].tricks & LIAR_OTHER_BODIES)
        body = mail_spoiled(c, seat, body);
    mail_to_node(c, seat, (uint8_t)e->a, CONDUCTOR_BODY, 0, body);
    arena_clear(&c->stations[seat].arena);
}

static void on_body(struct cluster *c, uint8_t seat, struct bytes body)
{
    struct station *station = &c->stations[seat];
    struct digest digest;
    const bool kept = station_keep_body(station, &digest, body);
    arena_clear(&station->arena);
    for (size_t i = 0; kept && i < station->order_count; i++)
        if (digest_equal(&station->orders[i].body_digest, &digest))
            pursue(c, seat, &station->orders[i]);
}

static void on_catch_up(struct cluster *c, uint8_t seat, const struct wheel_event *e)
{
    struct station *station = &c->stations[seat];
    uint64_t range[2];
    memcpy(range, e->data, sizeof(range));
    for (uint64_t h = range[0]; h <= range[1] && h <= station->durable; h++) {
        const struct station_decided *decided = &station->chain[h];
        struct bytes message;
        enum err err = message_decide(
            &station->arena, &message, bytes_of(decided->header, decided->header_size),
            bytes_of(decided->certificate.data, decided->certificate.size));
        CHECK(err == ERR_NONE);
        if (c->liars[seat].tricks & LIAR_FORGES && station->seat.n != COMMITTEE_NO_SEAT) {
            const struct verify_context context = context_of(c, seat);
            const struct forge forge = forge_of(c, seat, &context);
            message = forge_decided(&forge, bytes_of(decided->header, decided->header_size),
                                    bytes_of(decided->certificate.data, decided->certificate.size));
        }
        struct bytes body = bytes_of(decided->body.data, decided->body.size);
        if (c->liars[seat].tricks & LIAR_OTHER_BODIES)
            body = mail_spoiled(c, seat, body);
        uint8_t *parcel = arena_alloc(&station->arena, body.size + message.size);
        CHECK(parcel);
        memcpy(parcel, body.data, body.size);
        if (message.size)
            memcpy(parcel + body.size, message.data, message.size);
        mail_to_node(c, seat, (uint8_t)e->a, CONDUCTOR_DECIDED, body.size,
                     bytes_of(parcel, body.size + message.size));
    }
    arena_clear(&station->arena);
}

static void on_built(struct cluster *c, uint8_t seat, const struct wheel_event *e)
{
    struct action_build build;
    memcpy(&build, e->data, sizeof(build));
    struct event event = {.kind = EVENT_BUILT};
    event.as.built.ticket = build.ticket;
    struct books_order order = {.parent = build.parent,
                                .height = build.height,
                                .view = build.view,
                                .proposer = c->stations[seat].seat,
                                .time_ms = clock_of(c, seat),
                                .empty_too = build.empty_too};
    if (c->liars[seat].tricks & LIAR_BAD_BLOCKS && dice_chance(&c->dice, 500))
        order.flaw = (enum books_flaw)dice_between(&c->dice, BOOKS_WRONG_ROOT, BOOKS_USED);
    uint8_t header[BOOKS_HEADER_BYTES];
    const struct station_block *block = station_build(&c->stations[seat], &order);
    if (block) {
        memcpy(header, block->header, block->header_size);
        event.as.built.header = bytes_of(header, block->header_size);
        event.as.built.more = work_of(c, seat).buildable;
    }
    conductor_feed(c, seat, &event);
}

static void on_executed(struct cluster *c, uint8_t seat, const struct wheel_event *e)
{
    struct event event = {.kind = EVENT_EXECUTED};
    event.as.executed.ticket = e->a;
    if (station_execute(&c->stations[seat], e->a, &event.as.executed.verdict))
        conductor_feed(c, seat, &event);
}

static void on_synced(struct cluster *c, uint8_t seat, uint64_t sequence)
{
    struct station *station = &c->stations[seat];
    station->disk.syncing = 0;
    station_synced(station, sequence);
    sign_what_is_durable(c, seat);
    disk_forget(&station->disk);
    arena_clear(&station->arena);
    sync_log(c, seat);
}

/* The core of the set before has said its last. */
static void renew(struct cluster *c, uint8_t node)
{
    struct station *station = &c->stations[node];
    station_renew(station);
    count(c, COVERAGE_BOUNDARIES);
    c->works[node] = (struct event_work){0};
    struct event start = station_start(station);
    conductor_feed(c, node, &start);
}

static void on_durable(struct cluster *c, uint8_t seat, uint64_t height)
{
    struct station *station = &c->stations[seat];
    if (height >
        station->durable + 1) { /* disks are slow in any order; commits become durable in theirs */
        conductor_schedule(c, 1, CONDUCTOR_DURABLE, seat, height, bytes_of(NULL, 0));
        return;
    }
    station_on_disk(station, height, c->now_ms);
    if (station_is_at_boundary(station)) {
        renew(c, seat);
        return;
    }
    struct event event = {.kind = EVENT_COMMITTED};
    event.as.committed = (struct height){height};
    conductor_feed(c, seat, &event);
}

/* From a client, or forwarded to the primary by whom a client asked. */
static void on_number(struct cluster *c, uint8_t seat, uint64_t number, bool forwarded)
{
    struct consensus_summary summary;
    consensus_summarise(c->stations[seat].core, &summary);
    if (!forwarded && summary.primary.n != c->stations[seat].seat.n)
        mail_to_seat(c, seat, summary.primary, CONDUCTOR_FORWARDED, number, bytes_of(NULL, 0));
    if (!c->world.kind->submit(c->stations[seat].books, number, c->now_ms))
        count(c, COVERAGE_FULL_POOLS);
    struct event event = {.kind = EVENT_TICK};
    conductor_feed(c, seat, &event);
}

void conductor_happen(struct cluster *c, const struct wheel_event *e)
{
    struct station *station = &c->stations[e->seat];
    struct event tick = {.kind = EVENT_TICK};
    switch ((enum conductor_happening)e->kind) {
    case CONDUCTOR_MESSAGE:
        on_message(c, e->seat, bytes_of(e->data, e->size), (uint8_t)e->b, toy_verify);
        break;
    case CONDUCTOR_OWN:
        on_message(c, e->seat, bytes_of(e->data, e->size), e->seat, verify_trusting);
        break;
    case CONDUCTOR_WANT:
        on_want(c, e->seat, e);
        break;
    case CONDUCTOR_BODY:
        on_body(c, e->seat, bytes_of(e->data, e->size));
        break;
    case CONDUCTOR_CATCH_UP:
        on_catch_up(c, e->seat, e);
        break;
    case CONDUCTOR_DECIDED:
        on_body(c, e->seat, bytes_of(e->data, e->a));
        on_message(c, e->seat, bytes_of(e->data + e->a, e->size - e->a), (uint8_t)e->b, toy_verify);
        break;
    case CONDUCTOR_SYNCED:
        on_synced(c, e->seat, e->a);
        break;
    case CONDUCTOR_BUILT:
        on_built(c, e->seat, e);
        break;
    case CONDUCTOR_RETRY:
        for (size_t i = 0; i < station->order_count; i++)
            if (station->orders[i].ticket == e->a)
                pursue(c, e->seat, &station->orders[i]);
        break;
    case CONDUCTOR_EXECUTED:
        on_executed(c, e->seat, e);
        break;
    case CONDUCTOR_DURABLE:
        on_durable(c, e->seat, e->a);
        break;
    case CONDUCTOR_TICK:
        conductor_feed(c, e->seat, &tick);
        break;
    case CONDUCTOR_NUMBER:
    case CONDUCTOR_FORWARDED:
        on_number(c, e->seat, e->a, e->kind == CONDUCTOR_FORWARDED);
        break;
    case CONDUCTOR_CLIENT:
    case CONDUCTOR_AGAIN:
    case CONDUCTOR_MOTION:
    case CONDUCTOR_BLACKOUT:
        break;
    }
}
