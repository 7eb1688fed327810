#include "base/record.h"

#include <string.h>

#include "base/address.h"
#include "base/units.h"
#include "test/seed.h"
#include "test/harness.h"

/* A record with a field of every kind. */
struct part {
    uint16_t number;
    struct bytes label;
};

static const struct record_field part_fields[] = {
    RECORD_UINT(struct part, number),
    RECORD_TEXT(struct part, label, 8),
};

static const struct record part_record = RECORD(struct part, "part", part_fields);

struct thing {
    uint8_t small;
    uint32_t bounded;
    uint64_t large;
    bool flag;
    struct digest digest;
    struct address owner;
    struct amount amount;
    struct bytes raw;
    struct part one;
    const struct part *parts;
    uint32_t part_count;
    const struct digest *roots;
    uint32_t root_count;
};

static const struct record_field thing_fields[] = {
    RECORD_UINT(struct thing, small),
    RECORD_UINT_MAX(struct thing, bounded, 1000),
    RECORD_UINT(struct thing, large),
    RECORD_BOOL(struct thing, flag),
    RECORD_FIXED(struct thing, digest, RECORD_AS_HEX),
    RECORD_FIXED(struct thing, owner, RECORD_AS_ADDRESS),
    RECORD_AMOUNT(struct thing, amount),
    RECORD_BYTES(struct thing, raw, 4),
    RECORD_ONE(struct thing, one, &part_record),
    RECORD_LIST(struct thing, parts, part_count, 3, &part_record),
    RECORD_DIGESTS(struct thing, roots, root_count, 2),
};

static const struct record thing_record = RECORD(struct thing, "thing", thing_fields);

#define ZEROS_32 "0000000000000000000000000000000000000000000000000000000000000000"
#define ZEROS_20 "0000000000000000000000000000000000000000"

/* Field by field, as they follow each other in the packed record. */
#define HEAD                                                                                       \
    "9b"                                                                                           \
    "07"                                                                                           \
    "cd03e8"                                                                                       \
    "cf0020000000000000"                                                                           \
    "c3"                                                                                           \
    "c420" ZEROS_32 "c414" ZEROS_20
#define AMOUNT "c4020100"
#define RAW    "c402abcd"
#define ONE    "9205a26f6b"
#define PARTS                                                                                      \
    "92"                                                                                           \
    "9201a161"                                                                                     \
    "9202a162"
#define ROOTS                                                                                      \
    "91"                                                                                           \
    "c420" ZEROS_32
#define EXAMPLE HEAD AMOUNT RAW ONE PARTS ROOTS

static const struct part parts[] = {{1, {(const uint8_t *)"a", 1}}, {2, {(const uint8_t *)"b", 1}}};

static struct thing example(void)
{
    return (struct thing){
        .small = 7,
        .bounded = 1000,
        .large = UINT64_C(1) << 53,
        .flag = true,
        .amount = units_amount(256),
        .raw = bytes_of("\xab\xcd", 2),
        .one = {5, bytes_text("ok")},
        .parts = parts,
        .part_count = 2,
        .roots = &digest_zero,
        .root_count = 1,
    };
}

static struct arena arena;
static struct fault fault;

static void fresh(void)
{
    arena_init(&arena, 1 << 16);
    memset(&fault, 0, sizeof(fault));
}

static enum err unpack_hex(struct thing *thing, const char *hex)
{
    uint8_t *data = arena_alloc(&arena, strlen(hex) / 2);
    ck_assert_ptr_nonnull(data);
    return record_unpack(&arena, &thing_record, thing, bytes_of(data, harness_hex(data, hex)),
                         &fault);
}

START_TEST(record_is_an_array_of_its_fields)
{
    fresh();
    struct thing thing = example();
    struct bytes packed = record_bytes(&arena, &thing_record, &thing);
    char hex[1024];
    ck_assert_uint_lt(2 * packed.size, sizeof(hex));
    bytes_to_hex(hex, packed);
    ck_assert_str_eq(hex, EXAMPLE);
    ck_assert_uint_eq(record_size(&thing_record, &thing), packed.size);
    arena_release(&arena);
}
END_TEST

START_TEST(what_is_packed_unpacks_to_the_same)
{
    fresh();
    struct thing thing;
    ck_assert_int_eq(unpack_hex(&thing, EXAMPLE), ERR_NONE);
    ck_assert_uint_eq(thing.small, 7);
    ck_assert_uint_eq(thing.bounded, 1000);
    ck_assert_uint_eq(thing.large, UINT64_C(1) << 53);
    ck_assert(thing.flag);
    ck_assert(digest_is_zero(&thing.digest));
    ck_assert(address_equal(&thing.owner, &address_zero));
    struct amount amount = units_amount(256);
    ck_assert_int_eq(units_amount_compare(&thing.amount, &amount), 0);
    ck_assert(bytes_equal(thing.raw, bytes_of("\xab\xcd", 2)));
    ck_assert_uint_eq(thing.one.number, 5);
    ck_assert_uint_eq(thing.part_count, 2);
    ck_assert_uint_eq(thing.parts[1].number, 2);
    ck_assert(bytes_equal(thing.parts[1].label, bytes_text("b")));
    ck_assert_uint_eq(thing.root_count, 1);
    ck_assert(digest_is_zero(&thing.roots[0]));
    arena_release(&arena);
}
END_TEST

START_TEST(json_shows_every_field)
{
    struct text text;
    struct thing thing = example();
    text_init(&text, 4096);
    record_json(&text, &thing_record, &thing);
    ck_assert(!text.failed);
    ck_assert_str_eq(
        text_string(&text),
        "{\"small\":7,\"bounded\":1000,\"large\":\"9007199254740992\",\"flag\":true,\"digest\":"
        "\"" ZEROS_32 "\",\"owner\":\"tnr1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5pl0v5\",\"amount\":"
        "\"256\",\"raw\":\"abcd\","
        "\"one\":{\"number\":5,\"label\":\"ok\"},\"parts\":[{\"number\":1,\"label\":\"a\"},"
        "{\"number\":2,\"label\":\"b\"}],\"roots\":[\"" ZEROS_32 "\"]}");
    thing.large--;
    text_clear(&text);
    record_json(&text, &thing_record, &thing);
    ck_assert_ptr_nonnull(strstr(text_string(&text), "\"large\":9007199254740991,"));
    text_release(&text);
}
END_TEST

START_TEST(long_byte_strings_are_whole_in_json)
{
    static const struct record_field fields[] = {RECORD_BYTES(struct part, label, 1000)};
    static const struct record blob = RECORD(struct part, "blob", fields);
    uint8_t data[200];
    char expected[600] = "{\"label\":\"";
    uint64_t seed = 4;
    struct text text;
    seed_fill(&seed, data, sizeof(data));
    bytes_to_hex(expected + strlen(expected), bytes_of(data, sizeof(data)));
    strcat(expected, "\"}");
    text_init(&text, 4096);
    record_json(&text, &blob, &(struct part){0, bytes_of(data, sizeof(data))});
    ck_assert_str_eq(text_string(&text), expected);
    text_release(&text);
}
END_TEST

START_TEST(each_fault_is_named_by_its_field)
{
    static const struct {
        const char *hex;
        enum err err;
        const char *sentence;
    } cases[] = {
        {"", ERR_MALFORMED, "thing.(number of fields): not in canonical form"},
        {"9a", ERR_MALFORMED, "thing.(number of fields): not in canonical form"},
        {"dc000b07", ERR_MALFORMED, "thing.(number of fields): not in canonical form"},
        {"ddffffffff07", ERR_MALFORMED, "thing.(number of fields): not in canonical form"},
        {"9bcd0100" ZEROS_32, ERR_LIMIT, "thing.small: over its limit"},
        {"9b07cd03e9" ZEROS_32, ERR_LIMIT, "thing.bounded: over its limit"},
        {"9b07cd03e80001" ZEROS_32, ERR_MALFORMED, "thing.flag: not in canonical form"},
        {"9b070000c3c41f" ZEROS_32, ERR_MALFORMED, "thing.digest: not in canonical form"},
        {"9b070000c3c421" ZEROS_32 "00", ERR_MALFORMED, "thing.digest: not in canonical form"},
        {HEAD "c40100", ERR_MALFORMED, "thing.amount: not in canonical form"}, /* a leading zero */
        {HEAD "c421" ZEROS_32 "00", ERR_LIMIT, "thing.amount: over its limit"},
        {HEAD AMOUNT "c405" ZEROS_32, ERR_LIMIT, "thing.raw: over its limit"},
        {HEAD AMOUNT "c604000000" ZEROS_32, ERR_LIMIT, "thing.raw: over its limit"},
        {HEAD AMOUNT RAW "9105", ERR_MALFORMED, "part.(number of fields): not in canonical form"},
        {HEAD AMOUNT RAW "9205a2ff6b", ERR_MALFORMED, "part.label: not in canonical form"},
        {HEAD AMOUNT RAW "9205a9" ZEROS_32, ERR_LIMIT, "part.label: over its limit"},
        {HEAD AMOUNT RAW ONE "94" ZEROS_32, ERR_LIMIT, "thing.parts: over its limit"},
        {HEAD AMOUNT RAW ONE "ddffffffff" ZEROS_32, ERR_LIMIT, "thing.parts: over its limit"},
        {HEAD AMOUNT RAW ONE "939201a1", ERR_MALFORMED,
         "thing.parts: not in canonical form"}, /* cut short */
        {HEAD AMOUNT RAW ONE PARTS "92c420" ZEROS_32, ERR_MALFORMED,
         "thing.roots: not in canonical form"},
        {EXAMPLE "00", ERR_MALFORMED, "thing: bytes follow its end"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct thing thing;
        fresh();
        ck_assert_msg(unpack_hex(&thing, cases[i].hex) == cases[i].err, "case %zu: %s", i,
                      fault.text);
        ck_assert_str_eq(fault.text, cases[i].sentence);
        ck_assert_int_eq(fault.code, cases[i].err);
        arena_release(&arena);
    }
}
END_TEST

START_TEST(every_cut_is_refused)
{
    for (size_t size = 0; size < strlen(EXAMPLE); size += 2) {
        char cut[sizeof(EXAMPLE)];
        struct thing thing;
        fresh();
        memcpy(cut, EXAMPLE, size);
        cut[size] = 0;
        ck_assert_int_eq(unpack_hex(&thing, cut), ERR_MALFORMED);
        arena_release(&arena);
    }
}
END_TEST

/* One value has one encoding: whatever bytes are accepted are what the value packs to. */
START_TEST(changed_bytes_are_refused_or_pack_again_to_themselves)
{
    uint8_t original[sizeof(EXAMPLE)];
    size_t size = harness_hex(original, EXAMPLE);
    size_t accepted = 0;
    for (size_t at = 0; at < size; at++) {
        for (int byte = 0; byte < 256; byte++) {
            uint8_t changed[sizeof(EXAMPLE)];
            struct thing thing;
            fresh();
            memcpy(changed, original, size);
            changed[at] = (uint8_t)byte;
            struct bytes in = bytes_of(changed, size);
            if (record_unpack(&arena, &thing_record, &thing, in, NULL) == ERR_NONE) {
                accepted++;
                ck_assert(bytes_equal(record_bytes(&arena, &thing_record, &thing), in));
            }
            arena_release(&arena);
        }
    }
    ck_assert_uint_gt(accepted, size);
}
END_TEST

START_TEST(memory_follows_bytes_that_were_sent)
{
    static const struct record_field fields[] = {
        RECORD_LIST(struct thing, parts, part_count, UINT32_MAX, &part_record)};
    static const struct record list = RECORD(struct thing, "list", fields);
    uint8_t packed[64] = {0x91, 0xdc, 0, 58}; /* 58 parts take 174 bytes at least */
    struct thing thing;
    fresh();
    ck_assert_int_eq(record_unpack(&arena, &list, &thing, bytes_of(packed, sizeof(packed)), &fault),
                     ERR_MALFORMED);
    ck_assert_uint_eq(arena.used, 0);
    arena_release(&arena);
}
END_TEST

START_TEST(full_arena_is_a_limit)
{
    uint8_t data[sizeof(EXAMPLE)];
    struct bytes in = bytes_of(data, harness_hex(data, EXAMPLE));
    struct arena small;
    struct thing thing = example();
    arena_init(&small, 32);
    ck_assert_int_eq(record_unpack(&small, &thing_record, &thing, in, &fault), ERR_LIMIT);
    thing = example();
    ck_assert_ptr_null(record_bytes(&small, &thing_record, &thing).data);
    arena_release(&small);
}
END_TEST

static const struct record_option options[] = {{3, &part_record}, {9, &thing_record}};
static const struct record_choice choice = {"message", options, 2};

START_TEST(choice_is_a_tag_and_its_record)
{
    uint8_t data[16];
    struct pack_writer writer;
    uint16_t tag = 0;
    void *value = NULL;
    fresh();
    pack_init(&writer, data, sizeof(data));
    record_choice_pack(&writer, &choice, 3, &parts[1]);
    ck_assert_mem_eq(data, "\x92\x03\x92\x02\xa1\x62", writer.used);
    ck_assert_int_eq(
        record_choice_unpack(&arena, &choice, &tag, &value, bytes_of(data, writer.used), &fault),
        ERR_NONE);
    ck_assert_uint_eq(tag, 3);
    ck_assert_uint_eq(((struct part *)value)->number, 2);
    ck_assert_ptr_eq(record_option(&choice, 9), &thing_record);
    ck_assert_ptr_null(record_option(&choice, 4));
    arena_release(&arena);
}
END_TEST

START_TEST(other_choices_are_refused)
{
    static const struct {
        const char *hex, *sentence;
    } cases[] = {
        {"", "message: not a pair of tag and record"},
        {"9103", "message: not a pair of tag and record"},
        {"93039202a16200", "message: not a pair of tag and record"},
        {"92ce000100009202a162", "message: not a pair of tag and record"},
        {"92049202a162", "message: unknown tag 4"},
        {"92cc039202a162", "message: not a pair of tag and record"},
        {"92039202a1", "part.label: not in canonical form"},
        {"92039202a16200", "part: bytes follow its end"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t data[16];
        uint16_t tag = 77;
        void *value = NULL;
        fresh();
        struct bytes in = bytes_of(data, harness_hex(data, cases[i].hex));
        ck_assert_int_eq(record_choice_unpack(&arena, &choice, &tag, &value, in, &fault),
                         ERR_MALFORMED);
        ck_assert_str_eq(fault.text, cases[i].sentence);
        ck_assert_uint_eq(tag, 77);
        ck_assert_ptr_null(value);
        arena_release(&arena);
    }
}
END_TEST

HARNESS_MAIN("record", record_is_an_array_of_its_fields, what_is_packed_unpacks_to_the_same,
             json_shows_every_field, long_byte_strings_are_whole_in_json,
             each_fault_is_named_by_its_field, every_cut_is_refused,
             changed_bytes_are_refused_or_pack_again_to_themselves,
             memory_follows_bytes_that_were_sent, full_arena_is_a_limit,
             choice_is_a_tag_and_its_record, other_choices_are_refused)
