#include "contracts/event.h"

#include "test/unit/market.h"

static struct arena arena;

static void begin(struct events *events)
{
    arena_init(&arena, 1u << 20);
    event_init(events, &arena);
}

START_TEST(an_event_is_its_tag_and_record_and_names_its_addresses)
{
    struct events events;
    struct event_transfer transfer = {
        .from = market_address(1), .to = market_address(2), .amount = units_amount(7)};
    struct event_transfer mint = {.to = market_address(2)};
    begin(&events);
    event_add(&events, EVENT_TRANSFERRED, &transfer);
    event_add(&events, EVENT_MINTED, &mint);
    ck_assert_uint_eq(events.list[0].address_count, 2);
    ck_assert_uint_eq(events.list[1].address_count, 1);
    ck_assert(address_equal(&events.list[1].addresses[0], &mint.to));
    uint16_t tag;
    void *value;
    ck_assert_int_eq(
        record_choice_unpack(&arena, &event_choice, &tag, &value, events.list[0].packed, NULL),
        ERR_NONE);
    ck_assert_int_eq(tag, EVENT_TRANSFERRED);
    ck_assert(address_equal(&((struct event_transfer *)value)->from, &transfer.from));
    arena_release(&arena);
}
END_TEST

START_TEST(events_of_what_failed_are_dropped)
{
    struct events events;
    struct event_member member = {.roles = 1};
    begin(&events);
    for (uint32_t i = 0; i < 100; i++)
        event_add(&events, EVENT_MEMBER_ROLES, &member);
    event_undo(&events, 40);
    ck_assert_uint_eq(events.count, 40);
    event_add(&events, EVENT_MEMBER_REVOKED, &member);
    ck_assert_int_eq(events.list[40].tag, EVENT_MEMBER_REVOKED);
    arena_release(&arena);
}
END_TEST

START_TEST(a_full_arena_is_remembered)
{
    struct events events;
    struct event_member member = {.roles = 1};
    arena_init(&arena, 2048);
    event_init(&events, &arena);
    for (uint32_t i = 0; i < 200; i++)
        event_add(&events, EVENT_MEMBER_ROLES, &member);
    ck_assert(events.failed);
    arena_release(&arena);
}
END_TEST

HARNESS_MAIN("event", an_event_is_its_tag_and_record_and_names_its_addresses,
             events_of_what_failed_are_dropped, a_full_arena_is_remembered)
