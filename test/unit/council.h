/* One core and its test: the others are played by hand. Headers and signatures are toys; what the core wants is written down as a
 * story, one action a line, so that a test reads as one. */
#ifndef TEST_UNIT_COUNCIL_H
#define TEST_UNIT_COUNCIL_H

#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "consensus/consensus.h"
#include "test/harness.h"

struct council_block {
    struct consensus_block block;
    uint8_t bytes[BOUNDS_HEADER_BYTES];
    size_t size;
};

struct council {
    struct committee committee;
    struct consensus_config config;
    struct verify_context context;
    struct consensus *core;
    struct arena arena; /* of messages: all of the test */
    struct arena step;  /* of one step */
    struct actions out; /* of the last step */
    struct council_block genesis;
    uint64_t now_ms;
    uint64_t clock_ms;
    struct text story;      /* since the last council_expect */
    struct bytes log[1024]; /* records persisted, by sequence - 1 */
    uint64_t log_count, log_start;
    bool
        echo; /* what is signed comes back, what is to be executed is valid, what is committed is durable */
};

/* --- the toy ledger --- */

static const struct record_field council_fields[] = {
    RECORD_UINT(struct consensus_block, height),       RECORD_UINT(struct consensus_block, view),
    RECORD_UINT(struct consensus_block, proposer),     RECORD_UINT(struct consensus_block, time_ms),
    RECORD_FIXED(struct consensus_block, parent, 0),   RECORD_FIXED(struct consensus_block, set, 0),
    RECORD_FIXED(struct consensus_block, next_set, 0),
};
static const struct record council_record =
    RECORD(struct consensus_block, "toy header", council_fields);

static inline bool council_read(const void *self, struct consensus_block *block,
                                struct bytes header)
{
    (void)self;
    if (record_unpack(NULL, &council_record, block, header, NULL))
        return false;
    block->digest = digest_of(header.data, header.size);
    return true;
}

static inline struct sign_signature council_signature(struct seat seat, const struct digest *digest)
{
    struct sign_signature signature = {{seat.n}};
    memcpy(signature.bytes + 1, digest->bytes, DIGEST_SIZE);
    return signature;
}

static inline bool council_verify(const void *self, struct seat seat, const struct sign_public *key,
                                  const struct digest *digest,
                                  const struct sign_signature *signature)
{
    (void)self, (void)key;
    struct sign_signature wanted = council_signature(seat, digest);
    return memcmp(&wanted, signature, sizeof(wanted)) == 0;
}

static inline void council_pack_block(struct council_block *block)
{
    struct pack_writer writer;
    pack_init(&writer, block->bytes, sizeof(block->bytes));
    record_pack(&writer, &council_record, &block->block);
    CHECK(!writer.failed);
    block->size = writer.used;
    block->block.digest = digest_of(block->bytes, block->size);
}

/* A child of `parent`, freshly proposed in `view` by its primary; `salt` makes siblings differ. */
static inline struct council_block council_block(const struct council *c,
                                                 const struct council_block *parent, uint64_t view,
                                                 uint64_t salt)
{
    struct council_block block = {
        .block = {.height = {parent->block.height.n + 1},
                  .view = {view},
                  .proposer = committee_primary(&c->committee, (struct view){view}),
                  .time_ms = parent->block.time_ms + 10 + salt,
                  .parent = parent->block.digest,
                  .set = c->committee.digest,
                  .next_set = c->committee.digest}};
    council_pack_block(&block);
    return block;
}

static inline struct bytes council_header(const struct council_block *block)
{
    return bytes_of(block->bytes, block->size);
}

/* --- messages --- */

static inline struct bytes council_pack(struct council *c, const struct record *record,
                                        const void *value)
{
    struct bytes bytes = record_bytes(&c->arena, record, value);
    CHECK(bytes.data != NULL);
    return bytes;
}

static inline struct message_envelope council_sign(struct council *c, enum message_tag tag,
                                                   uint8_t from, struct bytes body)
{
    struct digest digest = message_digest(&c->arena, tag, &c->context.chain, body);
    return (struct message_envelope){{from}, body, council_signature((struct seat){from}, &digest)};
}

static inline struct bytes council_seal(struct council *c, enum message_tag tag, uint8_t from,
                                        struct bytes body)
{
    struct message_envelope envelope = council_sign(c, tag, from, body);
    struct bytes message = message_seal(&c->arena, tag, &envelope);
    CHECK(message.data != NULL);
    return message;
}

static inline struct ballot council_ballot(const struct council *c,
                                           const struct council_block *block, uint64_t view,
                                           const struct digest *new_view)
{
    return (struct ballot){
        c->committee.digest, block->block.height, {view}, block->block.digest, *new_view};
}

/* A certificate of the lowest quorum of seats. */
static inline struct certificate council_certificate(struct council *c, enum message_tag tag,
                                                     const struct ballot *ballot)
{
    const uint8_t quorum = committee_quorum(&c->committee);
    uint8_t *signatures = arena_alloc(&c->arena, (size_t)quorum * SIGN_SIGNATURE_SIZE);
    struct bytes body = council_pack(c, &ballot_record, ballot);
    for (uint8_t i = 0; i < quorum; i++) {
        struct message_envelope vote = council_sign(c, tag, i, body);
        memcpy(signatures + (size_t)i * SIGN_SIGNATURE_SIZE, vote.signature.bytes,
               SIGN_SIGNATURE_SIZE);
    }
    return (struct certificate){*ballot, COMMITTEE_BIT(quorum) - 1,
                                bytes_of(signatures, (size_t)quorum * SIGN_SIGNATURE_SIZE)};
}

static inline struct certificate council_genesis_certificate(const struct council *c)
{
    return (struct certificate){
        .ballot = {.set = c->committee.digest, .digest = c->genesis.block.digest}};
}

static inline struct bytes council_pre_prepare(struct council *c, const struct council_block *block,
                                               const struct digest *new_view)
{
    struct message_pre_prepare proposal = {c->committee.digest, block->block.view, *new_view,
                                           council_header(block), block->block};
    return council_seal(c, MESSAGE_PRE_PREPARE, block->block.proposer.n,
                        council_pack(c, &message_pre_prepare_record, &proposal));
}

static inline struct bytes council_vote(struct council *c, enum message_tag tag, uint8_t from,
                                        const struct ballot *ballot)
{
    return council_seal(c, tag, from, council_pack(c, &ballot_record, ballot));
}

static inline struct bytes council_decided(struct council *c, const struct council_block *block,
                                           const struct certificate *certificate)
{
    struct bytes message = {0};
    CHECK(message_decide(&c->arena, &message, council_header(block),
                         council_pack(c, &ballot_certificate_record, certificate)) == ERR_NONE);
    return message;
}

/* The body of a VIEW-CHANGE by a seat that committed `committed` and holds the prepared certificates. */
static inline struct bytes council_change(struct council *c, uint64_t view,
                                          const struct certificate *committed,
                                          struct message_prepared *prepared,
                                          uint32_t prepared_count)
{
    struct message_view_change change = {
        c->committee.digest, {view}, *committed, prepared, prepared_count};
    return council_pack(c, &message_view_change_record, &change);
}

/* A prepared block, prepared in `view`. */
static inline struct message_prepared council_prepared(struct council *c,
                                                       const struct council_block *block,
                                                       uint64_t view, const struct digest *new_view)
{
    struct ballot ballot = council_ballot(c, block, view, new_view);
    return (struct message_prepared){
        council_header(block), council_certificate(c, MESSAGE_PREPARE, &ballot), block->block};
}

/* The NEW-VIEW for `view` from the given VIEW-CHANGEs, a quorum by ascending seat; *digest names it. */
static inline struct bytes council_new_view(struct council *c, uint64_t view,
                                            struct message_envelope *changes, struct digest *digest)
{
    struct message_new_view new_view = {.set = c->committee.digest,
                                        .view = {view},
                                        .changes = changes,
                                        .change_count = committee_quorum(&c->committee)};
    struct bytes body = council_pack(c, &message_new_view_record, &new_view);
    *digest = message_digest(NULL, MESSAGE_NEW_VIEW, &c->context.chain, body);
    return council_seal(c, MESSAGE_NEW_VIEW,
                        committee_primary(&c->committee, (struct view){view}).n, body);
}

/* --- steps --- */

static inline unsigned long long council_n(uint64_t n)
{
    return n;
}

/* Its bytes are still what was promised. */
static inline void council_check_change(const struct action_sign *sign)
{
    const struct digest body = digest_of(sign->body.data, sign->body.size);
    CHECK(digest_equal(&body, &sign->digest));
}

static inline void council_write(struct council *c, const struct action *action)
{
    struct text *t = &c->story;
    switch (action->kind) {
    case ACTION_PERSIST:
        CHECK(action->as.persist.sequence == c->log_count + 1);
        c->log[c->log_count++] = (struct bytes){
            arena_copy(&c->arena, action->as.persist.record.data, action->as.persist.record.size),
            action->as.persist.record.size};
        text_add(t, "persist %llu%s\n", council_n(action->as.persist.sequence),
                 action->as.persist.has_body ? " with body" : "");
        break;
    case ACTION_SIGN:
        if (action->as.sign.tag == MESSAGE_VIEW_CHANGE)
            council_check_change(&action->as.sign);
        if (action->as.sign.tag != MESSAGE_STATUS)
            text_add(t, "sign %s %llu in view %llu after %llu\n", message_name(action->as.sign.tag),
                     council_n(action->as.sign.height.n), council_n(action->as.sign.view.n),
                     council_n(action->as.sign.after));
        break;
    case ACTION_SEND: {
        struct message message;
        CHECK(verify_message(&c->arena, &c->context, &message, action->as.send.message, NULL) ==
              ERR_NONE);
        text_add(t, "send %s to %llx\n", message_name(message.tag), council_n(action->as.send.to));
        break;
    }
    case ACTION_BUILD:
        text_add(t, "build %llu%s\n", council_n(action->as.build.height.n),
                 action->as.build.empty_too ? " even empty" : "");
        break;
    case ACTION_EXECUTE:
        text_add(t, "execute %llu from %llx\n", council_n(action->as.execute.block.height.n),
                 council_n(action->as.execute.holders));
        break;
    case ACTION_COMMIT:
        text_add(t, "commit %llu%s\n", council_n(action->as.commit.height.n),
                 action->as.commit.new_view.size != 0 ? " with its new view" : "");
        break;
    case ACTION_DISCARD:
        text_add(t, "discard\n");
        break;
    case ACTION_CATCH_UP:
        text_add(t, "catch up %llu..%llu from %llx\n", council_n(action->as.catch_up.from.n),
                 council_n(action->as.catch_up.to.n), council_n(action->as.catch_up.seats));
        break;
    case ACTION_FORGET:
        c->log_start = action->as.forget.before;
        text_add(t, "forget before %llu on %llu\n", council_n(action->as.forget.before),
                 council_n(action->as.forget.durable.n));
        break;
    case ACTION_ACCUSE: {
        struct evidence_finding finding;
        CHECK(evidence_check(&c->arena, &c->context, &finding, action->as.accuse.evidence, NULL) ==
              ERR_NONE);
        CHECK(finding.kind == action->as.accuse.kind);
        CHECK(finding.seat.n == action->as.accuse.seat.n);
        CHECK(finding.view.n == action->as.accuse.view.n);
        text_add(t, "accuse %u of %s in view %llu\n", finding.seat.n, evidence_name(finding.kind),
                 council_n(finding.view.n));
        break;
    }
    case ACTION_HALT:
        text_add(t, "halt at %llu\n", council_n(action->as.halt.n));
        break;
    case ACTION_TELL:
        break;
    }
}

static inline void council_step(struct council *c, struct event event);

static inline void council_message(struct council *c, struct bytes raw)
{
    struct message message;
    struct fault fault = {0};
    enum err err = verify_message(&c->arena, &c->context, &message, raw, &fault);
    ck_assert_msg(err == ERR_NONE, "%s", fault.text);
    council_step(c, (struct event){.kind = EVENT_MESSAGE, .as.message = &message});
}

/* Answers the actions as a driver without delay does. */
static inline void council_answer(struct council *c, const struct action *action)
{
    if (action->kind == ACTION_SIGN && action->as.sign.tag != MESSAGE_STATUS)
        council_message(
            c, council_seal(c, action->as.sign.tag, c->config.seat.n, action->as.sign.body));
    if (action->kind == ACTION_EXECUTE)
        council_step(c, (struct event){.kind = EVENT_EXECUTED,
                                       .as.executed = {action->as.execute.ticket, EVENT_VALID}});
    if (action->kind == ACTION_COMMIT)
        council_step(
            c, (struct event){.kind = EVENT_COMMITTED, .as.committed = action->as.commit.height});
}

static inline void council_step(struct council *c, struct event event)
{
    event.now_ms = c->now_ms;
    event.clock_ms = c->clock_ms;
    c->out.arena = &c->step;
    arena_clear(&c->step);
    consensus_step(c->core, &event, &c->out);
    const uint32_t count = c->out.count;
    struct action *list = arena_copy(&c->arena, c->out.list, count * sizeof(c->out.list[0]));
    for (uint32_t i = 0; i < count; i++) {
        council_write(c, &list[i]);
        if (list[i].kind == ACTION_SIGN) /* outlives the step */
            list[i].as.sign.body.data =
                arena_copy(&c->arena, list[i].as.sign.body.data, list[i].as.sign.body.size);
    }
    for (uint32_t i = 0; c->echo && i < count; i++)
        council_answer(c, &list[i]);
}

static inline void council_tick(struct council *c, uint64_t later_ms)
{
    c->now_ms += later_ms;
    c->clock_ms += later_ms;
    council_step(c, (struct event){.kind = EVENT_TICK});
}

/* Compares what happened since the last call. */
static inline void council_expect(struct council *c, const char *story)
{
    ck_assert_str_eq(text_string(&c->story), story);
    text_clear(&c->story);
}

static inline void council_start(struct council *c, const struct council_block *head,
                                 const struct certificate *certificate)
{
    struct event_start start = {.header = council_header(head)};
    if (certificate != NULL)
        start.certificate = council_pack(c, &ballot_certificate_record, certificate);
    council_step(c, (struct event){.kind = EVENT_START, .as.start = start});
}

/* A committee of `count`, the core at `seat`; not started. Times of the configuration: time-out 1000, heartbeat 5000, STATUS 100,000
 * (never in a test's way). */
static inline void council_init(struct council *c, uint8_t count, uint8_t seat)
{
    memset(c, 0, sizeof(*c));
    struct sign_public keys[LIMIT_VALIDATORS] = {0};
    struct digest set = digest_of("set", 3);
    committee_init(&c->committee, &set, keys, count);
    c->genesis.block = (struct consensus_block){.set = set, .next_set = set, .time_ms = 1000};
    council_pack_block(&c->genesis);
    arena_init(&c->arena, (size_t)1 << 30);
    arena_init(&c->step, (size_t)1 << 30);
    text_init(&c->story, 1 << 20);
    consensus_config_defaults(&c->config);
    c->config.committee = &c->committee;
    c->config.chain = digest_of("chain", 5);
    c->config.base.digest = c->genesis.block.digest;
    c->config.seat = (struct seat){seat};
    c->config.read = council_read;
    c->config.timeout_ms = 1000;
    c->config.timeout_max_ms = 8000;
    c->config.block_interval_max_ms = 5000;
    c->config.status_interval_ms = 100000;
    c->context = (struct verify_context){.chain = c->config.chain,
                                         .base.digest = c->genesis.block.digest,
                                         .committee = &c->committee,
                                         .read = council_read,
                                         .signature = council_verify};
    c->core = consensus_new(&c->config);
    c->now_ms = 100;
    c->clock_ms = 1000;
    c->echo = true;
}

/* A STATUS of each other seat, so that the core knows that it isn't alone. */
static inline void council_hear(struct council *c)
{
    const struct message_status status = {.set = c->committee.digest, .active = true};
    for (uint8_t i = 0; i < c->committee.count; i++)
        if (i != c->config.seat.n)
            council_message(c, council_seal(c, MESSAGE_STATUS, i,
                                            council_pack(c, &message_status_record, &status)));
}

static inline void council_open(struct council *c, uint8_t count, uint8_t seat)
{
    council_init(c, count, seat);
    council_start(c, &c->genesis, NULL);
    council_hear(c);
    council_expect(c, "");
}

/* The same seat after a crash: what was logged is read back; `head` is the last durable block. */
static inline void council_restart(struct council *c, const struct council_block *head,
                                   const struct certificate *certificate)
{
    consensus_free(c->core);
    c->core = consensus_new(&c->config);
    const uint64_t first = c->log_start != 0 ? c->log_start : 1;
    for (uint64_t sequence = first; sequence <= c->log_count; sequence++)
        ck_assert_int_eq(consensus_recover(c->core, sequence, c->log[sequence - 1], NULL),
                         ERR_NONE);
    text_clear(&c->story);
    council_start(c, head, certificate);
}

static inline void council_close(struct council *c)
{
    consensus_free(c->core);
    arena_release(&c->arena);
    arena_release(&c->step);
    text_release(&c->story);
}

#endif
