#include "contracts/event.h"

#include <string.h>

#include "base/check.h"

#define ADDRESS(type, member) RECORD_FIXED(type, member, RECORD_AS_ADDRESS)
#define DIGEST(type, member)  RECORD_FIXED(type, member, RECORD_AS_HEX)

static const struct record_field member_fields[] = {
    ADDRESS(struct event_member, account),
    RECORD_UINT(struct event_member, roles),
};
static const struct record_field transfer_fields[] = {
    ADDRESS(struct event_transfer, from),
    ADDRESS(struct event_transfer, to),
    RECORD_AMOUNT(struct event_transfer, amount),
};
static const struct record_field lock_fields[] = {
    RECORD_UINT(struct event_lock, kind),     RECORD_UINT(struct event_lock, object),
    RECORD_UINT(struct event_lock, part),     ADDRESS(struct event_lock, account),
    RECORD_AMOUNT(struct event_lock, amount),
};
static const struct record_field offer_fields[] = {
    RECORD_UINT(struct event_offer, offer),
    ADDRESS(struct event_offer, provider),
    RECORD_UINT(struct event_offer, kind),
    RECORD_UINT(struct event_offer, reason),
};
static const struct record_field serial_fields[] = {
    ADDRESS(struct event_serial, signer),
    RECORD_UINT(struct event_serial, serial),
};
static const struct record_field lease_fields[] = {
    RECORD_UINT(struct event_lease, lease),
    RECORD_UINT(struct event_lease, job),
    ADDRESS(struct event_lease, consumer),
    RECORD_UINT(struct event_lease, reason),
};
static const struct record_field item_fields[] = {
    RECORD_UINT(struct event_item, lease),  RECORD_UINT(struct event_item, item),
    RECORD_UINT(struct event_item, offer),  RECORD_UINT(struct event_item, slot),
    ADDRESS(struct event_item, provider),   RECORD_AMOUNT(struct event_item, price),
    RECORD_UINT(struct event_item, reason),
};
static const struct record_field job_fields[] = {
    RECORD_UINT(struct event_job, job),
    ADDRESS(struct event_job, consumer),
    RECORD_UINT(struct event_job, reason),
};
static const struct record_field round_fields[] = {
    RECORD_UINT(struct event_round, job),      RECORD_UINT(struct event_round, round),
    ADDRESS(struct event_round, account),      DIGEST(struct event_round, root),
    RECORD_UINT(struct event_round, included),
};
static const struct record_field segment_fields[] = {
    RECORD_UINT(struct event_segment, job),      RECORD_UINT(struct event_segment, round),
    RECORD_UINT(struct event_segment, slot),     RECORD_UINT(struct event_segment, attempt),
    ADDRESS(struct event_segment, worker),       RECORD_UINT(struct event_segment, reason),
    RECORD_AMOUNT(struct event_segment, amount), DIGEST(struct event_segment, trace_root),
    DIGEST(struct event_segment, end_root),
};
static const struct record_field audit_fields[] = {
    RECORD_UINT(struct event_audit, job),   RECORD_UINT(struct event_audit, round),
    RECORD_UINT(struct event_audit, slot),  RECORD_UINT(struct event_audit, attempt),
    ADDRESS(struct event_audit, replayer),  RECORD_UINT(struct event_audit, interval),
    DIGEST(struct event_audit, state_root), DIGEST(struct event_audit, witness),
};
static const struct record_field challenge_fields[] = {
    RECORD_UINT(struct event_challenge, challenge), RECORD_UINT(struct event_challenge, job),
    RECORD_UINT(struct event_challenge, round),     RECORD_UINT(struct event_challenge, slot),
    RECORD_UINT(struct event_challenge, attempt),   RECORD_UINT(struct event_challenge, interval),
    ADDRESS(struct event_challenge, challenger),    RECORD_UINT(struct event_challenge, status),
    RECORD_AMOUNT(struct event_challenge, amount),
};
static const struct record_field beacon_fields[] = {
    ADDRESS(struct event_beacon, replayer),
    RECORD_UINT(struct event_beacon, epoch),
    DIGEST(struct event_beacon, value),
};
static const struct record_field proposal_fields[] = {
    RECORD_UINT(struct event_proposal, proposal), ADDRESS(struct event_proposal, account),
    RECORD_UINT(struct event_proposal, kind),     RECORD_UINT(struct event_proposal, status),
    RECORD_BOOL(struct event_proposal, yes),
};
static const struct record_field validator_fields[] = {
    RECORD_UINT(struct event_validator, seat),
    RECORD_FIXED(struct event_validator, public_key, RECORD_AS_HEX),
    ADDRESS(struct event_validator, replayer),
    RECORD_UINT(struct event_validator, since),
};
static const struct record_field guilt_fields[] = {
    RECORD_UINT(struct event_guilt, seat),   RECORD_UINT(struct event_guilt, kind),
    ADDRESS(struct event_guilt, account),    RECORD_UINT(struct event_guilt, height),
    RECORD_UINT(struct event_guilt, view),
};
static const struct record_field upgrade_fields[] = {
    RECORD_UINT(struct event_upgrade, height),
    RECORD_UINT(struct event_upgrade, version),
};

const struct record event_member_record = RECORD(struct event_member, "member", member_fields);
const struct record event_transfer_record =
    RECORD(struct event_transfer, "transfer", transfer_fields);
const struct record event_lock_record = RECORD(struct event_lock, "lock", lock_fields);
const struct record event_offer_record = RECORD(struct event_offer, "offer", offer_fields);
const struct record event_serial_record = RECORD(struct event_serial, "serial", serial_fields);
const struct record event_lease_record = RECORD(struct event_lease, "lease", lease_fields);
const struct record event_item_record = RECORD(struct event_item, "item", item_fields);
const struct record event_job_record = RECORD(struct event_job, "job", job_fields);
const struct record event_round_record = RECORD(struct event_round, "round", round_fields);
const struct record event_segment_record = RECORD(struct event_segment, "segment", segment_fields);
const struct record event_audit_record = RECORD(struct event_audit, "audit", audit_fields);
const struct record event_challenge_record =
    RECORD(struct event_challenge, "challenge", challenge_fields);
const struct record event_beacon_record = RECORD(struct event_beacon, "beacon", beacon_fields);
const struct record event_proposal_record =
    RECORD(struct event_proposal, "proposal", proposal_fields);
const struct record event_validator_record =
    RECORD(struct event_validator, "validator", validator_fields);
const struct record event_guilt_record = RECORD(struct event_guilt, "guilt", guilt_fields);
const struct record event_upgrade_record = RECORD(struct event_upgrade, "upgrade", upgrade_fields);

static const struct record_option options[] = {
#define EVENT_OPTION(symbol, tag, name, shape) {tag, &event_##shape##_record},
    EVENT_LIST(EVENT_OPTION)
#undef EVENT_OPTION
};
#define OPTION_COUNT ((uint32_t)(sizeof(options) / sizeof(options[0])))

const struct record_choice event_choice = {"event", options, OPTION_COUNT};

static const char *const names[] = {
#define EVENT_NAME(symbol, tag, name, shape) name,
    EVENT_LIST(EVENT_NAME)
#undef EVENT_NAME
};

const char *event_name(uint16_t tag)
{
    for (uint32_t i = 0; i < OPTION_COUNT; i++)
        if (options[i].tag == tag)
            return names[i];
    return "unknown";
}

void event_init(struct events *events, struct arena *arena)
{
    *events = (struct events){.arena = arena};
}

static bool reserve(struct events *events)
{
    if (events->count < events->room)
        return true;
    uint32_t room = events->room ? 2 * events->room : 8;
    struct event_entry *list = arena_array(events->arena, room, sizeof(*list));
    if (!list)
        return false;
    if (events->count > 0)
        memcpy(list, events->list, events->count * sizeof(*list));
    events->list = list;
    events->room = room;
    return true;
}

static void collect_addresses(struct event_entry *event, const struct record *shape,
                              const void *record)
{
    for (uint32_t i = 0; i < shape->field_count; i++) {
        const struct record_field *field = &shape->fields[i];
        if (field->kind != RECORD_KIND_FIXED || field->style != RECORD_AS_ADDRESS)
            continue;
        const struct address *address = (const void *)((const uint8_t *)record + field->offset);
        if (address_equal(address, &address_zero))
            continue;
        CHECK(event->address_count < EVENT_ADDRESSES_MAX);
        event->addresses[event->address_count++] = *address;
    }
}

void event_add(struct events *events, enum event_tag tag, const void *record)
{
    const struct record *shape = record_option(&event_choice, (uint16_t)tag);
    CHECK(shape != NULL);
    struct pack_writer writer;
    pack_count(&writer);
    record_choice_pack(&writer, &event_choice, (uint16_t)tag, record);
    size_t size = writer.used;
    uint8_t *data = arena_alloc(events->arena, size);
    if (!data || !reserve(events)) {
        events->failed = true;
        return;
    }
    pack_init(&writer, data, size);
    record_choice_pack(&writer, &event_choice, (uint16_t)tag, record);
    struct event_entry *event = &events->list[events->count++];
    *event = (struct event_entry){.tag = (uint16_t)tag, .packed = bytes_of(data, size)};
    collect_addresses(event, shape, record);
}

void event_undo(struct events *events, uint32_t count)
{
    CHECK(count <= events->count);
    events->count = count;
}
