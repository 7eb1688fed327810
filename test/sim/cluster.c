#include "test/sim/cluster.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define UNIX_MS       UINT64_C(1700000000000)
#define STORY_BYTES   (64u << 20)
#define RETRY_MS      150 /* a body or blocks that were asked for don't come */
#define CLIENT_TRY_MS 700 /* a client gives its number again */

enum happening {
    ON_MESSAGE,  /* data: a message */
    ON_OWN,      /* data: a message that this seat signed */
    ON_WANT,     /* a: who asks; data: digest of a body */
    ON_BODY,     /* data: a body */
    ON_CATCH_UP, /* a: who asks; data: from, to */
    ON_DECIDED,  /* data: a body, then a DECIDED */
    ON_SYNCED,   /* a: sequence */
    ON_BUILT,    /* data: the ACTION_BUILD */
    ON_RETRY,    /* a: ticket of an EXECUTE */
    ON_EXECUTED, /* a: ticket */
    ON_DURABLE,  /* a: height */
    ON_TICK,
    ON_NUMBER,    /* a: a client's number */
    ON_FORWARDED, /* the same, from another seat */
    ON_CLIENT,    /* a client has another number */
    ON_AGAIN,     /* a: number; clients try again */
};

static void schedule(struct cluster *c, uint64_t delay_ms, enum happening kind, uint8_t seat,
                     uint64_t a, struct bytes data)
{
    struct wheel_event event = {.time_ms = c->now_ms + delay_ms,
                                .kind = (int)kind,
                                .seat = seat,
                                .life = c->stations[seat].life,
                                .a = a};
    wheel_add(&c->wheel, &event, data);
}

static uint64_t disk_delay(struct cluster *c)
{
    return dice_between(&c->dice, 1, c->options.disk_ms);
}

/* --- network --- */

static void post(struct cluster *c, uint8_t from, uint8_t to, enum happening kind, uint64_t a,
                 struct bytes data)
{
    if (!(c->reach[from] & COMMITTEE_BIT(to)) || dice_chance(&c->dice, c->options.loss))
        return;
    uint64_t delay = dice_between(&c->dice, c->options.delay_min_ms, c->options.delay_max_ms);
    if (c->liars[from].tricks & LIAR_DELAYS)
        delay += c->stations[from].config.timeout_ms * 9 / 10;
    struct wheel_event event = {
        .time_ms = c->now_ms + delay, .kind = (int)kind, .seat = to, .life = UINT32_MAX, .a = a};
    wheel_add(&c->wheel, &event, data);
    if (dice_chance(&c->dice, c->options.duplicates)) {
        event.time_ms += dice_between(&c->dice, 0, 4 * c->options.delay_max_ms);
        wheel_add(&c->wheel, &event, data);
    }
}

static void post_message(struct cluster *c, uint8_t from, uint64_t to, struct bytes message)
{
    for (uint8_t seat = 0; seat < c->options.count; seat++) {
        if (!(to & COMMITTEE_BIT(seat)) || seat == from)
            continue;
        if (c->liars[from].tricks & LIAR_GARBLES && message.size && dice_chance(&c->dice, 300)) {
            uint8_t *garbled = arena_copy(&c->stations[from].arena, message.data, message.size);
            CHECK(garbled);
            garbled[dice_u64(&c->dice) % message.size] ^=
                (uint8_t)(1u << dice_between(&c->dice, 0, 7));
            post(c, from, seat, ON_MESSAGE, 0, bytes_of(garbled, message.size));
            continue;
        }
        post(c, from, seat, ON_MESSAGE, 0, message);
        if (c->liars[from].tricks & LIAR_REPEATS && dice_chance(&c->dice, 200))
            schedule(c, dice_between(&c->dice, 1, 20000), ON_MESSAGE, seat, 0, message);
    }
}

/* --- actions --- */

static void feed(struct cluster *c, uint8_t seat, struct event *event);

static void tell(struct cluster *c, uint8_t seat, const struct narrate_line *line)
{
    if (line->kind == NARRATE_ENTERED && !(c->options.liars & COMMITTEE_BIT(seat)))
        c->view_changes++;
    if (!c->options.story)
        return;
    char text[NARRATE_TEXT_SIZE];
    narrate_text(text, line);
    text_add(&c->story, "[%5llu] %u %s\n", (unsigned long long)c->now_ms, seat, text);
}

static void sign(struct cluster *c, uint8_t seat, const struct action_sign *sign)
{
    struct station *station = &c->stations[seat];
    judge_signed(&c->judge, station->seat, sign->tag, sign->height.n, sign->view.n, &sign->digest,
                 sign->tag == MESSAGE_STATUS || station_has_promise(station, sign));
    const struct station_block *proposed = station_find(station, &sign->digest);
    if (sign->tag == MESSAGE_PRE_PREPARE && proposed != NULL) /* its body goes before it */
        for (uint8_t to = 0; to < c->options.count; to++)
            if (sign->to & ~c->liars[seat].shunned & COMMITTEE_BIT(to))
                post(c, seat, to, ON_BODY, 0, bytes_of(&proposed->body, sizeof(proposed->body)));
    struct liar_sending sendings[LIAR_SENDINGS];
    uint32_t count = liar_sign(&c->liars[seat], &c->dice, station, &c->context, sign, sendings);
    for (uint32_t i = 0; i < count; i++)
        post_message(c, seat, sendings[i].to, sendings[i].message);
    if (sign->tag != MESSAGE_STATUS)
        schedule(c, 0, ON_OWN, seat, 0, sendings[0].message);
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
    if (station->syncing || station->synced == station->appended)
        return;
    station->syncing = true;
    schedule(c, disk_delay(c), ON_SYNCED, seat, station->appended, bytes_of(NULL, 0));
}

/* Runs an order whose body is here, or asks somebody for the body. */
static void pursue(struct cluster *c, uint8_t seat, struct station_order *order)
{
    struct toy_header header;
    CHECK(toy_header_unpack(&header, bytes_of(order->header, order->header_size)));
    if (order->running)
        return;
    if (station_body(&c->stations[seat], &header.body, &order->body)) {
        order->running = true;
        schedule(c, dice_between(&c->dice, 1, 5), ON_EXECUTED, seat, order->ticket,
                 bytes_of(NULL, 0));
        return;
    }
    uint8_t from = (uint8_t)dice_between(&c->dice, 0, c->options.count - 1);
    for (uint8_t i = 0; i < c->options.count && dice_chance(&c->dice, 800);
         i++, from = (from + 1) % c->options.count)
        if (order->holders & COMMITTEE_BIT(from) && from != seat)
            break;
    post(c, seat, from, ON_WANT, seat, bytes_of(header.body.bytes, DIGEST_SIZE));
    schedule(c, RETRY_MS, ON_RETRY, seat, order->ticket, bytes_of(NULL, 0));
}

static void execute(struct cluster *c, uint8_t seat, const struct action_execute *execute)
{
    struct station *station = &c->stations[seat];
    CHECK(execute->header.size <= TOY_HEADER_BYTES);
    if ((station->order_count & (station->order_count - 1)) == 0) {
        station->orders =
            realloc(station->orders, (station->order_count ? station->order_count * 2 : 1) *
                                         sizeof(*station->orders));
        CHECK(station->orders);
    }
    struct station_order *order = &station->orders[station->order_count++];
    *order = (struct station_order){
        .ticket = execute->ticket, .block = execute->block, .holders = execute->holders};
    memcpy(order->header, execute->header.data, execute->header.size);
    order->header_size = execute->header.size;
    pursue(c, seat, order);
}

static void commit(struct cluster *c, uint8_t seat, const struct action_commit *commit)
{
    struct station *station = &c->stations[seat];
    const struct station_decided *decided = station_commit(station, commit);
    judge_decided(&c->judge, station->seat, bytes_of(decided->header, decided->header_size),
                  &decided->body, commit->certificate);
    schedule(c, disk_delay(c), ON_DURABLE, seat, commit->height.n, bytes_of(NULL, 0));
}

static void ask_for_blocks(struct cluster *c, uint8_t seat, const struct action_catch_up *want)
{
    uint64_t range[2] = {want->from.n, want->to.n};
    uint64_t seats = want->seats & ~COMMITTEE_BIT(seat);
    if (!seats)
        return;
    uint8_t from = (uint8_t)dice_between(&c->dice, 0, c->options.count - 1);
    while (!(seats & COMMITTEE_BIT(from)))
        from = (from + 1) % c->options.count;
    post(c, seat, from, ON_CATCH_UP, seat, bytes_of(range, sizeof(range)));
}

static void perform(struct cluster *c, uint8_t seat, const struct action *action)
{
    struct station *station = &c->stations[seat];
    switch (action->kind) {
    case ACTION_PERSIST:
        station_append(station, &action->as.persist);
        break;
    case ACTION_SIGN:
        if (action->as.sign.after > station->synced)
            station_queue_sign(station, &action->as.sign);
        else
            sign(c, seat, &action->as.sign);
        break;
    case ACTION_SEND:
        post_message(c, seat, action->as.send.to & ~c->liars[seat].shunned,
                     action->as.send.message);
        break;
    case ACTION_BUILD:
        schedule(c, dice_between(&c->dice, 1, 5), ON_BUILT, seat, 0,
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
        ask_for_blocks(c, seat, &action->as.catch_up);
        break;
    case ACTION_FORGET:
        station->forget = action->as.forget;
        break;
    case ACTION_HALT:
        if (!(c->options.liars & COMMITTEE_BIT(seat)))
            judge_fault(&c->judge, "%u halts at height %llu", seat,
                        (unsigned long long)action->as.halt.n);
        break;
    case ACTION_TELL:
        tell(c, seat, &action->as.tell);
        break;
    }
}

static void step(struct cluster *c, uint8_t seat, struct event *event)
{
    struct station *station = &c->stations[seat];
    event->now_ms = c->now_ms;
    event->clock_ms = UNIX_MS + c->now_ms;
    c->actions.arena = &station->arena;
    consensus_step(station->core, event, &c->actions);
    for (uint32_t i = 0; i < c->actions.count; i++)
        perform(c, seat, &c->actions.list[i]);
    sync_log(c, seat);
    const uint64_t deadline_ms = c->actions.deadline_ms;
    if (deadline_ms < station->tick_ms || station->tick_ms <= c->now_ms) {
        station->tick_ms = deadline_ms > c->now_ms ? deadline_ms : c->now_ms + 1;
        if (deadline_ms != UINT64_MAX)
            schedule(c, station->tick_ms - c->now_ms, ON_TICK, seat, 0, bytes_of(NULL, 0));
    }
}

static bool work_equal(const struct event_work *a, const struct event_work *b)
{
    return a->buildable == b->buildable && a->waiting == b->waiting && a->mark == b->mark &&
           a->passed_over == b->passed_over && a->due_ms == b->due_ms;
}

/* One event, and what it changed for the pool. Clears the arena afterwards: `event` may borrow from it. */
static void feed(struct cluster *c, uint8_t seat, struct event *event)
{
    step(c, seat, event);
    arena_clear(&c->stations[seat].arena);
    struct event renewed = {.kind = EVENT_WORK};
    renewed.as.work = station_work(&c->stations[seat]);
    if (work_equal(&renewed.as.work, &c->works[seat]))
        return;
    c->works[seat] = renewed.as.work;
    step(c, seat, &renewed);
    arena_clear(&c->stations[seat].arena);
}

/* --- happenings --- */

static void on_message(struct cluster *c, uint8_t seat, struct bytes raw,
                       verify_signature *signature)
{
    struct station *station = &c->stations[seat];
    struct consensus_summary summary;
    consensus_summarise(station->core, &summary);
    struct verify_context context = c->context;
    context.view = summary.view;
    context.height = summary.committed;
    context.signature = signature;
    struct message message;
    struct fault fault;
    struct event event = {.kind = EVENT_MESSAGE};
    event.as.message = &message;
    if (verify_message(&station->arena, &context, &message, raw, &fault) == ERR_NONE)
        feed(c, seat, &event);
    else
        arena_clear(&station->arena);
}

static void on_want(struct cluster *c, uint8_t seat, const struct wheel_event *e)
{
    struct digest digest;
    struct toy_body body;
    memcpy(digest.bytes, e->data, DIGEST_SIZE);
    if (station_body(&c->stations[seat], &digest, &body))
        post(c, seat, (uint8_t)e->a, ON_BODY, 0, bytes_of(&body, sizeof(body)));
}

static void on_body(struct cluster *c, uint8_t seat, const struct wheel_event *e)
{
    struct station *station = &c->stations[seat];
    struct toy_body body;
    memcpy(&body, e->data, sizeof(body));
    station_keep_body(station, &body);
    struct digest digest = toy_body_digest(&body);
    for (size_t i = 0; i < station->order_count; i++) {
        struct toy_header header;
        CHECK(toy_header_unpack(
            &header, bytes_of(station->orders[i].header, station->orders[i].header_size)));
        if (digest_equal(&header.body, &digest))
            pursue(c, seat, &station->orders[i]);
    }
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
        uint8_t *parcel = arena_alloc(&station->arena, sizeof(decided->body) + message.size);
        CHECK(parcel);
        memcpy(parcel, &decided->body, sizeof(decided->body));
        memcpy(parcel + sizeof(decided->body), message.data, message.size);
        post(c, seat, (uint8_t)e->a, ON_DECIDED, 0,
             bytes_of(parcel, sizeof(decided->body) + message.size));
    }
    arena_clear(&station->arena);
}

static void on_built(struct cluster *c, uint8_t seat, const struct wheel_event *e)
{
    struct action_build build;
    memcpy(&build, e->data, sizeof(build));
    struct event event = {.kind = EVENT_BUILT};
    event.as.built.ticket = build.ticket;
    struct station_block *block;
    bool wrong = c->liars[seat].tricks & LIAR_WRONG_ROOT && dice_chance(&c->dice, 500);
    uint8_t header[TOY_HEADER_BYTES];
    if (station_build(&c->stations[seat], &build, UNIX_MS + c->now_ms, wrong, &block)) {
        memcpy(header, block->header, block->header_size);
        event.as.built.header = bytes_of(header, block->header_size);
        event.as.built.more = station_work(&c->stations[seat]).buildable;
    }
    feed(c, seat, &event);
}

static void on_executed(struct cluster *c, uint8_t seat, const struct wheel_event *e)
{
    struct event event = {.kind = EVENT_EXECUTED};
    event.as.executed.ticket = e->a;
    if (station_execute(&c->stations[seat], e->a, &event.as.executed.verdict))
        feed(c, seat, &event);
}

static void on_synced(struct cluster *c, uint8_t seat, uint64_t sequence)
{
    struct station *station = &c->stations[seat];
    station->syncing = false;
    station_synced(station, sequence);
    sign_what_is_durable(c, seat);
    station_forget(station);
    arena_clear(&station->arena);
    sync_log(c, seat);
}

static void on_durable(struct cluster *c, uint8_t seat, uint64_t height)
{
    struct station *station = &c->stations[seat];
    if (height >
        station->durable + 1) { /* disks are slow in any order; commits become durable in theirs */
        schedule(c, 1, ON_DURABLE, seat, height, bytes_of(NULL, 0));
        return;
    }
    station_on_disk(station, height);
    struct event event = {.kind = EVENT_COMMITTED};
    event.as.committed = (struct height){height};
    feed(c, seat, &event);
}

/* From a client, or forwarded to the primary by whom a client asked. */
static void on_number(struct cluster *c, uint8_t seat, uint64_t number, bool forwarded)
{
    struct consensus_summary summary;
    consensus_summarise(c->stations[seat].core, &summary);
    if (!forwarded && summary.primary.n != seat)
        post(c, seat, summary.primary.n, ON_FORWARDED, number, bytes_of(NULL, 0));
    station_submit(&c->stations[seat], number, UNIX_MS + c->now_ms);
    struct event event = {.kind = EVENT_TICK};
    feed(c, seat, &event);
}

/* Clients keep a number until it is in the chain. */
static void give(struct cluster *c, uint64_t number, uint64_t seats)
{
    for (uint8_t seat = 0; seat < c->options.count; seat++)
        if (seats & COMMITTEE_BIT(seat))
            schedule(c, dice_between(&c->dice, 1, c->options.delay_max_ms), ON_NUMBER, seat, number,
                     bytes_of(NULL, 0));
    struct wheel_event again = {.time_ms = c->now_ms + CLIENT_TRY_MS,
                                .kind = ON_AGAIN,
                                .life = UINT32_MAX,
                                .a = number,
                                .b = seats};
    wheel_add(&c->wheel, &again, bytes_of(NULL, 0));
}

static void on_again(struct cluster *c, const struct wheel_event *e)
{
    if (!judge_has(&c->judge, e->a)) {
        give(c, e->a, committee_all(&c->committee));
        return;
    }
    for (size_t i = 0; i < c->open_count; i++)
        if (c->open[i] == e->a)
            c->open[i--] = c->open[--c->open_count];
}

static void happen(struct cluster *c, const struct wheel_event *e)
{
    struct station *station = &c->stations[e->seat];
    struct event tick = {.kind = EVENT_TICK};
    switch ((enum happening)e->kind) {
    case ON_MESSAGE:
        on_message(c, e->seat, bytes_of(e->data, e->size), toy_verify);
        break;
    case ON_OWN:
        on_message(c, e->seat, bytes_of(e->data, e->size), verify_trusting);
        break;
    case ON_WANT:
        on_want(c, e->seat, e);
        break;
    case ON_BODY:
        on_body(c, e->seat, e);
        break;
    case ON_CATCH_UP:
        on_catch_up(c, e->seat, e);
        break;
    case ON_DECIDED:
        on_body(c, e->seat, e);
        on_message(c, e->seat,
                   bytes_of(e->data + sizeof(struct toy_body), e->size - sizeof(struct toy_body)),
                   toy_verify);
        break;
    case ON_SYNCED:
        on_synced(c, e->seat, e->a);
        break;
    case ON_BUILT:
        on_built(c, e->seat, e);
        break;
    case ON_RETRY:
        for (size_t i = 0; i < station->order_count; i++)
            if (station->orders[i].ticket == e->a)
                pursue(c, e->seat, &station->orders[i]);
        break;
    case ON_EXECUTED:
        on_executed(c, e->seat, e);
        break;
    case ON_DURABLE:
        on_durable(c, e->seat, e->a);
        break;
    case ON_TICK:
        feed(c, e->seat, &tick);
        break;
    case ON_NUMBER:
    case ON_FORWARDED:
        on_number(c, e->seat, e->a, e->kind == ON_FORWARDED);
        break;
    case ON_CLIENT:
    case ON_AGAIN:
        break;
    }
}

void cluster_run(struct cluster *c, uint64_t until_ms)
{
    struct wheel_event e;
    while (!c->judge.fault_count && wheel_take(&c->wheel, &e, until_ms)) {
        c->now_ms = e.time_ms;
        if (e.kind == ON_CLIENT) {
            cluster_submit(c, dice_u64(&c->dice) & committee_all(&c->committee));
            schedule(c, dice_between(&c->dice, 1, 2 * c->options.client_ms), ON_CLIENT, 0, 0,
                     bytes_of(NULL, 0));
        } else if (e.kind == ON_AGAIN) {
            on_again(c, &e);
        } else if (c->stations[e.seat].alive &&
                   (e.life == UINT32_MAX || e.life == c->stations[e.seat].life)) {
            happen(c, &e);
        }
        free(e.data);
    }
    c->now_ms = until_ms;
}

/* --- the outside --- */

void cluster_submit(struct cluster *c, uint64_t seats)
{
    if (c->open_count == c->open_room) {
        c->open_room = c->open_room ? c->open_room * 2 : 64;
        c->open = realloc(c->open, c->open_room * sizeof(*c->open));
        CHECK(c->open);
    }
    uint64_t number = c->next_number++;
    c->open[c->open_count++] = number;
    give(c, number, seats);
}

void cluster_cut(struct cluster *c, uint8_t seat)
{
    cluster_split(c, COMMITTEE_BIT(seat));
}

void cluster_split(struct cluster *c, uint64_t seats)
{
    for (uint8_t seat = 0; seat < c->options.count; seat++)
        c->reach[seat] &= seats & COMMITTEE_BIT(seat) ? seats : ~seats;
}

void cluster_one_way(struct cluster *c, uint8_t from, uint8_t to)
{
    c->reach[from] &= ~COMMITTEE_BIT(to);
}

void cluster_heal(struct cluster *c)
{
    for (uint8_t seat = 0; seat < c->options.count; seat++)
        c->reach[seat] = committee_all(&c->committee);
}

void cluster_crash(struct cluster *c, uint8_t seat)
{
    if (!c->stations[seat].alive)
        return;
    station_crash(&c->stations[seat]);
    c->crashes++;
}

void cluster_restart(struct cluster *c, uint8_t seat)
{
    struct station *station = &c->stations[seat];
    if (station->alive)
        return;
    judge_restarted(&c->judge, station->seat, station->durable,
                    &station->chain[station->durable].digest);
    station_restart(station);
    c->works[seat] = (struct event_work){0};
    struct event start = station_start(station);
    feed(c, seat, &start);
}

uint64_t cluster_low(const struct cluster *c)
{
    uint64_t low = UINT64_MAX;
    for (uint8_t seat = 0; seat < c->options.count; seat++)
        if (!(c->options.liars & COMMITTEE_BIT(seat)) && c->judge.height[seat] < low)
            low = c->judge.height[seat];
    return low;
}

uint64_t cluster_high(const struct cluster *c)
{
    return c->judge.chain_count - 1;
}

bool cluster_is_done(const struct cluster *c)
{
    for (uint8_t seat = 0; seat < c->options.count; seat++)
        if (!(c->options.liars & COMMITTEE_BIT(seat)) && !c->stations[seat].alive)
            return false;
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
    config->committee = &c->committee;
    config->chain = c->context.chain;
    config->genesis_block = c->context.genesis_block;
    config->read = toy_read;
    if (c->options.timeout_ms)
        config->timeout_ms = c->options.timeout_ms;
    if (c->options.timeout_max_ms)
        config->timeout_max_ms = c->options.timeout_max_ms;
    if (c->options.block_interval_max_ms)
        config->block_interval_max_ms = c->options.block_interval_max_ms;
}

struct cluster *cluster_new(const struct cluster_options *options)
{
    struct cluster *c = calloc(1, sizeof(*c));
    CHECK(c);
    c->options = *options;
    c->next_number = 1;
    dice_init(&c->dice, options->seed);
    text_init(&c->story, STORY_BYTES);

    struct sign_public keys[LIMIT_VALIDATORS] = {0};
    for (uint8_t seat = 0; seat < options->count; seat++)
        keys[seat].bytes[0] = seat;
    struct digest set = digest_of(keys, sizeof(keys[0]) * options->count);
    committee_init(&c->committee, &set, keys, options->count);
    toy_genesis(&c->genesis, &set);
    uint8_t header[TOY_HEADER_BYTES];
    size_t size = toy_header_pack(header, &c->genesis);
    c->context = (struct verify_context){.chain = digest_of("simulation", 10),
                                         .genesis_block = digest_of(header, size),
                                         .committee = &c->committee,
                                         .read = toy_read,
                                         .signature = toy_verify};
    judge_init(&c->judge, &c->context, options->liars);
    cluster_heal(c);

    struct consensus_config config;
    configure(c, &config);
    for (uint8_t seat = 0; seat < options->count; seat++) {
        station_init(&c->stations[seat], (struct seat){seat}, &config, &c->genesis);
        if (options->liars & COMMITTEE_BIT(seat))
            c->liars[seat].tricks = options->tricks;
        c->liars[seat].pact = &c->pact;
        if (c->liars[seat].tricks & LIAR_IS_SILENT)
            c->liars[seat].shunned = dice_u64(&c->dice);
    }
    for (uint8_t seat = 0; seat < options->count; seat++) {
        struct event start = station_start(&c->stations[seat]);
        feed(c, seat, &start);
    }
    if (options->client_ms)
        schedule(c, options->client_ms, ON_CLIENT, 0, 0, bytes_of(NULL, 0));
    return c;
}

void cluster_free(struct cluster *c)
{
    for (uint8_t seat = 0; seat < c->options.count; seat++)
        station_release(&c->stations[seat]);
    judge_release(&c->judge);
    wheel_release(&c->wheel);
    text_release(&c->story);
    free(c->open);
    free(c);
}
