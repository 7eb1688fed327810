#include "tools/tenure/job_terms.h"

#include "contracts/share.h"

#include "test/harness.h"

#include <string.h>

static enum err run_none(struct cli *cli)
{
    (void)cli;
    return ERR_NONE;
}

static const struct cli_command commands[] = {
    {"job plan", "", 0, 0, "", "", job_terms_options, JOB_TERMS_OPTIONS, run_none},
};
static const struct cli_noun nouns[] = {{commands, 1}};
static struct cli cli;
static struct job_terms terms;

/* Reads the terms of a command line, split at spaces. */
static enum err read_line(const char *line)
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
    ck_assert_int_eq(cli_parse(&cli, nouns, 1, argc, argv), ERR_NONE);
    return job_terms_read(&cli, &terms, 1000, 2);
}

START_TEST(defaults_are_the_fashion_mnist_job)
{
    ck_assert_int_eq(read_line("job plan"), ERR_NONE);
    ck_assert_uint_eq(program_parameter_count(&terms.program), 784 * 128 + 128 + 128 * 10 + 10);
    ck_assert_uint_eq(terms.job.intervals, 10);
    ck_assert_uint_eq(terms.job.work, 3ull * 64 * (784 * 128 + 128 * 10) * 200);
    ck_assert_uint_eq(terms.job.terms.workers, 3);
    ck_assert_uint_eq(terms.job.terms.quorum, 3);
    ck_assert_uint_eq(terms.job.terms.sample, 0);
    ck_assert_uint_eq(terms.job.terms.deadline_ms, 1000 + 86400000);
    ck_assert(!terms.has_budget);
}
END_TEST

START_TEST(terms_follow_the_options)
{
    ck_assert_int_eq(
        read_line("job plan --workers 5 --quorum 4 --audit 2 --steps 50 --interval 20 --budget 77"),
        ERR_NONE);
    ck_assert_uint_eq(terms.job.terms.workers, 5);
    ck_assert_uint_eq(terms.job.terms.quorum, 4);
    ck_assert_uint_eq(terms.job.terms.sample, 2);
    ck_assert_uint_eq(terms.job.intervals, 3);
    ck_assert(terms.has_budget);
    ck_assert_uint_eq(terms.job.terms.budget.be[31], 77);
}
END_TEST

START_TEST(a_gpt_has_numbers_of_its_own)
{
    ck_assert_int_eq(
        read_line(
            "job plan --family gpt --blocks 2 --heads 4 --width 32 --context 16 --symbols 300 "
            "--micro-batches 2 --batch 3 --warm-up 5 --decay 50 --rate-last 0.0001 --clip 0.5 "
            "--dropout 0.25"),
        ERR_NONE);
    const struct program_gpt *g = &terms.program.gpt;
    ck_assert_uint_eq(terms.program.family, PROGRAM_GPT);
    ck_assert_uint_eq(g->blocks * 1000 + g->heads * 100 + g->width, 2432);
    ck_assert_uint_eq(g->context * 1000 + g->symbols, 16300);
    ck_assert_uint_eq(g->micro_batches * 1000 + g->warm_up * 100 + g->decay, 2550);
    ck_assert_uint_eq(g->rate_last, program_bits(0.0001f));
    ck_assert_uint_eq(g->clip, program_bits(0.5f));
    ck_assert_uint_eq(g->dropout, 1u << 30);
    ck_assert_int_eq(read_line("job plan --family gpt"), ERR_NONE);
    ck_assert_uint_eq(terms.job.terms.memory_mib, program_memory_mib(&terms.program));
}
END_TEST

START_TEST(impossible_terms_are_refused_as_usage)
{
    static const char *const wrong[] = {
        "job plan --workers 0",
        "job plan --workers 65",
        "job plan --quorum 4",
        "job plan --audit 11",
        "job plan --audit 0",
        "job plan --interval 201",
        "job plan --layers 784",
        "job plan --layers 784,,10",
        "job plan --learning-rate -1",
        "job plan --optimizer adam",
        "job plan --segment-s 300 --round-s 299",
        "job plan --steps 257 --interval 1",
        "job plan --stake 1.5",
        "job plan --family rnn",
        "job plan --shares 200,100",
        "job plan --shares 200,100,100,100",
        "job plan --shares 200,100,220",
        "job plan --shares 200,100,50",
        "job plan --shares 200,100,0",
        "job plan --shares rates",
        "job plan --shares 200,100,20 --audit 2",
        "job plan --blocks 2",
        "job plan --family gpt --layers 784,10",
        "job plan --family gpt --heads 3",
        "job plan --family gpt --symbols 65537",
        "job plan --family gpt --memory 1",
        "job plan --family gpt --dropout 1",
        "job plan --family gpt --dropout 0.9",
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ck_assert_msg(read_line(wrong[i]) == ERR_USAGE, "%s", wrong[i]);
}
END_TEST

START_TEST(a_list_is_numbers_between_commas)
{
    uint32_t numbers[3], count = 0;

    ck_assert(job_terms_parse_list(numbers, &count, 3, "784,128,10"));
    ck_assert_uint_eq(count, 3);
    ck_assert_uint_eq(numbers[1], 128);
    ck_assert(!job_terms_parse_list(numbers, &count, 3, "1,2,3,4"));
    ck_assert(!job_terms_parse_list(numbers, &count, 3, "784,"));
    ck_assert(!job_terms_parse_list(numbers, &count, 3, "0"));
    ck_assert(!job_terms_parse_list(numbers, &count, 3, ""));
    ck_assert_uint_eq(count, 3);
}
END_TEST

START_TEST(shares_are_steps_by_worker)
{
    ck_assert_int_eq(read_line("job plan --shares 200,60,20 --audit 1"), ERR_NONE);
    ck_assert_uint_eq(terms.job.terms.share_count, 3);
    ck_assert_uint_eq(share_of(&terms.job, 1).steps, 60);
    ck_assert_uint_eq(share_of(&terms.job, 1).intervals, 3);
    ck_assert_int_eq(read_line("job plan --shares rate"), ERR_NONE);
    ck_assert(terms.by_rate);
    ck_assert_uint_eq(terms.job.terms.share_count, 0);
}
END_TEST

/* Counted by hand: 10 intervals, one made up, 2 drawn: 1 - C(9,2)/C(10,2) = 1 - 36/45 = 20 %. */
START_TEST(detection_follows_the_draw)
{
    ck_assert_uint_eq(job_terms_caught(10, 2, 1), 2000);
    ck_assert_uint_eq(job_terms_caught(10, 2, 5), 7777);
    ck_assert_uint_eq(job_terms_caught(10, 0, 1), 10000);
    ck_assert_uint_eq(job_terms_caught(10, 10, 1), 10000);
    ck_assert_uint_eq(job_terms_caught(10, 1, 10), 10000);
    ck_assert_uint_eq(job_terms_caught(1, 1, 1), 10000);
}
END_TEST

START_TEST(certainty_is_a_number_of_segments)
{
    ck_assert_uint_eq(job_terms_sure(10000), 1);
    ck_assert_uint_eq(job_terms_sure(9991), 1);
    ck_assert_uint_eq(job_terms_sure(5000), 10); /* 1 in 1,024 */
    ck_assert_uint_eq(job_terms_sure(2000), 31); /* 0.8^31 = 0.00099 */
    ck_assert_uint_eq(job_terms_sure(39), 1768); /* one of 256 intervals */
}
END_TEST

HARNESS_MAIN("job_terms", a_gpt_has_numbers_of_its_own, defaults_are_the_fashion_mnist_job,
             terms_follow_the_options, impossible_terms_are_refused_as_usage,
             a_list_is_numbers_between_commas, shares_are_steps_by_worker,
             detection_follows_the_draw, certainty_is_a_number_of_segments)
