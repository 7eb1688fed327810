#include "tools/tenured/statesync.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/chain.h"
#include "tools/sys/clock.h"
#include "tools/sys/file.h"
#include "tools/sys/log.h"
#include "tools/tenured/fetched.h"
#include "tools/tenured/incoming.h"
#include "tools/tenured/node.h"
#include "tools/tenured/offering.h"
#include "tools/tenured/wire.h"

/* Between two looks at what is due. */
#define STATESYNC_PULSE_MS 50
#define STATESYNC_IDLE_MS  500

/* An offer with its message, unpacked and checked; the header of block 0. */
#define STATESYNC_OFFER_BYTES (4u << 20)

struct statesync_item {
    struct place from;
    uint8_t tag;
    struct bytes body;
    uint8_t data[];
};

/* --- life --- */

enum err statesync_init(struct statesync *statesync, struct node *node)
{
    memset(statesync, 0, sizeof(*statesync));
    statesync->node = node;
    holds_init(&statesync->holds);
    arena_init(&statesync->arena, STATESYNC_OFFER_BYTES);
    return queue_init(&statesync->queue, (size_t)PEER_PLACES * STATESYNC_ASKED_MAX, SIZE_MAX);
}

/* The share is given back when the record is done with. */
static void statesync_item_free(struct statesync *statesync, struct statesync_item *item)
{
    atomic_fetch_sub(&statesync->shares[item->from.n], 1);
    free(item);
}

void statesync_record(struct statesync *statesync, struct place from, uint8_t tag,
                      struct bytes body)
{
    struct statesync_item *item = NULL;
    if (atomic_fetch_add(&statesync->shares[from.n], 1) < STATESYNC_ASKED_MAX)
        item = malloc(sizeof(*item) + body.size);
    if (!item) {
        atomic_fetch_sub(&statesync->shares[from.n], 1);
        return;
    }
    *item = (struct statesync_item){.from = from, .tag = tag, .body = {item->data, body.size}};
    if (body.size > 0)
        memcpy(item->data, body.data, body.size);
    if (queue_push(&statesync->queue, item, body.size, 0))
        statesync_item_free(statesync, item);
}

void statesync_refer(struct statesync *statesync, struct place place)
{
    struct wire_want_snapshot want = {{0}};
    uint8_t packed[16];
    struct pack_writer writer;
    pack_init(&writer, packed, sizeof(packed));
    record_pack(&writer, &wire_want_snapshot_record, &want);
    statesync_record(statesync, place, WIRE_WANT_SNAPSHOT, bytes_of(packed, writer.used));
}

bool statesync_is_active(const struct statesync *statesync)
{
    return atomic_load(&statesync->active);
}

uint64_t statesync_needed(struct statesync *statesync)
{
    return holds_lowest(&statesync->holds, clock_monotonic_ms());
}

void statesync_expect(struct statesync *statesync, struct place place)
{
    atomic_store(&statesync->asked_ms[place.n], clock_monotonic_ms());
}

/* --- asking --- */

static bool statesync_is_behind(struct statesync *statesync, uint64_t height)
{
    struct consensus_summary summary;
    driver_summary(&statesync->node->driver, &summary);
    return height > summary.committed.n + statesync->node->settings.transfer_blocks;
}

bool statesync_takes_over(struct statesync *statesync)
{
    struct consensus_summary summary;
    driver_summary(&statesync->node->driver, &summary);
    return (statesync_is_active(statesync) || !atomic_load(&statesync->blocks_too)) &&
           statesync_is_behind(statesync, summary.target.n);
}

/* f + 1 members: one of them is honest. */
static unsigned statesync_enough(const struct statesync *statesync)
{
    return committee_faults(&statesync->lineage.committee) + 1u;
}

static unsigned statesync_offers(const struct statesync *statesync)
{
    return bids_count(&statesync->bids, &statesync->offer.digest);
}

static void statesync_send(struct statesync *statesync, struct place to, uint8_t tag,
                           const struct record *record, const void *value)
{
    uint8_t packed[64];
    struct pack_writer writer;
    pack_init(&writer, packed, sizeof(packed));
    record_pack(&writer, record, value);
    node_answer(statesync->node, to, PEER_BULK, tag, bytes_of(packed, writer.used));
}

/* Asks for the boundary after the newest set that is proven. */
static void statesync_want_boundary(struct statesync *statesync, struct place to)
{
    struct wire_want_boundary want = {{statesync->lineage.since - 1}};
    statesync_send(statesync, to, WIRE_WANT_BOUNDARY, &wire_want_boundary_record, &want);
}

static void statesync_rest(struct statesync *statesync, uint64_t now_ms)
{
    import_close(statesync->import);
    statesync->import = NULL;
    statesync->phase = STATESYNC_IDLE;
    statesync->until_ms = now_ms + STATESYNC_REST_MS;
    statesync->hinted = false;
    statesync->tries = 0;
    atomic_store(&statesync->blocks_too, true);
    atomic_store(&statesync->active, false);
}

/* May the peer be asked, and heard? */
static bool statesync_is_heard(const struct statesync *statesync, const struct roster *roster,
                               struct place place, uint64_t now_ms)
{
    const struct roster_line *line = &roster->lines[place.n];
    const struct statesync_peer *peer = &statesync->peers[place.n];
    return line->taken && lineage_has(&statesync->lineage, &line->public) && !peer->liar &&
           now_ms >= peer->muted_ms;
}

/* Asks all members for this height; 0: for any. */
static void statesync_ask_all(struct statesync *statesync, uint64_t height, uint64_t now_ms)
{
    if (!lineage_follow(&statesync->lineage, statesync->node))
        return;
    struct wire_want_snapshot want = {{height}};
    struct roster *roster = roster_hold(statesync->node);
    bids_clear(&statesync->bids);
    statesync->phase = STATESYNC_ASKING;
    statesync->until_ms = now_ms + STATESYNC_OFFERS_MS;
    for (uint8_t i = 0; i < PEER_PLACES; i++)
        if (statesync_is_heard(statesync, roster, (struct place){i}, now_ms))
            statesync_send(statesync, (struct place){i}, WIRE_WANT_SNAPSHOT,
                           &wire_want_snapshot_record, &want);
    roster_drop(roster);
}

static void statesync_look(struct statesync *statesync, uint64_t now_ms)
{
    struct node *node = statesync->node;
    struct consensus_summary summary;
    driver_summary(&node->driver, &summary);
    if (!statesync->hinted && !statesync_is_behind(statesync, summary.target.n))
        return;
    struct height height;
    struct fault fault = {0};
    enum err err = incoming_height(node->settings.data, &height, &fault);
    if (node_failed(node, err, &fault))
        return;
    statesync_ask_all(statesync, height.n, now_ms);
}

static void statesync_distrust(struct statesync *statesync, struct place place, const char *what)
{
    char name[ROSTER_NAME_SIZE];
    roster_name(statesync->node, place, name);
    log_event(LOG_LEVEL_WARN, "transfer-liar", "%s sent %s; asking others", name, what);
    statesync->peers[place.n].liar = true;
    bids_drop(&statesync->bids, place);
    for (unsigned range = 0; range < SNAPSHOT_RANGES; range++)
        if (statesync->asks[range].place.n == place.n)
            statesync->asks[range].open = false;
}

/* A checked offer of a member. */
static void statesync_take_offer(struct statesync *statesync, struct place from,
                                 struct height start, const struct message_decided *decided,
                                 struct arena *arena)
{
    struct bid bid = {
        .height = decided->block.height,
        .start = start,
        .digest = decided->block.digest,
        .header = decided->header,
        .certificate = record_bytes(arena, &ballot_certificate_record, &decided->certificate),
    };
    if (bid.certificate.data && bids_put(&statesync->bids, from, &bid))
        log_event(LOG_LEVEL_WARN, "transfer", "no memory for an offer");
}

/* Checks the header's certificate against the newest set that is proven: the one place that says whom we trust. ERR_MISMATCH: of another
 * set. */
static enum err statesync_verify(struct statesync *statesync, struct arena *arena,
                                 struct message *message, struct bytes decided, struct fault *fault)
{
    struct verify_context context =
        lineage_context(&statesync->lineage, &statesync->node->chain_digest);
    enum err err = verify_message(arena, &context, message, decided, fault);
    if (!err && message->tag != MESSAGE_DECIDED)
        err = fault_set(fault, ERR_MALFORMED, "a message that decides nothing");
    return err;
}

/* The next set, proven by its boundary; asks for the one after it. That others are ahead is then certain. */
static void statesync_on_boundary(struct statesync *statesync, struct place from, struct bytes body)
{
    struct node *node = statesync->node;
    struct wire_boundary wire;
    struct fault fault = {0};
    if (statesync->phase == STATESYNC_FETCHING || statesync->peers[from.n].liar ||
        !lineage_follow(&statesync->lineage, statesync->node))
        return;
    enum err err = record_unpack(NULL, &wire_boundary_record, &wire, body, &fault);
    if (!err)
        err = lineage_advance(&statesync->lineage, &node->chain_digest, &wire, &fault);
    if (err == ERR_MALFORMED || err == ERR_SIGNATURE)
        statesync_distrust(statesync, from, fault.text);
    if (err)
        return;
    log_event(LOG_LEVEL_INFO, "transfer",
              "from block %llu on there are %u validators, as those before certify",
              (unsigned long long)statesync->lineage.since, statesync->lineage.committee.count);
    statesync->hinted = true;
    statesync_want_boundary(statesync, from);
}

/* An answer to WANT_BLOCKS: those that we want aren't there. All that follows is that everybody is asked for offers; or, where the sender
 * is no member, that it is asked for proof that it is one by now. */
static void statesync_take_hint(struct statesync *statesync, struct place from, bool heard,
                                struct height start, uint64_t now_ms)
{
    struct consensus_summary summary;
    uint64_t asked_ms = atomic_load(&statesync->asked_ms[from.n]);
    driver_summary(&statesync->node->driver, &summary);
    if (asked_ms == 0 || now_ms >= asked_ms + STATESYNC_HINT_MS || start.n <= summary.committed.n)
        return;
    if (heard)
        statesync->hinted = true;
    else
        statesync_want_boundary(statesync, from);
}

static void statesync_on_snapshot(struct statesync *statesync, struct place from, struct bytes body)
{
    struct wire_snapshot wire;
    struct fault fault = {0};
    uint64_t now_ms = clock_monotonic_ms();
    if (statesync->phase == STATESYNC_FETCHING || statesync->peers[from.n].liar ||
        !lineage_follow(&statesync->lineage, statesync->node))
        return;
    struct roster *roster = roster_hold(statesync->node);
    bool heard = statesync_is_heard(statesync, roster, from, now_ms);
    roster_drop(roster);
    if (record_unpack(NULL, &wire_snapshot_record, &wire, body, &fault)) {
        statesync_distrust(statesync, from, "a malformed snapshot");
        return;
    }
    if (statesync->phase == STATESYNC_IDLE)
        statesync_take_hint(statesync, from, heard, wire.start, now_ms);
    if (statesync->phase == STATESYNC_IDLE || !heard)
        return;
    struct arena arena;
    struct message message;
    arena_init(&arena, 16 * wire.decided.size + (1u << 20));
    enum err err = statesync_verify(statesync, &arena, &message, wire.decided, &fault);
    if (!err)
        statesync_take_offer(statesync, from, wire.start, &message.as.decided, &arena);
    else if (err == ERR_MISMATCH)
        statesync_want_boundary(statesync, from);
    else
        statesync_distrust(statesync, from, fault.text);
    arena_release(&arena);
}

/* --- fetching --- */

static enum err statesync_open(struct statesync *statesync, struct fault *fault)
{
    struct node *node = statesync->node;
    const struct lineage *lineage = &statesync->lineage;
    struct import_target target = {
        .genesis = bytes_of(node->genesis_raw, node->genesis_size),
        .header_base = lineage->base_header,
        .header = statesync->offer.header,
        .certificate = statesync->offer.certificate,
        .boundaries = lineage->list,
        .boundary_count = lineage->count,
    };
    return incoming_open(&statesync->import, node->settings.data, &target, fault);
}

/* What is here is damaged: it is fetched anew, after a while. */
static void statesync_begin_again(struct statesync *statesync, const struct fault *why)
{
    struct node *node = statesync->node;
    struct fault fault = {0};
    enum err err = incoming_discard(&statesync->import, node->settings.data, why, &fault);
    if (!node_failed(node, err, &fault))
        statesync_rest(statesync, clock_monotonic_ms());
}

/* Keeps what is fetched from now on; false: no memory. */
static bool statesync_take(struct statesync *statesync, const struct bid *bid)
{
    struct statesync_offer *offer = &statesync->offer;
    arena_clear(&statesync->arena);
    *offer = (struct statesync_offer){
        bid->height, bid->digest,
        bytes_of(arena_copy(&statesync->arena, bid->header.data, bid->header.size),
                 bid->header.size),
        bytes_of(arena_copy(&statesync->arena, bid->certificate.data, bid->certificate.size),
                 bid->certificate.size)};
    return offer->header.data && offer->certificate.data;
}

/* Is what is offered worth more than blocks? */
static bool statesync_is_worth(struct statesync *statesync, const struct bid *bid, unsigned enough)
{
    struct consensus_summary summary;
    driver_summary(&statesync->node->driver, &summary);
    bool gone = bids_gone(&statesync->bids, summary.committed) >= enough;
    return statesync_is_behind(statesync, bid->height.n) ||
           (gone && bid->height.n > summary.committed.n);
}

/* The time for offers is over. */
static void statesync_choose(struct statesync *statesync, uint64_t now_ms)
{
    struct fault fault = {0};
    unsigned enough = statesync_enough(statesync);
    const struct bid *bid = bids_choose(&statesync->bids, enough);
    if (!bid && ++statesync->tries < STATESYNC_TRIES) {
        statesync_ask_all(statesync, bids_reached(&statesync->bids, enough).n, now_ms);
        return;
    }
    if (!bid || !statesync_is_worth(statesync, bid, enough) || !statesync_take(statesync, bid)) {
        statesync_rest(statesync, now_ms);
        return;
    }
    if (node_failed(statesync->node, statesync_open(statesync, &fault), &fault))
        return;
    const struct statesync_offer *offer = &statesync->offer;
    log_event(LOG_LEVEL_INFO, "transfer",
              "this node is far behind: fetching the state after block %llu from %u validators (%u "
              "of %u parts are here)",
              (unsigned long long)offer->height.n, statesync_offers(statesync),
              import_ranges(statesync->import), SNAPSHOT_RANGES);
    memset(statesync->asks, 0, sizeof(statesync->asks));
    for (unsigned i = 0; i < PEER_PLACES; i++)
        statesync->peers[i].silent = 0;
    statesync->phase = STATESYNC_FETCHING;
    statesync->tries = 0;
    atomic_store(&statesync->height, offer->height.n);
    atomic_store(&statesync->ranges, import_ranges(statesync->import));
    atomic_store(&statesync->blocks_too, false);
    atomic_store(&statesync->active, true);
}

/* A peer that may be asked for one more chunk: the next in turn; false: none. */
static bool statesync_free_peer(struct statesync *statesync, struct place *place)
{
    unsigned asked[PEER_PLACES] = {0};
    for (unsigned range = 0; range < SNAPSHOT_RANGES; range++)
        if (statesync->asks[range].open)
            asked[statesync->asks[range].place.n]++;
    for (unsigned i = 0; i < PEER_PLACES; i++) {
        place->n = (uint8_t)(statesync->turn++ % PEER_PLACES);
        if (bids_has(&statesync->bids, *place, &statesync->offer.digest) &&
            asked[place->n] < STATESYNC_UNDER_WAY)
            return true;
    }
    return false;
}

static void statesync_expire(struct statesync *statesync, uint64_t now_ms)
{
    for (unsigned range = 0; range < SNAPSHOT_RANGES; range++) {
        struct statesync_ask *ask = &statesync->asks[range];
        if (!ask->open || now_ms < ask->until_ms)
            continue;
        struct statesync_peer *peer = &statesync->peers[ask->place.n];
        char name[ROSTER_NAME_SIZE];
        ask->open = false;
        if (++peer->silent < STATESYNC_SILENT || now_ms < peer->muted_ms)
            continue;
        peer->muted_ms = now_ms + STATESYNC_MUTE_MS;
        bids_drop(&statesync->bids, ask->place);
        roster_name(statesync->node, ask->place, name);
        log_event(LOG_LEVEL_WARN, "transfer-silent", "%s sends nothing; asking others", name);
    }
}

static void statesync_ask(struct statesync *statesync, uint64_t now_ms)
{
    statesync_expire(statesync, now_ms);
    for (unsigned range = 0; range < SNAPSHOT_RANGES; range++) {
        struct statesync_ask *ask = &statesync->asks[range];
        struct wire_want_chunk want = {.height = statesync->offer.height};
        struct place place;
        if (ask->open || !import_next(statesync->import, range, &want.from) ||
            !statesync_free_peer(statesync, &place))
            continue;
        *ask = (struct statesync_ask){true, place, now_ms + STATESYNC_CHUNK_MS};
        statesync_send(statesync, place, WIRE_WANT_CHUNK, &wire_want_chunk_record, &want);
    }
}

/* The import is whole: the node starts again on it. */
static void statesync_finish(struct statesync *statesync)
{
    struct node *node = statesync->node;
    struct fault fault = {0};
    uint64_t leaves = import_leaves(statesync->import);
    struct consensus_summary summary;
    driver_summary(&node->driver, &summary);
    /* blocks were faster: what is here is not given up */
    if (summary.committed.n + BOUNDS_WINDOW >= statesync->offer.height.n) {
        statesync_rest(statesync, clock_monotonic_ms());
        return;
    }
    enum err err = import_finish(statesync->import, &fault);
    if (err == ERR_CORRUPT) {
        statesync_begin_again(statesync, &fault);
        return;
    }
    import_close(statesync->import);
    statesync->import = NULL;
    statesync->phase = STATESYNC_IDLE;
    statesync->until_ms = UINT64_MAX;
    if (!err)
        err = fetched_complete(node->settings.data, &fault);
    if (node_failed(node, err, &fault))
        return;
    log_event(LOG_LEVEL_INFO, "transfer",
              "the state after block %llu is here, %llu keys; starting again from it",
              (unsigned long long)statesync->offer.height.n, (unsigned long long)leaves);
    node_start_again(node);
}

static void statesync_on_chunk(struct statesync *statesync, struct place from, struct bytes body)
{
    struct wire_chunk wire;
    struct fault fault = {0};
    if (statesync->phase != STATESYNC_FETCHING)
        return;
    if (record_unpack(NULL, &wire_chunk_record, &wire, body, NULL)) {
        statesync_distrust(statesync, from, "a malformed chunk");
        return;
    }
    unsigned range = snapshot_range(&wire.from);
    struct statesync_ask *ask = &statesync->asks[range];
    struct digest wanted;
    if (!ask->open || ask->place.n != from.n || wire.height.n != statesync->offer.height.n ||
        !import_next(statesync->import, range, &wanted) || !digest_equal(&wanted, &wire.from))
        return; /* late */
    ask->open = false;
    if (wire.chunk.size == 0) {
        bids_drop(&statesync->bids, from);
        return;
    }
    enum err err = import_add(statesync->import, range, wire.chunk, &fault);
    if (err == ERR_CORRUPT)
        statesync_begin_again(statesync, &fault);
    else if (err == ERR_IO)
        node_failed(statesync->node, err, &fault);
    else if (err)
        statesync_distrust(statesync, from, fault.text);
    if (err)
        return;
    statesync->peers[from.n].silent = 0;
    atomic_store(&statesync->ranges, import_ranges(statesync->import));
}

/* --- the thread --- */

/* Serving takes at most half of the time. */
static void statesync_serve(struct statesync *statesync, const struct statesync_item *item)
{
    uint64_t began_us = clock_monotonic_us();
    struct wire_want_chunk want;
    if (!offering_chunk(statesync->node, item->from, item->body))
        return;
    if (!record_unpack(NULL, &wire_want_chunk_record, &want, item->body, NULL))
        holds_note(&statesync->holds, item->from, want.height, clock_monotonic_ms());
    clock_sleep_ms((clock_monotonic_us() - began_us) / 1000);
}

static void statesync_item(struct statesync *statesync, const struct statesync_item *item)
{
    switch (item->tag) {
    case WIRE_WANT_SNAPSHOT:
        offering_snapshot(statesync->node, item->from, item->body);
        break;
    case WIRE_SNAPSHOT:
        statesync_on_snapshot(statesync, item->from, item->body);
        break;
    case WIRE_WANT_CHUNK:
        statesync_serve(statesync, item);
        break;
    case WIRE_WANT_BOUNDARY:
        offering_boundary(statesync->node, item->from, item->body);
        break;
    case WIRE_BOUNDARY:
        statesync_on_boundary(statesync, item->from, item->body);
        break;
    case WIRE_CHUNK:
        statesync_on_chunk(statesync, item->from, item->body);
        break;
    }
}

static void statesync_advance(struct statesync *statesync)
{
    uint64_t now_ms = clock_monotonic_ms();
    switch (statesync->phase) {
    case STATESYNC_IDLE:
        if (now_ms >= statesync->until_ms)
            statesync_look(statesync, now_ms);
        break;
    case STATESYNC_ASKING:
        if (now_ms >= statesync->until_ms)
            statesync_choose(statesync, now_ms);
        break;
    case STATESYNC_FETCHING:
        statesync_ask(statesync, now_ms);
        if (import_ranges(statesync->import) == SNAPSHOT_RANGES)
            statesync_finish(statesync);
        else if (statesync_offers(statesync) < statesync_enough(statesync))
            statesync_rest(statesync, now_ms);
        break;
    }
}

static void statesync_run(void *self)
{
    struct statesync *statesync = self;
    void *item;
    while (!queue_is_closed(&statesync->queue)) {
        uint64_t wait_ms =
            statesync->phase == STATESYNC_FETCHING ? STATESYNC_PULSE_MS : STATESYNC_IDLE_MS;
        if (queue_pop(&statesync->queue, &item, 1, wait_ms) > 0) {
            statesync_item(statesync, item);
            statesync_item_free(statesync, item);
        }
        if (node_failure(statesync->node) == ERR_NONE)
            statesync_advance(statesync);
    }
}

enum err statesync_start(struct statesync *statesync, struct fault *fault)
{
    if (thread_start(&statesync->thread, "statesync", statesync_run, statesync))
        return fault_set(fault, ERR_IO, "no thread for the transfer of state");
    return ERR_NONE;
}

void statesync_stop(struct statesync *statesync)
{
    queue_close(&statesync->queue);
    thread_join(&statesync->thread);
}

void statesync_release(struct statesync *statesync)
{
    void *item;
    while (statesync->queue.ring && queue_pop(&statesync->queue, &item, 1, 0) > 0)
        statesync_item_free(statesync, item);
    queue_release(&statesync->queue);
    bids_clear(&statesync->bids);
    holds_release(&statesync->holds);
    lineage_release(&statesync->lineage);
    import_close(statesync->import);
    arena_release(&statesync->arena);
}
