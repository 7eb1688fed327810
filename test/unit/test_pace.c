#include "consensus/pace.h"

#include "test/unit/council.h"

static struct council c;

static void work(struct event_work work)
{
    council_step(&c, (struct event){.kind = EVENT_WORK, .as.work = work});
}

static void vote_all(const struct council_block *block)
{
    struct ballot ballot = council_ballot(&c, block, block->block.view.n, &digest_zero);
    for (uint8_t seat = 0; seat < c.committee.count; seat++)
        if (seat != c.config.seat.n)
            council_message(&c, council_vote(&c, MESSAGE_PREPARE, seat, &ballot));
    for (uint8_t seat = 0; seat < c.committee.count; seat++)
        if (seat != c.config.seat.n)
            council_message(&c, council_vote(&c, MESSAGE_COMMIT, seat, &ballot));
}

START_TEST(waiting_work_starts_the_timeout)
{
    council_open(&c, 4, 1);
    council_tick(&c, 3000);
    work((struct event_work){.waiting = true, .mark = 1, .due_ms = UINT64_MAX});
    council_tick(&c, 999);
    council_expect(&c, "");
    council_tick(&c, 1);
    council_expect(&c, "persist 1\nsign view-change 0 in view 1 after 1\n");
    council_close(&c);
}
END_TEST

START_TEST(work_that_goes_away_stops_it)
{
    council_open(&c, 4, 1);
    work((struct event_work){.waiting = true, .mark = 1, .due_ms = UINT64_MAX});
    council_tick(&c, 900);
    work((struct event_work){.due_ms = UINT64_MAX});
    council_tick(&c, 900);
    council_expect(&c, "");
    council_close(&c);
}
END_TEST

START_TEST(what_falls_due_starts_the_timeout)
{
    council_open(&c, 4, 1);
    work((struct event_work){.due_ms = c.clock_ms + 500});
    council_tick(&c, 500);
    council_tick(&c, 999);
    council_expect(&c, "");
    council_tick(&c, 1);
    council_expect(&c, "persist 1\nsign view-change 0 in view 1 after 1\n");
    council_close(&c);
}
END_TEST

START_TEST(the_primary_makes_a_block_when_something_falls_due)
{
    council_open(&c, 4, 0);
    work((struct event_work){.due_ms = c.clock_ms + 500});
    ck_assert_uint_eq(c.out.deadline_ms, c.now_ms + 500);
    council_tick(&c, 499);
    council_expect(&c, "");
    council_tick(&c, 1);
    council_expect(&c, "build 1 even empty\n");
    council_close(&c);
}
END_TEST

START_TEST(a_commit_starts_the_timeout_anew)
{
    council_open(&c, 4, 1);
    work((struct event_work){.waiting = true, .mark = 1, .due_ms = UINT64_MAX});
    council_tick(&c, 900);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    council_message(&c, council_pre_prepare(&c, &one, &digest_zero));
    vote_all(&one);
    text_clear(&c.story);
    council_tick(&c, 999);
    council_expect(&c, "");
    council_tick(&c, 1);
    council_expect(&c, "persist 3\nsign view-change 0 in view 1 after 3\n");
    council_close(&c);
}
END_TEST

START_TEST(a_primary_that_passes_over_a_transaction_is_replaced)
{
    council_open(&c, 4, 1);
    work((struct event_work){.waiting = true, .mark = 1, .passed_over = 3, .due_ms = UINT64_MAX});
    work((struct event_work){.waiting = true, .mark = 2, .passed_over = 3, .due_ms = UINT64_MAX});
    council_expect(&c, "");
    work((struct event_work){.waiting = true, .mark = 2, .passed_over = 4, .due_ms = UINT64_MAX});
    council_expect(&c, "persist 1\nsign view-change 0 in view 1 after 1\n");
    council_close(&c);
}
END_TEST

START_TEST(timeouts_double_to_their_cap_and_come_back)
{
    council_open(&c, 4, 3);
    struct consensus_summary summary;
    static const uint64_t wanted_ms[] = {2000, 4000, 8000, 8000};
    struct certificate genesis = council_genesis_certificate(&c);
    council_tick(&c, 6000);
    for (int i = 0; i < 4; i++) {
        consensus_summarise(c.core, &summary);
        ck_assert_uint_eq(summary.timeout_ms, wanted_ms[i]);
        struct bytes body = council_change(&c, summary.view.n, &genesis, NULL, 0);
        council_message(&c, council_seal(&c, MESSAGE_VIEW_CHANGE, 1, body));
        council_message(&c, council_seal(&c, MESSAGE_VIEW_CHANGE, 2, body));
        council_tick(&c, wanted_ms[i]);
    }
    struct council_block block = c.genesis;
    static const uint64_t back_ms[] = {4000, 2000, 1000, 1000};
    for (int i = 0; i < 4; i++) {
        block = council_block(&c, &block, 0, 0);
        struct ballot ballot = council_ballot(&c, &block, 0, &digest_zero);
        struct certificate certificate = council_certificate(&c, MESSAGE_COMMIT, &ballot);
        council_message(&c, council_decided(&c, &block, &certificate));
        consensus_summarise(c.core, &summary);
        ck_assert_uint_eq(summary.timeout_ms, back_ms[i]);
    }
    council_close(&c);
}
END_TEST

START_TEST(a_seat_that_is_behind_excuses_the_primary_for_a_while)
{
    council_open(&c, 4, 1);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    struct council_block two = council_block(&c, &one, 0, 0);
    struct ballot ballot = council_ballot(&c, &two, 0, &digest_zero);
    struct certificate certificate = council_certificate(&c, MESSAGE_COMMIT, &ballot);
    council_message(&c, council_decided(&c, &two, &certificate));
    work((struct event_work){.waiting = true, .mark = 1, .due_ms = UINT64_MAX});
    for (int i = 0; i < 3; i++) {
        council_tick(&c, 1000);
        council_tick(&c, 0);
        council_expect(&c, "");
    }
    council_tick(&c, 1000);
    council_expect(&c, "persist 1\nsign view-change 0 in view 1 after 1\n");
    council_close(&c);
}
END_TEST

START_TEST(proposals_keep_their_distance)
{
    council_open(&c, 4, 0);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    work((struct event_work){.buildable = true, .due_ms = UINT64_MAX});
    council_step(&c,
                 (struct event){.kind = EVENT_BUILT, .as.built = {1, council_header(&one), true}});
    council_expect(&c, "build 1\npersist 1 with body\nsign pre-prepare 1 in view 0 after 1\n"
                       "sign prepare 1 in view 0 after 1\n");
    ck_assert_uint_eq(c.out.deadline_ms, c.now_ms + c.config.block_interval_min_ms);
    council_tick(&c, c.config.block_interval_min_ms);
    council_expect(&c, "build 2\n");
    council_close(&c);
}
END_TEST

START_TEST(nothing_to_build_waits_for_news)
{
    council_open(&c, 4, 0);
    work((struct event_work){.buildable = true, .due_ms = UINT64_MAX});
    council_expect(&c, "build 1\n");
    work((struct event_work){.buildable = true, .due_ms = UINT64_MAX}); /* news before the answer */
    council_step(&c, (struct event){.kind = EVENT_BUILT, .as.built = {.ticket = 1}});
    council_expect(&c, "build 1\n");
    council_step(&c, (struct event){.kind = EVENT_BUILT, .as.built = {.ticket = 2}});
    council_tick(&c, 1000);
    council_expect(&c, "");
    council_close(&c);
}
END_TEST

/* A council whose primaries have turns of `turn_blocks`, seen from seat 3; `silent` seats weren't heard of. */
static void open_turns(uint32_t turn_blocks, uint64_t silent)
{
    council_init(&c, 4, 3);
    consensus_free(c.core);
    c.config.turn_blocks = turn_blocks;
    c.core = consensus_new(&c.config);
    council_start(&c, &c.genesis, NULL);
    const struct message_status status = {.set = c.committee.digest, .active = true};
    for (uint8_t seat = 0; seat < 3; seat++)
        if ((silent & COMMITTEE_BIT(seat)) == 0)
            council_message(&c, council_seal(&c, MESSAGE_STATUS, seat,
                                             council_pack(&c, &message_status_record, &status)));
    work((struct event_work){.buildable = true, .waiting = true, .mark = 1, .due_ms = UINT64_MAX});
    council_expect(&c, "");
}

/* `count` blocks on `head`, each proposed late_ms after the primary owes it. Returns the last. */
static struct council_block order(struct council_block head, uint64_t view,
                                  const struct digest *new_view, uint32_t count, uint64_t late_ms)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct council_block block = council_block(&c, &head, view, 0);
        const struct ballot ballot = council_ballot(&c, &block, view, new_view);
        text_clear(&c.story);
        council_tick(&c, late_ms);
        council_message(&c, council_pre_prepare(&c, &block, new_view));
        for (uint8_t seat = 0; seat < 3; seat++)
            council_message(&c, council_vote(&c, MESSAGE_PREPARE, seat, &ballot));
        for (uint8_t seat = 0; seat < 3; seat++)
            council_message(&c, council_vote(&c, MESSAGE_COMMIT, seat, &ballot));
        head = block;
    }
    return head;
}

/* Three seats want `view` above `head`, which was committed in view `voted`, and its primary opens it. */
static struct digest enter_from(uint64_t view, const struct council_block *head, uint64_t voted,
                                const struct digest *below)
{
    const struct ballot ballot = council_ballot(&c, head, voted, below);
    const struct certificate certificate = council_certificate(&c, MESSAGE_COMMIT, &ballot);
    struct bytes body = council_change(&c, view, &certificate, NULL, 0);
    struct message_envelope changes[3];
    struct digest digest;
    for (uint8_t seat = 0; seat < 3; seat++)
        changes[seat] = council_sign(&c, MESSAGE_VIEW_CHANGE, seat, body);
    council_message(&c, council_new_view(&c, view, changes, &digest));
    return digest;
}

static struct digest enter(uint64_t view, const struct council_block *head,
                           const struct digest *below)
{
    return enter_from(view, head, view - 1, below);
}

START_TEST(a_turn_ends_without_a_timeout)
{
    open_turns(2, 0);
    const struct council_block one = order(c.genesis, 0, &digest_zero, 1, 10);
    text_clear(&c.story);
    (void)order(one, 0, &digest_zero, 1, 10);
    council_expect(&c, "execute 2 from 1\n"
                       "persist 3 with body\nsign prepare 2 in view 0 after 3\n"
                       "persist 4 with body\nsign commit 2 in view 0 after 4\n"
                       "commit 2\n"
                       "persist 5\nsign view-change 0 in view 1 after 5\n");
    council_close(&c);
}
END_TEST

START_TEST(a_primary_proposes_nothing_above_its_turn)
{
    council_init(&c, 4, 0);
    consensus_free(c.core);
    c.config.turn_blocks = 1;
    c.core = consensus_new(&c.config);
    council_start(&c, &c.genesis, NULL);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    work((struct event_work){.buildable = true, .due_ms = UINT64_MAX});
    council_step(&c,
                 (struct event){.kind = EVENT_BUILT, .as.built = {1, council_header(&one), true}});
    text_clear(&c.story);
    council_tick(&c, c.config.block_interval_min_ms);
    council_expect(&c, "");
    council_close(&c);
}
END_TEST

START_TEST(a_turn_passes_over_a_silent_seat)
{
    open_turns(1, COMMITTEE_BIT(1) | COMMITTEE_BIT(2));
    const struct council_block one = council_block(&c, &c.genesis, 0, 0);
    const struct ballot ballot = council_ballot(&c, &one, 0, &digest_zero);
    struct certificate certificate = council_certificate(&c, MESSAGE_COMMIT, &ballot);
    council_message(&c, council_decided(&c, &one, &certificate));
    council_expect(&c, "execute 1 from 7\ncommit 1\n"
                       "persist 1\nsign view-change 0 in view 3 after 1\n");
    council_close(&c);
}
END_TEST

START_TEST(all_follow_a_primary_that_leaves)
{
    council_open(&c, 4, 3);
    struct certificate genesis = council_genesis_certificate(&c);
    struct bytes body = council_change(&c, 1, &genesis, NULL, 0);
    council_message(&c, council_seal(&c, MESSAGE_VIEW_CHANGE, 2, body));
    council_expect(&c, "");
    council_message(&c, council_seal(&c, MESSAGE_VIEW_CHANGE, 0, body));
    council_expect(&c, "persist 1\nsign view-change 0 in view 1 after 1\n");
    council_close(&c);
}
END_TEST

START_TEST(a_leaving_primary_leads_no_further_than_the_next_view)
{
    council_open(&c, 4, 3);
    const struct message_status status = {.set = c.committee.digest, .view = {1000}};
    council_message(
        &c, council_seal(&c, MESSAGE_STATUS, 0, council_pack(&c, &message_status_record, &status)));
    council_expect(&c, "persist 1\nsign view-change 0 in view 1 after 1\n");
    council_close(&c);
}
END_TEST

/* Seats 1 and 2 are in view 1 or above, and the primary of view 1 is above it. */
START_TEST(two_views_may_be_left_at_once)
{
    council_open(&c, 4, 3);
    struct message_status status = {.set = c.committee.digest, .view = {5}};
    council_message(
        &c, council_seal(&c, MESSAGE_STATUS, 1, council_pack(&c, &message_status_record, &status)));
    status.view.n = 1;
    council_message(
        &c, council_seal(&c, MESSAGE_STATUS, 2, council_pack(&c, &message_status_record, &status)));
    council_expect(&c, "persist 1\nsign view-change 0 in view 1 after 1\n"
                       "persist 2\nsign view-change 0 in view 2 after 2\n");
    council_close(&c);
}
END_TEST

START_TEST(a_primary_far_behind_resigns)
{
    council_open(&c, 4, 0);
    const struct message_status status = {
        .set = c.committee.digest, .height = {BOUNDS_WINDOW + 1}, .active = true};
    struct bytes body = council_pack(&c, &message_status_record, &status);
    council_message(&c, council_seal(&c, MESSAGE_STATUS, 1, body));
    text_clear(&c.story);
    council_message(&c, council_seal(&c, MESSAGE_STATUS, 2, body));
    council_expect(&c, "persist 1\nsign view-change 0 in view 1 after 1\n");
    council_close(&c);
}
END_TEST

/* It hears only one, who has resigned too: it doesn't go from its own turn to its own turn. */
START_TEST(who_resigns_and_finds_nobody_willing_waits_in_the_next_view)
{
    council_open(&c, 4, 0);
    struct message_status status = {.set = c.committee.digest, .height = {BOUNDS_WINDOW + 1}};
    council_message(
        &c, council_seal(&c, MESSAGE_STATUS, 1, council_pack(&c, &message_status_record, &status)));
    council_tick(&c, 3 * c.config.status_interval_ms);
    text_clear(&c.story);
    status.view.n = 1000;
    council_message(
        &c, council_seal(&c, MESSAGE_STATUS, 2, council_pack(&c, &message_status_record, &status)));
    council_expect(&c, "persist 1\nsign view-change 0 in view 1 after 1\n");
    for (int i = 0; i < 10; i++)
        council_tick(&c, 1);
    council_expect(&c, "");
    council_close(&c);
}
END_TEST

/* Seat 0 is dead, and seat 2 wants view 2: view 1 gets no quorum, so that seat 3 goes where seat 2 is before a time-out. */
START_TEST(seats_that_want_different_views_meet_before_a_timeout)
{
    council_open(&c, 4, 3);
    struct message_status status = {.set = c.committee.digest, .view = {1}};
    work((struct event_work){.waiting = true, .mark = 1, .due_ms = UINT64_MAX});
    council_tick(&c, 1000);
    council_message(
        &c, council_seal(&c, MESSAGE_STATUS, 1, council_pack(&c, &message_status_record, &status)));
    text_clear(&c.story);
    status.view.n = 2;
    council_message(
        &c, council_seal(&c, MESSAGE_STATUS, 2, council_pack(&c, &message_status_record, &status)));
    council_tick(&c, 2 * 1000 / PACE_SPLIT);
    council_expect(&c, "");
    council_tick(&c, 1);
    council_expect(&c, "persist 2\nsign view-change 0 in view 2 after 2\n");
    council_close(&c);
}
END_TEST

/* As above, but that seat claims a view far away: it leads nobody there. */
START_TEST(who_is_alone_above_leads_no_further_than_a_lap)
{
    council_open(&c, 4, 3);
    struct message_status status = {.set = c.committee.digest, .view = {1}};
    work((struct event_work){.waiting = true, .mark = 1, .due_ms = UINT64_MAX});
    council_tick(&c, 1000);
    council_message(
        &c, council_seal(&c, MESSAGE_STATUS, 0, council_pack(&c, &message_status_record, &status)));
    text_clear(&c.story);
    status.view.n = 1000;
    council_message(
        &c, council_seal(&c, MESSAGE_STATUS, 2, council_pack(&c, &message_status_record, &status)));
    council_tick(&c, 2 * 1000 / PACE_SPLIT + 1);
    struct consensus_summary summary;
    consensus_summarise(c.core, &summary);
    ck_assert_uint_eq(summary.view.n, 3);
    council_close(&c);
}
END_TEST

/* View 1 failed: nobody asks for it again in the next lap, nor when its seat's turn comes in the two after. */
START_TEST(a_seat_that_wasted_its_turn_is_barred)
{
    open_turns(2, 0);
    const struct council_block two = order(c.genesis, 0, &digest_zero, 2, 10);
    const struct digest one = enter(1, &two, &digest_zero);
    council_tick(&c, 0);
    council_tick(&c, 1000);
    council_expect(&c, "execute 2 from 1\n"
                       "persist 3 with body\nsign prepare 2 in view 0 after 3\n"
                       "persist 4 with body\nsign commit 2 in view 0 after 4\n"
                       "commit 2\n"
                       "persist 5\nsign view-change 0 in view 1 after 5\n"
                       "persist 6\n"
                       "persist 7\nsign view-change 0 in view 2 after 7\n");
    const struct digest above = enter_from(4, &two, 0, &digest_zero);
    (void)order(two, 4, &above, 2, 10);
    council_expect(&c, "execute 4 from 1\n"
                       "persist 11 with body\nsign prepare 4 in view 4 after 11\n"
                       "persist 12 with body\nsign commit 4 in view 4 after 12\n"
                       "commit 4\n"
                       "persist 13\nsign view-change 0 in view 6 after 13\n");
    (void)one;
    council_close(&c);
}
END_TEST

/* Views 1 and 2 failed, but of four seats only one can be at fault: the one that is barred for longer. */
START_TEST(no_more_than_f_are_barred)
{
    open_turns(2, 0);
    const struct council_block two = order(c.genesis, 0, &digest_zero, 2, 10);
    for (uint64_t view = 1; view <= 2; view++) {
        (void)enter_from(view, &two, 0, &digest_zero);
        council_tick(&c, 0);
        council_tick(&c, 4000);
    }
    struct consensus_summary summary;
    consensus_summarise(c.core, &summary);
    ck_assert_uint_eq(summary.view.n, 3);
    const struct digest above = enter_from(4, &two, 0, &digest_zero);
    (void)order(two, 4, &above, 2, 10);
    consensus_summarise(c.core, &summary);
    ck_assert_uint_eq(summary.view.n, 5);
    council_close(&c);
}
END_TEST

/* Nobody opens view 1, for which `voters` sign a VIEW-CHANGE; the other seats only say that they are there. When view 4 is over,
 * which view is next? */
static void expect_after_a_lap(uint64_t voters, uint64_t next)
{
    open_turns(2, 0);
    const struct council_block two = order(c.genesis, 0, &digest_zero, 2, 10);
    const struct ballot ballot = council_ballot(&c, &two, 0, &digest_zero);
    const struct certificate certificate = council_certificate(&c, MESSAGE_COMMIT, &ballot);
    const struct bytes body = council_change(&c, 1, &certificate, NULL, 0);
    const struct message_status status = {.set = c.committee.digest, .view = {1}, .height = {2}};
    for (uint8_t seat = 0; seat < 3; seat++)
        council_message(&c, (voters & COMMITTEE_BIT(seat)) != 0
                                ? council_seal(&c, MESSAGE_VIEW_CHANGE, seat, body)
                                : council_seal(&c, MESSAGE_STATUS, seat,
                                               council_pack(&c, &message_status_record, &status)));
    text_clear(&c.story);
    council_tick(&c, 1000);
    council_expect(&c, "persist 6\nsign view-change 0 in view 2 after 6\n");
    const struct digest above = enter_from(4, &two, 0, &digest_zero);
    (void)order(two, 4, &above, 2, 10);
    struct consensus_summary summary;
    consensus_summarise(c.core, &summary);
    ck_assert_uint_eq(summary.view.n, next);
    council_close(&c);
}

START_TEST(who_did_not_open_its_view_is_barred_if_a_quorum_had_asked)
{
    expect_after_a_lap(COMMITTEE_BIT(0) | COMMITTEE_BIT(2), 6);
    expect_after_a_lap(COMMITTEE_BIT(0), 5);
}
END_TEST

START_TEST(a_slow_primary_is_replaced_without_a_timeout)
{
    open_turns(10, 0);
    const struct council_block ten = order(c.genesis, 0, &digest_zero, 10, 20);
    const struct digest one = enter(1, &ten, &digest_zero);
    const struct council_block twenty = order(ten, 1, &one, 10, 20);
    const struct digest two = enter(2, &twenty, &one);
    const struct council_block late = order(twenty, 2, &two, PACE_SAMPLES - 1, 200);
    text_clear(&c.story);
    (void)order(late, 2, &two, 1, 200);
    council_expect(&c, "execute 28 from 4\n"
                       "persist 59 with body\nsign prepare 28 in view 2 after 59\n"
                       "persist 60\nsign view-change 0 in view 3 after 60\n"
                       "commit 28\n");
    council_close(&c);
}
END_TEST

/* One of four may lie, so one primary's speed is no measure for the others. */
START_TEST(nobody_is_slow_while_a_liar_may_be_the_measure)
{
    open_turns(10, 0);
    const struct council_block ten = order(c.genesis, 0, &digest_zero, 10, 0);
    const struct digest one = enter(1, &ten, &digest_zero);
    (void)order(ten, 1, &one, 9, 400);
    council_expect(&c, "execute 19 from 2\n"
                       "persist 39 with body\nsign prepare 19 in view 1 after 39\n"
                       "persist 40 with body\nsign commit 19 in view 1 after 40\ncommit 19\n");
    council_close(&c);
}
END_TEST

START_TEST(a_primary_as_prompt_as_the_others_stays)
{
    open_turns(10, 0);
    const struct council_block ten = order(c.genesis, 0, &digest_zero, 10, 200);
    const struct digest one = enter(1, &ten, &digest_zero);
    (void)order(ten, 1, &one, 9, 400);
    council_expect(&c, "execute 19 from 2\n"
                       "persist 39 with body\nsign prepare 19 in view 1 after 39\n"
                       "persist 40 with body\nsign commit 19 in view 1 after 40\ncommit 19\n");
    council_close(&c);
}
END_TEST

START_TEST(one_quick_primary_makes_no_other_slow)
{
    open_turns(10, 0);
    const struct council_block ten = order(c.genesis, 0, &digest_zero, 10, 0);
    const struct digest one = enter(1, &ten, &digest_zero);
    const struct council_block twenty = order(ten, 1, &one, 10, 20);
    const struct digest two = enter(2, &twenty, &one);
    (void)order(twenty, 2, &two, 9, 60);
    council_expect(&c, "execute 29 from 4\n"
                       "persist 61 with body\nsign prepare 29 in view 2 after 61\n"
                       "persist 62 with body\nsign commit 29 in view 2 after 62\ncommit 29\n");
    council_close(&c);
}
END_TEST

START_TEST(a_primary_owes_nothing_when_nothing_waits)
{
    open_turns(10, 0);
    const struct council_block ten = order(c.genesis, 0, &digest_zero, 10, 20);
    const struct digest one = enter(1, &ten, &digest_zero);
    work((struct event_work){.due_ms = UINT64_MAX});
    (void)order(ten, 1, &one, 9, 900);
    council_expect(&c, "execute 19 from 2\n"
                       "persist 39 with body\nsign prepare 19 in view 1 after 39\n"
                       "persist 40 with body\nsign commit 19 in view 1 after 40\ncommit 19\n");
    council_close(&c);
}
END_TEST

HARNESS_MAIN("pace", waiting_work_starts_the_timeout, work_that_goes_away_stops_it,
             what_falls_due_starts_the_timeout, the_primary_makes_a_block_when_something_falls_due,
             a_commit_starts_the_timeout_anew, a_primary_that_passes_over_a_transaction_is_replaced,
             timeouts_double_to_their_cap_and_come_back,
             a_seat_that_is_behind_excuses_the_primary_for_a_while, proposals_keep_their_distance,
             nothing_to_build_waits_for_news, a_turn_ends_without_a_timeout,
             all_follow_a_primary_that_leaves,
             a_leaving_primary_leads_no_further_than_the_next_view, a_primary_far_behind_resigns,
             who_resigns_and_finds_nobody_willing_waits_in_the_next_view,
             two_views_may_be_left_at_once, seats_that_want_different_views_meet_before_a_timeout,
             who_is_alone_above_leads_no_further_than_a_lap, a_seat_that_wasted_its_turn_is_barred,
             no_more_than_f_are_barred,
             who_did_not_open_its_view_is_barred_if_a_quorum_had_asked,
             nobody_is_slow_while_a_liar_may_be_the_measure,
             a_primary_proposes_nothing_above_its_turn, a_turn_passes_over_a_silent_seat,
             a_slow_primary_is_replaced_without_a_timeout, a_primary_as_prompt_as_the_others_stays,
             one_quick_primary_makes_no_other_slow, a_primary_owes_nothing_when_nothing_waits)
