#include "test/sim/liar.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/record.h"
#include "test/sim/toy.h"

/* In the order of their bits. */
static const char *const names[LIAR_TRICK_COUNT] = {
    "equivocates", "is silent",    "bad blocks", "hides",  "delays",       "repeats",
    "garbles",     "far views",    "boasts",     "twins",  "double votes", "other bodies",
    "tampers",     "impersonates", "forges",     "usurps", "floods"};

const char *liar_trick_name(enum liar_trick trick)
{
    uint32_t index = 0;
    while (trick >> index > 1)
        index++;
    return names[index];
}

void liar_release(struct liar *liar)
{
    for (uint32_t i = 0; i < LIAR_HEARD; i++)
        free(liar->heard[i].data);
}

static struct bytes sealed(const struct forge *forge, const struct station *station,
                           enum message_tag tag, struct bytes body)
{
    return forge_seal(forge, station->seat, tag, body);
}

/* The seats of a coin's throw each. */
static uint64_t some(const struct forge *forge)
{
    return dice_u64(forge->dice);
}

/* The body of a PRE-PREPARE for another block of the same height, one millisecond later. */
static struct bytes twin_proposal(struct liar_pact *pact, const struct forge *forge,
                                  struct bytes body)
{
    struct message_pre_prepare proposal;
    CHECK(record_unpack(forge->arena, &message_pre_prepare_record, &proposal, body, NULL) ==
          ERR_NONE);
    pact->one = digest_of(proposal.header.data, proposal.header.size);
    proposal.header = forge_twin(forge, proposal.header);
    pact->other = digest_of(proposal.header.data, proposal.header.size);
    return record_bytes(forge->arena, &message_pre_prepare_record, &proposal);
}

/* A vote of kind `tag` for `digest` instead of what the body votes for. */
static struct bytes twin_vote(struct station *station, const struct forge *forge,
                              enum message_tag tag, struct bytes body, const struct digest *digest)
{
    struct ballot ballot;
    CHECK(record_unpack(&station->arena, &ballot_record, &ballot, body, NULL) == ERR_NONE);
    ballot.digest = *digest;
    return sealed(forge, station, tag, record_bytes(&station->arena, &ballot_record, &ballot));
}

/* PREPAREs and COMMITs at once, for each half what it was shown. */
static uint32_t twin_votes(const struct liar_pact *pact, struct station *station,
                           const struct forge *forge, struct bytes body, uint64_t to,
                           struct liar_sending sendings[LIAR_SENDINGS])
{
    const enum message_tag tags[2] = {MESSAGE_PREPARE, MESSAGE_COMMIT};
    uint32_t count = 1;
    sendings[0].to = 0;
    for (int i = 0; i < 2; i++) {
        sendings[count++] = (struct liar_sending){
            twin_vote(station, forge, tags[i], body, &pact->one), to & ~pact->half};
        sendings[count++] = (struct liar_sending){
            twin_vote(station, forge, tags[i], body, &pact->other), to & pact->half};
    }
    return count;
}

/* The same NEW-VIEW, but for a liar's own VIEW-CHANGE, which reports nothing prepared. */
static struct bytes twin_view(struct liar_pact *pact, struct station *station,
                              const struct forge *forge, struct bytes body)
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
        struct digest digest =
            message_digest(forge->arena, MESSAGE_VIEW_CHANGE, &forge->context->chain, mine->body);
        mine->signature = toy_sign(&forge->context->committee->keys[station->seat.n], &digest);
    }
    struct bytes other = record_bytes(&station->arena, &message_new_view_record, &new_view);
    pact->view_one = message_digest(NULL, MESSAGE_NEW_VIEW, &forge->context->chain, body);
    pact->view_other = message_digest(NULL, MESSAGE_NEW_VIEW, &forge->context->chain, other);
    return other;
}

/* The same vote under the other NEW-VIEW. */
static struct bytes twin_view_vote(const struct liar_pact *pact, struct station *station,
                                   const struct forge *forge, enum message_tag tag,
                                   struct bytes body)
{
    struct ballot ballot;
    CHECK(record_unpack(&station->arena, &ballot_record, &ballot, body, NULL) == ERR_NONE);
    ballot.new_view =
        digest_equal(&ballot.new_view, &pact->view_one) ? pact->view_other : pact->view_one;
    return sealed(forge, station, tag, record_bytes(&station->arena, &ballot_record, &ballot));
}

static bool is_in_twin_view(const struct liar_pact *pact, struct station *station,
                            struct bytes body)
{
    struct ballot ballot;
    CHECK(record_unpack(&station->arena, &ballot_record, &ballot, body, NULL) == ERR_NONE);
    return !digest_is_zero(&ballot.new_view) && (digest_equal(&ballot.new_view, &pact->view_one) ||
                                                 digest_equal(&ballot.new_view, &pact->view_other));
}

static struct bytes boast(const struct forge *forge, struct bytes body)
{
    struct message_status status;
    CHECK(record_unpack(forge->arena, &message_status_record, &status, body, NULL) == ERR_NONE);
    status.height.n += dice_between(forge->dice, 0, 1000);
    status.view.n += dice_between(forge->dice, 0, 5);
    status.active = dice_chance(forge->dice, 500);
    return record_bytes(forge->arena, &message_status_record, &status);
}

static struct bytes lying_change(const struct liar *liar, const struct forge *forge,
                                 struct bytes body)
{
    struct message_view_change change;
    CHECK(record_unpack(forge->arena, &message_view_change_record, &change, body, NULL) ==
          ERR_NONE);
    if (liar->tricks & LIAR_HIDES)
        change.prepared_count = 0;
    if (liar->tricks & LIAR_FAR_VIEWS)
        change.view.n += dice_between(forge->dice, 1, 5);
    return record_bytes(forge->arena, &message_view_change_record, &change);
}

static struct bytes bad_proposal(const struct forge *forge, struct bytes body)
{
    struct message_pre_prepare proposal;
    CHECK(record_unpack(forge->arena, &message_pre_prepare_record, &proposal, body, NULL) ==
          ERR_NONE);
    struct consensus_block block;
    CHECK(forge->context->read(NULL, &block, proposal.header));
    if (dice_chance(forge->dice, 300)) /* far ahead */
        proposal.header = forge_field(forge, proposal.header, "time_ms", block.time_ms + 600000);
    else
        proposal.header = forge_header(forge, proposal.header);
    return record_bytes(forge->arena, &message_pre_prepare_record, &proposal);
}

/* One of the messages that it remembers. */
static struct bytes heard(const struct liar *liar, const struct forge *forge)
{
    const uint64_t known = liar->turn < LIAR_HEARD ? liar->turn : LIAR_HEARD;
    if (!known)
        return bytes_of(NULL, 0);
    const struct disk_bytes *old = &liar->heard[dice_u64(forge->dice) % known];
    return bytes_of(old->data, old->size);
}

/* The honest one for some, another body for the others. */
static uint32_t split(const struct forge *forge, const struct station *station,
                      enum message_tag tag, struct bytes other, uint64_t half, uint64_t to,
                      struct liar_sending sendings[LIAR_SENDINGS])
{
    sendings[0].to = to & ~half;
    sendings[1] = (struct liar_sending){sealed(forge, station, tag, other), to & half};
    return 2;
}

static uint32_t sign_vote(struct liar *liar, const struct forge *forge, struct station *station,
                          const struct action_sign *sign, uint64_t to,
                          struct liar_sending sendings[LIAR_SENDINGS])
{
    if (liar->tricks & LIAR_EQUIVOCATES && sign->tag == MESSAGE_PREPARE &&
        (digest_equal(&sign->digest, &liar->pact->one) ||
         digest_equal(&sign->digest, &liar->pact->other)))
        return twin_votes(liar->pact, station, forge, sign->body, to, sendings);
    if (liar->tricks & LIAR_EQUIVOCATES && is_in_twin_view(liar->pact, station, sign->body)) {
        sendings[1] = (struct liar_sending){
            twin_view_vote(liar->pact, station, forge, sign->tag, sign->body), to};
        return 2;
    }
    if (liar->tricks & LIAR_DOUBLE_VOTES && dice_chance(forge->dice, 300)) {
        const struct digest other = digest_of(sign->digest.bytes, DIGEST_SIZE);
        sendings[1] =
            (struct liar_sending){twin_vote(station, forge, sign->tag, sign->body, &other), to};
        sendings[0].to = to & some(forge);
        return 2;
    }
    return 1;
}

static uint32_t sign_proposal(struct liar *liar, const struct forge *forge,
                              const struct station *station, const struct action_sign *sign,
                              uint64_t to, struct liar_sending sendings[LIAR_SENDINGS])
{
    if (liar->tricks & LIAR_EQUIVOCATES) {
        struct bytes other = twin_proposal(liar->pact, forge, sign->body);
        liar->pact->half = some(forge);
        return split(forge, station, sign->tag, other, liar->pact->half, to, sendings);
    }
    if (liar->tricks & LIAR_USURPS && dice_chance(forge->dice, 500)) { /* both, to all */
        struct bytes other = twin_proposal(liar->pact, forge, sign->body);
        sendings[1] = (struct liar_sending){sealed(forge, station, sign->tag, other), to};
        return 2;
    }
    if (liar->tricks & LIAR_BAD_BLOCKS && dice_chance(forge->dice, 300))
        return split(forge, station, sign->tag, bad_proposal(forge, sign->body),
                     dice_chance(forge->dice, 500) ? to : some(forge), to, sendings);
    return 1;
}

uint32_t liar_sign(struct liar *liar, const struct forge *forge, struct station *station,
                   const struct action_sign *sign, struct liar_sending sendings[LIAR_SENDINGS])
{
    uint64_t to = sign->to & ~liar->shunned;
    sendings[0] = (struct liar_sending){sealed(forge, station, sign->tag, sign->body), to};
    if (!liar->tricks)
        return 1;
    uint32_t count = 1;
    switch (sign->tag) {
    case MESSAGE_PRE_PREPARE:
        count = sign_proposal(liar, forge, station, sign, to, sendings);
        break;
    case MESSAGE_PREPARE:
    case MESSAGE_COMMIT:
        count = sign_vote(liar, forge, station, sign, to, sendings);
        break;
    case MESSAGE_VIEW_CHANGE:
        if (liar->tricks & (LIAR_HIDES | LIAR_FAR_VIEWS))
            count = split(forge, station, sign->tag, lying_change(liar, forge, sign->body),
                          some(forge), to, sendings);
        else if (liar->tricks & LIAR_FORGES)
            count = split(forge, station, sign->tag, forge_change(forge, sign->body), some(forge),
                          to, sendings);
        break;
    case MESSAGE_NEW_VIEW:
        if (liar->tricks & LIAR_EQUIVOCATES) {
            struct bytes other = twin_view(liar->pact, station, forge, sign->body);
            liar->pact->view_half = some(forge);
            count = split(forge, station, sign->tag, other, liar->pact->view_half, to, sendings);
        } else if (liar->tricks & LIAR_FORGES) {
            count =
                split(forge, station, sign->tag, forge_view(forge, sign->body, heard(liar, forge)),
                      some(forge), to, sendings);
        } else if (liar->tricks & LIAR_USURPS) {
            const struct bytes fresh = forge_fresh(forge, sign->body);
            if (fresh.size)
                sendings[count++] =
                    (struct liar_sending){sealed(forge, station, MESSAGE_PRE_PREPARE, fresh), to};
        }
        break;
    case MESSAGE_STATUS:
        if (liar->tricks & LIAR_BOASTS)
            sendings[0].message = sealed(forge, station, sign->tag, boast(forge, sign->body));
        for (; liar->tricks & LIAR_FLOODS && count < LIAR_SENDINGS; count++)
            sendings[count] = sendings[0];
        break;
    case MESSAGE_DECIDED: /* isn't signed */
        break;
    }
    if (liar->tricks & LIAR_TAMPERS && count < LIAR_SENDINGS && dice_chance(forge->dice, 300))
        sendings[count++] =
            (struct liar_sending){forge_tamper(forge, sendings[0].message), to & some(forge)};
    return count;
}

/* --- on hearing --- */

static void remember(struct liar *liar, struct bytes message)
{
    struct disk_bytes *place = &liar->heard[liar->turn++ % LIAR_HEARD];
    free(place->data);
    *place = disk_copy(message);
}

/* A proposal in its own name from one that it heard: of the same view, or the next one that it leads. */
static struct bytes usurped(const struct forge *forge, const struct station *station,
                            struct bytes message)
{
    uint16_t tag;
    void *value;
    struct message_pre_prepare proposal;
    if (record_choice_unpack(forge->arena, &message_choice, &tag, &value, message, NULL) ||
        tag != MESSAGE_PRE_PREPARE)
        return bytes_of(NULL, 0);
    const struct message_envelope *envelope = value;
    CHECK(record_unpack(forge->arena, &message_pre_prepare_record, &proposal, envelope->body,
                        NULL) == ERR_NONE);
    struct consensus_block block;
    CHECK(forge->context->read(NULL, &block, proposal.header));
    proposal.header = forge_twin(forge, proposal.header);
    if (dice_chance(forge->dice, 700))
        proposal.header = forge_field(forge, proposal.header, "proposer", station->seat.n);
    if (dice_chance(forge->dice, 500)) {
        while (block.view.n % forge->context->committee->count != station->seat.n)
            block.view.n++;
        proposal.view = block.view;
        proposal.header = forge_field(forge, proposal.header, "view", block.view.n);
    }
    return sealed(forge, station, MESSAGE_PRE_PREPARE,
                  record_bytes(forge->arena, &message_pre_prepare_record, &proposal));
}

static struct bytes forged_decision(const struct forge *forge, const struct station *station)
{
    const struct station_decided *decided = &station->chain[station->chain_count - 1];
    if (station->chain_count < 2)
        return bytes_of(NULL, 0);
    return forge_decided(forge, bytes_of(decided->header, decided->header_size),
                         bytes_of(decided->certificate.data, decided->certificate.size));
}

uint32_t liar_hear(struct liar *liar, const struct forge *forge, struct station *station,
                   struct bytes message, struct liar_sending sendings[LIAR_SENDINGS])
{
    uint32_t count = 0;
    remember(liar, message);
    if (liar->tricks & LIAR_REPEATS && dice_chance(forge->dice, 50))
        sendings[count++].message = heard(liar, forge);
    if (liar->tricks & LIAR_TAMPERS && dice_chance(forge->dice, 60))
        sendings[count++].message = forge_tamper(forge, message);
    if (liar->tricks & LIAR_IMPERSONATES && dice_chance(forge->dice, 300))
        sendings[count++].message = forge_vote(forge, message);
    if (liar->tricks & LIAR_FORGES && dice_chance(forge->dice, 30))
        sendings[count++].message = forged_decision(forge, station);
    if (liar->tricks & LIAR_FORGES && dice_chance(forge->dice, 500))
        sendings[count++].message = forge_early(forge, message);
    if (liar->tricks & LIAR_USURPS && dice_chance(forge->dice, 200))
        sendings[count++].message = usurped(forge, station, message);
    const uint64_t all = committee_all(forge->context->committee) & ~liar->shunned;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (sendings[i].message.size)
            sendings[kept++] = (struct liar_sending){sendings[i].message, all & some(forge)};
    return kept;
}
