#include "tools/tenured/statesync.h"

#include <stdlib.h>
#include <string.h>

#include "test/harness.h"
#include "tools/sys/clock.h"
#include "tools/tenured/node.h"
#include "tools/tenured/wire.h"

#define MEMBER ((struct place){1})
#define GUEST  ((struct place){70})

static struct node node;

/* A node with one member and one guest for peers, which talks with nobody. */
static void start(void)
{
    memset(&node, 0, sizeof(node));
    node.settings.transfer_blocks = 100;
    pthread_mutex_init(&node.mutex, NULL);
    pthread_mutex_init(&node.roster_mutex, NULL);
    pthread_mutex_init(&node.driver.mutex, NULL);
    node.roster = calloc(1, sizeof(*node.roster));
    ck_assert_ptr_nonnull(node.roster);
    atomic_init(&node.roster->holders, 1);
    node.roster->committee.count = 4;
    node.roster->lines[MEMBER.n] =
        (struct roster_line){.taken = true, .seat = 1, .public = {{2, 1}}, .name = "member"};
    node.roster->lines[GUEST.n] = (struct roster_line){
        .taken = true, .seat = ROSTER_NONE, .public = {{2, 2}}, .name = "guest"};
    ck_assert_int_eq(statesync_init(&node.statesync, &node), ERR_NONE);
    node.roster->since = node.statesync.lineage.since = 1;
    node.statesync.lineage.committee.count = 4;
    node.statesync.lineage.committee.keys[1] = node.roster->lines[MEMBER.n].public;
    node.statesync.until_ms = UINT64_MAX; /* it hears, and does nothing by itself */
}

static void end(void)
{
    statesync_release(&node.statesync);
    roster_drop(node.roster);
}

/* `from` says that its history starts at block 500. */
static void hint(struct place from)
{
    struct wire_snapshot wire = {.start = {500}};
    uint8_t packed[64];
    struct pack_writer writer;
    pack_init(&writer, packed, sizeof(packed));
    record_pack(&writer, &wire_snapshot_record, &wire);
    statesync_record(&node.statesync, from, WIRE_SNAPSHOT, bytes_of(packed, writer.used));
}

/* Has the thread hear all that waits. */
static bool is_hinted(void)
{
    struct fault fault = {0};
    ck_assert_int_eq(statesync_start(&node.statesync, &fault), ERR_NONE);
    for (int i = 0; i < PEER_PLACES; i++)
        while (atomic_load(&node.statesync.shares[i]) > 0)
            clock_sleep_ms(1);
    statesync_stop(&node.statesync);
    return node.statesync.hinted;
}

/* The attack: one peer, asked for nothing, says that blocks are gone, and catch-up stops. */
START_TEST(what_comes_unasked_says_nothing)
{
    start();
    hint(MEMBER);
    ck_assert(!is_hinted());
    end();
}
END_TEST

START_TEST(guests_say_nothing)
{
    start();
    hint(GUEST);
    ck_assert(!is_hinted());
    end();
}
END_TEST

START_TEST(a_member_that_was_asked_for_blocks_may_have_none)
{
    start();
    statesync_expect(&node.statesync, MEMBER);
    hint(MEMBER);
    ck_assert(is_hinted());
    ck_assert(!statesync_takes_over(&node.statesync)); /* and still, blocks are asked for */
    end();
}
END_TEST

START_TEST(blocks_rest_only_while_this_node_is_surely_far_behind)
{
    start();
    atomic_store(&node.statesync.active, true);
    node.driver.summary.committed.n = 10;
    node.driver.summary.target.n = 110;
    ck_assert(!statesync_takes_over(&node.statesync));
    node.driver.summary.target.n = 111;
    ck_assert(statesync_takes_over(&node.statesync));
    atomic_store(&node.statesync.active, false);
    atomic_store(&node.statesync.blocks_too, true);
    ck_assert(!statesync_takes_over(&node.statesync));
    end();
}
END_TEST

START_TEST(a_peer_has_a_bounded_number_of_records_waiting)
{
    start();
    for (int i = 0; i < 100; i++)
        statesync_record(&node.statesync, MEMBER, WIRE_WANT_CHUNK, bytes_text("want"));
    ck_assert_uint_eq(queue_count(&node.statesync.queue), STATESYNC_ASKED_MAX);
    for (int i = 0; i < 100; i++) /* a place above those of members */
        statesync_record(&node.statesync, GUEST, WIRE_WANT_CHUNK, bytes_text("want"));
    ck_assert_uint_eq(queue_count(&node.statesync.queue), 2 * STATESYNC_ASKED_MAX);
    end();
}
END_TEST

HARNESS_MAIN("statesync", what_comes_unasked_says_nothing, guests_say_nothing,
             a_member_that_was_asked_for_blocks_may_have_none,
             blocks_rest_only_while_this_node_is_surely_far_behind,
             a_peer_has_a_bounded_number_of_records_waiting)
