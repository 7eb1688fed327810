#include "test/sim/judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/record.h"

#define FAULT_BYTES_MAX (64u << 10)
#define FIRST_ROOM      1024u /* a power of two */
#define EVEN_EVERY      16u   /* blocks between two looks at all of the money */

static void *grown(void *memory, uint64_t count, size_t size)
{
    void *more = realloc(memory, count * size);
    CHECK(more);
    return more;
}

void judge_init(struct judge *judge, const struct books_world *world, uint64_t liars)
{
    memset(judge, 0, sizeof(*judge));
    judge->terms = grown(NULL, 1, sizeof(*judge->terms));
    judge->terms[0] = world->first;
    judge->term_count = 1;
    judge->liars = liars;
    judge->promise_room = FIRST_ROOM;
    judge->promises = calloc(FIRST_ROOM, sizeof(*judge->promises));
    judge->number_room = FIRST_ROOM;
    judge->numbers = calloc(FIRST_ROOM, sizeof(*judge->numbers));
    CHECK(judge->promises && judge->numbers);
    text_init(&judge->faults, FAULT_BYTES_MAX);
    arena_init(&judge->arena, 64u << 20);

    judge->kind = world->kind;
    judge->books = world->kind->open(world);
    judge->chain_room = FIRST_ROOM;
    judge->chain = grown(NULL, FIRST_ROOM, sizeof(*judge->chain));
    judge->chain[0] = (struct judge_block){world->first.base.digest, 0};
    judge->chain_count = 1;
}

void judge_release(struct judge *judge)
{
    judge->kind->close(judge->books);
    free(judge->terms);
    free(judge->chain);
    free(judge->promises);
    free(judge->numbers);
    arena_release(&judge->arena);
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

const struct term *judge_term(const struct judge *judge, uint64_t height)
{
    size_t at = judge->term_count - 1;
    while (at && term_since(&judge->terms[at]) > height)
        at--;
    return &judge->terms[at];
}

/* --- promises --- */

static struct judge_promise *promise_place(struct judge_promise *table, uint64_t room,
                                           const struct judge_promise *wanted)
{
    uint64_t hash = (wanted->height * 31 + wanted->view) * 64 + wanted->member;
    hash = (hash * 8 + wanted->tag) * UINT64_C(0x9e3779b97f4a7c15);
    for (uint64_t i = hash >> 20;; i++) {
        struct judge_promise *place = &table[i & (room - 1)];
        if (!place->tag || (place->tag == wanted->tag && place->member == wanted->member &&
                            place->since == wanted->since && place->height == wanted->height &&
                            place->view == wanted->view))
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

/* NULL if the member never signed such a thing. */
static const struct judge_promise *promise_find(const struct judge *judge, enum message_tag tag,
                                                uint8_t member, uint64_t since, uint64_t height,
                                                uint64_t view)
{
    const struct judge_promise wanted = {(uint8_t)tag, member, since, height, view, {{0}}, {{0}}};
    const struct judge_promise *place =
        promise_place(judge->promises, judge->promise_room, &wanted);
    return place->tag ? place : NULL;
}

static void promise_keep(struct judge *judge, const struct judge_promise *promise)
{
    struct judge_promise *place = promise_place(judge->promises, judge->promise_room, promise);
    if (place->tag) {
        if (!digest_equal(&place->body, &promise->body))
            judge_fault(judge, "%u signs two different %s for height %llu in view %llu",
                        promise->member, message_name(promise->tag),
                        (unsigned long long)promise->height, (unsigned long long)promise->view);
        return;
    }
    *place = *promise;
    if (++judge->promise_count * 2 > judge->promise_room)
        promises_grow(judge);
}

static void check_vote(struct judge *judge, uint8_t member, const struct action_sign *sign,
                       uint64_t since)
{
    const unsigned long long height = sign->height.n, view = sign->view.n;
    if (view < judge->left[member])
        judge_fault(judge, "%u signs %s for height %llu in view %llu, which it left for %llu",
                    member, message_name(sign->tag), height, view,
                    (unsigned long long)judge->left[member]);
    if (sign->tag != MESSAGE_COMMIT)
        return;
    const struct judge_promise *prepare =
        promise_find(judge, MESSAGE_PREPARE, member, since, height, view);
    if (prepare != NULL && !digest_equal(&prepare->digest, &sign->digest))
        judge_fault(judge, "%u commits to another block %llu than it prepared in view %llu", member,
                    height, view);
    judge->locks[member][height % JUDGE_RING] = (struct judge_lock){since, height, view};
}

/* What a member has sent COMMIT for it must report: as committed, or as prepared in that view or a later one. Not what another set was to
 * decide: above the boundary that ended it, that is void. */
static void check_change(struct judge *judge, uint8_t member, const struct action_sign *sign,
                         uint64_t since)
{
    struct message_view_change change;
    arena_clear(&judge->arena);
    if (record_unpack(&judge->arena, &message_view_change_record, &change, sign->body, NULL)) {
        judge_fault(judge, "%u signs a VIEW-CHANGE that is none", member);
        return;
    }
    for (uint32_t i = 0; i < JUDGE_RING; i++) {
        const struct judge_lock *lock = &judge->locks[member][i];
        bool told = lock->since != since || lock->height <= change.committed.ballot.height.n;
        for (uint32_t p = 0; p < change.prepared_count && !told; p++)
            told = change.prepared[p].certificate.ballot.height.n == lock->height &&
                   change.prepared[p].certificate.ballot.view.n >= lock->view;
        if (!told)
            judge_fault(judge,
                        "%u wants view %llu without telling of block %llu, which it sent COMMIT "
                        "for in view %llu",
                        member, (unsigned long long)sign->view.n, (unsigned long long)lock->height,
                        (unsigned long long)lock->view);
    }
}

/* In a set that was agreed, and that it sits in. */
static void check_seat(struct judge *judge, uint8_t member, const struct action_sign *sign,
                       uint64_t since)
{
    const struct term *term = judge_term(judge, since);
    if (term_since(term) != since || term_seat(term, member).n == COMMITTEE_NO_SEAT)
        judge_fault(judge, "%u signs %s in the set of height %llu, in which it doesn't sit", member,
                    message_name(sign->tag), (unsigned long long)since);
    if (judge->since[member] == since)
        return;
    if (judge->since[member] > since)
        judge_fault(judge, "%u signs %s in the set of height %llu, after the one of height %llu",
                    member, message_name(sign->tag), (unsigned long long)since,
                    (unsigned long long)judge->since[member]);
    judge->since[member] = since;
    judge->left[member] = 0;
}

void judge_signed(struct judge *judge, uint8_t member, const struct action_sign *sign,
                  uint64_t since, bool durable)
{
    const uint64_t view = sign->view.n;
    if (judge->liars & COMMITTEE_BIT(member) || sign->tag == MESSAGE_STATUS)
        return;
    check_seat(judge, member, sign, since);
    if (!durable)
        judge_fault(judge, "%u signs %s of view %llu before it is durable", member,
                    message_name(sign->tag), (unsigned long long)view);
    if (sign->tag == MESSAGE_VIEW_CHANGE) {
        check_change(judge, member, sign, since);
        if (view > judge->left[member])
            judge->left[member] = view;
    } else if (sign->tag != MESSAGE_NEW_VIEW) {
        check_vote(judge, member, sign, since);
    }
    promise_keep(judge, &(struct judge_promise){(uint8_t)sign->tag, member, since, sign->height.n,
                                                view, digest_of(sign->body.data, sign->body.size),
                                                sign->digest});
}

void judge_weigh(struct judge *judge, uint8_t member, const struct judge_load *load)
{
    if (judge->liars & COMMITTEE_BIT(member))
        return;
    struct judge_load *most = &judge->most;
    most->records = load->records > most->records ? load->records : most->records;
    most->blocks = load->blocks > most->blocks ? load->blocks : most->blocks;
    most->orders = load->orders > most->orders ? load->orders : most->orders;
    most->sent = load->sent > most->sent ? load->sent : most->sent;
    if (load->records > JUDGE_RECORDS_MAX)
        judge_fault(judge, "%u has %llu records in its log", member,
                    (unsigned long long)load->records);
    if (load->blocks > JUDGE_BLOCKS_MAX || load->orders > BOUNDS_WINDOW)
        judge_fault(judge, "%u holds %llu blocks and executes %llu", member,
                    (unsigned long long)load->blocks, (unsigned long long)load->orders);
    if (load->sent > JUDGE_SENT_MAX)
        judge_fault(judge, "%u sends %llu messages to one seat in a second", member,
                    (unsigned long long)load->sent);
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

/* Executes the block a second time. */
static void execute(struct judge *judge, const struct consensus_block *block, struct bytes header,
                    struct bytes body, struct bytes certificate)
{
    const unsigned long long height = block->height.n;
    const struct digest named = judge->kind->body_named(header);
    struct digest digest;
    enum event_verdict verdict;
    arena_clear(&judge->arena);
    if (!judge->kind->body_digest(&judge->arena, &digest, body) || !digest_equal(&digest, &named)) {
        judge_fault(judge, "block %llu was decided with the body of another", height);
        return;
    }
    if (!judge->kind->execute(judge->books, &judge->arena, header, body, &verdict) ||
        verdict != EVENT_VALID) {
        judge_fault(judge, "block %llu is not valid, or has a wrong root", height);
        return;
    }
    uint64_t numbers[BOOKS_BLOCK_NUMBERS];
    const uint32_t count = judge->kind->numbers(judge->books, body, numbers);
    for (uint32_t i = 0; i < count; i++) {
        if (judge_has(judge, numbers[i]))
            judge_fault(judge, "%llu is in two blocks, again at height %llu",
                        (unsigned long long)numbers[i], height);
        else
            numbers_add(judge, numbers[i]);
    }
    judge->kind->durable(judge->books, &block->digest, certificate, block->time_ms);
    if (judge->kind->is_even && height % EVEN_EVERY == 0 && !judge->kind->is_even(judge->books))
        judge_fault(judge, "money doesn't add up at height %llu", height);
}

/* Evidence is only against the guilty. */
static void check_vacant(struct judge *judge, const struct term *before, const struct term *after)
{
    for (uint8_t seat = 0; seat < after->seating.count; seat++) {
        const uint8_t member = after->seating.members[seat];
        if (!(after->seating.vacant & COMMITTEE_BIT(seat)))
            continue;
        if (!(judge->liars & COMMITTEE_BIT(member)))
            judge_fault(judge, "the seat of %u was vacated, and it is honest", member);
        if (term_seat(before, member).n != COMMITTEE_NO_SEAT)
            judge->vacated++;
    }
}

/* A boundary: the judge's own ledger says who sits above it. */
static void change_set(struct judge *judge, const struct consensus_block *block)
{
    struct term *terms = grown(judge->terms, judge->term_count + 1, sizeof(*terms));
    struct term *next = &terms[judge->term_count];
    judge->terms = terms;
    judge->kind->term(judge->books, next);
    next->base = (struct consensus_base){block->height, block->digest};
    if (!digest_equal(&next->committee.digest, &block->next_set))
        judge_fault(judge, "block %llu names another next set than its motions make",
                    (unsigned long long)block->height.n);
    check_vacant(judge, next - 1, next);
    judge->term_count++;
}

/* Whose turn it is in a view: seats in order, but vacant ones. */
static uint8_t primary_of(const struct seating *seating, uint64_t view)
{
    uint8_t seat = (uint8_t)(view % seating->count);
    while (seating->vacant & COMMITTEE_BIT(seat))
        seat = (uint8_t)((seat + 1) % seating->count);
    return seat;
}

/* The first honest seat that decides a height settles what the others must decide. */
static void extend(struct judge *judge, const struct consensus_block *block, struct bytes header,
                   struct bytes body, struct bytes certificate, uint64_t latest_ms)
{
    const struct judge_block *parent = &judge->chain[judge->chain_count - 1];
    const unsigned long long height = block->height.n;
    if (!digest_equal(&block->parent, &parent->digest))
        judge_fault(judge, "block %llu does not follow the block below", height);
    const struct term *term = judge_term(judge, height);
    if (!digest_equal(&block->set, &term->committee.digest))
        judge_fault(judge, "block %llu is of another set than its height's", height);
    if (block->proposer.n != primary_of(&term->seating, block->view.n))
        judge_fault(judge, "block %llu is by %u, who was not the primary of view %llu", height,
                    block->proposer.n, (unsigned long long)block->view.n);
    if (block->time_ms <= parent->time_ms || block->time_ms > latest_ms)
        judge_fault(judge, "block %llu of %llu ms comes after one of %llu ms, at %llu ms at most",
                    height, (unsigned long long)block->time_ms, (unsigned long long)parent->time_ms,
                    (unsigned long long)latest_ms);
    execute(judge, block, header, body, certificate);
    if (judge->chain_count == judge->chain_room) {
        judge->chain_room *= 2;
        judge->chain = grown(judge->chain, judge->chain_room, sizeof(*judge->chain));
    }
    judge->chain[judge->chain_count++] = (struct judge_block){block->digest, block->time_ms};
    if (!judge->fault_count && !digest_equal(&block->set, &block->next_set))
        change_set(judge, block);
}

static void check_certificate(struct judge *judge, uint8_t member, uint64_t height,
                              const struct digest *digest, struct bytes packed)
{
    const struct term *term = judge_term(judge, height);
    const struct committee *committee = &term->committee;
    const unsigned n = committee->count, quorum = (n + (n - 1) / 3 + 2) / 2;
    struct certificate certificate;
    uint8_t body[BOUNDS_BALLOT_BYTES];
    bool sound = !record_unpack(NULL, &ballot_certificate_record, &certificate, packed, NULL);
    if (sound) {
        const struct ballot *ballot = &certificate.ballot;
        const struct digest signed_body = digest_of(body, ballot_pack(body, ballot));
        sound = ballot->height.n == height && digest_equal(&ballot->digest, digest) &&
                digest_equal(&ballot->set, &committee->digest) &&
                committee_size(certificate.voters) == quorum && certificate.voters >> (n - 1) < 2 &&
                certificate.signatures.size == quorum * SIGN_SIGNATURE_SIZE;
        const uint64_t liars = term_seats(term, judge->liars);
        sound = sound && !(certificate.voters & term->seating.vacant);
        for (uint8_t voter = 0; voter < n && sound; voter++) {
            if (!(certificate.voters & ~liars & COMMITTEE_BIT(voter)))
                continue;
            const struct judge_promise *promise =
                promise_find(judge, MESSAGE_COMMIT, term->seating.members[voter], term_since(term),
                             height, ballot->view.n);
            sound = promise != NULL && digest_equal(&promise->body, &signed_body);
        }
    }
    if (!sound)
        judge_fault(judge, "%u decides block %llu with a certificate that nobody gave", member,
                    (unsigned long long)height);
}

void judge_decided(struct judge *judge, uint8_t member, struct bytes header, struct bytes body,
                   struct bytes certificate, uint64_t latest_ms)
{
    if (judge->liars & COMMITTEE_BIT(member))
        return;
    struct consensus_block block;
    CHECK(judge->kind->read(NULL, &block, header));
    const uint64_t height = block.height.n;
    if (height != judge->height[member] + 1) {
        judge_fault(judge, "%u decides block %llu after block %llu", member,
                    (unsigned long long)height, (unsigned long long)judge->height[member]);
        return;
    }
    check_certificate(judge, member, height, &block.digest, certificate);
    if (height == judge->chain_count)
        extend(judge, &block, header, body, certificate, latest_ms);
    else if (!digest_equal(&block.digest, &judge->chain[height].digest))
        judge_fault(judge, "%u decides another block %llu than was decided before", member,
                    (unsigned long long)height);
    judge->height[member] = height;
}

void judge_restarted(struct judge *judge, uint8_t member, uint64_t height,
                     const struct digest *digest)
{
    if (judge->liars & COMMITTEE_BIT(member))
        return;
    if (height > judge->height[member])
        judge_fault(judge, "%u finds block %llu on its disk, which it never decided", member,
                    (unsigned long long)height);
    else if (!digest_equal(digest, &judge->chain[height].digest))
        judge_fault(judge, "%u finds another block %llu on its disk than was decided", member,
                    (unsigned long long)height);
    judge->height[member] = height;
}

void judge_left(struct judge *judge, uint8_t member, uint64_t since)
{
    const struct term *term = judge_term(judge, since);
    if (judge->liars & COMMITTEE_BIT(member))
        return;
    bool served = false;
    for (uint8_t seat = 0; seat < term->seating.count; seat++) {
        const uint8_t other = term->seating.members[seat];
        served |= !(judge->liars & COMMITTEE_BIT(other)) && judge->height[other] >= since;
    }
    if (!served || term_since(term) != since || term_seat(term, member).n != COMMITTEE_NO_SEAT)
        judge_fault(judge, "%u leaves at height %llu, and is needed", member,
                    (unsigned long long)since);
}

void judge_jumped(struct judge *judge, uint8_t member, uint64_t height, const struct digest *digest)
{
    if (judge->liars & COMMITTEE_BIT(member))
        return;
    if (height <= judge->height[member] || !digest_equal(digest, &judge->chain[height].digest))
        judge_fault(judge, "%u takes the state of another block %llu than was decided", member,
                    (unsigned long long)height);
    judge->height[member] = height;
}
