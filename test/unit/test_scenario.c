#include "test/sim/shrink.h"

#include <string.h>

#include "test/harness.h"

START_TEST(a_seed_gives_the_same_run_again)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct scenario scenario;
        struct outcome one, two;
        scenario_draw(&scenario, seed);
        scenario_run(&scenario, true, &one);
        scenario_run(&scenario, true, &two);
        ck_assert_uint_eq(one.trace, two.trace);
        ck_assert_str_eq(text_string(&one.story), text_string(&two.story));
        ck_assert_uint_gt(strlen(text_string(&one.story)), 1000);
        scenario_release(&one);
        scenario_release(&two);
    }
}
END_TEST

START_TEST(what_is_set_is_told_in_the_same_form)
{
    struct scenario scenario, again;
    scenario_draw(&scenario, 5);
    scenario_draw(&again, 5);
    ck_assert(scenario_set(&scenario, "count=7,liars=65,calm=0,faults=1234"));
    struct text text;
    text_init(&text, 4096);
    scenario_text(&scenario, &text);
    ck_assert(strstr(text_string(&text), "faults=1234") != NULL);
    ck_assert(scenario_set(&again, text_string(&text)));
    ck_assert_mem_eq(&scenario, &again, sizeof(scenario));
    text_release(&text);
    ck_assert(!scenario_set(&again, "count"));
    ck_assert(!scenario_set(&again, "count=x"));
    ck_assert(!scenario_set(&again, "weather=1"));
    ck_assert(!scenario_set(&again, "count=17"));
}
END_TEST

/* What the judge is for: with more liars than f there are forks, and the run that shows one is made plainer. */
START_TEST(too_many_liars_are_seen_to_fork)
{
    struct scenario scenario;
    struct outcome outcome;
    bool good = true;
    for (uint64_t seed = 1; good; seed++) { /* one in four forks */
        ck_assert_uint_le(seed, 40);
        scenario_draw(&scenario, seed);
        ck_assert(scenario_set(&scenario, "count=4,liars=3,tricks=1,rotten=0,faults=60000,loss=0,"
                                          "misfortunes=3,lull=1500,calm=0,cuts=0,blackouts=0"));
        scenario_run(&scenario, false, &outcome);
        good = outcome.good;
        if (good)
            scenario_release(&outcome);
    }
    ck_assert(strstr(text_string(&outcome.faults), "decides another block") != NULL);
    scenario_release(&outcome);

    ck_assert_uint_gt(shrink_scenario(&scenario), 10);
    ck_assert_uint_eq(scenario.values[SCENARIO_MISFORTUNES], 0);
    ck_assert_uint_eq(scenario.values[SCENARIO_LIARS], 3);
    ck_assert_uint_lt(scenario.values[SCENARIO_FAULTS_MS], 60000);
    scenario_run(&scenario, false, &outcome);
    ck_assert(!outcome.good);
    scenario_release(&outcome);
}
END_TEST

HARNESS_MAIN("scenario", a_seed_gives_the_same_run_again, what_is_set_is_told_in_the_same_form,
             too_many_liars_are_seen_to_fork)
