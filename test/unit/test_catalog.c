#include "contracts/catalog.h"

#include "test/unit/studio.h"

static struct market m;

static bool key_is(struct bytes key, const char *expected)
{
    struct text text;
    text_init(&text, 1024);
    catalog_key_text(&text, key);
    bool equal = strcmp(text_string(&text), expected) == 0;
    text_release(&text);
    return equal;
}

START_TEST(keys_read_as_people_write_them)
{
    struct path path = path_part("slot/", 3, 1);
    ck_assert(key_is(path_key(&path), "slot/3/1"));
    path = path_part("audit/", 3, 1);
    path_u8(&path, 2);
    ck_assert(key_is(path_key(&path), "audit/3/1/2"));
    ck_assert(key_is(bytes_text("supply"), "supply"));
    struct address address = market_address(0);
    char name[ADDRESS_TEXT_SIZE], expected[64];
    address_text(name, &address);
    snprintf(expected, sizeof(expected), "account/%s", name);
    path = path_account("account/", &address);
    ck_assert(key_is(path_key(&path), expected));
    ck_assert(key_is(bytes_text("nonsense"), "6e6f6e73656e7365"));
    ck_assert(key_is(bytes_text("slot/x"), "slot/78"));
    ck_assert(key_is(bytes_of(NULL, 0), ""));
}
END_TEST

/* After a busy market every key of the state is known, and its value is exactly its record. */
START_TEST(every_key_of_the_state_has_its_record)
{
    studio_start(&m, 3, 2, 0);
    ck_assert_int_eq(studio_commit(&m, MARKET_PROVIDER_A, 1, 0, 3), VERDICT_OK);
    studio_replay(&m, 1, 0);
    studio_honest(&m, 1, 1);
    struct digest secret = market_beacon_secret(0);
    struct beacon_reveal reveal = {.epoch = studio_epoch(&m), .preimage = beacon_chain(&secret, STUDIO_BEACON, 0)};
    ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_0, CATALOG_BEACON, BEACON_REVEAL, &reveal),
                     VERDICT_OK);
    market_step(&m, 1);
    for (size_t i = 0; i < m.count; i++) {
        const struct catalog_state *kind = catalog_state(m.rows[i].key);
        ck_assert_ptr_nonnull(kind);
        void *value = arena_alloc(&m.arena, kind->record->size);
        ck_assert_int_eq(record_unpack(&m.arena, kind->record, value, m.rows[i].value, NULL),
                         ERR_NONE);
        struct text text;
        text_init(&text, 1u << 20);
        record_json(&text, kind->record, value);
        ck_assert(!text.failed);
        text_release(&text);
    }
    market_release(&m);
}
END_TEST

START_TEST(methods_are_found_by_number_and_by_name)
{
    uint8_t contract;
    for (uint32_t i = 0; i < catalog_contract_count; i++) {
        const struct catalog_entry *entry = &catalog_contracts[i];
        for (uint32_t j = 0; j < entry->method_count; j++) {
            const struct catalog_method *method = &entry->methods[j];
            ck_assert_ptr_eq(catalog_method(entry->number, method->number), method);
            ck_assert_ptr_eq(catalog_find(entry->name, method->name, &contract), method);
            ck_assert_uint_eq(contract, entry->number);
        }
    }
    ck_assert_ptr_null(catalog_find("credits", "print", &contract));
    ck_assert_ptr_null(catalog_method(CATALOG_JOBS, 200));
}
END_TEST

START_TEST(verdicts_and_events_have_names)
{
    ck_assert_str_eq(verdict_name(VERDICT_OK), "ok");
    ck_assert_str_eq(verdict_name(VERDICT_BALANCE_TOO_LOW), "balance_too_low");
    ck_assert_str_eq(verdict_name(9999), "unknown");
    ck_assert_str_eq(event_name(EVENT_SEGMENT_VERIFIED), "segment_verified");
    ck_assert_str_eq(event_name(9999), "unknown");
    for (uint32_t i = 0; i < event_choice.option_count; i++)
        ck_assert_str_ne(event_name(event_choice.options[i].tag), "unknown");
}
END_TEST

HARNESS_MAIN("catalog", keys_read_as_people_write_them, every_key_of_the_state_has_its_record,
             methods_are_found_by_number_and_by_name, verdicts_and_events_have_names)
