#include "tools/tenure/form.h"

#include "base/address.h"
#include "base/units.h"
#include "test/harness.h"

#include <stdio.h>
#include <string.h>

struct inner {
    uint16_t small;
    struct bytes name;
};

struct outer {
    uint8_t tiny;
    uint64_t large;
    bool truth;
    struct digest root;
    struct address to;
    struct amount amount;
    struct bytes raw;
    struct inner one;
    struct inner *list;
    uint32_t list_count;
    struct digest *digests;
    uint32_t digest_count;
};

static const struct record_field inner_fields[] = {
    RECORD_UINT(struct inner, small),
    RECORD_TEXT(struct inner, name, 8),
};
static const struct record inner_record = RECORD(struct inner, "inner", inner_fields);

static const struct record_field outer_fields[] = {
    RECORD_UINT_MAX(struct outer, tiny, 100),
    RECORD_UINT(struct outer, large),
    RECORD_BOOL(struct outer, truth),
    RECORD_FIXED(struct outer, root, RECORD_AS_HEX),
    RECORD_FIXED(struct outer, to, RECORD_AS_ADDRESS),
    RECORD_AMOUNT(struct outer, amount),
    RECORD_BYTES(struct outer, raw, 4),
    RECORD_ONE(struct outer, one, &inner_record),
    RECORD_LIST(struct outer, list, list_count, 3, &inner_record),
    RECORD_DIGESTS(struct outer, digests, digest_count, 2),
};
static const struct record outer_record = RECORD(struct outer, "outer", outer_fields);

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct arena arena;
static struct fault fault;
static struct outer value;

/* Sets one field of a fresh record. */
static enum err set(const char *assignment)
{
    arena_release(&arena);
    arena_init(&arena, 1u << 20);
    memset(&value, 0, sizeof(value));
    memset(&fault, 0, sizeof(fault));
    return form_set(&arena, &outer_record, &value, assignment, &fault);
}

START_TEST(each_kind_is_read)
{
    char address[ADDRESS_TEXT_SIZE], assignment[64];

    ck_assert_int_eq(set("tiny=100"), ERR_NONE);
    ck_assert_uint_eq(value.tiny, 100);
    ck_assert_int_eq(set("large=18446744073709551615"), ERR_NONE);
    ck_assert_uint_eq(value.large, UINT64_MAX);
    ck_assert_int_eq(set("truth=yes"), ERR_NONE);
    ck_assert(value.truth);
    ck_assert_int_eq(set("root=" HEX), ERR_NONE);
    ck_assert_uint_eq(value.root.bytes[1], 0x11);
    address_text(address, &(struct address){{1, 2, 3}});
    snprintf(assignment, sizeof(assignment), "to=%s", address);
    ck_assert_int_eq(set(assignment), ERR_NONE);
    ck_assert_uint_eq(value.to.bytes[2], 3);
    ck_assert_int_eq(set("amount=258"), ERR_NONE);
    ck_assert_uint_eq(value.amount.be[30], 1);
    ck_assert_uint_eq(value.amount.be[31], 2);
    ck_assert_int_eq(set("raw=0aff"), ERR_NONE);
    ck_assert_uint_eq(value.raw.size, 2);
    ck_assert_uint_eq(value.raw.data[1], 0xff);
    ck_assert_int_eq(set("digests=" HEX "," HEX), ERR_NONE);
    ck_assert_uint_eq(value.digest_count, 2);
    ck_assert_uint_eq(value.digests[1].bytes[2], 0x22);
}
END_TEST

START_TEST(nested_fields_are_reached_by_their_path)
{
    ck_assert_int_eq(set("one.small=7"), ERR_NONE);
    ck_assert_uint_eq(value.one.small, 7);
    ck_assert_int_eq(set("list.0.small=8"), ERR_NONE);
    ck_assert_int_eq(form_set(&arena, &outer_record, &value, "list.1.name=ab", &fault), ERR_NONE);
    ck_assert_int_eq(form_set(&arena, &outer_record, &value, "list.0.name=c", &fault), ERR_NONE);
    ck_assert_uint_eq(value.list_count, 2);
    ck_assert_uint_eq(value.list[0].small, 8);
    ck_assert_uint_eq(value.list[0].name.size, 1);
    ck_assert_uint_eq(value.list[1].name.size, 2);
}
END_TEST

START_TEST(list_takes_no_gap_and_no_more_than_its_bound)
{
    ck_assert_int_eq(set("list.1.small=8"), ERR_USAGE);
    ck_assert_int_eq(set("list.0.small=8"), ERR_NONE);
    ck_assert_int_eq(form_set(&arena, &outer_record, &value, "list.1.small=8", &fault), ERR_NONE);
    ck_assert_int_eq(form_set(&arena, &outer_record, &value, "list.2.small=8", &fault), ERR_NONE);
    ck_assert_int_eq(form_set(&arena, &outer_record, &value, "list.3.small=8", &fault), ERR_USAGE);
    ck_assert_uint_eq(value.list_count, 3);
}
END_TEST

START_TEST(wrong_value_names_its_field)
{
    static const char *const wrong[] = {
        "tiny=101",
        "tiny=-1",
        "tiny=",
        "truth=1",
        "root=00",
        "to=tnr1x",
        "amount=-3",
        "raw=0",
        "raw=0011223344",
        "raw=zz",
        "one=3",
        "list=3",
        "one.name=123456789",
        "digests=" HEX "," HEX "," HEX,
        "digests=12",
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        size_t size = strcspn(wrong[i], "=");
        ck_assert_msg(set(wrong[i]) == ERR_USAGE, "%s", wrong[i]);
        ck_assert_msg(!strncmp(fault.text, wrong[i], size), "%s: %s", wrong[i], fault.text);
    }
    ck_assert_int_eq(set("none=3"), ERR_USAGE);
    ck_assert_str_eq(fault.text, "outer has no field \"none\"");
    ck_assert_int_eq(set("nothing"), ERR_USAGE);
    ck_assert_str_eq(fault.text, "\"nothing\" is not FIELD=VALUE");
}
END_TEST

START_TEST(missing_field_is_named)
{
    const char *const small[] = {"small=1"}, *const both[] = {"name=x", "small=1"};
    struct inner inner = {0};

    arena_init(&arena, 1u << 20);
    ck_assert_int_eq(form_fill(&arena, &inner_record, &inner, small, 1, &fault), ERR_USAGE);
    ck_assert_str_eq(fault.text, "inner needs name=..., text");
    ck_assert_int_eq(form_fill(&arena, &inner_record, &inner, both, 2, &fault), ERR_NONE);
    ck_assert_uint_eq(inner.small, 1);
}
END_TEST

HARNESS_MAIN("form", each_kind_is_read, nested_fields_are_reached_by_their_path,
             list_takes_no_gap_and_no_more_than_its_bound, wrong_value_names_its_field,
             missing_field_is_named)
