#include "consensus/journal.h"

#include "base/check.h"
#include "consensus/change.h"

#include <string.h>

/* On disk: never renumbered. */
enum journal_tag {
    JOURNAL_PREPARE = 1,
    JOURNAL_COMMIT = 2,
    JOURNAL_LOCK = 3,
    JOURNAL_CHANGE = 4,
    JOURNAL_OPENING = 5,
    JOURNAL_ENTERED = 6,
};

struct journal_vote {
    struct ballot ballot;
    struct bytes header; /* empty: the block was replaced by a decided one */
};

struct journal_proof {
    struct bytes header;
    struct certificate certificate; /* of PREPAREs */
};

struct journal_body {
    struct bytes body;
};

static const struct record_field vote_fields[] = {
    RECORD_ONE(struct journal_vote, ballot, &ballot_record),
    RECORD_BYTES(struct journal_vote, header, BOUNDS_HEADER_BYTES),
};
static const struct record vote_record =
    RECORD(struct journal_vote, "promised prepare", vote_fields);

static const struct record_field proof_fields[] = {
    RECORD_BYTES(struct journal_proof, header, BOUNDS_HEADER_BYTES),
    RECORD_ONE(struct journal_proof, certificate, &ballot_certificate_record),
};
static const struct record proof_record = RECORD(struct journal_proof, "lock", proof_fields);

static const struct record_field body_fields[] = {
    RECORD_BYTES(struct journal_body, body, BOUNDS_MESSAGE_BYTES),
};
static const struct record body_record =
    RECORD(struct journal_body, "promised message", body_fields);

static const struct record_option options[] = {
    {JOURNAL_PREPARE, &vote_record}, {JOURNAL_COMMIT, &proof_record},
    {JOURNAL_LOCK, &proof_record},   {JOURNAL_CHANGE, &body_record},
    {JOURNAL_OPENING, &body_record}, {JOURNAL_ENTERED, &body_record},
};
static const struct record_choice journal_choice = {"journal record", options,
                                                    sizeof(options) / sizeof(options[0])};

/* --- writing --- */

static uint64_t persist(struct consensus *c, struct actions *out, enum journal_tag tag,
                        const void *value, const struct digest *body)
{
    struct pack_writer writer;
    pack_count(&writer);
    record_choice_pack(&writer, &journal_choice, (uint16_t)tag, value);
    const size_t size = writer.used;
    uint8_t *record = actions_alloc(out, size);
    pack_init(&writer, record, size);
    record_choice_pack(&writer, &journal_choice, (uint16_t)tag, value);
    CHECK(!writer.failed);

    struct action_persist persisted = {.sequence = ++c->sequence, .record = bytes_of(record, size)};
    if (body != NULL) {
        persisted.has_body = true;
        persisted.body = *body;
    }
    c->log_bytes += size;
    actions_add(out, ACTION_PERSIST)->as.persist = persisted;
    return c->sequence;
}

uint64_t journal_prepare(struct consensus *c, struct actions *out, const struct slot *slot)
{
    CHECK(slot->my_prepare);
    struct journal_vote vote = {.ballot = core_ballot(c, slot)};
    vote.ballot.digest = slot->my_digest;
    if (!slot_has_block(slot) || !digest_equal(&slot->held.block.digest, &slot->my_digest))
        return persist(c, out, JOURNAL_PREPARE, &vote, NULL);
    vote.header = slot_block_header(&slot->held);
    return persist(c, out, JOURNAL_PREPARE, &vote, &slot->my_digest);
}

static uint64_t persist_lock(struct consensus *c, struct actions *out, enum journal_tag tag,
                             const struct slot *slot)
{
    const struct journal_proof proof = {.header = slot_block_header(&slot->lock_block),
                                        .certificate = slot_proof_certificate(&slot->lock)};
    /* A COMMIT promises the body too; a lock alone doesn't: it may never have been here. */
    return persist(c, out, tag, &proof,
                   tag == JOURNAL_COMMIT ? &slot->lock_block.block.digest : NULL);
}

uint64_t journal_commit(struct consensus *c, struct actions *out, const struct slot *slot)
{
    CHECK(slot->my_commit);
    CHECK(slot->lock.ballot.view.n == c->voting.n);
    return persist_lock(c, out, JOURNAL_COMMIT, slot);
}

uint64_t journal_change(struct consensus *c, struct actions *out)
{
    const struct journal_body body = {bytes_of(c->my_change, c->my_change_size)};
    return persist(c, out, JOURNAL_CHANGE, &body, NULL);
}

uint64_t journal_opening(struct consensus *c, struct actions *out)
{
    const struct journal_body body = {bytes_of(c->opening, c->opening_size)};
    return persist(c, out, JOURNAL_OPENING, &body, NULL);
}

void journal_entered(struct consensus *c, struct actions *out)
{
    const struct journal_body body = {bytes_of(c->new_view_bytes, c->new_view_size)};
    (void)persist(c, out, JOURNAL_ENTERED, &body, NULL);
}

void journal_tidy(struct consensus *c, struct actions *out)
{
    if (c->sequence + 1 - c->log_start < JOURNAL_REWRITE || c->log_bytes < 4 * c->new_view_size)
        return;
    const uint64_t first = c->sequence + 1;
    c->log_bytes = 0;
    if (c->voting.n > 0)
        journal_entered(c, out);
    for (uint64_t h = c->durable + 1; h <= core_top(c); h++) {
        const struct slot *slot = core_slot_const(c, h);
        if (slot->my_prepare)
            (void)journal_prepare(c, out, slot);
        if (slot->lock.here)
            (void)persist_lock(c, out, slot->my_commit ? JOURNAL_COMMIT : JOURNAL_LOCK, slot);
    }
    if (!c->active) {
        (void)journal_change(c, out);
        if (c->opening_size != 0)
            (void)journal_opening(c, out);
    }
    /* The last record stays, so that the sequence goes on after a restart. */
    c->log_start = first <= c->sequence ? first : c->sequence;
    actions_add(out, ACTION_FORGET)->as.forget =
        (struct action_forget){
        .before = c->log_start, .after = c->sequence, .durable = {c->durable}};
}

/* --- reading --- */

/* The slot for a record about `height`; NULL if the record is older than what its place holds. */
static struct slot *read_slot(struct consensus *c, uint64_t height)
{
    struct slot *slot = core_slot(c, height);
    if (slot->height.n > height)
        return NULL;
    if (slot->height.n < height)
        slot_reset(slot, (struct height){height});
    return slot;
}

/* Reads a header that must be the one a ballot is about. */
static enum err read_block(const struct consensus *c, struct consensus_block *block,
                           struct bytes header, const struct ballot *ballot)
{
    if (!c->config.read(c->config.read_self, block, header) ||
        block->height.n != ballot->height.n || !digest_equal(&block->digest, &ballot->digest) ||
        !digest_equal(&block->set, &c->committee.digest) || block->proposer.n >= c->committee.count)
        return ERR_CORRUPT;
    return ERR_NONE;
}

static enum err read_vote(struct consensus *c, const struct journal_vote *vote)
{
    struct consensus_block block;
    if (vote->ballot.view.n != c->voting.n || vote->ballot.height.n == 0 ||
        !digest_equal(&vote->ballot.set, &c->committee.digest))
        return ERR_CORRUPT;
    if (vote->header.size != 0 && read_block(c, &block, vote->header, &vote->ballot))
        return ERR_CORRUPT;
    struct slot *slot = read_slot(c, vote->ballot.height.n);
    if (slot == NULL)
        return ERR_NONE;
    slot->my_prepare = true;
    slot->my_digest = vote->ballot.digest;
    if (vote->header.size != 0) {
        slot_hold(slot, &block, vote->header);
        slot->open = true;
    }
    return ERR_NONE;
}

static enum err read_proof(struct consensus *c, const struct journal_proof *proof, bool voted)
{
    struct consensus_block block;
    const struct certificate *certificate = &proof->certificate;
    if (verify_certificate(&c->trusting, MESSAGE_PREPARE, certificate, NULL) ||
        read_block(c, &block, proof->header, &certificate->ballot))
        return ERR_CORRUPT;
    if (voted && certificate->ballot.view.n != c->voting.n)
        return ERR_CORRUPT;
    struct slot *slot = read_slot(c, certificate->ballot.height.n);
    if (slot == NULL)
        return ERR_NONE;
    slot_proof_keep(&slot->lock, certificate);
    slot_block_keep(&slot->lock_block, &block, proof->header);
    if (voted)
        slot->my_commit = true;
    return ERR_NONE;
}

static enum err read_change(struct consensus *c, struct bytes body)
{
    struct message_view_change change;
    if (body.size > c->change_room ||
        record_unpack(&c->scratch, &message_view_change_record, &change, body, NULL))
        return ERR_CORRUPT;
    if (change.view.n < c->view.n || (c->active && change.view.n == c->view.n))
        return ERR_CORRUPT;
    if (change.view.n == c->view.n) /* written again: what followed the first still holds */
        return bytes_equal(body, bytes_of(c->my_change, c->my_change_size)) ? ERR_NONE
                                                                            : ERR_CORRUPT;
    c->view = change.view;
    c->active = false;
    c->opening_size = 0;
    memcpy(c->my_change, body.data, body.size);
    c->my_change_size = body.size;
    return ERR_NONE;
}

static enum err read_opening(struct consensus *c, struct bytes body)
{
    if (c->active || body.size == 0 || body.size > (size_t)BOUNDS_NEW_VIEW_BYTES(c->quorum))
        return ERR_CORRUPT;
    memcpy(c->opening, body.data, body.size);
    c->opening_size = body.size;
    return ERR_NONE;
}

static enum err read_entered(struct consensus *c, struct bytes sealed)
{
    struct message message;
    struct plan plan;
    if (verify_message(&c->scratch, &c->trusting, &message, sealed, NULL) ||
        message.tag != MESSAGE_NEW_VIEW)
        return ERR_CORRUPT;
    const struct message_new_view *new_view = &message.as.new_view;
    if (new_view->view.n == c->voting.n) /* written again: what followed the first still holds */
        return digest_equal(&new_view->digest, &c->new_view) ? ERR_NONE : ERR_CORRUPT;
    if (new_view->view.n < c->view.n)
        return ERR_CORRUPT;
    change_adopt(c, &message, &plan);
    for (uint32_t i = 0; i < BOUNDS_WINDOW; i++) {
        slot_leave_view(&c->slots[i]);
        slot_drop(&c->slots[i]);
    }
    return ERR_NONE;
}

static bool is_new_view_of_another(struct consensus *c, struct bytes body)
{
    struct message_new_view new_view;
    return record_unpack(&c->scratch, &message_new_view_record, &new_view, body, NULL) ==
               ERR_NONE &&
           !digest_equal(&new_view.set, &c->committee.digest);
}

/* Was it promised to another set? What can't be read wasn't. */
static bool is_of_another_set(struct consensus *c, enum journal_tag tag, const void *value)
{
    const struct digest *own = &c->committee.digest;
    struct message_view_change change;
    uint16_t message_tag;
    void *envelope;
    switch (tag) {
    case JOURNAL_PREPARE:
        return !digest_equal(&((const struct journal_vote *)value)->ballot.set, own);
    case JOURNAL_COMMIT:
    case JOURNAL_LOCK:
        return !digest_equal(&((const struct journal_proof *)value)->certificate.ballot.set, own);
    case JOURNAL_CHANGE:
        return record_unpack(&c->scratch, &message_view_change_record, &change,
                             ((const struct journal_body *)value)->body, NULL) == ERR_NONE &&
               !digest_equal(&change.set, own);
    case JOURNAL_OPENING:
        return is_new_view_of_another(c, ((const struct journal_body *)value)->body);
    case JOURNAL_ENTERED:
        return record_choice_unpack(&c->scratch, &message_choice, &message_tag, &envelope,
                                    ((const struct journal_body *)value)->body,
                                    NULL) == ERR_NONE &&
               message_tag == MESSAGE_NEW_VIEW &&
               is_new_view_of_another(c, ((const struct message_envelope *)envelope)->body);
    }
    return false;
}

static enum err read_record(struct consensus *c, enum journal_tag tag, const void *value)
{
    if (is_of_another_set(c, tag, value))
        return ERR_NONE;
    switch (tag) {
    case JOURNAL_PREPARE:
        return read_vote(c, value);
    case JOURNAL_COMMIT:
    case JOURNAL_LOCK:
        return read_proof(c, value, tag == JOURNAL_COMMIT);
    case JOURNAL_CHANGE:
        return read_change(c, ((const struct journal_body *)value)->body);
    case JOURNAL_OPENING:
        return read_opening(c, ((const struct journal_body *)value)->body);
    case JOURNAL_ENTERED:
        return read_entered(c, ((const struct journal_body *)value)->body);
    }
    return ERR_CORRUPT;
}

enum err journal_read(struct consensus *c, uint64_t sequence, struct bytes record,
                      struct fault *fault)
{
    uint16_t tag;
    void *value;
    enum err err = ERR_CORRUPT;
    if (sequence == 0 || (c->sequence != 0 && sequence != c->sequence + 1))
        return fault_set(fault, ERR_CORRUPT, "vote log: record %llu follows record %llu",
                         (unsigned long long)sequence, (unsigned long long)c->sequence);
    if (record_choice_unpack(&c->scratch, &journal_choice, &tag, &value, record, NULL) == ERR_NONE)
        err = read_record(c, (enum journal_tag)tag, value);
    if (err)
        return fault_set(fault, err, "vote log: record %llu is none that this node wrote",
                         (unsigned long long)sequence);
    c->sequence = sequence;
    if (c->log_start == 0)
        c->log_start = sequence;
    return ERR_NONE;
}
