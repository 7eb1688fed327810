#include "consensus/narrate.h"

#include <string.h>

#include "test/harness.h"

static char text[NARRATE_TEXT_SIZE];

static const char *told(struct narrate_line line)
{
    narrate_text(text, &line);
    return text;
}

START_TEST(lines_read_as_a_story)
{
    ck_assert_str_eq(told((struct narrate_line){.kind = NARRATE_SUSPECTED, .view = {3}}),
                     "| no progress in view 3");
    ck_assert_str_eq(told((struct narrate_line){.kind = NARRATE_RECEIVED,
                                                .tag = MESSAGE_COMMIT,
                                                .from = {2},
                                                .height = {7},
                                                .view = {1},
                                                .count = 2,
                                                .needed = 3}),
                     "< commit 7 in view 1 from 2 (2 of 3)");
    ck_assert_str_eq(told((struct narrate_line){.kind = NARRATE_RECEIVED,
                                                .tag = MESSAGE_VIEW_CHANGE,
                                                .from = {2},
                                                .view = {1},
                                                .count = 2,
                                                .needed = 3}),
                     "< view-change 1 from 2 (2 of 3)");
    ck_assert_str_eq(
        told((struct narrate_line){
            .kind = NARRATE_ENTERED, .view = {1}, .from = {1}, .height = {5}, .count = 1}),
        "| entered view 1 of 1 with 1 block from 5 again");
    ck_assert_str_eq(
        told((struct narrate_line){
            .kind = NARRATE_ENTERED, .view = {1}, .from = {1}, .height = {5}, .count = 2}),
        "| entered view 1 of 1 with 2 blocks from 5 again");
}
END_TEST

START_TEST(the_longest_line_fits)
{
    for (int kind = NARRATE_STARTED; kind <= NARRATE_DIVERGED; kind++)
        for (int tag = MESSAGE_PRE_PREPARE; tag <= MESSAGE_DECIDED; tag++) {
            told((struct narrate_line){.kind = (enum narrate_kind)kind,
                                       .tag = (enum message_tag)tag,
                                       .from = {255},
                                       .height = {UINT64_MAX},
                                       .view = {UINT64_MAX},
                                       .count = 255,
                                       .needed = 255});
            ck_assert_uint_lt(strlen(text), NARRATE_TEXT_SIZE - 1);
            ck_assert_uint_gt(strlen(text), 0);
        }
}
END_TEST

START_TEST(every_reason_has_a_phrase)
{
    for (int reason = NARRATE_HEEDED; reason <= NARRATE_TOO_SOON; reason++)
        ck_assert_uint_gt(strlen(narrate_reason((enum narrate_ignored)reason)), 0);
}
END_TEST

HARNESS_MAIN("narrate", lines_read_as_a_story, the_longest_line_fits, every_reason_has_a_phrase)
