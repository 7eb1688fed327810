#include "contracts/seats.h"

#include <string.h>

#include "contracts/members.h"

static const struct record_field change_fields[] = {
    RECORD_FIXED(struct seats_change, old_key, RECORD_AS_HEX),
    RECORD_FIXED(struct seats_change, public_key, RECORD_AS_HEX),
    RECORD_TEXT(struct seats_change, name, LIMIT_TEXT_BYTES),
    RECORD_TEXT(struct seats_change, address, VALIDATOR_ADDRESS_BYTES),
    RECORD_FIXED(struct seats_change, replayer, RECORD_AS_ADDRESS),
    RECORD_FIXED(struct seats_change, chain_end, RECORD_AS_HEX),
};
const struct record seats_change_record =
    RECORD(struct seats_change, "validator_change", change_fields);

static const struct sign_public no_key;

static bool key_equal(const struct sign_public *a, const struct sign_public *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static void emit(const struct catalog_run *run, enum event_tag tag, struct seat seat,
                 const struct validator *validator)
{
    struct event_validator event = {
        .seat = seat.n,
        .public_key = validator->public_key,
        .replayer = validator->replayer,
        .since = run->context->height.n + 1,
    };
    event_add(run->events, tag, &event);
}

/* --- who comes --- */

static bool is_host(struct bytes text, const char *also)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = (char)text.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && (c == 0 || !strchr(also, c)))
            return false;
    }
    return text.size > 0;
}

static bool has_port(struct bytes text)
{
    size_t digits = 0;
    while (digits < text.size && text.data[text.size - 1 - digits] >= '0' &&
           text.data[text.size - 1 - digits] <= '9')
        digits++;
    return digits >= 1 && digits <= 5 && text.size > digits + 1 &&
           text.data[text.size - 1 - digits] == ':';
}

/* What no other seat than `own` may have. */
static bool is_used(const struct catalog_run *run, const struct validator_set *set,
                    const struct seats_change *change, uint32_t own)
{
    for (uint32_t i = 0; i < set->seat_count; i++) {
        struct validator other;
        if (i != own && validator_get(run->view, (struct seat){(uint8_t)i}, &other) &&
            (key_equal(&other.public_key, &change->public_key) ||
             bytes_equal(other.name, change->name) ||
             address_equal(&other.replayer, &change->replayer)))
            return true;
    }
    return false;
}

/* May this one take seat `own`, where `before` sits with its beacon or (NULL) nobody does? */
static enum verdict check_person(const struct catalog_run *run, const struct validator_set *set,
                                 const struct seats_change *change, uint32_t own,
                                 const struct validator *before)
{
    bool stays = before && !before->vacant && address_equal(&before->replayer, &change->replayer);
    if (!sign_public_is_valid(&change->public_key))
        return VERDICT_BAD_KEY;
    if (!is_host(change->name, "-._") || !is_host(change->address, "-._:[]") ||
        !has_port(change->address) || digest_is_zero(&change->chain_end) != stays)
        return VERDICT_OUT_OF_BOUNDS;
    if (is_used(run, set, change, own) ||
        (before && before->vacant && key_equal(&before->public_key, &change->public_key)))
        return VERDICT_KEY_USED;
    if (!members_is(run->view, &change->replayer, MEMBERS_ROLE_REPLAYER))
        return VERDICT_NOT_REPLAYER;
    return VERDICT_OK;
}

static struct validator person(const struct catalog_run *run, const struct seats_change *change)
{
    struct members_account replayer = {.roles = 0};
    (void)members_get(run->view, &change->replayer, &replayer);
    return (struct validator){
        .name = change->name,
        .address = change->address,
        .public_key = change->public_key,
        .replayer = change->replayer,
        .organisation = replayer.organisation,
        .chain_end = change->chain_end,
    };
}

/* --- the set --- */

/* The set, as it may be changed: with room for one member more. The one before is kept. */
static enum verdict open_set(const struct catalog_run *run, struct validator_set *set)
{
    if (!validator_set_get(run->view, set))
        return VERDICT_NOT_FOUND;
    if (set->since > run->context->height.n)
        return VERDICT_TOO_SOON;
    struct validator_member *members =
        arena_array(run->view->arena, set->member_count + 1, sizeof(*members));
    if (!members) {
        view_fail(run->view, ERR_LIMIT);
        return VERDICT_NOT_FOUND;
    }
    memcpy(members, set->members, set->member_count * sizeof(*members));
    set->members = members;
    return VERDICT_OK;
}

static void close_set(const struct catalog_run *run, struct validator_set *set)
{
    struct validator_set before;
    if (validator_set_get(run->view, &before))
        validator_set_keep(run->view, &before);
    set->since = run->context->height.n + 1;
    validator_set_put(run->view, set);
}

/* The place of the seat in the set. Requires that it is there. */
static uint32_t place_of(const struct validator_set *set, struct seat seat)
{
    uint32_t place = 0;
    while (set->members[place].seat != seat.n)
        place++;
    return place;
}

/* The seat of this key, vacant or not. */
static bool find(const struct catalog_run *run, const struct validator_set *set,
                 const struct sign_public *key, struct seat *seat, struct validator *validator)
{
    for (uint32_t i = 0; i < set->member_count; i++) {
        *seat = (struct seat){set->members[i].seat};
        if (validator_get(run->view, *seat, validator) && key_equal(&validator->public_key, key))
            return true;
    }
    return false;
}

/* Are enough seats taken for a quorum of `count` members, if one fewer is? (`less` 0 or 1) */
static bool has_quorum(const struct validator_set *set, uint32_t count, uint32_t less)
{
    uint32_t taken = 0;
    for (uint32_t i = 0; i < set->member_count; i++)
        taken += !key_equal(&set->members[i].public_key, &no_key);
    uint32_t quorum = (count + validator_faulty(count) + 2) / 2;
    return taken - less >= quorum;
}

/* --- changes --- */

enum verdict seats_add(const struct catalog_run *run, const struct seats_change *change)
{
    struct validator_set set;
    struct validator validator;
    struct seat seat = {0};
    enum verdict verdict = open_set(run, &set);
    if (verdict != VERDICT_OK)
        return verdict;
    if (set.member_count == LIMIT_VALIDATORS)
        return VERDICT_TOO_MANY;
    if (!key_equal(&change->old_key, &no_key))
        return VERDICT_OUT_OF_BOUNDS;
    verdict = check_person(run, &set, change, UINT32_MAX, NULL);
    if (verdict != VERDICT_OK)
        return verdict;

    while (validator_get(run->view, seat, &validator))
        seat.n++;
    if (seat.n >= set.seat_count)
        set.seat_count = seat.n + 1;
    uint32_t at = set.member_count++;
    for (; at > 0 && set.members[at - 1].seat > seat.n; at--)
        set.members[at] = set.members[at - 1];
    set.members[at] = (struct validator_member){seat.n, change->public_key};
    close_set(run, &set);
    validator = person(run, change);
    validator_put(run->view, seat, &validator);
    emit(run, EVENT_VALIDATOR_ADDED, seat, &validator);
    return VERDICT_OK;
}

enum verdict seats_remove(const struct catalog_run *run, const struct seats_change *change)
{
    struct validator_set set;
    struct validator validator;
    struct seat seat;
    enum verdict verdict = open_set(run, &set);
    if (verdict != VERDICT_OK)
        return verdict;
    if (!key_equal(&change->public_key, &no_key) || change->name.size > 0 ||
        change->address.size > 0 || !address_equal(&change->replayer, &address_zero) ||
        !digest_is_zero(&change->chain_end))
        return VERDICT_OUT_OF_BOUNDS;
    if (!find(run, &set, &change->old_key, &seat, &validator))
        return VERDICT_NOT_FOUND;
    if (set.member_count <= SEATS_MIN || !has_quorum(&set, set.member_count - 1, !validator.vacant))
        return VERDICT_TOO_FEW;

    set.member_count--;
    for (uint32_t i = place_of(&set, seat); i < set.member_count; i++)
        set.members[i] = set.members[i + 1];
    close_set(run, &set);
    validator_delete(run->view, seat);
    emit(run, EVENT_VALIDATOR_REMOVED, seat, &validator);
    return VERDICT_OK;
}

enum verdict seats_replace(const struct catalog_run *run, const struct seats_change *change)
{
    struct validator_set set;
    struct validator before;
    struct seat seat;
    enum verdict verdict = open_set(run, &set);
    if (verdict != VERDICT_OK)
        return verdict;
    if (!find(run, &set, &change->old_key, &seat, &before))
        return VERDICT_NOT_FOUND;
    verdict = check_person(run, &set, change, seat.n, &before);
    if (verdict != VERDICT_OK)
        return verdict;

    struct validator after = person(run, change);
    if (digest_is_zero(&change->chain_end)) {
        after.chain_end = before.chain_end;
        after.chain_next = before.chain_next;
        after.chain_next_epoch = before.chain_next_epoch;
        after.revealed_epoch = before.revealed_epoch;
    }
    struct validator_member *member = &set.members[place_of(&set, seat)];
    if (!key_equal(&member->public_key, &change->public_key)) {
        member->public_key = change->public_key;
        close_set(run, &set);
    }
    validator_put(run->view, seat, &after);
    emit(run, EVENT_VALIDATOR_REPLACED, seat, &after);
    return VERDICT_OK;
}

enum verdict seats_vacate(const struct catalog_run *run, struct seat seat)
{
    struct validator_set set;
    struct validator validator;
    enum verdict verdict = open_set(run, &set);
    if (verdict != VERDICT_OK)
        return verdict;
    if (!validator_get(run->view, seat, &validator))
        return VERDICT_NOT_FOUND;
    if (validator.vacant)
        return VERDICT_WRONG_STATE;
    if (!has_quorum(&set, set.member_count, 1))
        return VERDICT_TOO_FEW;
    set.members[place_of(&set, seat)].public_key = no_key;
    close_set(run, &set);
    validator.vacant = true;
    validator_put(run->view, seat, &validator);
    emit(run, EVENT_VALIDATOR_VACATED, seat, &validator);
    return VERDICT_OK;
}
