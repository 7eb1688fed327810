#include "tools/tenured/catchup.h"

#include "ledger/history.h"
#include "tools/sys/clock.h"
#include "tools/sys/log.h"
#include "tools/tenured/node.h"
#include "tools/tenured/wire.h"

/* A block, its message, and both packed. */
#define CATCHUP_ARENA_BYTES (4 * (LIMIT_BLOCK_BYTES + (1u << 20)))

uint64_t catchup_connected(const struct node *node)
{
    const struct roster *roster = node->roster;
    uint64_t seats = 0;
    for (uint8_t seat = 0; seat < roster->committee.count; seat++) {
        struct peer_state state;
        if (seat == roster->seat.n || roster->places[seat] == ROSTER_NONE)
            continue;
        peer_status(node->net, (struct place){roster->places[seat]}, &state);
        seats |= state.connected[PEER_BULK] ? COMMITTEE_BIT(seat) : 0;
    }
    return seats;
}

struct seat catchup_choose(unsigned turn, uint64_t seats)
{
    unsigned skip = turn % committee_size(seats);
    struct seat seat = {0};
    while (!(seats & COMMITTEE_BIT(seat.n)) || skip-- > 0)
        seat.n++;
    return seat;
}

static struct bytes catchup_request(uint8_t packed[32], struct height from, struct height to)
{
    struct wire_want_blocks wire = {from, to};
    struct pack_writer writer;
    pack_init(&writer, packed, 32);
    record_pack(&writer, &wire_want_blocks_record, &wire);
    return bytes_of(packed, writer.used);
}

static void catchup_ask(struct node *node, struct place place, struct height from, struct height to)
{
    uint8_t packed[32];
    statesync_expect(&node->statesync, place);
    node_answer(node, place, PEER_BULK, WIRE_WANT_BLOCKS, catchup_request(packed, from, to));
}

void catchup_want(struct catchup *catchup, struct node *node, const struct action_catch_up *want)
{
    for (size_t i = 0; i < BOUNDS_WINDOW; i++) {
        struct driver_event *event = catchup->slots[i];
        if (event && (event->message.as.decided.block.height.n < want->from.n ||
                      event->message.as.decided.block.height.n > want->to.n)) {
            driver_event_free(event);
            catchup->slots[i] = NULL;
        }
    }
    catchup->next = want->from;
    catchup->to = want->to;
    catchup->guided = false;
    if (want->seats == 0 || statesync_takes_over(&node->statesync))
        return;

    uint64_t seats = want->seats & catchup_connected(node);
    if (seats == 0)
        return;
    struct seat seat = catchup_choose(catchup->turn++, seats);
    log_event(LOG_LEVEL_INFO, "catch-up", "asking %s for blocks %llu to %llu",
              node->roster->names[seat.n], (unsigned long long)want->from.n,
              (unsigned long long)want->to.n);
    catchup_ask(node, (struct place){node->roster->places[seat.n]}, want->from, want->to);
}

static void catchup_ask_guide(struct catchup *catchup, struct node *node, struct height committed)
{
    catchup_clear(catchup);
    catchup->guessed_ms = clock_monotonic_ms();
    catchup->next.n = committed.n + 1;
    catchup->to.n = committed.n + BOUNDS_WINDOW;
    catchup_ask(node, catchup->guide, catchup->next, catchup->to);
}

void catchup_guess(struct catchup *catchup, struct node *node, struct place place,
                   struct height committed)
{
    if (catchup->guided && clock_monotonic_ms() < catchup->guessed_ms + CATCHUP_GUESS_MS)
        return;
    catchup->guided = true;
    catchup->guide = place;
    catchup_ask_guide(catchup, node, committed);
}

void catchup_go_on(struct catchup *catchup, struct node *node, struct height committed)
{
    if (catchup->guided && committed.n == catchup->to.n)
        catchup_ask_guide(catchup, node, committed);
}

bool catchup_keep(struct catchup *catchup, struct driver_event *event)
{
    uint64_t height = event->message.as.decided.block.height.n;
    if (height < catchup->next.n || height > catchup->to.n ||
        catchup->slots[height % BOUNDS_WINDOW])
        return false;
    catchup->slots[height % BOUNDS_WINDOW] = event;
    return true;
}

struct driver_event *catchup_next(struct catchup *catchup)
{
    if (catchup->next.n > catchup->to.n)
        return NULL;
    struct driver_event *event = catchup->slots[catchup->next.n % BOUNDS_WINDOW];
    if (!event)
        return NULL;
    catchup->slots[catchup->next.n % BOUNDS_WINDOW] = NULL;
    catchup->next.n++;
    return event;
}

void catchup_clear(struct catchup *catchup)
{
    for (size_t i = 0; i < BOUNDS_WINDOW; i++) {
        if (catchup->slots[i])
            driver_event_free(catchup->slots[i]);
        catchup->slots[i] = NULL;
    }
}

/* One committed block as a record for the wire. */
static enum err catchup_pack(struct arena *arena, struct history *history, struct bytes *packed,
                             struct height height, struct fault *fault)
{
    struct history_block block;
    struct wire_block wire;
    enum err err = history_block(arena, history, &block, height, fault);
    if (!err)
        err = history_body(arena, history, &wire.body, height, fault);
    if (!err)
        err = message_decide(arena, &wire.decided, block.header_raw, block.certificate);
    if (err)
        return err;
    *packed = record_bytes(arena, &wire_block_record, &wire);
    return packed->data ? ERR_NONE : ERR_LIMIT;
}

/* A read that failed: nothing to say when it isn't there; a damaged store stops the node. */
static void catchup_failed(struct node *node, enum err err, const struct fault *fault)
{
    if (err == ERR_CORRUPT || err == ERR_IO)
        node_failed(node, err, fault);
}

void catchup_serve(struct node *node, struct place to, struct bytes request)
{
    struct wire_want_blocks want;
    struct fault fault = {0};
    struct arena arena;
    if (record_unpack(NULL, &wire_want_blocks_record, &want, request, NULL) || want.from.n == 0)
        return;
    struct history *history = history_open(node->chain, &fault);
    if (!history) {
        catchup_failed(node, fault.code, &fault);
        return;
    }
    uint64_t last = history_height(history).n, start = history_start(history).n;
    if (start > 0 && want.from.n <= start) { /* gone: the state is offered instead */
        history_close(history);
        statesync_refer(&node->statesync, to);
        return;
    }
    arena_init(&arena, CATCHUP_ARENA_BYTES);
    for (uint64_t h = want.from.n; h <= want.to.n && h <= last && h < want.from.n + BOUNDS_WINDOW;
         h++) {
        struct bytes packed;
        arena_clear(&arena);
        enum err err = catchup_pack(&arena, history, &packed, (struct height){h}, &fault);
        catchup_failed(node, err, &fault);
        if (err || !ration_take(&node->ration, to, packed.size, clock_monotonic_ms()) ||
            peer_send(node->net, to, PEER_BULK, WIRE_BLOCK, packed))
            break;
    }
    arena_release(&arena);
    history_close(history);
}

bool catchup_serve_body(struct node *node, struct place to, const struct digest *digest)
{
    struct fault fault = {0};
    struct arena arena;
    struct height height;
    struct history_block block;
    struct wire_body wire;
    struct history *history = history_open(node->chain, &fault);
    if (!history) {
        catchup_failed(node, fault.code, &fault);
        return false;
    }
    arena_init(&arena, CATCHUP_ARENA_BYTES);
    enum err err = history_find_block(history, &height, digest, &fault);
    bool found = !err;
    if (!err)
        err = history_block(&arena, history, &block, height, &fault);
    if (!err)
        err = history_body(&arena, history, &wire.body, height, &fault);
    catchup_failed(node, err, &fault);
    if (!err) {
        wire.header = block.header_raw;
        struct bytes packed = record_bytes(&arena, &wire_body_record, &wire);
        if (packed.data && ration_take(&node->ration, to, packed.size, clock_monotonic_ms()))
            node_answer(node, to, PEER_BULK, WIRE_BODY, packed);
    }
    arena_release(&arena);
    history_close(history);
    return found;
}
