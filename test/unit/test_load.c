#include "contracts/load.h"

#include "contracts/path.h"
#include "test/unit/market.h"

/* At 10 * 10^6 multiply-adds a second; each job's audit alone has 1 s. */
#define RATE 10
#define TURN 1000

static struct market m;
static struct catalog_run run;
static struct address replayer;

static void begin(void)
{
    m = (struct market){.count = 0};
    m.source = (struct view_source){&m, market_source_get, market_source_next};
    arena_init(&m.arena, 1u << 26);
    view_init(&m.view, &m.source, &m.arena);
    run = (struct catalog_run){&m.view, &m.context, &m.events, &address_zero};
    replayer = market_address(MARKET_REPLAYER_0);
}

static uint64_t ms(const struct jobs_mark *mark)
{
    return load_ms(&m.view, &replayer, mark, RATE, TURN);
}

START_TEST(work_takes_as_long_as_all_that_is_open)
{
    struct jobs_mark first, second;
    begin();
    load_add(&run, &replayer, 1, 4, &first);
    ck_assert_uint_eq(ms(&first), 400);
    load_add(&run, &replayer, 2, 5, &second);
    ck_assert_uint_eq(ms(&second), 900);
    ck_assert_uint_eq(ms(&first), 900); /* the second may have had its turn first */
    load_drop(&run, &replayer, 2, 5);
    ck_assert_uint_eq(ms(&first), 900);
    load_drop(&run, &replayer, 1, 4);
    load_add(&run, &replayer, 3, 3, &second);
    ck_assert_uint_eq(ms(&second), 300);
    market_release(&m);
}
END_TEST

/* The attack: a job of many audits that nobody will pay for, so that another one's round stalls. */
START_TEST(a_flood_of_one_job_costs_another_no_more_than_an_equal)
{
    struct jobs_mark mark;
    begin();
    for (int i = 0; i < 1000; i++)
        load_add(&run, &replayer, 1, 50, &mark);
    load_add(&run, &replayer, 2, 10, &mark);
    ck_assert_uint_eq(ms(&mark), 2 * TURN);
    load_add(&run, &replayer, 3, 10, &mark);
    ck_assert_uint_eq(ms(&mark), 3 * TURN);
    market_release(&m);
}
END_TEST

START_TEST(what_was_assigned_before_there_was_a_count_drops_nothing)
{
    struct jobs_mark mark;
    begin();
    load_add(&run, &replayer, 1, 4, &mark);
    load_drop(&run, &replayer, 2, 7);
    ck_assert_uint_eq(ms(&mark), 400);
    load_drop(&run, &replayer, 1, 7);
    load_add(&run, &replayer, 1, 4, &mark);
    ck_assert_uint_eq(ms(&mark), 400);
    market_release(&m);
}
END_TEST

START_TEST(no_work_takes_longer_than_a_replay_may)
{
    struct jobs_mark mark;
    begin();
    load_add(&run, &replayer, 1, 1ull << 60, &mark);
    ck_assert_uint_eq(load_ms(&m.view, &replayer, &mark, 1, JOBS_TIME_MAX_MS), JOBS_TIME_MAX_MS);
    load_add(&run, &replayer, 2, 1, &mark);
    ck_assert_uint_eq(load_ms(&m.view, &replayer, &mark, 1, JOBS_TIME_MAX_MS), JOBS_TIME_MAX_MS);
    market_release(&m);
}
END_TEST

HARNESS_MAIN("load", work_takes_as_long_as_all_that_is_open,
             a_flood_of_one_job_costs_another_no_more_than_an_equal,
             what_was_assigned_before_there_was_a_count_drops_nothing,
             no_work_takes_longer_than_a_replay_may)
