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
static struct bytes twin_proposal(struct liar *liar, struct station *station, struct bytes body)
{
    struct message_pre_prepare proposal;
    struct toy_header header;
    uint8_t bytes[TOY_HEADER_BYTES];
    if (record_unpack(&station->arena, &message_pre_prepare_record, &proposal, body, NULL) ||
        !toy_header_unpack(&header, proposal.header))
        return body;
    liar->twin_of = digest_of(proposal.header.data, proposal.header.size);
    header.time_ms++;
    proposal.header = bytes_of(bytes, toy_header_pack(bytes, &header));
    liar->twin = digest_of(proposal.header.data, proposal.header.size);
    return record_bytes(&station->arena, &message_pre_prepare_record, &proposal);
}

static struct bytes twin_vote(const struct liar *liar, struct station *station, struct bytes body)
{
    struct ballot ballot;
    if (record_unpack(&station->arena, &ballot_record, &ballot, body, NULL))
        return body;
    if (digest_equal(&ballot.digest, &liar->twin_of))
        ballot.digest = liar->twin;
    else
        ballot.digest.bytes[0] ^= 1;
    return record_bytes(&station->arena, &ballot_record, &ballot);
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
    bool vote = sign->tag == MESSAGE_PREPARE || sign->tag == MESSAGE_COMMIT;
    sendings[0] = (struct liar_sending){liar_seal(station, context, sign->tag, sign->body), to};

    if (liar->tricks & LIAR_EQUIVOCATES && (proposal || vote)) {
        struct bytes other = proposal ? twin_proposal(liar, station, sign->body)
                                      : twin_vote(liar, station, sign->body);
        uint64_t half = dice_u64(dice) & to;
        sendings[0].to = to & ~half;
        sendings[1] = (struct liar_sending){liar_seal(station, context, sign->tag, other), half};
        return 2;
    }
    if (liar->tricks & (LIAR_HIDES | LIAR_FAR_VIEWS) && sign->tag == MESSAGE_VIEW_CHANGE) {
        sendings[0].to = 0;
        struct bytes other = lying_change(liar, dice, station, sign->body);
        sendings[1] = (struct liar_sending){liar_seal(station, context, sign->tag, other), to};
        return 2;
    }
    return 1;
}
