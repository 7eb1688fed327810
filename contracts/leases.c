#include "contracts/leases.h"

#include "base/check.h"
#include "contracts/amount.h"
#include "contracts/credits.h"
#include "contracts/due.h"
#include "contracts/offers.h"
#include "contracts/path.h"

static const struct record_field lease_fields[] = {
    RECORD_UINT(struct leases_lease, job),
    RECORD_FIXED(struct leases_lease, consumer, RECORD_AS_ADDRESS),
    RECORD_UINT(struct leases_lease, opened_ms),
    RECORD_UINT(struct leases_lease, expires_ms),
    RECORD_UINT(struct leases_lease, ended_ms),
    RECORD_UINT(struct leases_lease, item_count),
    RECORD_UINT(struct leases_lease, reason),
};
static const struct record_field item_fields[] = {
    RECORD_UINT(struct leases_item, offer),
    RECORD_FIXED(struct leases_item, provider, RECORD_AS_ADDRESS),
    RECORD_UINT(struct leases_item, slot),
    RECORD_AMOUNT(struct leases_item, price),
    RECORD_AMOUNT(struct leases_item, stake),
    RECORD_AMOUNT(struct leases_item, paid),
    RECORD_UINT(struct leases_item, segments),
    RECORD_UINT(struct leases_item, opened_ms),
    RECORD_UINT(struct leases_item, ended_ms),
    RECORD_UINT(struct leases_item, reason),
    RECORD_UINT(struct leases_item, held_until_ms),
    RECORD_UINT(struct leases_item, challenges),
};
static const struct record_field counter_fields[] = {
    RECORD_UINT(struct leases_counter, count),
};
const struct record leases_lease_record = RECORD(struct leases_lease, "lease", lease_fields);
const struct record leases_item_record = RECORD(struct leases_item, "item", item_fields);
const struct record leases_counter_record =
    RECORD(struct leases_counter, "counter", counter_fields);

const char *leases_reason_name(uint8_t reason)
{
    static const char *const names[] = {"open",      "completed",   "cancelled", "expired",
                                        "fraud",     "withheld",    "silent",    "undecided",
                                        "unaudited", "quorum_lost", "unclosed",  "declined",
                                        "diverged"};
    return reason < sizeof(names) / sizeof(names[0]) ? names[reason] : "unknown";
}

static struct path item_path(uint64_t lease, uint32_t item)
{
    struct path path = path_1("item/", lease);
    path_u32(&path, item);
    return path;
}

bool leases_get(struct view_state *view, uint64_t lease, struct leases_lease *out)
{
    struct path path = path_1("lease/", lease);
    return view_load(view, path_key(&path), &leases_lease_record, out);
}

bool leases_get_item(struct view_state *view, uint64_t lease, uint32_t item,
                     struct leases_item *out)
{
    struct path path = item_path(lease, item);
    return view_load(view, path_key(&path), &leases_item_record, out);
}

static void put(struct view_state *view, uint64_t id, const struct leases_lease *lease)
{
    struct path path = path_1("lease/", id);
    view_save(view, path_key(&path), &leases_lease_record, lease);
}

static void put_item(struct view_state *view, uint64_t lease, uint32_t number,
                     const struct leases_item *item)
{
    struct path path = item_path(lease, number);
    view_save(view, path_key(&path), &leases_item_record, item);
}

static void emit(const struct catalog_run *run, enum event_tag tag, uint64_t id,
                 const struct leases_lease *lease)
{
    struct event_lease event = {
        .lease = id, .job = lease->job, .consumer = lease->consumer, .reason = lease->reason};
    event_add(run->events, tag, &event);
}

static void emit_item(const struct catalog_run *run, enum event_tag tag, uint64_t lease,
                      uint32_t number, const struct leases_item *item)
{
    struct event_item event = {
        .lease = lease,
        .item = number,
        .offer = item->offer,
        .slot = item->slot,
        .provider = item->provider,
        .price = item->price,
        .reason = item->reason,
    };
    event_add(run->events, tag, &event);
}

static struct credits_place stake_place(uint64_t lease, uint32_t item)
{
    return (struct credits_place){.kind = CREDITS_STAKE, .object = lease, .part = item};
}

uint64_t leases_open(const struct catalog_run *run, uint64_t job, const struct address *consumer,
                     uint64_t expires_ms)
{
    struct leases_counter counter = {0};
    (void)view_load(run->view, bytes_text("lease_count"), &leases_counter_record, &counter);
    counter.count++;
    view_save(run->view, bytes_text("lease_count"), &leases_counter_record, &counter);
    struct leases_lease lease = {
        .job = job,
        .consumer = *consumer,
        .opened_ms = run->context->time_ms,
        .expires_ms = expires_ms,
    };
    put(run->view, counter.count, &lease);
    emit(run, EVENT_LEASE_OPENED, counter.count, &lease);
    return counter.count;
}

enum verdict leases_add(const struct catalog_run *run, uint64_t id, uint64_t offer_id,
                        uint16_t slot, const struct amount *price, const struct amount *stake,
                        uint32_t *number)
{
    struct leases_lease lease;
    struct offers_offer offer;
    if (!leases_get(run->view, id, &lease) || !offers_get(run->view, offer_id, &offer))
        return VERDICT_NOT_FOUND;
    CHECK(lease.reason == LEASES_OPEN);
    if (lease.item_count >= LEASES_ITEMS_MAX)
        return VERDICT_TOO_MANY;
    enum verdict verdict =
        credits_lock(run, stake_place(id, lease.item_count), &offer.provider, stake);
    if (verdict != VERDICT_OK)
        return verdict;
    offers_lease(run, offer_id);
    struct leases_item item = {
        .offer = offer_id,
        .provider = offer.provider,
        .slot = slot,
        .price = *price,
        .stake = *stake,
        .opened_ms = run->context->time_ms,
    };
    *number = lease.item_count++;
    put_item(run->view, id, *number, &item);
    put(run->view, id, &lease);
    emit_item(run, EVENT_ITEM_LEASED, id, *number, &item);
    return VERDICT_OK;
}

void leases_paid(const struct catalog_run *run, uint64_t lease, uint32_t number,
                 const struct amount *amount, uint64_t until_ms)
{
    struct leases_item item;
    if (!leases_get_item(run->view, lease, number, &item)) {
        CHECK(run->view->err != ERR_NONE);
        return;
    }
    CHECK(amount_add(&item.paid, &item.paid, amount));
    item.segments++;
    CHECK(item.reason == LEASES_OPEN); /* so DUE_STAKE isn't set yet */
    if (item.held_until_ms < until_ms)
        item.held_until_ms = until_ms;
    put_item(run->view, lease, number, &item);
}

/* The stake of an item that has ended goes home when nothing holds it any more. */
static void free_stake(const struct catalog_run *run, uint64_t lease, uint32_t number,
                       const struct leases_item *item)
{
    if (item->reason != LEASES_OPEN && item->challenges == 0 &&
        item->held_until_ms <= run->context->time_ms)
        credits_unlock(run, stake_place(lease, number));
}

void leases_hold(const struct catalog_run *run, uint64_t lease, uint32_t number)
{
    struct leases_item item;
    if (!leases_get_item(run->view, lease, number, &item))
        return;
    item.challenges++;
    put_item(run->view, lease, number, &item);
}

void leases_release_hold(const struct catalog_run *run, uint64_t lease, uint32_t number)
{
    struct leases_item item;
    if (!leases_get_item(run->view, lease, number, &item))
        return;
    CHECK(item.challenges > 0);
    item.challenges--;
    put_item(run->view, lease, number, &item);
    free_stake(run, lease, number, &item);
}

void leases_due(const struct catalog_run *run, uint64_t lease, uint32_t number)
{
    struct leases_item item;
    if (leases_get_item(run->view, lease, number, &item))
        free_stake(run, lease, number, &item);
}

void leases_end_item(const struct catalog_run *run, uint64_t lease, uint32_t number,
                     enum leases_reason reason)
{
    struct leases_item item;
    CHECK(reason != LEASES_OPEN);
    if (!leases_get_item(run->view, lease, number, &item) || item.reason != LEASES_OPEN)
        return;
    item.reason = (uint8_t)reason;
    item.ended_ms = run->context->time_ms;
    put_item(run->view, lease, number, &item);
    if (item.held_until_ms > run->context->time_ms)
        due_set(run->view, DUE_STAKE, lease, number, 0, item.held_until_ms);
    else
        free_stake(run, lease, number, &item);
    offers_return(run, item.offer);
    emit_item(run, EVENT_ITEM_ENDED, lease, number, &item);
}

void leases_end(const struct catalog_run *run, uint64_t id, enum leases_reason reason)
{
    struct leases_lease lease;
    if (!leases_get(run->view, id, &lease) || lease.reason != LEASES_OPEN)
        return;
    for (uint32_t i = 0; i < lease.item_count; i++)
        leases_end_item(run, id, i, reason);
    lease.reason = (uint8_t)reason;
    lease.ended_ms = run->context->time_ms;
    put(run->view, id, &lease);
    emit(run, EVENT_LEASE_ENDED, id, &lease);
}

uint32_t leases_barred(struct view_state *view, uint64_t id, struct address *barred)
{
    struct leases_lease lease;
    struct leases_item item;
    uint32_t count = 0;
    if (id == 0 || !leases_get(view, id, &lease))
        return 0;
    for (uint32_t i = 0; i < lease.item_count && leases_get_item(view, id, i, &item); i++)
        if (item.reason == LEASES_FRAUD || item.reason == LEASES_WITHHELD ||
            item.reason == LEASES_SILENT || item.reason == LEASES_UNDECIDED ||
            item.reason == LEASES_UNAUDITED || item.reason == LEASES_DECLINED)
            barred[count++] = item.provider;
    return count;
}
