#include "contracts/beacon.h"

#include "base/check.h"
#include "contracts/members.h"
#include "contracts/path.h"
#include "contracts/validator.h"

static const struct record_field kept_fields[] = {
    RECORD_UINT(struct beacon_reveal_kept, epoch),
    RECORD_FIXED(struct beacon_reveal_kept, preimage, RECORD_AS_HEX),
};
static const struct record_field clock_fields[] = {
    RECORD_UINT(struct beacon_clock, before_from_ms), RECORD_UINT(struct beacon_clock, before_epoch),
    RECORD_UINT(struct beacon_clock, before_ms),      RECORD_UINT(struct beacon_clock, from_ms),
    RECORD_UINT(struct beacon_clock, epoch),          RECORD_UINT(struct beacon_clock, epoch_ms),
};
static const struct record_field reveal_fields[] = {
    RECORD_UINT(struct beacon_reveal, epoch),
    RECORD_FIXED(struct beacon_reveal, preimage, RECORD_AS_HEX),
};
static const struct record_field renew_fields[] = {
    RECORD_FIXED(struct beacon_renew, chain_end, RECORD_AS_HEX),
};
const struct record beacon_reveal_kept_record =
    RECORD(struct beacon_reveal_kept, "reveal_kept", kept_fields);
const struct record beacon_clock_record = RECORD(struct beacon_clock, "beacon_clock", clock_fields);
const struct record beacon_reveal_record = RECORD(struct beacon_reveal, "reveal", reveal_fields);
const struct record beacon_renew_record = RECORD(struct beacon_renew, "renew", renew_fields);

/* --- epochs --- */

struct beacon_clock beacon_clock_of(const struct parameters *parameters)
{
    return (struct beacon_clock){.before_ms = parameters->epoch_ms,
                                 .epoch_ms = parameters->epoch_ms};
}

bool beacon_clock_get(struct view_state *view, struct beacon_clock *clock)
{
    struct parameters parameters;
    if (view_load(view, bytes_text("clock"), &beacon_clock_record, clock))
        return true;
    if (view->err != ERR_NONE || !parameters_get(view, &parameters))
        return false;
    *clock = beacon_clock_of(&parameters);
    return true;
}

uint64_t beacon_epoch(const struct beacon_clock *clock, uint64_t time_ms)
{
    if (time_ms >= clock->from_ms)
        return clock->epoch + (time_ms - clock->from_ms) / clock->epoch_ms;
    if (time_ms < clock->before_from_ms)
        return clock->before_epoch;
    return clock->before_epoch + (time_ms - clock->before_from_ms) / clock->before_ms;
}

uint64_t beacon_end_ms(const struct beacon_clock *clock, uint64_t epoch)
{
    if (epoch >= clock->epoch)
        return clock->from_ms + (epoch + 1 - clock->epoch) * clock->epoch_ms;
    CHECK(epoch >= clock->before_epoch);
    return clock->before_from_ms + (epoch + 1 - clock->before_epoch) * clock->before_ms;
}

enum verdict beacon_change(const struct catalog_run *run, uint64_t epoch_ms)
{
    struct beacon_clock clock;
    uint64_t now = run->context->time_ms;
    if (!beacon_clock_get(run->view, &clock))
        return VERDICT_NOT_FOUND;
    if (epoch_ms == clock.epoch_ms)
        return VERDICT_OK;
    if (now < clock.from_ms)
        return VERDICT_TOO_SOON;
    uint64_t next = beacon_epoch(&clock, now) + 1;
    clock = (struct beacon_clock){
        .before_from_ms = clock.from_ms,
        .before_epoch = clock.epoch,
        .before_ms = clock.epoch_ms,
        .from_ms = beacon_end_ms(&clock, next),
        .epoch = next + 1,
        .epoch_ms = epoch_ms,
    };
    view_save(run->view, bytes_text("clock"), &beacon_clock_record, &clock);
    return VERDICT_OK;
}

/* --- reveals --- */

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

/* The sender's seat, and the epoch that it is. */
static bool find(const struct catalog_run *run, struct seat *seat, struct validator *validator,
                 uint64_t *epoch)
{
    struct beacon_clock clock;
    if (!validator_of(run->view, run->sender, seat, validator) ||
        !beacon_clock_get(run->view, &clock))
        return false;
    *epoch = beacon_epoch(&clock, run->context->time_ms);
    return true;
}

static enum verdict on_reveal(const struct catalog_run *run, const void *in)
{
    const struct beacon_reveal *args = in;
    struct seat seat;
    struct validator validator;
    uint64_t epoch;
    if (!find(run, &seat, &validator, &epoch))
        return VERDICT_NOT_REPLAYER;
    if (args->epoch > epoch)
        return VERDICT_TOO_SOON;
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
    if (args->epoch == epoch) {
        struct path path = reveal_path(seat, epoch);
        struct beacon_reveal_kept kept = {.epoch = epoch, .preimage = args->preimage};
        view_save(run->view, path_key(&path), &beacon_reveal_kept_record, &kept);
        validator.revealed_epoch = epoch;
    }
    validator_put(run->view, seat, &validator);
    emit(run, EVENT_BEACON_REVEALED, args->epoch, &args->preimage);
    return VERDICT_OK;
}

static enum verdict on_renew(const struct catalog_run *run, const void *in)
{
    const struct beacon_renew *args = in;
    struct seat seat;
    struct validator validator;
    uint64_t epoch;
    if (!find(run, &seat, &validator, &epoch))
        return VERDICT_NOT_REPLAYER;
    if (validator.chain_next_epoch != 0)
        return VERDICT_ALREADY_DONE;
    validator.chain_next = args->chain_end;
    validator.chain_next_epoch = epoch + 2;
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
