/* A validator that attacks: tenured, linked with this in the place of three functions, so that its core is an honest one and only what leaves
 * it lies. Which way, the environment's ATTACK tells; everything else is as in tenured.
 *
 *     silent        sends nothing
 *     withholds     no body, block or snapshot, pushed or asked for
 *     delays        all of it, until nine tenths of its time-out
 *     garbles       a bit of a third of its messages, and sends those of others on with one thing changed
 *     equivocates   each half of the seats sees another block when it proposes, and its votes for that one
 *     forges        certificates, VIEW-CHANGEs and NEW-VIEWs that are no good (test/sim/forge.h) */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "ledger/block.h"
#include "test/sim/forge.h"
#include "test/sim/toy.h"
#include "tools/sys/clock.h"
#include "tools/sys/random.h"
#include "tools/tenured/node.h"
#include "tools/tenured/wire.h"

enum attack { SILENT, WITHHOLDS, DELAYS, GARBLES, EQUIVOCATES, FORGES };
static const char *const names[] = {"silent",  "withholds",   "delays",
                                    "garbles", "equivocates", "forges"};

/* What one lie is made in. */
#define LIE_BYTES (128u << 20)
/* Proposals of its own that it remembers the twins of. */
#define TWINS 16

/* A record that is held back. */
struct held {
    struct held *next;
    uint64_t due_ms;
    struct place to;
    enum peer_lane lane;
    uint8_t tag;
    size_t size;
    uint8_t body[];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards all below */
static enum attack attack;
static struct dice dice;
static struct node *own; /* NULL until it first sends */
static struct held *held_first, **held_end = &held_first;
static struct digest twins[TWINS][2];
static unsigned twin_turn;
static struct bytes old; /* another seat's message of before */

enum err __real_verify_message(struct arena *arena, const struct verify_context *context,
                               struct message *message, struct bytes in, struct fault *fault);
enum err __wrap_verify_message(struct arena *arena, const struct verify_context *context,
                               struct message *message, struct bytes in, struct fault *fault);
void __wrap_node_send(struct node *node, uint64_t to, enum peer_lane lane, uint8_t tag,
                      struct bytes body);
enum err __real_peer_send(struct peer_net *net, struct place to, enum peer_lane lane, uint8_t tag,
                          struct bytes body);
enum err __wrap_peer_send(struct peer_net *net, struct place to, enum peer_lane lane, uint8_t tag,
                          struct bytes body);
void __real_node_send(struct node *node, uint64_t to, enum peer_lane lane, uint8_t tag,
                      struct bytes body);

/* Forgers sign by this; here with the node's key. */
struct sign_signature toy_sign(const struct sign_public *key, const struct digest *digest)
{
    (void)key;
    return sign_make(&own->signer.secret, digest);
}

static void choose(void)
{
    uint64_t seed;
    const char *name = getenv("ATTACK");
    CHECK(name != NULL);
    while (attack < sizeof(names) / sizeof(names[0]) && strcmp(names[attack], name) != 0)
        attack++;
    CHECK(attack < sizeof(names) / sizeof(names[0]));
    random_fill(&seed, sizeof(seed));
    dice_init(&dice, seed);
}

/* --- what is held back --- */

static void *release(void *net)
{
    for (;;) {
        pthread_mutex_lock(&mutex);
        struct held *held = held_first;
        if (held && held->due_ms <= clock_monotonic_ms()) {
            held_first = held->next;
            if (!held_first)
                held_end = &held_first;
        } else {
            held = NULL;
        }
        pthread_mutex_unlock(&mutex);
        if (held && __real_peer_send(net, held->to, held->lane, held->tag,
                                     bytes_of(held->body, held->size))) {
            /* its queue is full: lost */
        }
        free(held);
        if (!held)
            clock_sleep_ms(1);
    }
    return NULL;
}

static void hold(struct peer_net *net, struct place to, enum peer_lane lane, uint8_t tag,
                 struct bytes body)
{
    static bool releases;
    struct held *held = malloc(sizeof(*held) + body.size);
    CHECK(held != NULL);
    *held = (struct held){.due_ms = clock_monotonic_ms() + own->settings.timeout_ms * 9 / 10,
                          .to = to,
                          .lane = lane,
                          .tag = tag,
                          .size = body.size};
    memcpy(held->body, body.data, body.size);
    pthread_mutex_lock(&mutex);
    *held_end = held;
    held_end = &held->next;
    pthread_t thread;
    if (!releases)
        CHECK(pthread_create(&thread, NULL, release, net) == 0);
    releases = true;
    pthread_mutex_unlock(&mutex);
}

enum err __wrap_peer_send(struct peer_net *net, struct place to, enum peer_lane lane, uint8_t tag,
                          struct bytes body)
{
    pthread_once(&once, choose);
    bool lacks = tag == WIRE_BODY || tag == WIRE_BLOCK || tag == WIRE_SNAPSHOT || tag == WIRE_CHUNK;
    if (attack == SILENT || (attack == WITHHOLDS && lacks))
        return ERR_NONE;
    if (attack != DELAYS || !own)
        return __real_peer_send(net, to, lane, tag, body);
    hold(net, to, lane, tag, body);
    return ERR_NONE;
}

/* --- lies about its own messages --- */

static uint64_t half(void)
{
    return UINT64_C(0x5555555555555555);
}

static void send(uint64_t to, struct bytes message)
{
    if (message.size)
        __real_node_send(own, to, PEER_VOTES, WIRE_MESSAGE, message);
}

static struct bytes sealed(const struct forge *forge, enum message_tag tag, struct bytes body)
{
    return forge_seal(forge, own->roster->seat, tag, body);
}

/* The other block goes to the odd seats. */
static void equivocate_proposal(const struct forge *forge, uint64_t to, struct bytes message,
                                struct bytes body)
{
    struct message_pre_prepare proposal;
    CHECK(!record_unpack(forge->arena, &message_pre_prepare_record, &proposal, body, NULL));
    struct digest *pair = twins[twin_turn++ % TWINS];
    pair[0] = digest_of(proposal.header.data, proposal.header.size);
    proposal.header = forge_twin(forge, proposal.header);
    pair[1] = digest_of(proposal.header.data, proposal.header.size);
    send(to & half(), message);
    send(to & ~half(), sealed(forge, MESSAGE_PRE_PREPARE,
                              record_bytes(forge->arena, &message_pre_prepare_record, &proposal)));
}

/* Both votes at once, for each half what it was shown. */
static void equivocate_vote(const struct forge *forge, uint64_t to, struct bytes message,
                            struct bytes body)
{
    struct ballot ballot;
    CHECK(!record_unpack(forge->arena, &ballot_record, &ballot, body, NULL));
    for (unsigned i = 0; i < TWINS; i++) {
        if (!digest_equal(&twins[i][0], &ballot.digest))
            continue;
        for (unsigned other = 0; other < 2; other++) {
            ballot.digest = twins[i][other];
            struct bytes vote = record_bytes(forge->arena, &ballot_record, &ballot);
            send(to & (other ? ~half() : half()), sealed(forge, MESSAGE_PREPARE, vote));
            send(to & (other ? ~half() : half()), sealed(forge, MESSAGE_COMMIT, vote));
        }
        return;
    }
    send(to, message);
}

/* The body of the other block, for all. */
static void equivocate_body(const struct forge *forge, uint64_t to, struct bytes packed)
{
    struct wire_body wire;
    CHECK(!record_unpack(forge->arena, &wire_body_record, &wire, packed, NULL));
    wire.header = forge_twin(forge, wire.header);
    __real_node_send(own, to, PEER_BULK, WIRE_BODY,
                     record_bytes(forge->arena, &wire_body_record, &wire));
}

static void equivocate(const struct forge *forge, uint64_t to, enum message_tag tag,
                       struct bytes message, struct bytes body)
{
    if (tag == MESSAGE_PRE_PREPARE)
        equivocate_proposal(forge, to, message, body);
    else if (tag == MESSAGE_PREPARE || tag == MESSAGE_COMMIT)
        equivocate_vote(forge, to, message, body);
    else
        send(to, message);
}

static void forge_own(const struct forge *forge, uint64_t to, enum message_tag tag,
                      struct bytes message, struct bytes body)
{
    uint64_t some = dice_u64(forge->dice);
    if (tag == MESSAGE_VIEW_CHANGE) {
        send(to & some, sealed(forge, tag, forge_change(forge, body)));
        send(to & ~some, message);
    } else if (tag == MESSAGE_NEW_VIEW) {
        send(to & some, sealed(forge, tag, forge_view(forge, body, old)));
        send(to & ~some, message);
        struct bytes fresh = forge_fresh(forge, body);
        if (fresh.size)
            send(to, sealed(forge, MESSAGE_PRE_PREPARE, fresh));
    } else {
        send(to, message);
    }
}

static void garble(const struct forge *forge, uint64_t to, struct bytes message)
{
    for (uint8_t seat = 0; seat < forge->context->committee->count; seat++) {
        struct bytes out = message;
        if (dice_chance(forge->dice, 300)) {
            uint8_t *copy = arena_copy(forge->arena, message.data, message.size);
            CHECK(copy != NULL);
            copy[dice_u64(forge->dice) % message.size] ^=
                (uint8_t)(1u << dice_u64(forge->dice) % 8);
            out.data = copy;
        }
        send(to & COMMITTEE_BIT(seat), out);
    }
}

static void lie(const struct forge *forge, uint64_t to, struct bytes message)
{
    uint16_t tag;
    void *value;
    CHECK(!record_choice_unpack(forge->arena, &message_choice, &tag, &value, message, NULL));
    const struct message_envelope *envelope = value;
    if (attack == GARBLES)
        garble(forge, to, message);
    else if (tag == MESSAGE_DECIDED)
        send(to, message);
    else if (attack == EQUIVOCATES)
        equivocate(forge, to, (enum message_tag)tag, message, envelope->body);
    else
        forge_own(forge, to, (enum message_tag)tag, message, envelope->body);
}

void __wrap_node_send(struct node *node, uint64_t to, enum peer_lane lane, uint8_t tag,
                      struct bytes body)
{
    pthread_once(&once, choose);
    pthread_mutex_lock(&mutex);
    own = node;
    pthread_mutex_unlock(&mutex);
    bool lies = attack >= GARBLES && tag == WIRE_MESSAGE;
    if (!lies)
        __real_node_send(node, to, lane, tag, body);
    if (!lies && (attack != EQUIVOCATES || tag != WIRE_BODY))
        return;
    struct arena arena;
    struct roster *roster = roster_hold(node);
    struct verify_context context = {.chain = node->chain_digest,
                                     .committee = &roster->committee,
                                     .read = wire_read_header,
                                     .signature = verify_trusting};
    struct forge forge = {&dice, &arena, &context, &block_header_record,
                          COMMITTEE_BIT(roster->seat.n)};
    arena_init(&arena, LIE_BYTES);
    pthread_mutex_lock(&mutex);
    if (lies)
        lie(&forge, to, body);
    else
        equivocate_body(&forge, to, body);
    pthread_mutex_unlock(&mutex);
    arena_release(&arena);
    roster_drop(roster);
}

/* --- lies about what it hears --- */

static void hear(const struct verify_context *context, struct bytes message)
{
    struct arena arena;
    struct forge forge = {&dice, &arena, context, &block_header_record,
                          COMMITTEE_BIT(own->roster->seat.n)};
    arena_init(&arena, LIE_BYTES);
    uint64_t all = committee_all(context->committee), some = all & dice_u64(&dice);
    if (attack == GARBLES && dice_chance(&dice, 60))
        send(some, forge_tamper(&forge, message));
    if (attack == FORGES && dice_chance(&dice, 500))
        send(some, forge_early(&forge, message));
    if (attack == FORGES && dice_chance(&dice, 30)) {
        free((void *)(uintptr_t)old.data);
        uint8_t *copy = malloc(message.size);
        CHECK(copy != NULL);
        memcpy(copy, message.data, message.size);
        old = bytes_of(copy, message.size);
    }
    arena_release(&arena);
}

enum err __wrap_verify_message(struct arena *arena, const struct verify_context *context,
                               struct message *message, struct bytes in, struct fault *fault)
{
    enum err err = __real_verify_message(arena, context, message, in, fault);
    pthread_once(&once, choose);
    pthread_mutex_lock(&mutex);
    if (!err && own && context->signature != verify_trusting)
        hear(context, in);
    pthread_mutex_unlock(&mutex);
    return err;
}
