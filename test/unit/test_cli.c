#include "tools/tenure/cli.h"

#include "test/harness.h"

#include <stdlib.h>
#include <string.h>

static enum err run_none(struct cli *cli)
{
    (void)cli;
    return ERR_NONE;
}

static const struct cli_option options[] = {
    {"price", "AMOUNT", "", NULL},
    {"slots", "N", "", "2"},
    {"wait", NULL, "", NULL},
    {"rate", "X", "", NULL},
};

static const struct cli_command commands[] = {
    {"offer list", "", 0, 0, "", "", options, 4, run_none},
    {"offer withdraw", "OFFER", 1, 1, "", "", NULL, 0, run_none},
    {"status", "", 0, 0, "", "", NULL, 0, run_none},
};

static const struct cli_noun nouns[] = {{commands, 3}};
static struct cli cli;

/* Parses a command line, split at spaces. */
static enum err parse(const char *line)
{
    static char copy[256];
    char *argv[32], *rest = copy, *word;
    int argc = 0;

    snprintf(copy, sizeof(copy), "%s", line);
    arena_release(&cli.arena);
    memset(&cli, 0, sizeof(cli));
    arena_init(&cli.arena, 1u << 20);
    while ((word = strsep(&rest, " ")))
        argv[argc++] = word;
    return cli_parse(&cli, nouns, 1, argc, argv);
}

START_TEST(command_is_found_by_its_words)
{
    ck_assert_int_eq(parse("offer list"), ERR_NONE);
    ck_assert_ptr_eq(cli.command, &commands[0]);
    ck_assert_int_eq(parse("status --json"), ERR_NONE);
    ck_assert_ptr_eq(cli.command, &commands[2]);
    ck_assert(cli.json);
    ck_assert_int_eq(parse("offer withdraw 7"), ERR_NONE);
    ck_assert_str_eq(cli.words[0], "7");
}
END_TEST

START_TEST(slip_of_the_pen_is_answered_with_what_was_meant)
{
    ck_assert_int_eq(parse("offer lsit"), ERR_USAGE);
    ck_assert(strstr(cli.fault.text, "did you mean \"tenure offer list\"?"));
    ck_assert_int_eq(parse("offer list --prize 3"), ERR_USAGE);
    ck_assert(strstr(cli.fault.text, "did you mean --price?"));
    ck_assert_int_eq(parse("--json status"), ERR_USAGE);
    ck_assert_str_eq(cli.fault.text, "options follow the command: tenure COMMAND ... --json");
    ck_assert_int_eq(parse("frobnicate"), ERR_USAGE);
    ck_assert_str_eq(cli.fault.text, "there is no command \"tenure frobnicate\"");
}
END_TEST

START_TEST(wrong_number_of_arguments_is_refused)
{
    ck_assert_int_eq(parse("offer withdraw"), ERR_USAGE);
    ck_assert_str_eq(cli.fault.text, "\"tenure offer withdraw\" needs: OFFER");
    ck_assert_int_eq(parse("offer withdraw 7 8"), ERR_USAGE);
    ck_assert(strstr(cli.fault.text, "\"8\""));
    ck_assert_int_eq(parse("offer list --price"), ERR_USAGE);
    ck_assert_str_eq(cli.fault.text, "--price needs a value: AMOUNT");
    ck_assert_int_eq(parse("offer list --wait=yes"), ERR_USAGE);
    ck_assert_str_eq(cli.fault.text, "--wait takes no value");
}
END_TEST

START_TEST(values_come_in_order_and_the_last_one_counts)
{
    uint32_t at = 0;

    ck_assert_int_eq(parse("offer list --price 3 --price=4"), ERR_NONE);
    ck_assert_str_eq(cli_text(&cli, "price"), "4");
    ck_assert_str_eq(cli_next(&cli, "price", &at), "3");
    ck_assert_str_eq(cli_next(&cli, "price", &at), "4");
    ck_assert_ptr_null(cli_next(&cli, "price", &at));
    ck_assert_str_eq(cli_text(&cli, "slots"), "2");
    ck_assert(!cli_has(&cli, "slots"));
    ck_assert(!cli_has(&cli, "wait"));
}
END_TEST

START_TEST(after_two_dashes_all_are_arguments)
{
    ck_assert_int_eq(parse("offer withdraw -- --price"), ERR_NONE);
    ck_assert_str_eq(cli.words[0], "--price");
}
END_TEST

START_TEST(number_is_decimal_and_in_range)
{
    uint64_t value = 5;

    ck_assert(cli_parse_number(&value, "12", 0, 100) && value == 12);
    ck_assert(cli_parse_number(&value, "3k", 0, 3000) && value == 3000);
    ck_assert(cli_parse_number(&value, "2M", 0, UINT64_MAX) && value == 2000000);
    ck_assert(cli_parse_number(&value, "1G", 0, UINT64_MAX) && value == 1000000000);
    ck_assert(cli_parse_number(&value, "18446744073709551615", 0, UINT64_MAX) &&
              value == UINT64_MAX);
    value = 5;
    ck_assert(!cli_parse_number(&value, "18446744073709551616", 0, UINT64_MAX));
    ck_assert(!cli_parse_number(&value, "18446744073709552k", 0, UINT64_MAX));
    ck_assert(!cli_parse_number(&value, "101", 0, 100));
    ck_assert(!cli_parse_number(&value, "0", 1, 100));
    ck_assert(!cli_parse_number(&value, "", 0, 100));
    ck_assert(!cli_parse_number(&value, "k", 0, 100));
    ck_assert(!cli_parse_number(&value, "-1", 0, 100));
    ck_assert(!cli_parse_number(&value, "+1", 0, 100));
    ck_assert(!cli_parse_number(&value, "0x10", 0, 100));
    ck_assert(!cli_parse_number(&value, "1 ", 0, 100));
    ck_assert_uint_eq(value, 5);
}
END_TEST

START_TEST(fraction_becomes_the_nearest_binary32)
{
    uint32_t bits = 7;

    ck_assert_int_eq(parse("offer list --rate 0.001"), ERR_NONE);
    ck_assert_int_eq(cli_float_bits(&bits, &cli, "rate"), ERR_NONE);
    ck_assert_uint_eq(bits, 0x3a83126f);
    ck_assert_int_eq(parse("offer list --rate 1e39"), ERR_NONE);
    ck_assert_int_eq(cli_float_bits(&bits, &cli, "rate"), ERR_USAGE);
    ck_assert_int_eq(parse("offer list --rate nan"), ERR_NONE);
    ck_assert_int_eq(cli_float_bits(&bits, &cli, "rate"), ERR_USAGE);
    ck_assert_int_eq(parse("offer list --rate 0x1p3"), ERR_NONE);
    ck_assert_int_eq(cli_float_bits(&bits, &cli, "rate"), ERR_USAGE);
    ck_assert_int_eq(parse("offer list --rate 1,5"), ERR_NONE);
    ck_assert_int_eq(cli_float_bits(&bits, &cli, "rate"), ERR_USAGE);
    ck_assert_uint_eq(bits, 0x3a83126f);
}
END_TEST

START_TEST(exit_code_tells_what_happened)
{
    arena_release(&cli.arena);
    memset(&cli, 0, sizeof(cli));
    ck_assert_int_eq(cli_exit_code(&cli, ERR_NONE), CLI_DONE);
    ck_assert_int_eq(cli_exit_code(&cli, ERR_MISMATCH), CLI_FAILED);
    ck_assert_int_eq(cli_exit_code(&cli, ERR_USAGE), CLI_USAGE);
    cli.timed_out = true;
    ck_assert_int_eq(cli_exit_code(&cli, ERR_NOT_NOW), CLI_TIMEOUT);
    cli.unreachable = true;
    ck_assert_int_eq(cli_exit_code(&cli, ERR_IO), CLI_UNREACHABLE);
}
END_TEST

HARNESS_MAIN("cli", command_is_found_by_its_words, slip_of_the_pen_is_answered_with_what_was_meant,
             wrong_number_of_arguments_is_refused, values_come_in_order_and_the_last_one_counts,
             after_two_dashes_all_are_arguments, number_is_decimal_and_in_range,
             fraction_becomes_the_nearest_binary32, exit_code_tells_what_happened)
