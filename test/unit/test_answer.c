#include "tools/tenure/answer.h"

#include "test/harness.h"

static struct answer *root;
static struct fault fault;

static void parse(const char *json)
{
    ck_assert_int_eq(answer_parse(&root, bytes_text(json), &fault), ERR_NONE);
}

START_TEST(members_are_read_by_path)
{
    parse("{\"pool\":{\"count\":7},\"name\":\"node-0\",\"big\":\"18446744073709551615\",\"on\":"
          "true,\"none\":null}");
    ck_assert_uint_eq(answer_number(root, "pool.count"), 7);
    ck_assert_str_eq(answer_text(root, "name"), "node-0");
    ck_assert_uint_eq(answer_number(root, "big"), UINT64_MAX);
    ck_assert(answer_true(root, "on"));
    ck_assert(answer_has(root, "on"));
    ck_assert(!answer_has(root, "none"));
}
END_TEST

START_TEST(what_is_missing_or_of_another_type_is_empty)
{
    parse("{\"name\":3,\"list\":[1,2]}");
    ck_assert_str_eq(answer_text(root, "name"), "");
    ck_assert_str_eq(answer_text(root, "other.name"), "");
    ck_assert_uint_eq(answer_number(root, "list"), 0);
    ck_assert_uint_eq(answer_count(root, "name"), 0);
    ck_assert_ptr_null(answer_item(root, "list", 2));
    ck_assert_ptr_null(answer_at(NULL, "a"));
    ck_assert_uint_eq(answer_number(answer_item(root, "list", 1), ""), 2);
    ck_assert(!answer_true(root, "name"));
}
END_TEST

START_TEST(members_come_in_their_order)
{
    const struct answer *value;
    void *at = NULL;

    parse("{\"b\":1,\"a\":2}");
    ck_assert_str_eq(answer_member(root, &at, &value), "b");
    ck_assert_str_eq(answer_member(root, &at, &value), "a");
    ck_assert_uint_eq(answer_number(value, ""), 2);
    ck_assert_ptr_null(answer_member(root, &at, &value));
}
END_TEST

START_TEST(a_member_can_be_set)
{
    parse("{\"a\":1,\"b\":2}");
    answer_put(root, "a", "\"x\"");
    answer_put(root, "b", NULL);
    ck_assert_str_eq(answer_text(root, "a"), "\"x\"");
    ck_assert(!answer_has(root, "b"));
}
END_TEST

START_TEST(what_is_no_json_is_refused)
{
    static const char *const wrong[] = {"", "{", "{\"a\":1}x", "{\"a\":1,\"a\":2}", "nothing"};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ck_assert_msg(answer_parse(&root, bytes_text(wrong[i]), &fault) == ERR_MALFORMED, "%s",
                      wrong[i]);
}
END_TEST

START_TEST(values_show_as_in_a_table)
{
    char text[32];

    parse("{\"n\":12,\"t\":\"x\",\"y\":true,\"l\":[1, 2],\"z\":null}");
    answer_show(text, sizeof(text), answer_at(root, "n"));
    ck_assert_str_eq(text, "12");
    answer_show(text, sizeof(text), answer_at(root, "t"));
    ck_assert_str_eq(text, "x");
    answer_show(text, sizeof(text), answer_at(root, "y"));
    ck_assert_str_eq(text, "yes");
    answer_show(text, sizeof(text), answer_at(root, "l"));
    ck_assert_str_eq(text, "[1,2]");
    answer_show(text, sizeof(text), answer_at(root, "z"));
    ck_assert_str_eq(text, "-");
}
END_TEST

HARNESS_MAIN("answer", members_are_read_by_path, what_is_missing_or_of_another_type_is_empty,
             members_come_in_their_order, a_member_can_be_set, what_is_no_json_is_refused, values_show_as_in_a_table)
