#include "contracts/beacon.h"

#include "base/check.h"
#include "contracts/members.h"
#include "contracts/path.h"
#include "contracts/validator.h"

static const struct record_field kept_fields[] = {
    RECORD_UINT(struct beacon_reveal_kept, epoch),
    RECORD_FIXED(struct beacon_reveal_kept, preimage, RECORD_AS_HEX),
};
static const struct record_field reveal_fields[] = {
    RECORD_FIXED(struct beacon_reveal, preimage, RECORD_AS_HEX),
};
static const struct record_field renew_fields[] = {
    RECORD_FIXED(struct beacon_renew, chain_end, RECORD_AS_HEX),
};
const struct record beacon_reveal_kept_record =
    RECORD(struct beacon_reveal_kept, "reveal_kept", kept_fields);
const struct record beacon_reveal_record = RECORD(struct beacon_reveal, "reveal", reveal_fields);
const struct record beacon_renew_record = RECORD(struct beacon_renew, "renew", renew_fields);

uint64_t beacon_epoch(const struct parameters *parameters, uint64_t time_ms)
{
    return time_ms / parameters->epoch_ms;
}

static struct path reveal_path(struct seat seat, uint64_t epoch)
{
    struct path path = path_of("reveal/");
    path_u8(&path, seat.n);
    path_u8(&path, (uint8_t)(epoch % BEACON_KEPT));
    return path;
}

bool beacon_get(struct view_state *view, struct seat seat, uint64_t epoch, struct digest *preimage)
{
    struct path path = reveal_path(seat, epoch);
    struct beacon_reveal_kept kept;
    if (!view_load(view, path_key(&path), &beacon_reveal_kept_record, &kept) || kept.epoch != epoch)
        return false;
    *preimage = kept.preimage;
    return true;
}

static void emit(const struct catalog_run *run, enum event_tag tag, uint64_t epoch,
                 const struct digest *value)
{
    struct event_beacon event = {.replayer = *run->sender, .epoch = epoch, .value = *value};
    event_add(run->events, tag, &event);
}

static enum verdict on_reveal(const struct catalog_run *run, const void *in)
{
    const struct beacon_reveal *args = in;
    struct seat seat;
    struct validator validator;
    struct parameters parameters;
    if (!validator_of(run->view, run->sender, &seat, &validator) ||
        !parameters_get(run->view, &parameters))
        return VERDICT_NOT_REPLAYER;
    uint64_t epoch = beacon_epoch(&parameters, run->context->time_ms);
    if (validator.revealed_epoch == epoch)
        return VERDICT_ALREADY_DONE;
    if (validator.chain_next_epoch != 0 && epoch >= validator.chain_next_epoch) {
        validator.chain_end = validator.chain_next;
        validator.chain_next = digest_zero;
        validator.chain_next_epoch = 0;
    }
    struct digest end = digest_of(args->preimage.bytes, sizeof(args->preimage.bytes));
    if (!digest_equal(&end, &validator.chain_end))
        return VERDICT_WRONG_PREIMAGE;
    validator.chain_end = args->preimage;
    validator.revealed_epoch = epoch;
    validator_put(run->view, seat, &validator);

    struct path path = reveal_path(seat, epoch);
    struct beacon_reveal_kept kept = {.epoch = epoch, .preimage = args->preimage};
    view_save(run->view, path_key(&path), &beacon_reveal_kept_record, &kept);
    emit(run, EVENT_BEACON_REVEALED, epoch, &args->preimage);
    return VERDICT_OK;
}

static enum verdict on_renew(const struct catalog_run *run, const void *in)
{
    const struct beacon_renew *args = in;
    struct seat seat;
    struct validator validator;
    struct parameters parameters;
    if (!validator_of(run->view, run->sender, &seat, &validator) ||
        !parameters_get(run->view, &parameters))
        return VERDICT_NOT_REPLAYER;
    if (validator.chain_next_epoch != 0)
        return VERDICT_ALREADY_DONE;
    validator.chain_next = args->chain_end;
    validator.chain_next_epoch = beacon_epoch(&parameters, run->context->time_ms) + 2;
    validator_put(run->view, seat, &validator);
    emit(run, EVENT_BEACON_RENEWED, validator.chain_next_epoch, &args->chain_end);
    return VERDICT_OK;
}

const struct catalog_method beacon_methods[BEACON_METHOD_COUNT] = {
    {BEACON_REVEAL, "reveal", &beacon_reveal_record, MEMBERS_ROLE_REPLAYER, on_reveal},
    {BEACON_RENEW, "renew", &beacon_renew_record, MEMBERS_ROLE_REPLAYER, on_renew},
};

struct digest beacon_chain(const struct digest *secret, uint32_t length, uint32_t index)
{
    CHECK(index < length);
    struct digest value = *secret;
    for (uint32_t i = 0; i < length - 1 - index; i++)
        value = digest_of(value.bytes, sizeof(value.bytes));
    return value;
}
