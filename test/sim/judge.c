#include "test/sim/judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/record.h"

#define FAULT_BYTES_MAX (64u << 10)
#define FIRST_ROOM      1024u /* a power of two */

static void *grown(void *memory, uint64_t count, size_t size)
{
    void *more = realloc(memory, count * size);
    CHECK(more);
    return more;
}

void judge_init(struct judge *judge, const struct verify_context *context, uint64_t liars)
{
    memset(judge, 0, sizeof(*judge));
    judge->context = context;
    judge->liars = liars;
    judge->promise_room = FIRST_ROOM;
    judge->promises = calloc(FIRST_ROOM, sizeof(*judge->promises));
    judge->number_room = FIRST_ROOM;
    judge->numbers = calloc(FIRST_ROOM, sizeof(*judge->numbers));
    CHECK(judge->promises && judge->numbers);
    text_init(&judge->faults, FAULT_BYTES_MAX);

    struct toy_header genesis;
    toy_genesis(&genesis, &context->committee->digest);
    judge->chain_room = FIRST_ROOM;
    judge->chain = grown(NULL, FIRST_ROOM, sizeof(*judge->chain));
    judge->chain[0] = (struct judge_block){context->genesis_block, genesis.root};
    judge->chain_count = 1;
}

void judge_release(struct judge *judge)
{
    free(judge->chain);
    free(judge->promises);
    free(judge->numbers);
    text_release(&judge->faults);
}

void judge_fault(struct judge *judge, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    text_add(&judge->faults, "FAULT: %s\n", line);
    judge->fault_count++;
}

/* --- promises --- */

static struct judge_promise *promise_place(struct judge_promise *table, uint64_t room,
                                           const struct judge_promise *wanted)
{
    uint64_t hash = (wanted->height * 31 + wanted->view) * 64 + wanted->seat;
    hash = (hash * 8 + wanted->tag) * UINT64_C(0x9e3779b97f4a7c15);
    for (uint64_t i = hash >> 20;; i++) {
        struct judge_promise *place = &table[i & (room - 1)];
        if (!place->tag || (place->tag == wanted->tag && place->seat == wanted->seat &&
                            place->height == wanted->height && place->view == wanted->view))
            return place;
    }
}

static void promises_grow(struct judge *judge)
{
    uint64_t room = judge->promise_room * 2;
    struct judge_promise *table = calloc(room, sizeof(*table));
    CHECK(table);
    for (uint64_t i = 0; i < judge->promise_room; i++)
        if (judge->promises[i].tag)
            *promise_place(table, room, &judge->promises[i]) = judge->promises[i];
    free(judge->promises);
    judge->promises = table;
    judge->promise_room = room;
}

void judge_signed(struct judge *judge, struct seat seat, enum message_tag tag, uint64_t height,
                  uint64_t view, const struct digest *digest, bool durable)
{
    if (judge->liars & COMMITTEE_BIT(seat.n) || tag == MESSAGE_STATUS)
        return;
    if (!durable)
        judge_fault(judge, "%u signs %s of view %llu before it is durable", seat.n,
                    message_name(tag), (unsigned long long)view);
    if (tag == MESSAGE_VIEW_CHANGE && view > judge->left[seat.n])
        judge->left[seat.n] = view;
    bool vote = tag == MESSAGE_PRE_PREPARE || tag == MESSAGE_PREPARE || tag == MESSAGE_COMMIT;
    if (vote && view < judge->left[seat.n])
        judge_fault(judge, "%u signs %s for height %llu in view %llu, which it left for %llu",
                    seat.n, message_name(tag), (unsigned long long)height, (unsigned long long)view,
                    (unsigned long long)judge->left[seat.n]);

    struct judge_promise promise = {(uint8_t)tag, seat.n, height, view, *digest};
    struct judge_promise *place = promise_place(judge->promises, judge->promise_room, &promise);
    if (place->tag) {
        if (!digest_equal(&place->digest, digest))
            judge_fault(judge, "%u signs two different %s for height %llu in view %llu", seat.n,
                        message_name(tag), (unsigned long long)height, (unsigned long long)view);
        return;
    }
    *place = promise;
    if (++judge->promise_count * 2 > judge->promise_room)
        promises_grow(judge);
}

/* --- decisions --- */

static uint64_t *number_place(uint64_t *table, uint64_t room, uint64_t number)
{
    for (uint64_t i = (number * UINT64_C(0x9e3779b97f4a7c15)) >> 20;; i++)
        if (!table[i & (room - 1)] || table[i & (room - 1)] == number)
            return &table[i & (room - 1)];
}

bool judge_has(const struct judge *judge, uint64_t number)
{
    return *number_place(judge->numbers, judge->number_room, number) == number;
}

static void numbers_add(struct judge *judge, uint64_t number)
{
    *number_place(judge->numbers, judge->number_room, number) = number;
    if (++judge->number_count * 2 <= judge->number_room)
        return;
    uint64_t room = judge->number_room * 2;
    uint64_t *table = calloc(room, sizeof(*table));
    CHECK(table);
    for (uint64_t i = 0; i < judge->number_room; i++)
        if (judge->numbers[i])
            *number_place(table, room, judge->numbers[i]) = judge->numbers[i];
    free(judge->numbers);
    judge->numbers = table;
    judge->number_room = room;
}

/* The first honest seat that decides a height settles what the others must decide. */
static void extend(struct judge *judge, const struct toy_header *header,
                   const struct digest *digest, const struct toy_body *body)
{
    const struct judge_block *parent = &judge->chain[judge->chain_count - 1];
    unsigned long long height = header->height;
    if (!digest_equal(&header->parent, &parent->digest))
        judge_fault(judge, "block %llu does not follow the block below", height);
    struct digest body_digest = toy_body_digest(body);
    if (!digest_equal(&header->body, &body_digest))
        judge_fault(judge, "block %llu was decided with the body of another", height);
    struct digest root = toy_root(&parent->root, body);
    if (!digest_equal(&header->root, &root))
        judge_fault(judge, "block %llu has a wrong root", height);
    for (uint32_t i = 0; i < body->count; i++) {
        if (judge_has(judge, body->numbers[i]))
            judge_fault(judge, "%llu is in two blocks, again at height %llu",
                        (unsigned long long)body->numbers[i], height);
        else
            numbers_add(judge, body->numbers[i]);
    }
    if (judge->chain_count == judge->chain_room) {
        judge->chain_room *= 2;
        judge->chain = grown(judge->chain, judge->chain_room, sizeof(*judge->chain));
    }
    judge->chain[judge->chain_count++] = (struct judge_block){*digest, header->root};
}

static void check_certificate(struct judge *judge, struct seat seat, uint64_t height,
                              const struct digest *digest, struct bytes packed)
{
    struct certificate certificate;
    struct fault fault;
    if (record_unpack(NULL, &ballot_certificate_record, &certificate, packed, NULL) ||
        verify_certificate(judge->context, MESSAGE_COMMIT, &certificate, &fault))
        judge_fault(judge, "%u decides block %llu with a bad certificate", seat.n,
                    (unsigned long long)height);
    else if (certificate.ballot.height.n != height ||
             !digest_equal(&certificate.ballot.digest, digest))
        judge_fault(judge, "%u decides block %llu with the certificate of another", seat.n,
                    (unsigned long long)height);
}

void judge_decided(struct judge *judge, struct seat seat, struct bytes header,
                   const struct toy_body *body, struct bytes certificate)
{
    if (judge->liars & COMMITTEE_BIT(seat.n))
        return;
    struct toy_header toy;
    CHECK(toy_header_unpack(&toy, header));
    struct digest digest = digest_of(header.data, header.size);
    if (toy.height != judge->height[seat.n] + 1) {
        judge_fault(judge, "%u decides block %llu after block %llu", seat.n,
                    (unsigned long long)toy.height, (unsigned long long)judge->height[seat.n]);
        return;
    }
    check_certificate(judge, seat, toy.height, &digest, certificate);
    if (toy.height == judge->chain_count)
        extend(judge, &toy, &digest, body);
    else if (!digest_equal(&digest, &judge->chain[toy.height].digest))
        judge_fault(judge, "%u decides another block %llu than was decided before", seat.n,
                    (unsigned long long)toy.height);
    judge->height[seat.n] = toy.height;
}

void judge_restarted(struct judge *judge, struct seat seat, uint64_t height,
                     const struct digest *digest)
{
    if (judge->liars & COMMITTEE_BIT(seat.n))
        return;
    if (height > judge->height[seat.n])
        judge_fault(judge, "%u finds block %llu on its disk, which it never decided", seat.n,
                    (unsigned long long)height);
    else if (!digest_equal(digest, &judge->chain[height].digest))
        judge_fault(judge, "%u finds another block %llu on its disk than was decided", seat.n,
                    (unsigned long long)height);
    judge->height[seat.n] = height;
}
