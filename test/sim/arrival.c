#include "test/sim/arrival.h"

#include <string.h>

#include "base/check.h"
#include "test/sim/mail.h"
#include "test/sim/toy.h"

static void count(struct cluster *c, enum coverage_item item)
{
    c->coverage.counts[item]++;
}

/* Tells a core that was just made where the chain stands. */
static void begin(struct cluster *c, uint8_t node)
{
    c->works[node] = (struct event_work){0};
    struct event start = station_start(&c->stations[node]);
    conductor_feed(c, node, &start);
}

/* What a liar makes of what it hears: for the honest, since liars that answer each other would breed messages
 * without end. */
static void lie(struct cluster *c, uint8_t seat, struct bytes heard)
{
    struct liar_sending sendings[LIAR_SENDINGS];
    const struct station *station = &c->stations[seat];
    if (station->seat.n == COMMITTEE_NO_SEAT)
        return;
    const struct verify_context context = conductor_context(c, seat);
    const struct forge forge = conductor_forge(c, seat, &context);
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
    struct verify_context context = conductor_context(c, seat);
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
            conductor_pursue(c, seat, &station->orders[i]);
}

/* The state after the last durable block, for one that lacks what isn't kept here any more. */
static void send_state(struct cluster *c, uint8_t node, uint8_t to)
{
    struct station *station = &c->stations[node];
    const struct station_decided *head = &station->chain[station->durable];
    const struct bytes state = station->kind->state(station->books, &station->arena);
    struct bytes header = bytes_of(head->header, head->header_size);
    if (c->liars[node].tricks & LIAR_FORGES)
        header = mail_spoiled(c, node, header);
    const size_t sizes = header.size + head->certificate.size;
    uint8_t *parcel = arena_alloc(&station->arena, sizes + state.size);
    CHECK(parcel);
    memcpy(parcel, header.data, header.size);
    if (head->certificate.size)
        memcpy(parcel + header.size, head->certificate.data, head->certificate.size);
    memcpy(parcel + sizes, state.data, state.size);
    mail_to_node(c, node, to, CONDUCTOR_STATE, header.size | (uint64_t)sizes << 32,
                 bytes_of(parcel, sizes + state.size));
    arena_clear(&station->arena);
}

/* Is the header certified by the set that this node knows? */
static bool is_certified(struct cluster *c, uint8_t node, struct consensus_block *block,
                         struct bytes header, struct bytes packed)
{
    const struct verify_context context = conductor_context(c, node);
    struct certificate certificate;
    return c->world.kind->read(NULL, block, header) &&
           !record_unpack(NULL, &ballot_certificate_record, &certificate, packed, NULL) &&
           certificate.ballot.height.n == block->height.n &&
           digest_equal(&certificate.ballot.digest, &block->digest) &&
           !verify_certificate(&context, MESSAGE_COMMIT, &certificate, NULL);
}

/* A node that is further behind than others serve takes the state, once what it has decided itself is durable. */
static void on_state(struct cluster *c, uint8_t node, const struct wheel_event *e)
{
    struct station *station = &c->stations[node];
    const size_t header_size = (uint32_t)e->a, sizes = e->a >> 32;
    const struct bytes header = bytes_of(e->data, header_size),
                       certificate = bytes_of(e->data + header_size, sizes - header_size);
    struct consensus_block block;
    if (!is_certified(c, node, &block, header, certificate)) {
        count(c, COVERAGE_REFUSED);
        return;
    }
    if (block.height.n < station->chain_count || block.height.n > cluster_high(c) ||
        station->durable + 1 < station->chain_count)
        return;
    judge_jumped(&c->judge, station->member, block.height.n, &block.digest);
    station_jump(station, header, certificate, bytes_of(e->data + sizes, e->size - sizes));
    count(c, COVERAGE_JUMPS);
    begin(c, node);
}

static void on_catch_up(struct cluster *c, uint8_t seat, const struct wheel_event *e)
{
    struct station *station = &c->stations[seat];
    uint64_t range[2];
    memcpy(range, e->data, sizeof(range));
    if (range[0] < station->oldest) {
        send_state(c, seat, (uint8_t)e->a);
        return;
    }
    for (uint64_t h = range[0]; h <= range[1] && h <= station->durable; h++) {
        const struct station_decided *decided = &station->chain[h];
        struct bytes message;
        enum err err = message_decide(
            &station->arena, &message, bytes_of(decided->header, decided->header_size),
            bytes_of(decided->certificate.data, decided->certificate.size));
        CHECK(err == ERR_NONE);
        if (c->liars[seat].tricks & LIAR_FORGES && station->seat.n != COMMITTEE_NO_SEAT) {
            const struct verify_context context = conductor_context(c, seat);
            const struct forge forge = conductor_forge(c, seat, &context);
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
                                .time_ms = conductor_clock(c, seat),
                                .empty_too = build.empty_too};
    if (c->liars[seat].tricks & LIAR_BAD_BLOCKS && dice_chance(&c->dice, 500))
        order.flaw = (enum books_flaw)dice_between(&c->dice, BOOKS_WRONG_ROOT, BOOKS_USED);
    uint8_t header[BOOKS_HEADER_BYTES];
    const struct station_block *block = station_build(&c->stations[seat], &order);
    if (block) {
        memcpy(header, block->header, block->header_size);
        event.as.built.header = bytes_of(header, block->header_size);
        event.as.built.more = conductor_work(c, seat).buildable;
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
        station_renew(station);
        count(c, COVERAGE_BOUNDARIES);
        begin(c, seat);
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

void arrival_happen(struct cluster *c, const struct wheel_event *e)
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
    case CONDUCTOR_STATE:
        on_state(c, e->seat, e);
        break;
    case CONDUCTOR_SYNCED:
        conductor_synced(c, e->seat, e->a);
        break;
    case CONDUCTOR_BUILT:
        on_built(c, e->seat, e);
        break;
    case CONDUCTOR_RETRY:
        for (size_t i = 0; i < station->order_count; i++)
            if (station->orders[i].ticket == e->a)
                conductor_pursue(c, e->seat, &station->orders[i]);
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
