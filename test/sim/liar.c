#include "test/sim/liar.h"

#include <string.h>

#include "base/check.h"
#include "base/record.h"

struct bytes liar_seal(struct station *station, const struct verify_context *context,
                       enum message_tag tag, struct bytes body)
{
    struct digest digest = verify_digest(context, tag, body);
    struct message_envelope envelope = {station->seat, body, toy_sign(station->seat, &digest)};
    struct bytes message = message_seal(&station->arena, tag, &envelope);
    CHECK(message.data);
    return message;
}

/* The body of a PRE-PREPARE for another block of the same height, one millisecond later. */
static struct bytes twin_proposal(struct liar_pact *pact, struct station *station,
                                  struct bytes body)
{
    struct message_pre_prepare proposal;
    struct toy_header header;
    uint8_t bytes[TOY_HEADER_BYTES];
    if (record_unpack(&station->arena, &message_pre_prepare_record, &proposal, body, NULL) ||
        !toy_header_unpack(&header, proposal.header))
        return body;
    pact->one = digest_of(proposal.header.data, proposal.header.size);
    header.time_ms++;
    proposal.header = bytes_of(bytes, toy_header_pack(bytes, &header));
    pact->other = digest_of(proposal.header.data, proposal.header.size);
    return record_bytes(&station->arena, &message_pre_prepare_record, &proposal);
}

/* A vote of kind `tag` for `digest` instead of what the body votes for. */
static struct bytes twin_vote(struct station *station, const struct verify_context *context,
                              enum message_tag tag, struct bytes body, const struct digest *digest)
{
    struct ballot ballot;
    CHECK(record_unpack(&station->arena, &ballot_record, &ballot, body, NULL) == ERR_NONE);
    ballot.digest = *digest;
    return liar_seal(station, context, tag, record_bytes(&station->arena, &ballot_record, &ballot));
}

/* PREPAREs and COMMITs at once, for each half what it was shown. */
static uint32_t twin_votes(const struct liar_pact *pact, struct station *station,
                           const struct verify_context *context, struct bytes body, uint64_t to,
                           struct liar_sending sendings[LIAR_SENDINGS])
{
    const enum message_tag tags[2] = {MESSAGE_PREPARE, MESSAGE_COMMIT};
    uint32_t count = 1;
    sendings[0].to = 0;
    for (int i = 0; i < 2; i++) {
        sendings[count++] = (struct liar_sending){
            twin_vote(station, context, tags[i], body, &pact->one), to & ~pact->half};
        sendings[count++] = (struct liar_sending){
            twin_vote(station, context, tags[i], body, &pact->other), to & pact->half};
    }
    return count;
}

/* The same NEW-VIEW, but for a liar's own VIEW-CHANGE, which reports nothing prepared. */
static struct bytes twin_view(struct liar_pact *pact, struct station *station,
                              const struct verify_context *context, struct bytes body)
{
    struct message_new_view new_view;
    struct message_view_change change;
    CHECK(record_unpack(&station->arena, &message_new_view_record, &new_view, body, NULL) ==
          ERR_NONE);
    for (uint32_t i = 0; i < new_view.change_count; i++) {
        struct message_envelope *mine = &new_view.changes[i];
        if (mine->from.n != station->seat.n)
            continue;
        CHECK(record_unpack(&station->arena, &message_view_change_record, &change, mine->body,
                            NULL) == ERR_NONE);
        change.prepared_count = 0;
        mine->body = record_bytes(&station->arena, &message_view_change_record, &change);
        struct digest digest = verify_digest(context, MESSAGE_VIEW_CHANGE, mine->body);
        mine->signature = toy_sign(station->seat, &digest);
    }
    struct bytes other = record_bytes(&station->arena, &message_new_view_record, &new_view);
    pact->view_one = verify_digest(context, MESSAGE_NEW_VIEW, body);
    pact->view_other = verify_digest(context, MESSAGE_NEW_VIEW, other);
    return other;
}

/* The same vote under the other NEW-VIEW. */
static struct bytes twin_view_vote(const struct liar_pact *pact, struct station *station,
                                   const struct verify_context *context, enum message_tag tag,
                                   struct bytes body)
{
    struct ballot ballot;
    CHECK(record_unpack(&station->arena, &ballot_record, &ballot, body, NULL) == ERR_NONE);
    ballot.new_view =
        digest_equal(&ballot.new_view, &pact->view_one) ? pact->view_other : pact->view_one;
    return liar_seal(station, context, tag, record_bytes(&station->arena, &ballot_record, &ballot));
}

static bool is_in_twin_view(const struct liar_pact *pact, struct station *station,
                            struct bytes body)
{
    struct ballot ballot;
    CHECK(record_unpack(&station->arena, &ballot_record, &ballot, body, NULL) == ERR_NONE);
    return !digest_is_zero(&ballot.new_view) && (digest_equal(&ballot.new_view, &pact->view_one) ||
                                                 digest_equal(&ballot.new_view, &pact->view_other));
}

static struct bytes boast(struct dice *dice, struct station *station, struct bytes body)
{
    struct message_status status;
    if (record_unpack(&station->arena, &message_status_record, &status, body, NULL))
        return body;
    status.height.n += dice_between(dice, 0, 1000);
    status.view.n += dice_between(dice, 0, 5);
    status.active = dice_chance(dice, 500);
    return record_bytes(&station->arena, &message_status_record, &status);
}

static struct bytes lying_change(const struct liar *liar, struct dice *dice,
                                 struct station *station, struct bytes body)
{
    struct message_view_change change;
    if (record_unpack(&station->arena, &message_view_change_record, &change, body, NULL))
        return body;
    if (liar->tricks & LIAR_HIDES)
        change.prepared_count = 0;
    if (liar->tricks & LIAR_FAR_VIEWS)
        change.view.n += dice_between(dice, 1, 5);
    return record_bytes(&station->arena, &message_view_change_record, &change);
}

uint32_t liar_sign(struct liar *liar, struct dice *dice, struct station *station,
                   const struct verify_context *context, const struct action_sign *sign,
                   struct liar_sending sendings[LIAR_SENDINGS])
{
    uint64_t to = sign->to & ~liar->shunned;
    bool proposal = sign->tag == MESSAGE_PRE_PREPARE;
    sendings[0] = (struct liar_sending){liar_seal(station, context, sign->tag, sign->body), to};

    if (liar->tricks & LIAR_BOASTS && sign->tag == MESSAGE_STATUS)
        sendings[0].message =
            liar_seal(station, context, sign->tag, boast(dice, station, sign->body));
    if (liar->tricks & LIAR_EQUIVOCATES && proposal) {
        struct bytes other = twin_proposal(liar->pact, station, sign->body);
        liar->pact->half = dice_u64(dice);
        sendings[0].to = to & ~liar->pact->half;
        sendings[1] = (struct liar_sending){liar_seal(station, context, sign->tag, other),
                                            to & liar->pact->half};
        return 2;
    }
    if (liar->tricks & LIAR_EQUIVOCATES && sign->tag == MESSAGE_PREPARE &&
        (digest_equal(&sign->digest, &liar->pact->one) ||
         digest_equal(&sign->digest, &liar->pact->other)))
        return twin_votes(liar->pact, station, context, sign->body, to, sendings);
    if (liar->tricks & LIAR_EQUIVOCATES && sign->tag == MESSAGE_NEW_VIEW) {
        struct bytes other = twin_view(liar->pact, station, context, sign->body);
        liar->pact->view_half = dice_u64(dice);
        sendings[0].to = to & ~liar->pact->view_half;
        sendings[1] = (struct liar_sending){liar_seal(station, context, sign->tag, other),
                                            to & liar->pact->view_half};
        return 2;
    }
    const bool vote = sign->tag == MESSAGE_PREPARE || sign->tag == MESSAGE_COMMIT;
    if (liar->tricks & LIAR_EQUIVOCATES && vote &&
        is_in_twin_view(liar->pact, station, sign->body)) {
        sendings[1] = (struct liar_sending){
            twin_view_vote(liar->pact, station, context, sign->tag, sign->body), to};
        return 2;
    }
    if (liar->tricks & (LIAR_HIDES | LIAR_FAR_VIEWS) && sign->tag == MESSAGE_VIEW_CHANGE) {
        const uint64_t half = dice_u64(dice);
        sendings[0].to = to & half;
        struct bytes other = lying_change(liar, dice, station, sign->body);
        sendings[1] =
            (struct liar_sending){liar_seal(station, context, sign->tag, other), to & ~half};
        return 2;
    }
    return 1;
}
