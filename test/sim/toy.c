#include "test/sim/toy.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "test/sim/disk.h"

#define FORWARD_MS 1000 /* what a number may need to reach the primary */
#define POOL_MAX   128

#define TOY_KEY_AT                                                                                 \
    1 /* what of a key is signed with: in a real one, the first bytes after its parity */
#define TOY_KEY_SIZE 8

struct toy_header {
    uint64_t height, view, time_ms;
    uint8_t proposer;
    struct digest parent, set, next_set;
    struct digest body; /* of the numbers */
    struct digest root; /* of the parent's root and the numbers */
};

static const struct record_field toy_fields[] = {
    RECORD_UINT(struct toy_header, height),
    RECORD_UINT(struct toy_header, view),
    RECORD_UINT(struct toy_header, time_ms),
    RECORD_UINT(struct toy_header, proposer),
    RECORD_FIXED(struct toy_header, parent, RECORD_AS_HEX),
    RECORD_FIXED(struct toy_header, set, RECORD_AS_HEX),
    RECORD_FIXED(struct toy_header, next_set, RECORD_AS_HEX),
    RECORD_FIXED(struct toy_header, body, RECORD_AS_HEX),
    RECORD_FIXED(struct toy_header, root, RECORD_AS_HEX),
};

static const struct record toy_record = RECORD(struct toy_header, "toy header", toy_fields);

struct toy_body {
    uint64_t numbers[BOOKS_BLOCK_NUMBERS];
    uint32_t count;
};

struct toy_block { /* executed, or the last durable one */
    struct digest digest;
    struct toy_header header;
    struct toy_body body;
    struct seating seating; /* after it ... */
    uint64_t since;         /* ... and the first height that it certifies */
};

struct toy_waiting { /* a number in the pool */
    uint64_t number;
    uint64_t since_ms;
    uint64_t passed; /* durable blocks that had room for it */
};

struct toy_mark {      /* what is known of a number */
    bool done;         /* durable */
    bool pending;      /* in the pool */
    uint16_t overlays; /* executed blocks that hold it */
};

struct books { /* a toy's */
    const struct books_world *world;
    struct toy_block head;
    struct toy_block *overlays; /* owned */
    size_t overlay_count;
    struct toy_waiting *pool; /* owned */
    size_t pool_count;
    struct toy_mark marks[BOOKS_NUMBER_MAX + 1]; /* by number */
};

/* --- bytes --- */

static struct digest root_of(const struct digest *parent_root, const struct toy_body *body)
{
    struct digest_stream stream;
    digest_init(&stream);
    digest_add(&stream, parent_root->bytes, DIGEST_SIZE);
    digest_add(&stream, body->numbers, body->count * sizeof(body->numbers[0]));
    return digest_end(&stream);
}

static size_t header_pack(uint8_t bytes[BOOKS_HEADER_BYTES], const struct toy_header *header)
{
    struct pack_writer writer;
    pack_init(&writer, bytes, BOOKS_HEADER_BYTES);
    record_pack(&writer, &toy_record, header);
    return writer.used;
}

static bool header_unpack(struct toy_header *header, struct bytes bytes)
{
    return record_unpack(NULL, &toy_record, header, bytes, NULL) == ERR_NONE;
}

static bool body_unpack(struct toy_body *body, struct bytes bytes)
{
    if (bytes.size % 8 || bytes.size > sizeof(body->numbers))
        return false;
    body->count = (uint32_t)(bytes.size / 8);
    if (bytes.size)
        memcpy(body->numbers, bytes.data, bytes.size);
    return true;
}

static bool toy_read(const void *self, struct consensus_block *block, struct bytes header)
{
    (void)self;
    struct toy_header toy;
    if (!header_unpack(&toy, header))
        return false;
    *block = (struct consensus_block){
        .height = {toy.height},
        .view = {toy.view},
        .proposer = {toy.proposer},
        .time_ms = toy.time_ms,
        .digest = digest_of(header.data, header.size),
        .parent = toy.parent,
        .set = toy.set,
        .next_set = toy.next_set,
    };
    return true;
}

static bool toy_body_digest(struct arena *arena, struct digest *digest, struct bytes bytes)
{
    (void)arena;
    struct toy_body body;
    *digest = digest_of(bytes.data, bytes.size);
    return body_unpack(&body, bytes);
}

static struct digest toy_body_named(struct bytes header)
{
    struct toy_header toy;
    CHECK(header_unpack(&toy, header));
    return toy.body;
}

static uint32_t toy_numbers(struct books *books, struct bytes bytes,
                            uint64_t numbers[BOOKS_BLOCK_NUMBERS])
{
    (void)books;
    struct toy_body body;
    CHECK(body_unpack(&body, bytes));
    memcpy(numbers, body.numbers, bytes.size);
    return body.count;
}

/* --- worlds --- */

/* The same members make another set later. */
static struct digest set_of(const struct seating *seating, uint64_t since)
{
    uint8_t packed[LIMIT_VALIDATORS + 16];
    memcpy(packed, seating->members, seating->count);
    bytes_put_u64(packed + seating->count, seating->vacant);
    bytes_put_u64(packed + seating->count + 8, since);
    return digest_of(packed, seating->count + 16u);
}

/* The committee of a seating: a member's key is its number. */
static void seat_all(struct term *term, const struct digest *set)
{
    struct sign_public keys[LIMIT_VALIDATORS] = {0};
    for (uint8_t seat = 0; seat < term->seating.count; seat++)
        keys[seat].bytes[TOY_KEY_AT] = term->seating.members[seat];
    committee_init(&term->committee, set, keys, term->seating.count);
    term->committee.vacant = term->seating.vacant;
}

static void toy_found(struct books_world *world, uint8_t count, bool sound)
{
    (void)sound;
    struct term *first = &world->first;
    term_found(first, count);
    const struct digest set = set_of(&first->seating, 1);
    const struct toy_body none = {.count = 0};
    struct toy_header header = {.set = set, .next_set = set, .body = digest_of(NULL, 0)};
    header.root = root_of(&digest_zero, &none);
    seat_all(first, &set);
    world->chain = digest_of("simulation", 10);
    world->header_size = header_pack(world->header, &header);
}

static void toy_dissolve(struct books_world *world)
{
    (void)world;
}

static struct books *toy_open(const struct books_world *world)
{
    struct books *books = calloc(1, sizeof(*books));
    CHECK(books);
    books->world = world;
    books->head.digest = digest_of(world->header, world->header_size);
    CHECK(header_unpack(&books->head.header, bytes_of(world->header, world->header_size)));
    books->head.seating = world->first.seating;
    books->head.since = 1;
    return books;
}

static void toy_close(struct books *books)
{
    free(books->overlays);
    free(books->pool);
    free(books);
}

/* --- blocks --- */

static struct toy_block *find(struct books *books, const struct digest *digest)
{
    if (digest_equal(&books->head.digest, digest))
        return &books->head;
    for (size_t i = 0; i < books->overlay_count; i++)
        if (digest_equal(&books->overlays[i].digest, digest))
            return &books->overlays[i];
    return NULL;
}

/* True if `number` is in the chain or in an overlay between it and `block`. */
static bool is_used(struct books *books, const struct toy_block *block, uint64_t number)
{
    if (books->marks[number].done)
        return true;
    if (!books->marks[number].overlays)
        return false;
    for (; block && block != &books->head; block = find(books, &block->header.parent))
        for (uint32_t i = 0; i < block->body.count; i++)
            if (block->body.numbers[i] == number)
                return true;
    return false;
}

static void add_overlay(struct books *books, const struct toy_block *block)
{
    struct toy_block *place =
        disk_grow(&books->overlays, &books->overlay_count, sizeof(*books->overlays));
    *place = *block;
    for (uint32_t i = 0; i < block->body.count; i++)
        books->marks[block->body.numbers[i]].overlays++;
}

static void drop_overlay(struct books *books, size_t index)
{
    const struct toy_body *body = &books->overlays[index].body;
    for (uint32_t i = 0; i < body->count; i++)
        books->marks[body->numbers[i]].overlays--;
    books->overlays[index] = books->overlays[--books->overlay_count];
}

static void toy_fail(struct books *books)
{
    while (books->overlay_count)
        drop_overlay(books, 0);
    while (books->pool_count)
        books->marks[books->pool[--books->pool_count].number].pending = false;
}

static void fill(struct books *books, const struct toy_block *parent, enum books_flaw flaw,
                 struct toy_body *body)
{
    for (size_t i = 0; i < books->pool_count && body->count < BOOKS_BLOCK_NUMBERS; i++)
        if (!is_used(books, parent, books->pool[i].number))
            body->numbers[body->count++] = books->pool[i].number;
    if (flaw == BOOKS_TWICE && body->count && body->count < BOOKS_BLOCK_NUMBERS) {
        body->numbers[body->count] = body->numbers[0];
        body->count++;
    }
    if (flaw == BOOKS_USED && books->head.body.count && body->count < BOOKS_BLOCK_NUMBERS)
        body->numbers[body->count++] = books->head.body.numbers[0];
}

/* What the body's motions make of the parent's set. */
static struct digest settle(struct toy_block *block, const struct toy_block *parent)
{
    struct motion motion;
    block->seating = parent->seating;
    block->since = parent->since;
    for (uint32_t i = 0; i < block->body.count; i++)
        if (term_motion(&motion, block->body.numbers[i], BOOKS_NUMBER_MAX) &&
            term_move(&block->seating, &motion)) {
            block->since = block->header.height + 1;
            return set_of(&block->seating, block->since);
        }
    return parent->header.next_set;
}

static bool toy_build(struct books *books, struct arena *arena, const struct books_order *order,
                      struct bytes *header, struct bytes *body)
{
    const struct toy_block *parent = find(books, &order->parent);
    struct toy_block made = {.body.count = 0};
    if (!parent)
        return false;
    fill(books, parent, order->flaw, &made.body);
    if (!made.body.count && !order->empty_too)
        return false;
    const uint64_t parent_ms = parent->header.time_ms;
    made.header = (struct toy_header){
        .height = order->height.n,
        .view = order->view.n,
        .time_ms = order->time_ms > parent_ms ? order->time_ms : parent_ms + 1,
        .proposer = order->proposer.n,
        .parent = order->parent,
        .set = parent->header.next_set,
        .body = digest_of(made.body.numbers, made.body.count * sizeof(made.body.numbers[0])),
        .root = root_of(&parent->header.root, &made.body),
    };
    made.header.next_set = settle(&made, parent);
    if (order->flaw == BOOKS_WRONG_ROOT)
        made.header.root.bytes[0] ^= 1;
    uint8_t packed[BOOKS_HEADER_BYTES];
    const size_t size = header_pack(packed, &made.header);
    made.digest = digest_of(packed, size);
    *header = bytes_of(arena_copy(arena, packed, size), size);
    const size_t body_size = made.body.count * sizeof(made.body.numbers[0]);
    *body = bytes_of(arena_copy(arena, made.body.numbers, body_size), body_size);
    CHECK(header->data && body->data);
    if (!find(books, &made.digest))
        add_overlay(books, &made);
    return true;
}

static bool is_fresh(struct books *books, const struct toy_block *parent,
                     const struct toy_body *body)
{
    for (uint32_t i = 0; i < body->count; i++) {
        if (body->numbers[i] > BOOKS_NUMBER_MAX || is_used(books, parent, body->numbers[i]))
            return false;
        for (uint32_t j = 0; j < i; j++)
            if (body->numbers[i] == body->numbers[j])
                return false;
    }
    return true;
}

static bool is_child(struct toy_block *block, const struct toy_block *parent)
{
    const struct digest next = settle(block, parent);
    return block->header.height == parent->header.height + 1 &&
           digest_equal(&block->header.set, &parent->header.next_set) &&
           digest_equal(&block->header.next_set, &next);
}

static bool toy_execute(struct books *books, struct arena *arena, struct bytes header,
                        struct bytes body, enum event_verdict *verdict)
{
    (void)arena;
    struct toy_block block = {.digest = digest_of(header.data, header.size)};
    CHECK(header_unpack(&block.header, header));
    const struct toy_block *parent = find(books, &block.header.parent);
    if (!parent)
        return false;
    *verdict = EVENT_VALID;
    if (find(books, &block.digest))
        return true;
    *verdict = EVENT_INVALID;
    if (!body_unpack(&block.body, body) || !is_fresh(books, parent, &block.body) ||
        !is_child(&block, parent))
        return true;
    struct digest root = root_of(&parent->header.root, &block.body);
    if (!digest_equal(&root, &block.header.root))
        return true;
    *verdict = EVENT_VALID;
    add_overlay(books, &block);
    return true;
}

static void toy_discard(struct books *books, const struct digest *digest)
{
    for (size_t i = 0; i < books->overlay_count; i++)
        if (digest_equal(&books->overlays[i].digest, digest)) {
            drop_overlay(books, i);
            return;
        }
}

static void tell_pool(struct books *books, uint64_t now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < books->pool_count; i++) {
        struct toy_waiting *waiting = &books->pool[i];
        if (books->marks[waiting->number].done) {
            books->marks[waiting->number].pending = false;
            continue;
        }
        if (books->head.body.count < BOOKS_BLOCK_NUMBERS && now_ms > waiting->since_ms + FORWARD_MS)
            waiting->passed++;
        books->pool[kept++] = *waiting;
    }
    books->pool_count = kept;
}

static void toy_durable(struct books *books, const struct digest *digest, struct bytes certificate,
                        uint64_t now_ms)
{
    (void)certificate;
    (void)now_ms;
    const struct toy_block *block = find(books, digest);
    CHECK(block && digest_equal(&block->header.parent, &books->head.digest));
    books->head = *block;
    for (size_t i = 0; i < books->overlay_count;)
        if (books->overlays[i].header.height <= books->head.header.height)
            drop_overlay(books, i);
        else
            i++;
    for (uint32_t i = 0; i < books->head.body.count; i++)
        books->marks[books->head.body.numbers[i]].done = true;
    tell_pool(books, books->head.header.time_ms - BOOKS_START_MS);
}

/* --- pool --- */

static bool toy_submit(struct books *books, uint64_t number, uint64_t now_ms)
{
    CHECK(number <= BOOKS_NUMBER_MAX);
    struct toy_mark *mark = &books->marks[number];
    if (mark->done || mark->pending)
        return true;
    if (books->pool_count == POOL_MAX)
        return false;
    mark->pending = true;
    struct toy_waiting *waiting = disk_grow(&books->pool, &books->pool_count, sizeof(*books->pool));
    *waiting = (struct toy_waiting){number, now_ms, 0};
    return true;
}

static struct event_work toy_work(struct books *books)
{
    struct event_work work = {.due_ms = UINT64_MAX};
    if (!books->pool_count)
        return work;
    work.waiting = true;
    work.mark = books->pool[0].number;
    work.passed_over = books->pool[0].passed;
    for (size_t i = 0; i < books->pool_count && !work.buildable; i++)
        work.buildable = !books->marks[books->pool[i].number].overlays;
    return work;
}

/* A state: the last block, and a bit for each number that was used. */
#define TOY_BITS ((BOOKS_NUMBER_MAX + 8) / 8)

static struct bytes toy_state(const struct books *books, struct arena *arena)
{
    const size_t size = sizeof(books->head) + TOY_BITS;
    uint8_t *state = arena_alloc(arena, size);
    CHECK(state);
    memcpy(state, &books->head, sizeof(books->head));
    uint8_t *bits = state + sizeof(books->head);
    memset(bits, 0, TOY_BITS);
    for (uint64_t number = 0; number <= BOOKS_NUMBER_MAX; number++)
        bits[number / 8] |= (uint8_t)(books->marks[number].done << number % 8);
    return bytes_of(state, size);
}

static void toy_take_over(struct books *books, struct bytes state)
{
    CHECK(state.size == sizeof(books->head) + TOY_BITS);
    while (books->overlay_count)
        drop_overlay(books, 0);
    memcpy(&books->head, state.data, sizeof(books->head));
    const uint8_t *bits = state.data + sizeof(books->head);
    for (uint64_t number = 0; number <= BOOKS_NUMBER_MAX; number++)
        books->marks[number].done = bits[number / 8] >> number % 8 & 1;
    tell_pool(books, books->head.header.time_ms - BOOKS_START_MS);
}

static void toy_term(struct books *books, struct term *term)
{
    term->seating = books->head.seating;
    seat_all(term, &books->head.header.next_set);
}

const struct books_kind toy_kind = {
    .read = toy_read,
    .header = &toy_record,
    .found = toy_found,
    .dissolve = toy_dissolve,
    .open = toy_open,
    .close = toy_close,
    .fail = toy_fail,
    .body_digest = toy_body_digest,
    .body_named = toy_body_named,
    .numbers = toy_numbers,
    .build = toy_build,
    .execute = toy_execute,
    .discard = toy_discard,
    .durable = toy_durable,
    .submit = toy_submit,
    .work = toy_work,
    .term = toy_term,
    .state = toy_state,
    .take_over = toy_take_over,
};

/* --- signatures --- */

struct sign_signature toy_sign(const struct sign_public *key, const struct digest *digest)
{
    struct digest_stream stream;
    digest_init(&stream);
    digest_add(&stream, key->bytes + TOY_KEY_AT, TOY_KEY_SIZE);
    digest_add(&stream, digest->bytes, DIGEST_SIZE);
    struct digest half = digest_end(&stream);

    struct sign_signature signature;
    memcpy(signature.bytes, half.bytes, DIGEST_SIZE);
    memcpy(signature.bytes + DIGEST_SIZE, half.bytes, DIGEST_SIZE);
    return signature;
}

bool toy_verify(const void *self, struct seat seat, const struct sign_public *key,
                const struct digest *digest, const struct sign_signature *signature)
{
    (void)self;
    (void)seat;
    struct sign_signature wanted = toy_sign(key, digest);
    return memcmp(wanted.bytes, signature->bytes, sizeof(wanted.bytes)) == 0;
}
