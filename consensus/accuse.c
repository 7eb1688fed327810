#include "consensus/accuse.h"

#include "base/check.h"
#include "consensus/change.h"

static bool is_news(const struct consensus *c, struct seat seat, enum evidence_kind kind)
{
    return seat.n != c->config.seat.n && !c->peers[seat.n].accused[kind - 1] &&
           c->accusations < ACCUSE_MAX;
}

static struct bytes seal(struct actions *out, enum message_tag tag, struct seat from,
                         struct bytes body, const struct sign_signature *signature)
{
    const struct message_envelope envelope = {from, body, *signature};
    struct bytes message = message_seal(out->arena, tag, &envelope);
    CHECK(message.data != NULL);
    return message;
}

static struct bytes seal_vote(struct actions *out, enum message_tag tag, struct seat from,
                              const struct ballot *ballot, const struct sign_signature *signature)
{
    uint8_t body[BOUNDS_BALLOT_BYTES];
    return seal(out, tag, from, bytes_of(body, ballot_pack(body, ballot)), signature);
}

static struct bytes seal_brief(struct actions *out, struct seat from,
                               const struct message_brief *brief,
                               const struct sign_signature *signature)
{
    uint8_t body[MESSAGE_BRIEF_BYTES];
    return seal(out, MESSAGE_VIEW_CHANGE, from, bytes_of(body, message_brief_pack(body, brief)),
                signature);
}

/* The brief of the VIEW-CHANGE that is kept of a seat. */
static void kept_brief(const struct consensus *c, struct message_brief *brief, struct seat from,
                       struct actions *out)
{
    struct message_view_change change;
    CHECK(record_unpack(out->arena, &message_view_change_record, &change, change_body(c, from.n),
                        NULL) == ERR_NONE);
    message_brief(brief, &change, change_body(c, from.n));
}

static void accuse(struct consensus *c, enum evidence_kind kind, struct seat seat, uint64_t view,
                   struct bytes first, struct bytes second, struct actions *out)
{
    const struct evidence evidence = {first, second};
    c->peers[seat.n].accused[kind - 1] = true;
    c->accusations++;
    actions_add(out, ACTION_ACCUSE)->as.accuse =
        (struct action_accuse){.evidence = actions_pack(out, &evidence_record, &evidence),
                               .kind = kind,
                               .seat = seat,
                               .view = {view}};
    actions_tell(out, &(struct narrate_line){
                          .kind = NARRATE_ACCUSED, .from = seat, .view = {view}, .count = kind});
}

/* The ballot of the vote that is kept of a seat. */
static struct ballot kept_ballot(const struct consensus *c, const struct slot *slot,
                                 const struct slot_votes *votes, struct seat seat)
{
    struct ballot ballot = core_ballot(c, slot);
    ballot.digest = votes->digests[seat.n];
    return ballot;
}

/* A vote against one of kind `kept_tag` that is kept. */
static void compare(struct consensus *c, enum message_tag tag, struct seat from,
                    const struct ballot *ballot, const struct sign_signature *signature,
                    enum message_tag kept_tag, struct actions *out)
{
    const struct slot *slot = core_slot_const(c, ballot->height.n);
    const struct slot_votes *votes = kept_tag == MESSAGE_PREPARE ? &slot->prepares : &slot->commits;
    const enum evidence_kind kind =
        tag == kept_tag ? EVIDENCE_TWO_STATEMENTS : EVIDENCE_COMMIT_AGAINST_PREPARE;
    if ((votes->voters & COMMITTEE_BIT(from.n)) == 0 || !is_news(c, from, kind))
        return;
    const struct ballot kept = kept_ballot(c, slot, votes, from);
    if (ballot_equal(&kept, ballot))
        return;
    const struct bytes one = seal_vote(out, kept_tag, from, &kept, &votes->signatures[from.n]);
    const struct bytes other = seal_vote(out, tag, from, ballot, signature);
    if (tag == MESSAGE_COMMIT)
        accuse(c, kind, from, ballot->view.n, other, one, out);
    else
        accuse(c, kind, from, ballot->view.n, one, other, out);
}

void accuse_vote(struct consensus *c, enum message_tag tag, struct seat from,
                 const struct ballot *ballot, const struct sign_signature *signature,
                 struct actions *out)
{
    const struct core_peer *peer = &c->peers[from.n];
    if (ballot->view.n != c->voting.n || ballot->height.n <= c->durable ||
        ballot->height.n > core_top(c))
        return;
    compare(c, tag, from, ballot, signature, MESSAGE_PREPARE, out);
    compare(c, tag, from, ballot, signature, MESSAGE_COMMIT, out);
    if (tag != MESSAGE_COMMIT || !peer->has_change || peer->change_view <= ballot->view.n ||
        !is_news(c, from, EVIDENCE_COMMIT_FORGOTTEN))
        return;
    struct message_brief brief;
    kept_brief(c, &brief, from, out);
    if (evidence_forgets(&brief, ballot))
        accuse(c, EVIDENCE_COMMIT_FORGOTTEN, from, ballot->view.n,
               seal_vote(out, tag, from, ballot, signature),
               seal_brief(out, from, &brief, &peer->change_signature), out);
}

void accuse_certificate(struct consensus *c, enum message_tag tag,
                        const struct certificate *certificate, struct actions *out)
{
    const uint8_t *next = certificate->signatures.data;
    for (uint64_t left = certificate->voters; left != 0; left &= left - 1) {
        struct sign_signature signature;
        __builtin_memcpy(signature.bytes, next, SIGN_SIGNATURE_SIZE);
        next += SIGN_SIGNATURE_SIZE;
        accuse_vote(c, tag, (struct seat){(uint8_t)__builtin_ctzll(left)}, &certificate->ballot,
                    &signature, out);
    }
}

void accuse_proposal(struct consensus *c, const struct message *m, struct actions *out)
{
    const struct message_pre_prepare *proposal = &m->as.pre_prepare;
    const uint64_t height = proposal->block.height.n;
    if (proposal->view.n != c->voting.n || height <= c->durable || height > core_top(c))
        return;
    const struct slot *slot = core_slot_const(c, height);
    if (!slot_has_block(slot) || !slot->has_pre_prepare ||
        !is_news(c, m->envelope.from, EVIDENCE_TWO_STATEMENTS))
        return;
    if (digest_equal(&slot->held.block.digest, &proposal->block.digest) &&
        digest_equal(&c->new_view, &proposal->new_view))
        return;
    const struct message_pre_prepare kept = {.set = c->committee.digest,
                                             .view = c->voting,
                                             .new_view = c->new_view,
                                             .header = slot_block_header(&slot->held)};
    const struct bytes first =
        seal(out, MESSAGE_PRE_PREPARE, m->envelope.from,
             actions_pack(out, &message_pre_prepare_record, &kept), &slot->pre_prepare);
    accuse(c, EVIDENCE_TWO_STATEMENTS, m->envelope.from, c->voting.n, first, m->raw, out);
}

void accuse_change(struct consensus *c, const struct message_envelope *envelope,
                   const struct message_view_change *change, struct actions *out)
{
    const struct seat from = envelope->from;
    const struct core_peer *peer = &c->peers[from.n];
    struct message_brief brief, kept;
    message_brief(&brief, change, envelope->body);
    if (peer->has_change && peer->change_view == change->view.n &&
        is_news(c, from, EVIDENCE_TWO_VIEW_CHANGES) &&
        !bytes_equal(change_body(c, from.n), envelope->body)) {
        kept_brief(c, &kept, from, out);
        accuse(c, EVIDENCE_TWO_VIEW_CHANGES, from, change->view.n,
               seal_brief(out, from, &kept, &peer->change_signature),
               seal_brief(out, from, &brief, &envelope->signature), out);
    }

    for (uint64_t h = c->durable + 1; h <= core_top(c); h++) {
        const struct slot *slot = core_slot_const(c, h);
        if ((slot->commits.voters & COMMITTEE_BIT(from.n)) == 0 ||
            !is_news(c, from, EVIDENCE_COMMIT_FORGOTTEN))
            continue;
        const struct ballot commit = kept_ballot(c, slot, &slot->commits, from);
        if (evidence_forgets(&brief, &commit))
            accuse(c, EVIDENCE_COMMIT_FORGOTTEN, from, c->voting.n,
                   seal_vote(out, MESSAGE_COMMIT, from, &commit, &slot->commits.signatures[from.n]),
                   seal_brief(out, from, &brief, &envelope->signature), out);
    }
    for (uint32_t i = 0; i < change->prepared_count; i++)
        accuse_certificate(c, MESSAGE_PREPARE, &change->prepared[i].certificate, out);
    accuse_certificate(c, MESSAGE_COMMIT, &change->committed, out);
}
