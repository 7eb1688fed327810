#include "test/sim/station.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define FORWARD_MS   1000 /* what a number may need to reach the primary */
#define LOOSE_BODIES 64   /* sent by others, not yet asked for */

static struct station_bytes owned(struct bytes bytes)
{
    struct station_bytes copy = {malloc(bytes.size ? bytes.size : 1), bytes.size};
    CHECK(copy.data);
    if (bytes.size)
        memcpy(copy.data, bytes.data, bytes.size);
    return copy;
}

/* Makes room for one more element, zeroed, at the end of an owned array. */
static void *pushed(void *array, size_t *count, size_t size)
{
    void *list = *(void **)array;
    if ((*count & (*count - 1)) == 0) {
        list = realloc(list, (*count ? *count * 2 : 1) * size);
        CHECK(list);
        memcpy(array, &list, sizeof(list));
    }
    void *element = (uint8_t *)list + *count * size;
    memset(element, 0, size);
    (*count)++;
    return element;
}

void station_init(struct station *station, struct seat seat, const struct consensus_config *config,
                  const struct toy_header *genesis)
{
    memset(station, 0, sizeof(*station));
    station->seat = seat;
    station->config = *config;
    station->config.seat = seat;
    station->tick_ms = UINT64_MAX;

    size_t count = 0;
    struct station_decided *first = pushed(&station->chain, &count, sizeof(*first));
    station->chain_count = count;
    first->header_size = toy_header_pack(first->header, genesis);
    first->digest = digest_of(first->header, first->header_size);
    first->root = genesis->root;
    first->body_digest = genesis->body;
    first->certificate = owned(bytes_of(NULL, 0));
    station_restart(station);
}

static void forget_volatile(struct station *station)
{
    for (size_t i = 0; i < station->signing_count; i++)
        free(station->signings[i].body.data);
    station->signing_count = 0;
    station->order_count = 0;
    while (station->pool_count)
        station->marks[station->pool[--station->pool_count].number].pending = false;
    station->syncing = false;
    station->forget = (struct action_forget){0};
}

/* What is known of `number`. */
static struct station_mark *mark_of(struct station *station, uint64_t number)
{
    if (number >= station->mark_room) {
        size_t room = (size_t)number * 2 + 64;
        station->marks = realloc(station->marks, room * sizeof(*station->marks));
        CHECK(station->marks);
        memset(station->marks + station->mark_room, 0,
               (room - station->mark_room) * sizeof(*station->marks));
        station->mark_room = room;
    }
    return &station->marks[number];
}

static void set_executed(struct station *station, struct station_block *block, bool executed)
{
    if (block->executed == executed)
        return;
    block->executed = executed;
    for (uint32_t i = 0; i < block->body.count; i++)
        mark_of(station, block->body.numbers[i])->overlays += executed ? 1 : -1;
}

static void chain_truncate(struct station *station)
{
    while (station->chain_count > station->durable + 1)
        free(station->chain[--station->chain_count].certificate.data);
    for (size_t i = 0; i < station->mark_room; i++)
        station->marks[i].done = false;
    for (uint64_t h = 1; h < station->chain_count; h++)
        for (uint32_t i = 0; i < station->chain[h].body.count; i++)
            mark_of(station, station->chain[h].body.numbers[i])->done = true;
}

void station_crash(struct station *station)
{
    CHECK(station->alive);
    station->alive = false;
    station->life++;
    consensus_free(station->core);
    station->core = NULL;
    arena_release(&station->arena);
    forget_volatile(station);
    chain_truncate(station);
    while (station->log_count && station->log[station->log_count - 1].sequence > station->synced)
        free(station->log[--station->log_count].bytes.data);
    station->appended = station->synced;

    size_t kept = 0;
    for (size_t i = 0; i < station->block_count; i++) {
        set_executed(station, &station->blocks[i], false);
        if (station->blocks[i].on_disk)
            station->blocks[kept++] = station->blocks[i];
    }
    station->block_count = kept;
}

void station_restart(struct station *station)
{
    station->alive = true;
    station->tick_ms = UINT64_MAX;
    station->core = consensus_new(&station->config);
    CHECK(station->core);
    arena_init(&station->arena, consensus_step_bytes(station->core) + (64u << 20));
    for (size_t i = 0; i < station->log_count; i++) {
        const struct station_record *record = &station->log[i];
        struct fault fault = {0};
        enum err err = consensus_recover(station->core, record->sequence,
                                         bytes_of(record->bytes.data, record->bytes.size), &fault);
        CHECK(err == ERR_NONE);
    }
}

struct event station_start(const struct station *station)
{
    const struct station_decided *head = &station->chain[station->durable];
    struct event event = {.kind = EVENT_START};
    event.as.start.header = bytes_of(head->header, head->header_size);
    event.as.start.certificate = bytes_of(head->certificate.data, head->certificate.size);
    return event;
}

void station_release(struct station *station)
{
    if (station->alive)
        station_crash(station);
    for (size_t i = 0; i < station->log_count; i++)
        free(station->log[i].bytes.data);
    for (uint64_t h = 0; h < station->chain_count; h++)
        free(station->chain[h].certificate.data);
    free(station->log);
    free(station->signings);
    free(station->blocks);
    free(station->chain);
    free(station->orders);
    free(station->pool);
    free(station->marks);
}

/* --- log --- */

void station_append(struct station *station, const struct action_persist *persist)
{
    CHECK(persist->sequence == station->appended + 1);
    struct station_record *record = pushed(&station->log, &station->log_count, sizeof(*record));
    record->sequence = persist->sequence;
    record->bytes = owned(persist->record);
    record->has_body = persist->has_body;
    record->body = persist->body;
    station->appended = persist->sequence;
}

void station_forget(struct station *station)
{
    if (!station->forget.before || station->forget.after > station->synced)
        return;
    size_t dropped = 0;
    while (dropped < station->log_count && station->log[dropped].sequence < station->forget.before)
        free(station->log[dropped++].bytes.data);
    station->log_count -= dropped;
    if (dropped)
        memmove(station->log, station->log + dropped, station->log_count * sizeof(*station->log));
    station->forget = (struct action_forget){0};
}

void station_synced(struct station *station, uint64_t sequence)
{
    for (size_t i = 0; i < station->log_count; i++) {
        const struct station_record *record = &station->log[i];
        if (record->sequence <= station->synced || record->sequence > sequence || !record->has_body)
            continue;
        struct station_block *block = station_find(station, &record->body);
        if (block)
            block->on_disk = true;
    }
    if (sequence > station->synced)
        station->synced = sequence;
}

bool station_has_promise(const struct station *station, const struct action_sign *sign)
{
    /* Votes have their ballot's bytes in a record, and COMMITs in one of their own kind, [2, ...]; a proposal goes with its PREPARE. */
    const bool proposal = sign->tag == MESSAGE_PRE_PREPARE;
    const void *wanted = proposal ? (const void *)sign->digest.bytes : sign->body.data;
    const size_t size = proposal ? DIGEST_SIZE : sign->body.size;
    for (size_t i = station->log_count; i-- > 0;) {
        const struct station_record *record = &station->log[i];
        if (record->sequence > station->synced ||
            (sign->tag == MESSAGE_COMMIT && record->bytes.data[1] != 2))
            continue;
        if (memmem(record->bytes.data, record->bytes.size, wanted, size))
            return true;
    }
    return false;
}

void station_queue_sign(struct station *station, const struct action_sign *sign)
{
    struct station_signing *signing =
        pushed(&station->signings, &station->signing_count, sizeof(*signing));
    signing->sign = *sign;
    signing->body = owned(sign->body);
    signing->sign.body = bytes_of(signing->body.data, signing->body.size);
}

bool station_next_sign(struct station *station, struct station_signing *signing)
{
    for (size_t i = 0; i < station->signing_count; i++) {
        if (station->signings[i].sign.after > station->synced)
            continue;
        *signing = station->signings[i];
        station->signing_count--;
        memmove(&station->signings[i], &station->signings[i + 1],
                (station->signing_count - i) * sizeof(*station->signings));
        return true;
    }
    return false;
}

/* --- blocks --- */

struct station_block *station_find(const struct station *station, const struct digest *digest)
{
    for (size_t i = 0; i < station->block_count; i++)
        if (digest_equal(&station->blocks[i].digest, digest))
            return &station->blocks[i];
    return NULL;
}

bool station_body(const struct station *station, const struct digest *body_digest,
                  struct toy_body *body)
{
    for (size_t i = 0; i < station->block_count; i++)
        if (digest_equal(&station->blocks[i].body_digest, body_digest)) {
            *body = station->blocks[i].body;
            return true;
        }
    for (uint64_t h = station->chain_count; h-- > 0;)
        if (digest_equal(&station->chain[h].body_digest, body_digest)) {
            *body = station->chain[h].body;
            return true;
        }
    return false;
}

void station_keep_body(struct station *station, const struct toy_body *body)
{
    struct toy_body known;
    struct digest digest = toy_body_digest(body);
    if (station_body(station, &digest, &known))
        return;
    struct station_block *block = pushed(&station->blocks, &station->block_count, sizeof(*block));
    block->body = *body;
    block->body_digest = digest;
}

void station_discard(struct station *station, const struct digest *digest)
{
    for (size_t i = 0; i < station->order_count; i++)
        if (digest_equal(&station->orders[i].block.digest, digest))
            station->orders[i--] = station->orders[--station->order_count];
    struct station_block *block = station_find(station, digest);
    if (block)
        set_executed(station, block, false); /* its body stays: it may be promised */
}

static bool root_of(const struct station *station, const struct digest *digest, struct digest *root)
{
    const struct station_decided *head = &station->chain[station->chain_count - 1];
    const struct station_block *block = station_find(station, digest);
    if (digest_equal(&head->digest, digest))
        *root = head->root;
    else if (block && block->executed)
        *root = block->root;
    else
        return false;
    return true;
}

static bool is_done(const struct station *station, uint64_t number)
{
    return number < station->mark_room && station->marks[number].done;
}

/* True if `number` is in the chain or in an overlay between it and `parent`. */
static bool is_used(const struct station *station, const struct digest *parent, uint64_t number)
{
    if (is_done(station, number))
        return true;
    for (const struct station_block *b = station_find(station, parent); b;
         b = station_find(station, &b->parent))
        for (uint32_t i = 0; i < b->body.count; i++)
            if (b->body.numbers[i] == number)
                return true;
    return false;
}

bool station_build(struct station *station, const struct action_build *build, uint64_t time_ms,
                   bool wrong_root, struct station_block **block)
{
    struct digest root;
    struct toy_body body = {.count = 0};
    if (!root_of(station, &build->parent, &root))
        return false;
    for (size_t i = 0; i < station->pool_count && body.count < TOY_BODY_MAX; i++)
        if (!is_used(station, &build->parent, station->pool[i].number))
            body.numbers[body.count++] = station->pool[i].number;
    if (!body.count && !build->empty_too)
        return false;

    struct toy_header header = {
        .height = build->height.n,
        .view = build->view.n,
        .time_ms = time_ms,
        .proposer = station->seat.n,
        .parent = build->parent,
        .set = station->config.committee->digest,
        .next_set = station->config.committee->digest,
        .body = toy_body_digest(&body),
        .root = toy_root(&root, &body),
    };
    if (wrong_root)
        header.root.bytes[0] ^= 1;
    struct station_block *made = pushed(&station->blocks, &station->block_count, sizeof(*made));
    made->header_size = toy_header_pack(made->header, &header);
    made->digest = digest_of(made->header, made->header_size);
    made->height = header.height;
    made->parent = build->parent;
    made->root = header.root;
    made->body_digest = header.body;
    made->body = body;
    set_executed(station, made, true);
    *block = made;
    return true;
}

static bool body_is_fresh(const struct station *station, const struct digest *parent,
                          const struct toy_body *body)
{
    for (uint32_t i = 0; i < body->count; i++) {
        if (is_used(station, parent, body->numbers[i]))
            return false;
        for (uint32_t j = 0; j < i; j++)
            if (body->numbers[i] == body->numbers[j])
                return false;
    }
    return true;
}

bool station_execute(struct station *station, uint64_t ticket, enum event_verdict *verdict)
{
    size_t i = 0;
    while (i < station->order_count && station->orders[i].ticket != ticket)
        i++;
    if (i == station->order_count)
        return false;
    struct station_order order = station->orders[i];
    station->orders[i] = station->orders[--station->order_count];

    struct toy_header header;
    struct toy_body body;
    struct digest root;
    CHECK(toy_header_unpack(&header, bytes_of(order.header, order.header_size)));
    CHECK(order.running);
    body = order.body;
    if (!root_of(station, &header.parent, &root))
        return false;
    root = toy_root(&root, &body);
    *verdict = EVENT_INVALID;
    if (!digest_equal(&root, &header.root) || !body_is_fresh(station, &header.parent, &body))
        return true;
    *verdict = EVENT_VALID;

    struct station_block *block = station_find(station, &order.block.digest);
    if (!block)
        block = pushed(&station->blocks, &station->block_count, sizeof(*block));
    memcpy(block->header, order.header, order.header_size);
    block->header_size = order.header_size;
    block->digest = order.block.digest;
    block->height = header.height;
    block->parent = header.parent;
    block->root = root;
    block->body_digest = header.body;
    block->body = body;
    set_executed(station, block, true);
    return true;
}

/* `time_ms` of the block. */
static void mark_done(struct station *station, const struct toy_body *body, uint64_t time_ms)
{
    for (uint32_t i = 0; i < body->count; i++)
        mark_of(station, body->numbers[i])->done = true;
    size_t kept = 0;
    for (size_t i = 0; i < station->pool_count; i++) {
        if (is_done(station, station->pool[i].number)) {
            mark_of(station, station->pool[i].number)->pending = false;
            continue;
        }
        station->pool[kept] = station->pool[i];
        if (body->count < TOY_BODY_MAX && time_ms > station->pool[kept].since_ms + FORWARD_MS)
            station->pool[kept].passed++;
        kept++;
    }
    station->pool_count = kept;
}

struct station_decided *station_commit(struct station *station, const struct action_commit *commit)
{
    struct station_block *found = station_find(station, &commit->digest);
    CHECK(found && found->executed);
    CHECK(commit->height.n == station->chain_count);
    struct station_block block = *found;
    size_t count = station->chain_count;
    struct station_decided *decided = pushed(&station->chain, &count, sizeof(*decided));
    station->chain_count = count;
    decided->digest = block.digest;
    decided->root = block.root;
    decided->body_digest = block.body_digest;
    memcpy(decided->header, block.header, block.header_size);
    decided->header_size = block.header_size;
    decided->body = block.body;
    decided->certificate = owned(commit->certificate);
    struct toy_header header;
    CHECK(toy_header_unpack(&header, bytes_of(block.header, block.header_size)));
    mark_done(station, &block.body, header.time_ms);
    return decided;
}

void station_on_disk(struct station *station, uint64_t height)
{
    station->durable = height;
    size_t kept = 0, loose = 0;
    for (size_t i = station->block_count; i-- > 0;) /* of loose bodies the newest stay */
        if (station->blocks[i].height == 0 && ++loose > LOOSE_BODIES)
            station->blocks[i].height = 1;
    for (size_t i = 0; i < station->block_count; i++) {
        if (station->blocks[i].height != 0 && station->blocks[i].height <= height)
            set_executed(station, &station->blocks[i], false);
        else
            station->blocks[kept++] = station->blocks[i];
    }
    station->block_count = kept;
}

/* --- pool --- */

void station_submit(struct station *station, uint64_t number, uint64_t clock_ms)
{
    struct station_mark *mark = mark_of(station, number);
    if (mark->done || mark->pending)
        return;
    mark->pending = true;
    struct station_waiting *waiting =
        pushed(&station->pool, &station->pool_count, sizeof(*waiting));
    waiting->number = number;
    waiting->since_ms = clock_ms;
}

struct event_work station_work(struct station *station)
{
    struct event_work work = {.due_ms = UINT64_MAX};
    if (!station->pool_count)
        return work;
    work.waiting = true;
    work.mark = station->pool[0].number;
    work.passed_over = station->pool[0].passed;
    for (size_t i = 0; i < station->pool_count && !work.buildable; i++)
        work.buildable = !mark_of(station, station->pool[i].number)->overlays;
    return work;
}
