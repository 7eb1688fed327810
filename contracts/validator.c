#include "contracts/validator.h"

#include "contracts/path.h"

static const struct record_field validator_fields[] = {
    RECORD_TEXT(struct validator, name, LIMIT_TEXT_BYTES),
    RECORD_TEXT(struct validator, address, VALIDATOR_ADDRESS_BYTES),
    RECORD_FIXED(struct validator, public_key, RECORD_AS_HEX),
    RECORD_FIXED(struct validator, replayer, RECORD_AS_ADDRESS),
    RECORD_TEXT(struct validator, organisation, LIMIT_TEXT_BYTES),
    RECORD_FIXED(struct validator, chain_end, RECORD_AS_HEX),
    RECORD_FIXED(struct validator, chain_next, RECORD_AS_HEX),
    RECORD_UINT(struct validator, chain_next_epoch),
    RECORD_UINT(struct validator, revealed_epoch),
    RECORD_BOOL(struct validator, vacant),
};
const struct record validator_record = RECORD(struct validator, "validator", validator_fields);

static const struct record_field member_fields[] = {
    RECORD_UINT_MAX(struct validator_member, seat, LIMIT_VALIDATORS - 1),
    RECORD_FIXED(struct validator_member, public_key, RECORD_AS_HEX),
};
static const struct record member_record =
    RECORD(struct validator_member, "validator_member", member_fields);

static const struct record_field set_fields[] = {
    RECORD_UINT(struct validator_set, since),
    RECORD_UINT_MAX(struct validator_set, seat_count, LIMIT_VALIDATORS),
    RECORD_LIST(struct validator_set, members, member_count, LIMIT_VALIDATORS, &member_record),
};
const struct record validator_set_record =
    RECORD(struct validator_set, "validator_set", set_fields);

bool validator_set_get(struct view_state *view, struct validator_set *set)
{
    return view_load(view, bytes_text("validators"), &validator_set_record, set);
}

void validator_set_put(struct view_state *view, const struct validator_set *set)
{
    view_save(view, bytes_text("validators"), &validator_set_record, set);
}

struct digest validator_set_digest(struct arena *arena, const struct validator_set *set)
{
    struct bytes raw = record_bytes(arena, &validator_set_record, set);
    return raw.data ? digest_of(raw.data, raw.size) : digest_zero;
}

static struct path set_path(const struct digest *digest)
{
    struct path path = path_of("set/");
    path_raw(&path, bytes_of(digest->bytes, DIGEST_SIZE));
    return path;
}

void validator_set_keep(struct view_state *view, const struct validator_set *set)
{
    struct digest digest = validator_set_digest(view->arena, set);
    if (digest_is_zero(&digest)) {
        view_fail(view, ERR_LIMIT);
        return;
    }
    struct path path = set_path(&digest);
    view_save(view, path_key(&path), &validator_set_record, set);
}

bool validator_set_find(struct view_state *view, struct validator_set *set,
                        const struct digest *digest)
{
    struct path path = set_path(digest);
    if (!validator_set_get(view, set))
        return false;
    struct digest now = validator_set_digest(view->arena, set);
    return digest_equal(&now, digest) || view_load(view, path_key(&path), &validator_set_record, set);
}

static struct path seat_path(struct seat seat)
{
    struct path path = path_of("validator/");
    path_u8(&path, seat.n);
    return path;
}

bool validator_get(struct view_state *view, struct seat seat, struct validator *validator)
{
    struct path path = seat_path(seat);
    return view_load(view, path_key(&path), &validator_record, validator);
}

void validator_put(struct view_state *view, struct seat seat, const struct validator *validator)
{
    struct path path = seat_path(seat);
    view_save(view, path_key(&path), &validator_record, validator);
}

void validator_delete(struct view_state *view, struct seat seat)
{
    struct path path = seat_path(seat);
    view_delete(view, path_key(&path));
}

uint32_t validator_count(struct view_state *view)
{
    struct validator_set set;
    return validator_set_get(view, &set) ? set.member_count : 0;
}

uint32_t validator_seats(struct view_state *view)
{
    struct validator_set set;
    return validator_set_get(view, &set) ? set.seat_count : 0;
}

bool validator_sits(struct view_state *view, struct seat seat, const struct address *replayer)
{
    struct validator validator;
    return validator_get(view, seat, &validator) && !validator.vacant &&
           address_equal(&validator.replayer, replayer);
}

uint32_t validator_faulty(uint32_t count)
{
    return count > 0 ? (count - 1) / 3 : 0;
}

bool validator_is_apart(const struct validator *validator, const struct address *account,
                        struct bytes organisation)
{
    bool is_shared = organisation.size > 0 && bytes_equal(validator->organisation, organisation);
    return !validator->vacant && !is_shared && !address_equal(&validator->replayer, account);
}

bool validator_of(struct view_state *view, const struct address *replayer, struct seat *seat,
                  struct validator *validator)
{
    uint32_t count = validator_seats(view);
    for (uint8_t i = 0; i < count; i++) {
        struct seat at = {i};
        if (validator_get(view, at, validator) && !validator->vacant &&
            address_equal(&validator->replayer, replayer)) {
            *seat = at;
            return true;
        }
    }
    return false;
}
