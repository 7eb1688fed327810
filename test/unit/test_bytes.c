#include "base/bytes.h"

#include <string.h>

#include "test/harness.h"

START_TEST(integers_are_big_endian_at_any_alignment)
{
    uint8_t out[9];
    bytes_put_u16(out + 1, 0x0102);
    ck_assert_mem_eq(out + 1, "\x01\x02", 2);
    bytes_put_u32(out + 1, 0x01020304);
    ck_assert_mem_eq(out + 1, "\x01\x02\x03\x04", 4);
    bytes_put_u64(out + 1, UINT64_C(0xf102030405060708));
    ck_assert_mem_eq(out + 1, "\xf1\x02\x03\x04\x05\x06\x07\x08", 8);
    ck_assert_uint_eq(bytes_get_u16(out + 1), 0xf102);
    ck_assert_uint_eq(bytes_get_u32(out + 1), 0xf1020304);
    ck_assert_uint_eq(bytes_get_u64(out + 1), UINT64_C(0xf102030405060708));
}
END_TEST

START_TEST(order_is_unsigned_and_prefix_first)
{
    static const char *const rising[] = {"", "a", "ab", "abc", "b", "\xff", "\xff\xff"};
    for (int i = 0; i < 7; i++) {
        for (int j = 0; j < 7; j++) {
            int order = bytes_compare(bytes_text(rising[i]), bytes_text(rising[j]));
            ck_assert_int_eq((order > 0) - (order < 0), (i > j) - (i < j));
            ck_assert_int_eq(bytes_equal(bytes_text(rising[i]), bytes_text(rising[j])), i == j);
        }
    }
}
END_TEST

START_TEST(empty_bytes_need_no_address)
{
    struct bytes none = bytes_of(NULL, 0);
    ck_assert(bytes_equal(none, bytes_text("")));
    ck_assert(bytes_begins(bytes_text("a"), none));
    ck_assert(bytes_is_text(none));
    ck_assert_uint_eq(bytes_utf8(none), 0);
}
END_TEST

START_TEST(beginning_is_no_longer_than_the_whole)
{
    ck_assert(bytes_begins(bytes_text("abc"), bytes_text("ab")));
    ck_assert(!bytes_begins(bytes_text("abc"), bytes_text("b")));
    ck_assert(!bytes_begins(bytes_text("ab"), bytes_text("abc")));
}
END_TEST

START_TEST(hexadecimal_goes_there_and_back)
{
    uint8_t all[256], back[256];
    char text[513];
    for (int i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    bytes_to_hex(text, bytes_of(all, 256));
    ck_assert_mem_eq(text, "000102", 6);
    ck_assert_str_eq(text + 506, "fdfeff");
    ck_assert(bytes_from_hex(back, 256, text));
    ck_assert_mem_eq(all, back, 256);
}
END_TEST

START_TEST(other_than_hexadecimal_leaves_the_output)
{
    static const char *const bad[] = {"", "0", "012", "01234", "012g", "01 3", "0x12", "-123"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint8_t out[2] = {7, 7};
        ck_assert_msg(!bytes_from_hex(out, 2, bad[i]), "%s", bad[i]);
        ck_assert_mem_eq(out, "\7\7", 2);
    }
    uint8_t out[2];
    ck_assert(bytes_from_hex(out, 2, "aBCd"));
    ck_assert_mem_eq(out, "\xab\xcd", 2);
}
END_TEST

/* The edges of RFC 3629's table. */
START_TEST(utf8_is_the_shortest_form_of_a_character)
{
    static const struct {
        const char *raw;
        size_t size;
    } cases[] = {
        {"A", 1},
        {"\x7f", 1},
        {"\x80", 0},
        {"\xc1\xbf", 0},
        {"\xc2\x80", 2},
        {"\xdf\xbf", 2},
        {"\xdf", 0},
        {"\xe0\x9f\xbf", 0},
        {"\xe0\xa0\x80", 3},
        {"\xed\x9f\xbf", 3},
        {"\xed\xa0\x80", 0}, /* a surrogate */
        {"\xef\xbf\xbf", 3},
        {"\xef\xbf", 0},
        {"\xef\xbf\xc0", 0},
        {"\xf0\x8f\xbf\xbf", 0},
        {"\xf0\x90\x80\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\xf4\x90\x80\x80", 0}, /* U+110000 */
        {"\xf5\x80\x80\x80", 0},
        {"\xff", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ck_assert_msg(bytes_utf8(bytes_text(cases[i].raw)) == cases[i].size, "case %zu", i);
}
END_TEST

START_TEST(text_has_no_control_characters)
{
    ck_assert(bytes_is_text(bytes_text("Grüße, 世界 \xf0\x9f\x98\x80 ~")));
    ck_assert(!bytes_is_text(bytes_text("a\nb")));
    ck_assert(!bytes_is_text(bytes_text("\x7f")));
    ck_assert(!bytes_is_text(bytes_text("\xc2\x9f")));
    ck_assert(bytes_is_text(bytes_text("\xc2\xa0")));
    ck_assert(!bytes_is_text(bytes_of("a\0b", 3)));
    ck_assert(!bytes_is_text(bytes_text("ok\xc3")));
}
END_TEST

HARNESS_MAIN("bytes", integers_are_big_endian_at_any_alignment, order_is_unsigned_and_prefix_first,
             empty_bytes_need_no_address, beginning_is_no_longer_than_the_whole,
             hexadecimal_goes_there_and_back, other_than_hexadecimal_leaves_the_output,
             utf8_is_the_shortest_form_of_a_character, text_has_no_control_characters)
