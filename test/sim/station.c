#include "test/sim/station.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define FORWARD_MS   1000 /* what a number may need to reach the primary */
#define LOOSE_BODIES 64   /* sent by others, not yet asked for */

void station_init(struct station *station, struct seat seat, const struct consensus_config *config,
                  const struct toy_header *genesis)
{
    memset(station, 0, sizeof(*station));
    station->seat = seat;
    station->config = *config;
    station->config.seat = seat;
    station->tick_ms = UINT64_MAX;

    size_t count = 0;
    struct station_decided *first = disk_grow(&station->chain, &count, sizeof(*first));
    station->chain_count = count;
    first->header_size = toy_header_pack(first->header, genesis);
    first->digest = digest_of(first->header, first->header_size);
    first->root = genesis->root;
    first->body_digest = genesis->body;
    first->certificate = disk_copy(bytes_of(NULL, 0));
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

void station_crash(struct station *station, size_t kept)
{
    CHECK(station->alive);
    const uint64_t waiting = station->disk.appended - station->disk.synced;
    station_synced(station, station->disk.synced + (kept < waiting ? kept : waiting));
    disk_fail(&station->disk, 0);
    station->alive = false;
    station->life++;
    consensus_free(station->core);
    station->core = NULL;
    arena_release(&station->arena);
    forget_volatile(station);
    chain_truncate(station);
    size_t count = 0;
    for (size_t i = 0; i < station->block_count; i++) {
        set_executed(station, &station->blocks[i], false);
        if (station->blocks[i].on_disk)
            station->blocks[count++] = station->blocks[i];
    }
    station->block_count = count;
}

void station_restart(struct station *station)
{
    station->alive = true;
    station->tick_ms = UINT64_MAX;
    station->core = consensus_new(&station->config);
    CHECK(station->core);
    arena_init(&station->arena, consensus_step_bytes(station->core) + (64u << 20));
    disk_open(&station->disk, &station->opened, station->durable);
    for (size_t i = 0; i < station->disk.count; i++) {
        const struct disk_record *record = &station->disk.records[i];
        struct fault fault = {0};
        enum err err = consensus_recover(station->core, record->sequence,
                                         bytes_of(record->bytes.data, record->bytes.size), &fault);
        CHECK(err == ERR_NONE);
    }
}

struct event station_start(const struct station *station)
{
    const struct station_decided *head = &station->chain[station->durable];
    struct event event = {.kind = EVENT_START, .as.start = station->opened};
    event.as.start.header = bytes_of(head->header, head->header_size);
    event.as.start.certificate = bytes_of(head->certificate.data, head->certificate.size);
    return event;
}

void station_release(struct station *station)
{
    if (station->alive)
        station_crash(station, 0);
    disk_release(&station->disk);
    for (uint64_t h = 0; h < station->chain_count; h++)
        free(station->chain[h].certificate.data);
    free(station->signings);
    free(station->blocks);
    free(station->chain);
    free(station->orders);
    free(station->pool);
    free(station->marks);
}

/* --- log --- */

void station_synced(struct station *station, uint64_t sequence)
{
    for (size_t i = station->disk.count; i-- > 0;) {
        const struct disk_record *record = &station->disk.records[i];
        if (record->sequence <= station->disk.synced)
            break;
        struct station_block *block = record->has_body && record->sequence <= sequence
                                          ? station_find(station, &record->body)
                                          : NULL;
        if (block)
            block->on_disk = true;
    }
    disk_synced(&station->disk, sequence);
}

void station_queue_sign(struct station *station, const struct action_sign *sign)
{
    struct station_signing *signing =
        disk_grow(&station->signings, &station->signing_count, sizeof(*signing));
    signing->sign = *sign;
    signing->body = disk_copy(sign->body);
    signing->sign.body = bytes_of(signing->body.data, signing->body.size);
}

bool station_next_sign(struct station *station, struct station_signing *signing)
{
    for (size_t i = 0; i < station->signing_count; i++) {
        if (station->signings[i].sign.after > station->disk.synced)
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
    struct station_block *block =
        disk_grow(&station->blocks, &station->block_count, sizeof(*block));
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

/* The state root after a block that is the head or was executed, and its time. */
static bool root_of(const struct station *station, const struct digest *digest, struct digest *root,
                    uint64_t *time_ms)
{
    const struct station_decided *head = &station->chain[station->chain_count - 1];
    const struct station_block *block = station_find(station, digest);
    struct toy_header header;
    if (digest_equal(&head->digest, digest)) {
        CHECK(toy_header_unpack(&header, bytes_of(head->header, head->header_size)));
        *root = head->root;
    } else if (block && block->executed) {
        CHECK(toy_header_unpack(&header, bytes_of(block->header, block->header_size)));
        *root = block->root;
    } else {
        return false;
    }
    *time_ms = header.time_ms;
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
                   enum station_flaw flaw, struct station_block **block)
{
    struct digest root;
    struct toy_body body = {.count = 0};
    uint64_t parent_ms;
    if (!root_of(station, &build->parent, &root, &parent_ms))
        return false;
    for (size_t i = 0; i < station->pool_count && body.count < TOY_BODY_MAX; i++)
        if (!is_used(station, &build->parent, station->pool[i].number))
            body.numbers[body.count++] = station->pool[i].number;
    if (!body.count && !build->empty_too)
        return false;
    if (flaw == STATION_TWICE && body.count && body.count < TOY_BODY_MAX) {
        body.numbers[body.count] = body.numbers[0];
        body.count++;
    }
    const struct toy_body *last = &station->chain[station->chain_count - 1].body;
    if (flaw == STATION_USED && last->count && body.count < TOY_BODY_MAX)
        body.numbers[body.count++] = last->numbers[0];

    struct toy_header header = {
        .height = build->height.n,
        .view = build->view.n,
        .time_ms = time_ms > parent_ms ? time_ms : parent_ms + 1,
        .proposer = station->seat.n,
        .parent = build->parent,
        .set = station->config.committee->digest,
        .next_set = station->config.committee->digest,
        .body = toy_body_digest(&body),
        .root = toy_root(&root, &body),
    };
    if (flaw == STATION_WRONG_ROOT)
        header.root.bytes[0] ^= 1;
    struct station_block *made = disk_grow(&station->blocks, &station->block_count, sizeof(*made));
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
        if (body->numbers[i] > TOY_NUMBER_MAX || is_used(station, parent, body->numbers[i]))
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
    uint64_t parent_ms;
    if (!root_of(station, &header.parent, &root, &parent_ms))
        return false;
    root = toy_root(&root, &body);
    *verdict = EVENT_INVALID;
    if (!digest_equal(&root, &header.root) || !body_is_fresh(station, &header.parent, &body))
        return true;
    *verdict = EVENT_VALID;

    struct station_block *block = station_find(station, &order.block.digest);
    if (!block)
        block = disk_grow(&station->blocks, &station->block_count, sizeof(*block));
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
    struct station_decided *decided = disk_grow(&station->chain, &count, sizeof(*decided));
    station->chain_count = count;
    decided->digest = block.digest;
    decided->root = block.root;
    decided->body_digest = block.body_digest;
    memcpy(decided->header, block.header, block.header_size);
    decided->header_size = block.header_size;
    decided->body = block.body;
    decided->certificate = disk_copy(commit->certificate);
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

bool station_submit(struct station *station, uint64_t number, uint64_t clock_ms)
{
    struct station_mark *mark = mark_of(station, number);
    if (mark->done || mark->pending)
        return true;
    if (station->pool_count == STATION_POOL_MAX)
        return false;
    mark->pending = true;
    struct station_waiting *waiting =
        disk_grow(&station->pool, &station->pool_count, sizeof(*waiting));
    waiting->number = number;
    waiting->since_ms = clock_ms;
    return true;
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
