#include "test/sim/station.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define LOOSE_BODIES 64 /* sent by others, not yet asked for */

void station_init(struct station *station, uint8_t member, const struct consensus_config *config,
                  const struct books_world *world)
{
    memset(station, 0, sizeof(*station));
    station->member = member;
    station->term = world->first;
    station->seat = term_seat(&station->term, member);
    station->config = *config;
    station->kind = world->kind;
    station->books = world->kind->open(world);
    station->tick_ms = UINT64_MAX;

    size_t count = 0;
    struct station_decided *first = disk_grow(&station->chain, &count, sizeof(*first));
    station->chain_count = count;
    first->header_size = world->header_size;
    memcpy(first->header, world->header, world->header_size);
    first->digest = digest_of(first->header, first->header_size);
    first->body = disk_copy(bytes_of(NULL, 0));
    first->certificate = disk_copy(bytes_of(NULL, 0));
    station->oldest = 1;
    station_restart(station);
}

static void drop_order(struct station *station, size_t index)
{
    free(station->orders[index].body.data);
    station->orders[index] = station->orders[--station->order_count];
}

static void drop_last_decided(struct station *station)
{
    struct station_decided *last = &station->chain[--station->chain_count];
    free(last->body.data);
    free(last->certificate.data);
}

/* What a core waits for, or what waits for its log. */
static void drop_waiting(struct station *station)
{
    for (size_t i = 0; i < station->signing_count; i++)
        free(station->signings[i].body.data);
    station->signing_count = 0;
    while (station->order_count)
        drop_order(station, 0);
}

static void forget_volatile(struct station *station)
{
    drop_waiting(station);
    while (station->chain_count > station->durable + 1)
        drop_last_decided(station);
    size_t kept = 0;
    for (size_t i = 0; i < station->block_count; i++)
        if (station->blocks[i].on_disk)
            station->blocks[kept++] = station->blocks[i];
        else
            free(station->blocks[i].body.data);
    station->block_count = kept;
}

static void close_core(struct station *station)
{
    station->life++;
    consensus_free(station->core);
    station->core = NULL;
    arena_release(&station->arena);
}

/* A core for the set of the term; its records follow `sequence`. */
static void open_core(struct station *station, uint64_t sequence)
{
    station->config.committee = &station->term.committee;
    station->config.base = station->term.base;
    station->config.seat = station->seat;
    station->config.sequence = sequence;
    station->core = consensus_new(&station->config);
    CHECK(station->core);
    arena_init(&station->arena, consensus_step_bytes(station->core) + (64u << 20));
    station->tick_ms = UINT64_MAX;
    memset(station->heights, 0, sizeof(station->heights));
}

/* Gives a new core what the node has promised. */
static void read_log(struct station *station)
{
    for (size_t i = 0; i < station->disk.count; i++) {
        const struct disk_record *record = &station->disk.records[i];
        struct fault fault = {0};
        enum err err = consensus_recover(station->core, record->sequence,
                                         bytes_of(record->bytes.data, record->bytes.size), &fault);
        if (err)
            check_failed(fault.text, __FILE__, __LINE__);
    }
}

/* The core, and what only it and the driver's memory held. */
static void stop(struct station *station)
{
    station->alive = false;
    close_core(station);
    forget_volatile(station);
}

void station_crash(struct station *station, size_t kept)
{
    CHECK(station->alive);
    const uint64_t waiting = station->disk.appended - station->disk.synced;
    station_synced(station, station->disk.synced + (kept < waiting ? kept : waiting));
    disk_fail(&station->disk, 0);
    stop(station);
    station->kind->fail(station->books);
}

void station_restart(struct station *station)
{
    CHECK(!station->retired);
    station->alive = true;
    disk_open(&station->disk, station->durable);
    open_core(station, 0);
    read_log(station);
}

struct event station_start(const struct station *station)
{
    const struct station_decided *head = &station->chain[station->durable];
    struct event event = {.kind = EVENT_START};
    disk_start(&station->disk, &event.as.start, station->durable, term_since(&station->term));
    event.as.start.header = bytes_of(head->header, head->header_size);
    if (station->durable > station->term.base.height.n)
        event.as.start.certificate = bytes_of(head->certificate.data, head->certificate.size);
    return event;
}

bool station_is_at_boundary(const struct station *station)
{
    const struct station_decided *head = &station->chain[station->durable];
    struct consensus_block block;
    CHECK(station->kind->read(NULL, &block, bytes_of(head->header, head->header_size)));
    return !digest_equal(&block.set, &block.next_set);
}

void station_renew(struct station *station)
{
    const bool sat = station->seat.n != COMMITTEE_NO_SEAT;
    close_core(station);
    drop_waiting(station);
    station->disk.syncing = 0;
    station->kind->term(station->books, &station->term);
    station->term.base =
        (struct consensus_base){{station->durable}, station->chain[station->durable].digest};
    station->seat = term_seat(&station->term, station->member);
    station->dismissed = station->seat.n == COMMITTEE_NO_SEAT && (sat || station->dismissed);
    open_core(station, station->disk.appended);
}

/* What was kept to decide heights up to this one. */
static void drop_blocks(struct station *station, uint64_t height)
{
    size_t kept = 0;
    for (size_t i = 0; i < station->block_count; i++)
        if (station->blocks[i].height != 0 && station->blocks[i].height <= height)
            free(station->blocks[i].body.data);
        else
            station->blocks[kept++] = station->blocks[i];
    station->block_count = kept;
}

/* A height that was decided elsewhere; its block isn't here. */
static struct station_decided *add_gap(struct station *station)
{
    size_t count = station->chain_count;
    struct station_decided *gap = disk_grow(&station->chain, &count, sizeof(*gap));
    station->chain_count = count;
    return gap;
}

void station_jump(struct station *station, struct bytes header, struct bytes certificate,
                  struct bytes state)
{
    struct consensus_block block;
    CHECK(station->kind->read(NULL, &block, header) && block.height.n > station->durable);
    station_synced(station, station->disk.appended);
    close_core(station);
    drop_waiting(station);
    station->disk.syncing = 0;
    while (station->chain_count > station->durable + 1)
        drop_last_decided(station);
    while (station->chain_count < block.height.n)
        (void)add_gap(station);
    struct station_decided *head = add_gap(station);
    head->digest = block.digest;
    head->header_size = header.size;
    memcpy(head->header, header.data, header.size);
    head->certificate = disk_copy(certificate);
    station->durable = block.height.n;
    station->oldest = block.height.n + 1;
    drop_blocks(station, block.height.n);
    station->kind->take_over(station->books, state);
    open_core(station, 0);
    read_log(station);
}

void station_retire(struct station *station)
{
    CHECK(station->alive && station->dismissed);
    stop(station);
    station->retired = true;
}

void station_release(struct station *station)
{
    if (station->alive)
        stop(station);
    disk_release(&station->disk);
    while (station->chain_count)
        drop_last_decided(station);
    for (size_t i = 0; i < station->block_count; i++)
        free(station->blocks[i].body.data);
    station->kind->close(station->books);
    free(station->signings);
    free(station->blocks);
    free(station->chain);
    free(station->orders);
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
        if (!block || block->on_disk)
            continue;
        block->on_disk = true;
        if (station->kind->hold)
            station->kind->hold(station->books, bytes_of(block->header, block->header_size),
                                bytes_of(block->body.data, block->body.size));
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

struct bytes station_body(const struct station *station, const struct digest *body_digest)
{
    for (size_t i = 0; i < station->block_count; i++)
        if (digest_equal(&station->blocks[i].body_digest, body_digest))
            return bytes_of(station->blocks[i].body.data, station->blocks[i].body.size);
    for (uint64_t h = station->chain_count; h-- > 1;)
        if (digest_equal(&station->chain[h].body_digest, body_digest))
            return bytes_of(station->chain[h].body.data, station->chain[h].body.size);
    return bytes_of(NULL, 0);
}

static struct station_block *add_block(struct station *station, struct bytes body,
                                       const struct digest *body_digest)
{
    struct station_block *block =
        disk_grow(&station->blocks, &station->block_count, sizeof(*block));
    block->body = disk_copy(body);
    block->body_digest = *body_digest;
    return block;
}

/* Of loose bodies the newest stay. */
static void drop_oldest_loose(struct station *station)
{
    size_t loose = 0, oldest = station->block_count;
    for (size_t i = station->block_count; i-- > 0;)
        if (station->blocks[i].height == 0) {
            loose++;
            oldest = i;
        }
    if (loose < LOOSE_BODIES)
        return;
    free(station->blocks[oldest].body.data);
    station->block_count--;
    memmove(&station->blocks[oldest], &station->blocks[oldest + 1],
            (station->block_count - oldest) * sizeof(*station->blocks));
}

bool station_keep_body(struct station *station, struct digest *body_digest, struct bytes body)
{
    if (!station->kind->body_digest(&station->arena, body_digest, body))
        return false;
    if (station_body(station, body_digest).data)
        return true;
    drop_oldest_loose(station);
    (void)add_block(station, body, body_digest);
    return true;
}

void station_add_order(struct station *station, const struct action_execute *execute)
{
    struct station_order *order =
        disk_grow(&station->orders, &station->order_count, sizeof(*order));
    CHECK(execute->header.size <= BOOKS_HEADER_BYTES);
    order->ticket = execute->ticket;
    order->digest = execute->block.digest;
    order->height = execute->block.height.n;
    order->holders = execute->holders;
    order->header_size = execute->header.size;
    memcpy(order->header, execute->header.data, execute->header.size);
    order->body_digest = station->kind->body_named(execute->header);
}

void station_discard(struct station *station, const struct digest *digest)
{
    for (size_t i = 0; i < station->order_count; i++)
        if (digest_equal(&station->orders[i].digest, digest))
            drop_order(station, i--);
    station->kind->discard(station->books, digest); /* the body stays: it may be promised */
}

/* Gives a block its header. */
static void name_block(struct station_block *block, struct bytes header, uint64_t height)
{
    block->digest = digest_of(header.data, header.size);
    block->height = height;
    block->header_size = header.size;
    memcpy(block->header, header.data, header.size);
}

struct station_block *station_build(struct station *station, const struct books_order *order)
{
    struct bytes header, body;
    if (!station->kind->build(station->books, &station->arena, order, &header, &body))
        return NULL;
    const struct digest body_digest = station->kind->body_named(header);
    struct station_block *block = add_block(station, body, &body_digest);
    name_block(block, header, order->height.n);
    return block;
}

bool station_execute(struct station *station, uint64_t ticket, enum event_verdict *verdict)
{
    size_t i = 0;
    while (i < station->order_count && station->orders[i].ticket != ticket)
        i++;
    if (i == station->order_count)
        return false;
    struct station_order *order = &station->orders[i];
    CHECK(order->body.data);
    const struct bytes header = bytes_of(order->header, order->header_size);
    const struct bytes body = bytes_of(order->body.data, order->body.size);
    const bool answered =
        station->kind->execute(station->books, &station->arena, header, body, verdict);
    if (answered && *verdict == EVENT_VALID && !station_find(station, &order->digest))
        name_block(add_block(station, body, &order->body_digest), header, order->height);
    drop_order(station, i);
    return answered;
}

struct station_decided *station_commit(struct station *station, const struct action_commit *commit)
{
    const struct station_block *block = station_find(station, &commit->digest);
    CHECK(block);
    CHECK(commit->height.n == station->chain_count);
    size_t count = station->chain_count;
    struct station_decided *decided = disk_grow(&station->chain, &count, sizeof(*decided));
    station->chain_count = count;
    decided->digest = block->digest;
    decided->body_digest = block->body_digest;
    memcpy(decided->header, block->header, block->header_size);
    decided->header_size = block->header_size;
    decided->body = disk_copy(bytes_of(block->body.data, block->body.size));
    decided->certificate = disk_copy(commit->certificate);
    return decided;
}

void station_on_disk(struct station *station, uint64_t height, uint64_t now_ms)
{
    const struct station_decided *decided = &station->chain[height];
    station->kind->durable(station->books, &decided->digest,
                           bytes_of(decided->certificate.data, decided->certificate.size), now_ms);
    station->durable = height;
    drop_blocks(station, height);
    if (!station->keep || height <= station->keep || height - station->keep < station->oldest)
        return;
    struct station_decided *old = &station->chain[height - station->keep];
    free(old->body.data);
    old->body = (struct disk_bytes){NULL, 0};
    old->body_digest = digest_zero;
    station->oldest = height - station->keep + 1;
}
