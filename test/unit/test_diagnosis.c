#include "tools/sys/diagnosis.h"

#include <stdio.h>

#include "test/harness.h"

/* 12:04:16 UTC on some day, and five seconds before. */
#define NOW_MS  (20000ull * 86400000 + 43456000)
#define LOST_MS (NOW_MS - 5000)

static struct diagnosis d;
static struct diagnosis_node nodes[7];
static struct text out;

/* Four validators of which `count` are asked; all is well. */
static void healthy(uint32_t count)
{
    d = (struct diagnosis){.validators = 4,
                           .quorum = 3,
                           .interval_max_ms = 6000,
                           .clock_bound_ms = 30000,
                           .now_ms = NOW_MS,
                           .nodes = nodes,
                           .count = count};
    for (uint8_t seat = 0; seat < 7; seat++) {
        snprintf(d.names[seat], sizeof(d.names[seat]), "node-%u", seat);
        nodes[seat] = (struct diagnosis_node){.answers = true,
                                              .label = "http://x",
                                              .seat = seat,
                                              .clock_ms = NOW_MS,
                                              .asked_ms = NOW_MS,
                                              .disk_free_bytes = 1ull << 40,
                                              .height = 7,
                                              .durable = 7,
                                              .target = 7,
                                              .idle_ms = 900,
                                              .timeout_ms = 2000,
                                              .active = true,
                                              .connected = 15 & ~(1ull << seat)};
    }
}

static void lose(uint8_t seat)
{
    for (uint8_t i = 0; i < 7; i++) {
        nodes[i].connected &= ~(1ull << seat);
        nodes[i].since_ms[seat] = LOST_MS;
    }
    nodes[seat].answers = false;
    nodes[seat].why = "connection refused";
}

/* Nothing was committed since longer than the chain may rest. */
static void stall(void)
{
    for (uint8_t i = 0; i < 7; i++)
        nodes[i].idle_ms = 9000;
}

static void expect(enum diagnosis_verdict verdict, uint64_t missing, const char *sentence)
{
    text_init(&out, 4096);
    struct diagnosis_finding finding = diagnosis_make(&d, &out);
    ck_assert_str_eq(text_string(&out), sentence);
    ck_assert_str_eq(diagnosis_name(finding.verdict), diagnosis_name(verdict));
    ck_assert_uint_eq(finding.missing, missing);
    text_release(&out);
}

START_TEST(a_chain_that_moves_needs_nothing)
{
    healthy(4);
    expect(DIAGNOSIS_HEALTHY, 0, "the chain moves: block 7 in view 0");
    healthy(1);
    expect(DIAGNOSIS_HEALTHY, 0, "the chain moves: block 7 in view 0");
}
END_TEST

START_TEST(a_validator_that_is_away_is_named_while_the_others_go_on)
{
    healthy(4);
    lose(3);
    expect(DIAGNOSIS_UNREACHABLE, 8,
           "the chain moves: block 7 in view 0; node-3 unreachable since 12:04:11 (connection "
           "refused)");
    nodes[3].seat = LIMIT_VALIDATORS;
    expect(DIAGNOSIS_UNREACHABLE, 8,
           "the chain moves: block 7 in view 0; node-3 unreachable since 12:04:11");
    nodes[2].answers = false;
    nodes[2].seat = LIMIT_VALIDATORS;
    nodes[2].why = "timed out";
    expect(
        DIAGNOSIS_UNREACHABLE, 8,
        "the chain moves: block 7 in view 0; node-3 unreachable since 12:04:11; http://x doesn't "
        "answer: timed out; http://x doesn't answer: connection refused");
}
END_TEST

START_TEST(without_a_quorum_it_says_who_is_missing)
{
    healthy(4);
    lose(2);
    lose(3);
    nodes[3].why = "its log ends with: failed no space left on device";
    expect(DIAGNOSIS_NO_QUORUM, 12,
           "no quorum: 2 of 4 validators reach each other and 3 are needed; block 7 was the last; "
           "node-2 unreachable since 12:04:11 (connection refused); node-3 unreachable since "
           "12:04:11 (its log ends with: failed no space left on device)");
}
END_TEST

START_TEST(one_node_that_is_cut_off_is_no_chain_that_stands_still)
{
    healthy(4);
    nodes[1].connected = 0;
    for (uint8_t i = 0; i < 4; i++)
        if (i != 1) {
            nodes[i].connected &= ~2ull;
            nodes[i].since_ms[1] = LOST_MS;
        }
    expect(DIAGNOSIS_UNREACHABLE, 2,
           "the chain moves: block 7 in view 0; node-1 unreachable since 12:04:11");
}
END_TEST

START_TEST(missing_votes_are_counted_over_all_that_answer)
{
    healthy(7);
    d.validators = 7;
    d.quorum = 5;
    for (uint8_t i = 0; i < 7; i++)
        nodes[i].connected = 127 & ~(1ull << i);
    lose(3);
    stall();
    for (uint8_t i = 0; i < 7; i++) {
        nodes[i].in_flight = 2;
        nodes[i].prepares = 0x57; /* all but 3 and 5 */
        nodes[i].commits = 1ull << i;
    }
    nodes[5].commits = nodes[6].commits = 0;
    nodes[5].answers = false;
    nodes[5].why = "no answer";
    expect(DIAGNOSIS_NO_COMMITS, 0x68,
           "waiting for COMMIT of validators node-3, node-5, node-6 for block 8 in view 0; node-3 "
           "unreachable since 12:04:11 (connection refused); node-5 doesn't answer: no answer");
    for (uint8_t i = 0; i < 7; i++)
        nodes[i].prepares = 3;
    expect(
        DIAGNOSIS_NO_PREPARES, 0x7c,
        "waiting for PREPARE of validators node-2, node-3, node-4, node-5, node-6 for block 8 in "
        "view 0; node-3 unreachable since 12:04:11 (connection refused); node-5 doesn't answer: "
        "no answer");
}
END_TEST

START_TEST(a_view_change_says_what_it_lacks)
{
    healthy(4);
    stall();
    lose(3);
    for (uint8_t i = 0; i < 4; i++) {
        nodes[i].active = false;
        nodes[i].view = 5;
        nodes[i].primary = 1;
        nodes[i].changes = 1ull << i & 3;
    }
    expect(DIAGNOSIS_VIEW_CHANGE, 12,
           "changing to view 5; 2 of 3 VIEW-CHANGEs are here; waiting for those of validators "
           "node-2, node-3; node-3 unreachable since 12:04:11 (connection refused)");
    nodes[2].changes = 4;
    expect(DIAGNOSIS_VIEW_CHANGE, 10,
           "changing to view 5; waiting for NEW-VIEW of its primary node-1; node-3 unreachable "
           "since 12:04:11 (connection refused)");
    /* A change that is on for a moment is no standstill. */
    for (uint8_t i = 0; i < 4; i++)
        nodes[i].idle_ms = 50;
    expect(DIAGNOSIS_UNREACHABLE, 8,
           "the chain moves: block 7 in view 5; node-3 unreachable since 12:04:11 (connection "
           "refused)");
}
END_TEST

START_TEST(a_silent_primary_is_named_since_when_it_owes)
{
    healthy(4);
    for (uint8_t i = 0; i < 4; i++) {
        nodes[i].owed_ms = 5000;
        nodes[i].primary = 2;
    }
    expect(DIAGNOSIS_NO_PROPOSAL, 4,
           "waiting for primary node-2 to propose block 8 in view 0 since 12:04:11");
}
END_TEST

START_TEST(what_is_decided_waits_for_the_disk)
{
    healthy(1);
    stall();
    nodes[0].durable = 5;
    expect(DIAGNOSIS_NOT_STORED, 0, "block 7 is decided; waiting for the disk");
    nodes[0].in_flight = 1;
    nodes[0].prepares = nodes[0].commits = 7;
    expect(DIAGNOSIS_NOT_STORED, 0, "block 8 is decided; waiting for its execution and the disk");
}
END_TEST

START_TEST(behind_catching_up_muted_and_halted_are_told_apart)
{
    healthy(4);
    for (uint8_t i = 0; i < 4; i++)
        nodes[i].height = nodes[i].durable = nodes[i].target = 100;
    nodes[1].height = nodes[1].target = 10;
    expect(DIAGNOSIS_BEHIND, 0,
           "the chain moves: block 100 in view 0; node-1 is behind: block 10 of 100");
    nodes[1].target = 99;
    expect(DIAGNOSIS_CATCHING_UP, 0,
           "the chain moves: block 100 in view 0; node-1 is catching up: block 10 of 100");
    nodes[2].muted = true;
    expect(DIAGNOSIS_MUTED, 0,
           "the chain moves: block 100 in view 0; node-1 is catching up: block 10 of 100; node-2 "
           "doesn't vote, since its log of votes isn't whole");
    nodes[3].halted = true;
    nodes[3].height = 99;
    expect(DIAGNOSIS_HALTED, 0,
           "the chain moves: block 100 in view 0; node-1 is catching up: block 10 of 100; node-2 "
           "doesn't vote, since its log of votes isn't whole; node-3 has halted at block 99: its "
           "result differs from the quorum's");
}
END_TEST

START_TEST(a_node_alone_knows_that_it_is_behind)
{
    healthy(1);
    stall();
    nodes[0].target = 500;
    expect(DIAGNOSIS_CATCHING_UP, 0,
           "the chain moves: block 500 in view 0; node-0 is catching up: block 7 of 500");
}
END_TEST

START_TEST(a_clock_is_compared_with_the_others)
{
    healthy(4);
    nodes[2].clock_ms += 3600000;
    expect(DIAGNOSIS_CLOCK_OFF, 0,
           "the chain moves: block 7 in view 0; node-2 has a clock that is 3600 s ahead");
    nodes[2].clock_ms -= 2 * 3600000;
    expect(DIAGNOSIS_CLOCK_OFF, 0,
           "the chain moves: block 7 in view 0; node-2 has a clock that is 3600 s behind");
    /* The one who asks may have the wrong clock itself. */
    nodes[2].clock_ms = NOW_MS;
    for (uint8_t i = 0; i < 4; i++)
        nodes[i].asked_ms -= 3600000;
    expect(DIAGNOSIS_HEALTHY, 0, "the chain moves: block 7 in view 0");
}
END_TEST

START_TEST(a_disk_that_is_nearly_full_is_told_before_it_is)
{
    healthy(4);
    nodes[1].disk_free_bytes = 12u << 20;
    expect(DIAGNOSIS_DISK_LOW_HERE, 0,
           "the chain moves: block 7 in view 0; node-1 has 12 MB left on its disk");
}
END_TEST

START_TEST(nobody_answers)
{
    healthy(2);
    lose(0);
    lose(1);
    nodes[1].label = "http://y";
    expect(DIAGNOSIS_NO_ANSWER, 0,
           "no node answers; http://x: connection refused; http://y: connection refused");
}
END_TEST

START_TEST(a_time_of_another_day_has_its_date)
{
    char text[DIAGNOSIS_TIME_SIZE];
    ck_assert_str_eq(diagnosis_time(text, LOST_MS, NOW_MS), "12:04:11");
    ck_assert_str_eq(diagnosis_time(text, LOST_MS, NOW_MS + 86400000), "2024-10-04 12:04:11");
}
END_TEST

HARNESS_MAIN("diagnosis", a_chain_that_moves_needs_nothing,
             a_validator_that_is_away_is_named_while_the_others_go_on,
             without_a_quorum_it_says_who_is_missing,
             one_node_that_is_cut_off_is_no_chain_that_stands_still,
             missing_votes_are_counted_over_all_that_answer, a_view_change_says_what_it_lacks,
             a_silent_primary_is_named_since_when_it_owes, what_is_decided_waits_for_the_disk,
             behind_catching_up_muted_and_halted_are_told_apart,
             a_node_alone_knows_that_it_is_behind, a_clock_is_compared_with_the_others,
             a_disk_that_is_nearly_full_is_told_before_it_is, nobody_answers,
             a_time_of_another_day_has_its_date)
