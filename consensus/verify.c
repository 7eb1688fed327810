#include "consensus/verify.h"

/* Digests of certificates that were found good while one message is checked: a NEW-VIEW holds the same ones many times. */
struct memo {
    struct digest *good;
    uint32_t count, count_max;
};

#define MEMO_MAX (BOUNDS_QUORUM * (BOUNDS_WINDOW + 1))

bool verify_ecdsa(const void *self, struct seat seat, const struct sign_public *key,
                  const struct digest *digest, const struct sign_signature *signature)
{
    (void)self, (void)seat;
    return sign_verify(key, digest, signature);
}

bool verify_trusting(const void *self, struct seat seat, const struct sign_public *key,
                     const struct digest *digest, const struct sign_signature *signature)
{
    (void)self, (void)seat, (void)key, (void)digest, (void)signature;
    return true;
}

static bool is_signed(const struct verify_context *context, enum message_tag tag, struct seat seat,
                      struct bytes body, const struct sign_signature *signature)
{
    if (seat.n >= context->committee->count || (context->committee->vacant & COMMITTEE_BIT(seat.n)))
        return false;
    struct digest digest = sign_digest(message_domain(tag), &context->chain, body);
    return context->signature(context->self, seat, &context->committee->keys[seat.n], &digest,
                              signature);
}

enum err verify_envelope(const struct verify_context *context, enum message_tag tag,
                         const struct message_envelope *envelope, struct fault *fault)
{
    if (!is_signed(context, tag, envelope->from, envelope->body, &envelope->signature))
        return fault_set(fault, ERR_SIGNATURE, "%s that claims to be of seat %u isn't signed by it",
                         message_name(tag), envelope->from.n);
    return ERR_NONE;
}

static enum err check_set(const struct verify_context *context, const struct digest *set,
                          struct fault *fault)
{
    if (!digest_equal(set, &context->committee->digest))
        return fault_set(fault, ERR_MISMATCH, "message of another set of validators");
    return ERR_NONE;
}

/* View 0 is opened by no NEW-VIEW, every other by one. */
static enum err check_view(struct view view, const struct digest *new_view, struct fault *fault)
{
    if (digest_is_zero(new_view) != (view.n == 0))
        return fault_set(fault, ERR_MISMATCH, "view %llu and its NEW-VIEW's digest contradict",
                         (unsigned long long)view.n);
    return ERR_NONE;
}

static enum err check_ballot(const struct verify_context *context, const struct ballot *ballot,
                             struct fault *fault)
{
    enum err err = check_set(context, &ballot->set, fault);
    if (!err)
        err = check_view(ballot->view, &ballot->new_view, fault);
    if (!err && ballot->height.n <= context->base.height.n)
        err = fault_set(fault, ERR_MISMATCH, "vote for a block that this set doesn't certify");
    return err;
}

/* Reads a header that must belong to this set. */
static enum err check_header(const struct verify_context *context, struct consensus_block *block,
                             struct bytes header, struct fault *fault)
{
    if (!context->read(context->self, block, header))
        return fault_set(fault, ERR_MALFORMED, "header that can't be read");
    if (block->height.n <= context->base.height.n || block->height.n > BOUNDS_HEIGHT_MAX)
        return fault_set(fault, ERR_MISMATCH, "header of an impossible height");
    if (block->view.n > BOUNDS_VIEW_MAX || block->proposer.n >= context->committee->count)
        return fault_set(fault, ERR_MISMATCH, "header of an impossible view or proposer");
    return check_set(context, &block->set, fault);
}

/* A header and the certificate that is claimed for it. */
static enum err check_pair(const struct verify_context *context, struct consensus_block *block,
                           struct bytes header, const struct certificate *certificate,
                           struct fault *fault)
{
    enum err err = check_header(context, block, header, fault);
    if (err)
        return err;
    const struct ballot *ballot = &certificate->ballot;
    if (block->height.n != ballot->height.n || !digest_equal(&block->digest, &ballot->digest) ||
        block->view.n > ballot->view.n)
        return fault_set(fault, ERR_MISMATCH, "certificate for another block than its header");
    return ERR_NONE;
}

enum err verify_certificate(const struct verify_context *context, enum message_tag tag,
                            const struct certificate *certificate, struct fault *fault)
{
    enum err err = check_ballot(context, &certificate->ballot, fault);
    if (err)
        return err;
    const uint64_t voters = certificate->voters;
    const uint8_t quorum = committee_quorum(context->committee);
    if ((voters & ~committee_all(context->committee)) != 0 || committee_size(voters) != quorum ||
        certificate->signatures.size != (size_t)quorum * SIGN_SIGNATURE_SIZE)
        return fault_set(fault, ERR_MISMATCH, "certificate of %u voters, not of a quorum of %u",
                         committee_size(voters), quorum);

    uint8_t body[BOUNDS_BALLOT_BYTES];
    struct bytes packed = bytes_of(body, ballot_pack(body, &certificate->ballot));
    const uint8_t *next = certificate->signatures.data;
    for (uint8_t i = 0; i < context->committee->count; i++) {
        if ((voters & COMMITTEE_BIT(i)) == 0)
            continue;
        struct sign_signature signature;
        __builtin_memcpy(signature.bytes, next, SIGN_SIGNATURE_SIZE);
        next += SIGN_SIGNATURE_SIZE;
        if (!is_signed(context, tag, (struct seat){i}, packed, &signature))
            return fault_set(fault, ERR_SIGNATURE,
                             "certificate for height %llu isn't signed by seat %u",
                             (unsigned long long)certificate->ballot.height.n, i);
    }
    return ERR_NONE;
}

/* As verify_certificate, but each different certificate is checked once. */
static enum err check_once(const struct verify_context *context, struct memo *memo,
                           enum message_tag tag, const struct certificate *certificate,
                           struct fault *fault)
{
    uint8_t body[BOUNDS_BALLOT_BYTES];
    struct bytes packed = bytes_of(body, ballot_pack(body, &certificate->ballot));
    uint8_t voters[9] = {(uint8_t)tag};
    bytes_put_u64(voters + 1, certificate->voters);
    struct digest_stream stream;
    digest_init(&stream);
    digest_add(&stream, voters, sizeof(voters));
    digest_add(&stream, packed.data, packed.size);
    digest_add(&stream, certificate->signatures.data, certificate->signatures.size);
    struct digest digest = digest_end(&stream);

    for (uint32_t i = 0; i < memo->count; i++)
        if (digest_equal(&memo->good[i], &digest))
            return ERR_NONE;
    enum err err = verify_certificate(context, tag, certificate, fault);
    if (!err && memo->count < memo->count_max)
        memo->good[memo->count++] = digest;
    return err;
}

/* The base has no votes of this set: then nothing but its own digest is said. */
static bool is_base(const struct verify_context *context, const struct certificate *certificate)
{
    const struct ballot *ballot = &certificate->ballot;
    return certificate->voters == 0 && certificate->signatures.size == 0 &&
           ballot->height.n == context->base.height.n && ballot->view.n == 0 && digest_is_zero(&ballot->new_view) &&
           digest_equal(&ballot->set, &context->committee->digest) &&
           digest_equal(&ballot->digest, &context->base.digest);
}

/* All of a VIEW-CHANGE but signatures. Reads its headers. */
static enum err check_change_shape(const struct verify_context *context,
                                   struct message_view_change *change, struct fault *fault)
{
    enum err err = check_set(context, &change->set, fault);
    if (err)
        return err;
    if (change->view.n == 0)
        return fault_set(fault, ERR_MISMATCH, "view change to view 0");
    if (change->view.n < context->view.n)
        return fault_set(fault, ERR_NOT_NOW, "view change to a view that is over");

    const uint64_t committed = change->committed.ballot.height.n;
    uint64_t below = committed;
    for (uint32_t i = 0; i < change->prepared_count; i++) {
        struct message_prepared *prepared = &change->prepared[i];
        err =
            check_pair(context, &prepared->block, prepared->header, &prepared->certificate, fault);
        if (err)
            return err;
        const uint64_t height = prepared->block.height.n;
        if (height <= below || height > committed + BOUNDS_WINDOW)
            return fault_set(fault, ERR_MISMATCH, "prepared heights that don't ascend in a window");
        if (prepared->certificate.ballot.view.n >= change->view.n)
            return fault_set(fault, ERR_MISMATCH, "prepared in a view that is still to come");
        below = height;
    }
    return ERR_NONE;
}

/* Signed by its sender: the brief of what was unpacked from the envelope. */
static enum err check_change_signature(const struct verify_context *context,
                                       const struct message_view_change *change,
                                       struct message_envelope envelope, struct fault *fault)
{
    struct message_brief brief;
    uint8_t packed[MESSAGE_BRIEF_BYTES];
    message_brief(&brief, change, envelope.body);
    envelope.body = bytes_of(packed, message_brief_pack(packed, &brief));
    return verify_envelope(context, MESSAGE_VIEW_CHANGE, &envelope, fault);
}

static enum err check_change_certificates(const struct verify_context *context, struct memo *memo,
                                          const struct message_view_change *change,
                                          struct fault *fault)
{
    enum err err = ERR_NONE;
    if (!is_base(context, &change->committed))
        err = check_once(context, memo, MESSAGE_COMMIT, &change->committed, fault);
    for (uint32_t i = 0; !err && i < change->prepared_count; i++)
        err = check_once(context, memo, MESSAGE_PREPARE, &change->prepared[i].certificate, fault);
    return err;
}

/* Votes and blocks that are of no use any more. */
static enum err check_height(const struct verify_context *context, struct height height,
                             struct fault *fault)
{
    if (height.n <= context->height.n)
        return fault_set(fault, ERR_NOT_NOW, "height %llu is committed already",
                         (unsigned long long)height.n);
    return ERR_NONE;
}

static enum err check_pre_prepare(const struct verify_context *context, struct message *message,
                                  struct fault *fault)
{
    struct message_pre_prepare *m = &message->as.pre_prepare;
    enum err err = check_set(context, &m->set, fault);
    if (!err)
        err = check_view(m->view, &m->new_view, fault);
    if (!err)
        err = check_header(context, &m->block, m->header, fault);
    if (!err)
        err = check_height(context, m->block.height, fault);
    if (err)
        return err;
    const uint8_t primary = committee_primary(context->committee, m->view).n;
    if (message->envelope.from.n != primary || m->block.proposer.n != primary ||
        m->block.view.n != m->view.n)
        return fault_set(fault, ERR_MISMATCH,
                         "pre-prepare that isn't by the primary of view %llu, or no fresh block",
                         (unsigned long long)m->view.n);
    return verify_envelope(context, MESSAGE_PRE_PREPARE, &message->envelope, fault);
}

static bool is_too_large(const struct verify_context *context,
                         const struct message_envelope *change)
{
    return change->body.size >
           (size_t)BOUNDS_VIEW_CHANGE_BYTES(committee_quorum(context->committee));
}

static enum err check_view_change(struct arena *arena, const struct verify_context *context,
                                  struct message *message, struct fault *fault)
{
    if (is_too_large(context, &message->envelope))
        return fault_set(fault, ERR_LIMIT, "view change of %zu bytes", message->envelope.body.size);
    struct memo memo = {arena_array(arena, BOUNDS_WINDOW + 1, sizeof(struct digest)), 0,
                        BOUNDS_WINDOW + 1};
    if (memo.good == NULL)
        return ERR_LIMIT;
    enum err err = check_change_shape(context, &message->as.view_change, fault);
    if (!err)
        err = check_change_signature(context, &message->as.view_change, message->envelope, fault);
    if (!err)
        err = check_change_certificates(context, &memo, &message->as.view_change, fault);
    return err;
}

/* The part of a NEW-VIEW that needs none of its certificates. */
static enum err check_new_view_signers(struct arena *arena, const struct verify_context *context,
                                       struct message *message, struct fault *fault)
{
    struct message_new_view *m = &message->as.new_view;
    enum err err = check_set(context, &m->set, fault);
    if (err)
        return err;
    if (m->view.n < context->view.n)
        return fault_set(fault, ERR_NOT_NOW, "new view that is over");
    if (m->view.n == 0 ||
        message->envelope.from.n != committee_primary(context->committee, m->view).n)
        return fault_set(fault, ERR_MISMATCH, "new view that isn't by its primary");
    if (m->change_count != committee_quorum(context->committee))
        return fault_set(fault, ERR_MISMATCH, "new view of %u view changes, not of a quorum",
                         m->change_count);
    for (uint32_t i = 0; i < m->change_count; i++) {
        if (i != 0 && m->changes[i].from.n <= m->changes[i - 1].from.n)
            return fault_set(fault, ERR_MISMATCH, "new view whose seats don't ascend");
        if (is_too_large(context, &m->changes[i]))
            return fault_set(fault, ERR_LIMIT, "new view with an oversize view change");
    }
    err = verify_envelope(context, MESSAGE_NEW_VIEW, &message->envelope, fault);
    if (err)
        return err;

    m->read = arena_array(arena, m->change_count, sizeof(*m->read));
    if (m->read == NULL)
        return ERR_LIMIT;
    for (uint32_t i = 0; !err && i < m->change_count; i++) {
        err = record_unpack(arena, &message_view_change_record, &m->read[i], m->changes[i].body,
                            fault);
        if (!err)
            err = check_change_shape(context, &m->read[i], fault);
        if (!err && m->read[i].view.n != m->view.n)
            err = fault_set(fault, ERR_MISMATCH, "new view with a view change to another view");
        if (!err)
            err = check_change_signature(context, &m->read[i], m->changes[i], fault);
    }
    return err;
}

static enum err check_new_view(struct arena *arena, const struct verify_context *context,
                               struct message *message, struct fault *fault)
{
    struct message_new_view *m = &message->as.new_view;
    struct memo memo = {arena_array(arena, MEMO_MAX, sizeof(struct digest)), 0, MEMO_MAX};
    if (memo.good == NULL)
        return ERR_LIMIT;
    enum err err = check_new_view_signers(arena, context, message, fault);
    for (uint32_t i = 0; !err && i < m->change_count; i++)
        err = check_change_certificates(context, &memo, &m->read[i], fault);
    if (!err)
        m->digest =
            message_digest(NULL, MESSAGE_NEW_VIEW, &context->chain, message->envelope.body);
    return err;
}

static enum err check_status(const struct verify_context *context, const struct message *message,
                             struct fault *fault)
{
    enum err err = check_set(context, &message->as.status.set, fault);
    return err ? err : verify_envelope(context, MESSAGE_STATUS, &message->envelope, fault);
}

static enum err check_decided(const struct verify_context *context, struct message_decided *m,
                              struct fault *fault)
{
    enum err err = check_pair(context, &m->block, m->header, &m->certificate, fault);
    if (!err)
        err = check_height(context, m->block.height, fault);
    return err ? err : verify_certificate(context, MESSAGE_COMMIT, &m->certificate, fault);
}

static const struct record *body_record(enum message_tag tag)
{
    switch (tag) {
    case MESSAGE_PRE_PREPARE:
        return &message_pre_prepare_record;
    case MESSAGE_PREPARE:
    case MESSAGE_COMMIT:
        return &ballot_record;
    case MESSAGE_VIEW_CHANGE:
        return &message_view_change_record;
    case MESSAGE_NEW_VIEW:
        return &message_new_view_record;
    case MESSAGE_STATUS:
        return &message_status_record;
    case MESSAGE_DECIDED:
        break;
    }
    return NULL;
}

static enum err check_message(struct arena *arena, const struct verify_context *context,
                              struct message *message, struct fault *fault)
{
    enum err err;
    switch (message->tag) {
    case MESSAGE_PRE_PREPARE:
        return check_pre_prepare(context, message, fault);
    case MESSAGE_PREPARE:
    case MESSAGE_COMMIT:
        err = check_ballot(context, &message->as.vote, fault);
        if (!err)
            err = check_height(context, message->as.vote.height, fault);
        return err ? err : verify_envelope(context, message->tag, &message->envelope, fault);
    case MESSAGE_VIEW_CHANGE:
        return check_view_change(arena, context, message, fault);
    case MESSAGE_NEW_VIEW:
        return check_new_view(arena, context, message, fault);
    case MESSAGE_STATUS:
        return check_status(context, message, fault);
    case MESSAGE_DECIDED:
        return check_decided(context, &message->as.decided, fault);
    }
    return ERR_MALFORMED;
}

enum err verify_message(struct arena *arena, const struct verify_context *context,
                        struct message *message, struct bytes in, struct fault *fault)
{
    if (in.size > BOUNDS_MESSAGE_BYTES)
        return fault_set(fault, ERR_LIMIT, "message of %zu bytes", in.size);
    uint16_t tag;
    void *value;
    enum err err = record_choice_unpack(arena, &message_choice, &tag, &value, in, fault);
    if (err)
        return err;

    struct message read = {.tag = (enum message_tag)tag, .raw = in};
    if (read.tag == MESSAGE_DECIDED) {
        read.as.decided = *(struct message_decided *)value;
    } else {
        read.envelope = *(struct message_envelope *)value;
        err = record_unpack(arena, body_record(read.tag), &read.as, read.envelope.body, fault);
    }
    if (!err)
        err = check_message(arena, context, &read, fault);
    if (!err)
        *message = read;
    return err;
}
