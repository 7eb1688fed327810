#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#include "test/harness.h"

START_TEST(text_grows_to_its_bound_and_no_further)
{
    struct text text;
    text_init(&text, 1000);
    ck_assert_str_eq(text_string(&text), "");
    for (int i = 0; i < 100; i++)
        text_add(&text, "%09d;", i);
    ck_assert(!text.failed);
    ck_assert_uint_eq(text.size, 1000);
    ck_assert_str_eq(text_string(&text) + 990, "000000099;");
    text_put(&text, bytes_text("x"));
    ck_assert(text.failed);
    ck_assert_uint_eq(strlen(text_string(&text)), 1000);
    text_release(&text);
}
END_TEST

START_TEST(failed_text_stays_failed_until_it_is_cleared)
{
    struct text text;
    text_init(&text, 4);
    text_put(&text, bytes_text("ab"));
    text_put(&text, bytes_text("too long"));
    text_put(&text, bytes_text("c"));
    ck_assert(text.failed);
    ck_assert_str_eq(text_string(&text), "ab");
    text_clear(&text);
    ck_assert_str_eq(text_string(&text), "");
    text_put(&text, bytes_text("c"));
    ck_assert(!text.failed);
    ck_assert_str_eq(text_string(&text), "c");
    text_release(&text);
}
END_TEST

START_TEST(json_strings_are_escaped)
{
    struct text text;
    text_init(&text, 1000);
    text_json(&text, bytes_of("a\"b\\c\n\0\x1f\x7f/", 10));
    ck_assert_str_eq(text_string(&text), "\"a\\\"b\\\\c\\u000a\\u0000\\u001f\x7f/\"");
    text_release(&text);
}
END_TEST

START_TEST(bytes_that_are_no_utf8_become_replacement_characters)
{
    struct text text;
    text_init(&text, 1000);
    text_json(&text, bytes_text("é\xff世\xe4\xb8"));
    ck_assert_str_eq(text_string(&text), "\"é\xef\xbf\xbd世\xef\xbf\xbd\xef\xbf\xbd\"");
    text_release(&text);
}
END_TEST

HARNESS_MAIN("text", text_grows_to_its_bound_and_no_further,
             failed_text_stays_failed_until_it_is_cleared, json_strings_are_escaped,
             bytes_that_are_no_utf8_become_replacement_characters)
