#include "consensus/evidence.h"

/* The largest is a PRE-PREPARE: a header, two digests, a view. */
#define MESSAGE_BYTES (BOUNDS_ENVELOPE_BYTES + BOUNDS_HEADER_BYTES + 128)

_Static_assert(MESSAGE_BRIEF_BYTES < BOUNDS_HEADER_BYTES + 128, "a brief is no larger");
_Static_assert(2 * MESSAGE_BYTES + 4096 < LIMIT_TX_BYTES, "evidence fits in a transaction");

static const struct record_field fields[] = {
    RECORD_BYTES(struct evidence, first, MESSAGE_BYTES),
    RECORD_BYTES(struct evidence, second, MESSAGE_BYTES),
};
const struct record evidence_record = RECORD(struct evidence, "evidence", fields);

const char *evidence_name(enum evidence_kind kind)
{
    switch (kind) {
    case EVIDENCE_TWO_STATEMENTS:
        return "two statements";
    case EVIDENCE_COMMIT_AGAINST_PREPARE:
        return "commit against prepare";
    case EVIDENCE_TWO_VIEW_CHANGES:
        return "two view changes";
    case EVIDENCE_COMMIT_FORGOTTEN:
        return "commit forgotten";
    }
    return "";
}

/* A message as far as evidence needs it. */
struct statement {
    enum message_tag tag;
    struct message_envelope envelope;
    struct ballot
        ballot; /* of a VIEW-CHANGE only set and view; of a PRE-PREPARE what a vote for it would be */
    struct message_brief change;
};

static enum err read_proposal(struct arena *arena, const struct verify_context *context,
                              struct statement *statement)
{
    struct message_pre_prepare proposal;
    struct consensus_block block = {0};
    enum err err = record_unpack(arena, &message_pre_prepare_record, &proposal,
                                 statement->envelope.body, NULL);
    if (!err && context != NULL && !context->read(context->self, &block, proposal.header))
        err = ERR_MALFORMED;
    if (!err)
        statement->ballot = (struct ballot){.set = proposal.set,
                                            .height = block.height,
                                            .view = proposal.view,
                                            .digest = block.digest,
                                            .new_view = proposal.new_view};
    return err;
}

static enum err read_change(struct arena *arena, struct statement *statement)
{
    enum err err = record_unpack(arena, &message_brief_record, &statement->change,
                                 statement->envelope.body, NULL);
    if (!err)
        statement->ballot =
            (struct ballot){.set = statement->change.set, .view = statement->change.view};
    return err;
}

/* `context` NULL: headers aren't read. */
static enum err read_statement(struct arena *arena, const struct verify_context *context,
                               struct statement *statement, struct bytes message)
{
    uint16_t tag;
    void *value;
    enum err err = record_choice_unpack(arena, &message_choice, &tag, &value, message, NULL);
    if (err)
        return err;
    *statement = (struct statement){.tag = (enum message_tag)tag};
    if (statement->tag == MESSAGE_DECIDED)
        return ERR_MALFORMED;
    statement->envelope = *(struct message_envelope *)value;
    switch (statement->tag) {
    case MESSAGE_PRE_PREPARE:
        return read_proposal(arena, context, statement);
    case MESSAGE_PREPARE:
    case MESSAGE_COMMIT:
        return record_unpack(arena, &ballot_record, &statement->ballot, statement->envelope.body,
                             NULL);
    case MESSAGE_VIEW_CHANGE:
        return read_change(arena, statement);
    case MESSAGE_NEW_VIEW:
    case MESSAGE_STATUS:
    case MESSAGE_DECIDED:
        break;
    }
    return ERR_MALFORMED;
}

enum err evidence_set(struct arena *arena, struct digest *set, struct bytes packed)
{
    struct evidence evidence;
    struct statement first;
    enum err err = record_unpack(arena, &evidence_record, &evidence, packed, NULL);
    if (!err)
        err = read_statement(arena, NULL, &first, evidence.first);
    if (!err)
        *set = first.ballot.set;
    return err;
}

bool evidence_forgets(const struct message_brief *change, const struct ballot *commit)
{
    if (change->view.n <= commit->view.n || change->committed.n >= commit->height.n)
        return false;
    for (uint32_t i = 0; i < change->prepared_count; i++) {
        const struct message_brief_height *prepared = &change->prepared[i];
        if (prepared->height.n == commit->height.n && prepared->view.n >= commit->view.n)
            return false;
    }
    return true;
}

/* What the two prove; 0: nothing. */
static enum evidence_kind kind_of(const struct statement *first, const struct statement *second)
{
    const struct ballot *a = &first->ballot, *b = &second->ballot;
    if (first->tag == MESSAGE_VIEW_CHANGE && second->tag == MESSAGE_VIEW_CHANGE)
        return a->view.n == b->view.n && !bytes_equal(first->envelope.body, second->envelope.body)
                   ? EVIDENCE_TWO_VIEW_CHANGES
                   : 0;
    if (first->tag == MESSAGE_COMMIT && second->tag == MESSAGE_VIEW_CHANGE)
        return evidence_forgets(&second->change, a) ? EVIDENCE_COMMIT_FORGOTTEN : 0;
    if (first->tag == MESSAGE_VIEW_CHANGE || second->tag == MESSAGE_VIEW_CHANGE ||
        a->height.n != b->height.n || a->view.n != b->view.n || ballot_equal(a, b))
        return 0;
    if (first->tag == second->tag)
        return EVIDENCE_TWO_STATEMENTS;
    return first->tag == MESSAGE_COMMIT && second->tag == MESSAGE_PREPARE
               ? EVIDENCE_COMMIT_AGAINST_PREPARE
               : 0;
}

enum err evidence_check(struct arena *arena, const struct verify_context *context,
                        struct evidence_finding *finding, struct bytes packed, struct fault *fault)
{
    struct evidence evidence;
    struct statement first, second;
    enum err err = record_unpack(arena, &evidence_record, &evidence, packed, fault);
    if (!err)
        err = read_statement(arena, context, &first, evidence.first);
    if (!err)
        err = read_statement(arena, context, &second, evidence.second);
    if (err)
        return fault_set(fault, err, "evidence that holds no two statements");

    const struct digest *set = &context->committee->digest;
    if (!digest_equal(&first.ballot.set, set) || !digest_equal(&second.ballot.set, set))
        return fault_set(fault, ERR_MISMATCH, "evidence of another set of validators");
    if (first.envelope.from.n != second.envelope.from.n)
        return fault_set(fault, ERR_MISMATCH, "evidence of two seats");
    const enum evidence_kind kind = kind_of(&first, &second);
    if (kind == 0)
        return fault_set(fault, ERR_MISMATCH, "two statements that a correct seat may sign");
    err = verify_envelope(context, first.tag, &first.envelope, fault);
    if (!err)
        err = verify_envelope(context, second.tag, &second.envelope, fault);
    if (!err)
        *finding = (struct evidence_finding){.kind = kind,
                                             .seat = first.envelope.from,
                                             .set = *set,
                                             .view = first.ballot.view,
                                             .height = first.ballot.height};
    return err;
}
