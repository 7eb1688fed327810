#include "tools/tenured/executor.h"

#include <stdlib.h>
#include <string.h>

#include "test/harness.h"
#include "tools/tenured/node.h"

static struct node node;

static void setup_executor(void)
{
    memset(&node, 0, sizeof(node));
    node.executor.node = &node;
    ck_assert_int_eq(queue_init(&node.executor.jobs, EXECUTOR_JOBS, SIZE_MAX), ERR_NONE);
}

static void give(enum executor_kind kind, uint8_t seat)
{
    struct executor_job *job = calloc(1, sizeof(*job));
    ck_assert_ptr_nonnull(job);
    job->kind = kind;
    job->place.n = seat;
    executor_job_take(&node.executor, job);
}

/* How many wait; none afterwards. */
static size_t waiting(void)
{
    void *item;
    size_t count = 0;
    while (queue_pop(&node.executor.jobs, &item, 1, 0) > 0) {
        free(item);
        count++;
    }
    return count;
}

START_TEST(a_peer_that_asks_for_much_gets_its_share)
{
    setup_executor();
    for (size_t i = 0; i < 2 * EXECUTOR_JOBS; i++)
        give(i % 3 == 0   ? EXECUTOR_SERVE
             : i % 3 == 1 ? EXECUTOR_TELL
                          : EXECUTOR_COMPARE,
             2);
    give(EXECUTOR_SERVE, 3);
    ck_assert_uint_eq(waiting(), EXECUTOR_ASKED_MAX + 1);
    executor_release(&node.executor);
}
END_TEST

/* A full queue would stop the program here. */
START_TEST(no_peers_keep_a_job_of_consensus_out)
{
    const size_t asked = PEER_PLACES * EXECUTOR_ASKED_MAX;
    setup_executor();
    for (uint8_t seat = 0; seat < PEER_PLACES; seat++)
        for (size_t i = 0; i < EXECUTOR_JOBS; i++)
            give(EXECUTOR_TELL, seat);
    for (size_t i = 0; i < EXECUTOR_JOBS - asked; i++)
        give(EXECUTOR_DISCARD, 0);
    ck_assert_uint_eq(waiting(), EXECUTOR_JOBS);
    executor_release(&node.executor);
}
END_TEST

START_TEST(a_share_comes_back_when_its_jobs_are_done_with)
{
    setup_executor();
    for (size_t i = 0; i < 2 * EXECUTOR_ASKED_MAX; i++)
        give(EXECUTOR_COMPARE, 5);
    ck_assert_uint_eq(node.executor.asked[5], EXECUTOR_ASKED_MAX);
    executor_release(&node.executor);
    ck_assert_uint_eq(node.executor.asked[5], 0);
}
END_TEST

/* What this machine lacks stops it; only what the block itself is may be held against it. */
START_TEST(no_failure_of_this_machine_is_a_verdict_on_a_block)
{
    static const enum err own[] = {ERR_LIMIT, ERR_CORRUPT, ERR_IO};
    static const enum err others[] = {ERR_NONE,     ERR_MALFORMED, ERR_SIGNATURE, ERR_NOT_FOUND,
                                      ERR_MISMATCH, ERR_BUSY,      ERR_NOT_NOW,   ERR_USAGE};
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        ck_assert(executor_is_own_failure(own[i]));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert(!executor_is_own_failure(others[i]));
}
END_TEST

HARNESS_MAIN("executor", a_peer_that_asks_for_much_gets_its_share,
             no_peers_keep_a_job_of_consensus_out, a_share_comes_back_when_its_jobs_are_done_with,
             no_failure_of_this_machine_is_a_verdict_on_a_block)
