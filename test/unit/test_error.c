#include "base/error.h"

#include <string.h>

#include "test/harness.h"

START_TEST(failing_function_returns_its_code_and_sentence)
{
    struct fault fault;
    ck_assert_int_eq(fault_set(&fault, ERR_LIMIT, "line %d of %s", 7, "node.ini"), ERR_LIMIT);
    ck_assert_int_eq(fault.code, ERR_LIMIT);
    ck_assert_str_eq(fault.text, "line 7 of node.ini");
}
END_TEST

START_TEST(nobody_need_want_the_sentence)
{
    ck_assert_int_eq(fault_set(NULL, ERR_IO, "%s", "unheard"), ERR_IO);
}
END_TEST

START_TEST(long_sentence_is_cut)
{
    struct fault fault;
    char longer[2 * FAULT_TEXT_SIZE];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = 0;
    ck_assert_int_eq(fault_set(&fault, ERR_IO, "%s", longer), ERR_IO);
    ck_assert_uint_eq(strlen(fault.text), FAULT_TEXT_SIZE - 1);
}
END_TEST

START_TEST(every_code_has_its_own_name)
{
    for (int i = ERR_NONE; i <= ERR_USAGE; i++) {
        ck_assert_str_ne(err_name((enum err)i), "unknown");
        for (int j = ERR_NONE; j < i; j++)
            ck_assert_str_ne(err_name((enum err)i), err_name((enum err)j));
    }
}
END_TEST

HARNESS_MAIN("error", failing_function_returns_its_code_and_sentence, nobody_need_want_the_sentence,
             long_sentence_is_cut, every_code_has_its_own_name)
