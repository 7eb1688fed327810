#include "base/pack.h"

#include <stdlib.h>
#include <string.h>

#include "test/harness.h"

/* A reader over bytes given in hexadecimal. They lie at the end of a heap block, so that a sanitizer sees a read past them. */
static struct pack_reader reader_of(const char *hex)
{
    static uint8_t *held;
    struct pack_reader reader;
    free(held);
    held = malloc(strlen(hex) / 2 + 1);
    ck_assert_ptr_nonnull(held);
    harness_hex(held, hex);
    pack_read_init(&reader, bytes_of(held, strlen(hex) / 2));
    return reader;
}

/* Every edge between two forms, from the specification's table. */
static const struct {
    uint64_t value;
    const char *hex;
} numbers[] = {
    {0, "00"},
    {127, "7f"},
    {128, "cc80"},
    {255, "ccff"},
    {256, "cd0100"},
    {65535, "cdffff"},
    {65536, "ce00010000"},
    {UINT32_MAX, "ceffffffff"},
    {UINT64_C(1) << 32, "cf0000000100000000"},
    {UINT64_MAX, "cfffffffffffffffff"},
};

START_TEST(numbers_take_their_shortest_form)
{
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        uint8_t data[16];
        char hex[33];
        struct pack_writer writer;
        pack_init(&writer, data, sizeof(data));
        pack_u64(&writer, numbers[i].value);
        ck_assert(!writer.failed);
        bytes_to_hex(hex, bytes_of(data, writer.used));
        ck_assert_str_eq(hex, numbers[i].hex);

        struct pack_reader reader = reader_of(hex);
        ck_assert_uint_eq(pack_read_u64(&reader, UINT64_MAX), numbers[i].value);
        ck_assert_int_eq(pack_read_end(&reader), ERR_NONE);
    }
}
END_TEST

START_TEST(number_over_its_bound_is_refused)
{
    for (size_t i = 1; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct pack_reader reader = reader_of(numbers[i].hex);
        ck_assert_uint_eq(pack_read_u64(&reader, numbers[i].value - 1), 0);
        ck_assert_int_eq(pack_read_end(&reader), ERR_LIMIT);
    }
}
END_TEST

START_TEST(longer_forms_and_other_types_are_no_number)
{
    static const char *const bad[] = {
        "",
        "cc",
        "cc7f",
        "cc00",
        "cd00ff",
        "cd01",
        "ce0000ffff",
        "ce000100",
        "cf00000000ffffffff",
        "cf00000001000000",
        "d001",
        "d10001",
        "d200000001",
        "d30000000000000001",
        "ff",
        "e0",
        "c0",
        "c1",
        "c2",
        "c3",
        "ca3f800000",
        "cb3ff0000000000000",
        "80",
        "90",
        "a0",
        "c400",
        "c700",
        "d40000",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct pack_reader reader = reader_of(bad[i]);
        ck_assert_uint_eq(pack_read_u64(&reader, UINT64_MAX), 0);
        ck_assert_msg(pack_read_end(&reader) == ERR_MALFORMED, "%s", bad[i]);
    }
}
END_TEST

static void expect_string(void (*pack)(struct pack_writer *, struct bytes),
                          struct bytes (*read)(struct pack_reader *, size_t), size_t size,
                          const char *head)
{
    char *letters = malloc(size + 1);
    uint8_t *packed = malloc(size + 5);
    char hex[11];
    memset(letters, 'x', size + 1);
    struct pack_writer writer;
    pack_init(&writer, packed, size + 5);
    pack(&writer, bytes_of(letters, size));
    ck_assert(!writer.failed);
    bytes_to_hex(hex, bytes_of(packed, writer.used - size));
    ck_assert_str_eq(hex, head);

    struct pack_reader reader;
    pack_read_init(&reader, bytes_of(packed, writer.used));
    struct bytes back = read(&reader, size);
    ck_assert(bytes_equal(back, bytes_of(letters, size)));
    ck_assert_int_eq(pack_read_end(&reader), ERR_NONE);
    if (size > 0) {
        pack_read_init(&reader, bytes_of(packed, writer.used));
        ck_assert_uint_eq(read(&reader, size - 1).size, 0);
        ck_assert_int_eq(pack_read_end(&reader), ERR_LIMIT);
        pack_read_init(&reader, bytes_of(packed, writer.used - 1));
        ck_assert_uint_eq(read(&reader, size).size, 0);
        ck_assert_int_eq(pack_read_end(&reader), ERR_MALFORMED);
    }
    free(letters);
    free(packed);
}

START_TEST(strings_take_their_shortest_form)
{
    expect_string(pack_bytes, pack_read_bytes, 0, "c400");
    expect_string(pack_bytes, pack_read_bytes, 255, "c4ff");
    expect_string(pack_bytes, pack_read_bytes, 256, "c50100");
    expect_string(pack_bytes, pack_read_bytes, 65535, "c5ffff");
    expect_string(pack_bytes, pack_read_bytes, 65536, "c600010000");
    expect_string(pack_text, pack_read_text, 0, "a0");
    expect_string(pack_text, pack_read_text, 31, "bf");
    expect_string(pack_text, pack_read_text, 32, "d920");
    expect_string(pack_text, pack_read_text, 255, "d9ff");
    expect_string(pack_text, pack_read_text, 256, "da0100");
    expect_string(pack_text, pack_read_text, 65536, "db00010000");
}
END_TEST

START_TEST(longer_forms_and_other_types_are_no_string)
{
    static const char *const no_bytes[] = {"",           "c4",   "c401", "c5000161", "c50000",
                                           "c600000001", "a161", "90",   "00",       "c0"};
    static const char *const no_text[] = {"",       "a1",   "d90161", "da000161", "db0000000161",
                                          "c40161", "a1ff", "a10a",   "a27fc2",   "01"};
    for (size_t i = 0; i < sizeof(no_bytes) / sizeof(no_bytes[0]); i++) {
        struct pack_reader reader = reader_of(no_bytes[i]);
        ck_assert_uint_eq(pack_read_bytes(&reader, 100).size, 0);
        ck_assert_msg(pack_read_end(&reader) == ERR_MALFORMED, "%s", no_bytes[i]);
    }
    for (size_t i = 0; i < sizeof(no_text) / sizeof(no_text[0]); i++) {
        struct pack_reader reader = reader_of(no_text[i]);
        ck_assert_uint_eq(pack_read_text(&reader, 100).size, 0);
        ck_assert_msg(pack_read_end(&reader) == ERR_MALFORMED, "%s", no_text[i]);
    }
}
END_TEST

START_TEST(arrays_are_counted_before_anything_is_believed)
{
    static const struct {
        const char *hex;
        uint32_t count_max, count;
        enum err err;
    } cases[] = {
        {"90", 10, 0, ERR_NONE},
        {"920102", 2, 2, ERR_NONE},
        {"920102", 1, 0, ERR_LIMIT},
        {"9201", 2, 0, ERR_MALFORMED},       /* more elements than bytes */
        {"ddffffffff01", 100, 0, ERR_LIMIT}, /* 2^32 - 1 of them */
        {"ddffffffff01", UINT32_MAX, 0, ERR_MALFORMED},
        {"dc000101", 10, 0, ERR_MALFORMED}, /* longer forms */
        {"dd0000000101", 10, 0, ERR_MALFORMED},
        {"80", 10, 0, ERR_MALFORMED}, /* a map */
        {"a0", 10, 0, ERR_MALFORMED},
        {"", 10, 0, ERR_MALFORMED},
        {"dc00", 10, 0, ERR_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pack_reader reader = reader_of(cases[i].hex);
        ck_assert_msg(pack_read_array(&reader, cases[i].count_max) == cases[i].count, "%s",
                      cases[i].hex);
        ck_assert_msg(reader.err == cases[i].err, "%s", cases[i].hex);
    }
    uint8_t data[5];
    struct pack_writer writer;
    pack_init(&writer, data, sizeof(data));
    pack_array(&writer, 15);
    ck_assert_mem_eq(data, "\x9f", writer.used);
    pack_init(&writer, data, sizeof(data));
    pack_array(&writer, 16);
    ck_assert_mem_eq(data, "\xdc\x00\x10", writer.used);
    pack_init(&writer, data, sizeof(data));
    pack_array(&writer, 65536);
    ck_assert_mem_eq(data, "\xdd\x00\x01\x00\x00", writer.used);
}
END_TEST

START_TEST(truth_is_one_byte)
{
    struct pack_reader reader = reader_of("c3c2");
    ck_assert(pack_read_bool(&reader));
    ck_assert(!pack_read_bool(&reader));
    ck_assert_int_eq(pack_read_end(&reader), ERR_NONE);
    reader = reader_of("01");
    ck_assert(!pack_read_bool(&reader));
    ck_assert_int_eq(pack_read_end(&reader), ERR_MALFORMED);
}
END_TEST

START_TEST(failed_reader_stays_failed)
{
    struct pack_reader reader = reader_of("c0c3a16101900305");
    ck_assert_uint_eq(pack_read_u64(&reader, 100), 0);
    ck_assert(!pack_read_bool(&reader));
    ck_assert_uint_eq(pack_read_text(&reader, 9).size, 0);
    ck_assert_uint_eq(pack_read_u64(&reader, 0), 0);
    ck_assert_uint_eq(pack_read_array(&reader, 9), 0);
    ck_assert_int_eq(pack_read_end(&reader), ERR_MALFORMED);
    reader = reader_of("05c0");
    ck_assert_uint_eq(pack_read_u64(&reader, 4), 0);
    ck_assert(!pack_read_bool(&reader));
    ck_assert_int_eq(pack_read_end(&reader), ERR_LIMIT); /* the first failure */
}
END_TEST

START_TEST(bytes_that_follow_are_refused)
{
    struct pack_reader reader = reader_of("0100");
    ck_assert_uint_eq(pack_read_u64(&reader, 9), 1);
    ck_assert_int_eq(pack_read_end(&reader), ERR_MALFORMED);
}
END_TEST

START_TEST(writer_without_room_fails_and_stays_failed)
{
    uint8_t data[4] = {0, 0, 0, 9};
    struct pack_writer writer;
    pack_init(&writer, data, 3);
    pack_text(&writer, bytes_text("ab"));
    ck_assert(!writer.failed);
    pack_u64(&writer, 1);
    ck_assert(writer.failed);
    ck_assert_uint_eq(writer.used, 3);
    ck_assert_uint_eq(data[3], 9);
    pack_count(&writer);
    pack_bytes(&writer, bytes_of(data, 4));
    pack_u64(&writer, 1000);
    ck_assert(!writer.failed);
    ck_assert_uint_eq(writer.used, 9);
}
END_TEST

HARNESS_MAIN("pack", numbers_take_their_shortest_form, number_over_its_bound_is_refused,
             longer_forms_and_other_types_are_no_number, strings_take_their_shortest_form,
             longer_forms_and_other_types_are_no_string,
             arrays_are_counted_before_anything_is_believed, truth_is_one_byte,
             failed_reader_stays_failed, bytes_that_follow_are_refused,
             writer_without_room_fails_and_stays_failed)
