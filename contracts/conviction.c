#include "contracts/conviction.h"

#include <string.h>

#include "contracts/seats.h"

static const struct record_field submit_fields[] = {
    RECORD_BYTES(struct conviction_submit, evidence, LIMIT_TX_BYTES),
};
const struct record conviction_submit_record =
    RECORD(struct conviction_submit, "evidence", submit_fields);

static enum verdict on_submit(const struct catalog_run *run, const void *in)
{
    const struct conviction_submit *args = in;
    const struct context *context = run->context;
    struct digest digest;
    struct validator_set set;
    struct validator validator;
    struct contracts_finding finding;
    if (!context->judge || !context->judge->read(&digest, args->evidence))
        return VERDICT_BAD_ARGUMENTS;
    if (!validator_set_find(run->view, &set, &digest))
        return VERDICT_NOT_FOUND;
    if (!context->judge->find(&finding, &context->chain, &set, args->evidence) ||
        finding.place >= set.member_count)
        return VERDICT_BAD_ARGUMENTS;

    const struct validator_member *member = &set.members[finding.place];
    struct seat seat = {member->seat};
    if (!validator_get(run->view, seat, &validator) ||
        memcmp(&validator.public_key, &member->public_key, sizeof(member->public_key)) != 0)
        return VERDICT_NOT_FOUND;
    enum verdict verdict = seats_vacate(run, seat);
    if (verdict != VERDICT_OK)
        return verdict;
    struct event_guilt event = {.seat = seat.n,
                                .kind = finding.kind,
                                .account = *run->sender,
                                .height = finding.height,
                                .view = finding.view};
    event_add(run->events, EVENT_VALIDATOR_GUILTY, &event);
    return VERDICT_OK;
}

const struct catalog_method conviction_methods[CONVICTION_METHOD_COUNT] = {
    {CONVICTION_SUBMIT, "submit", &conviction_submit_record, 0, on_submit},
};
