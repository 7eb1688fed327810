#include "tools/tenured/votelog.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/harness.h"

static char path[64], key[72], pledged[80];
static struct height head;
static struct votelog votes;
static struct digest chain;
static struct fault fault;

static void setup_path(void)
{
    static char folder[] = "/tmp/tenure-votelog-XXXXXX";
    harness_folder(folder);
    snprintf(path, sizeof(path), "%s/votes.log", folder);
    snprintf(key, sizeof(key), "%s/key", folder);
    snprintf(pledged, sizeof(pledged), "%s.votes", key);
    chain = digest_of("chain", 5);
}

static void open_log(void)
{
    ck_assert_int_eq(votelog_open(&votes, path, key, &chain, head, &fault), ERR_NONE);
}

static struct action_sign prepare_of(uint64_t height, const char *block)
{
    return (struct action_sign){
        .tag = MESSAGE_PREPARE, .height = {height}, .digest = digest_of(block, strlen(block))};
}

START_TEST(records_and_guard_come_back)
{
    setup_path();
    open_log();
    struct action_sign sign = prepare_of(1, "a"), other = prepare_of(1, "b");
    ck_assert_int_eq(votelog_append(&votes, 1, bytes_text("one")), ERR_NONE);
    ck_assert_int_eq(votelog_append(&votes, 2, bytes_text("two")), ERR_NONE);
    ck_assert(votelog_allow(&votes, 1, &sign));
    ck_assert_uint_eq(votes.synced, 0);
    ck_assert_int_eq(votelog_sync(&votes, &fault), ERR_NONE);
    ck_assert_uint_eq(votes.synced, 2);
    votelog_close(&votes);

    open_log();
    ck_assert(votes.whole);
    ck_assert_uint_eq(votes.count, 2);
    ck_assert_uint_eq(votes.records[0].sequence, 1);
    ck_assert(bytes_equal(votes.records[1].bytes, bytes_text("two")));
    ck_assert(!votelog_allow(&votes, 1, &other));
    ck_assert(votelog_allow(&votes, 1, &sign));
    votelog_close(&votes);
}
END_TEST

START_TEST(a_lost_record_is_told)
{
    setup_path();
    open_log();
    ck_assert_int_eq(votelog_append(&votes, 1, bytes_text("one")), ERR_NONE);
    ck_assert_int_eq(votelog_sync(&votes, &fault), ERR_NONE);
    ck_assert_int_eq(votelog_append(&votes, 2, bytes_text("two")), ERR_NONE);
    ck_assert_int_eq(votelog_sync(&votes, &fault), ERR_NONE);
    votelog_close(&votes);
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(truncate(path, status.st_size - 1), 0);

    open_log();
    ck_assert(!votes.whole);
    ck_assert_uint_eq(votes.count, 1);
    votelog_close(&votes);
}
END_TEST

START_TEST(what_is_forgotten_leaves_the_file)
{
    setup_path();
    open_log();
    static uint8_t large[1u << 20];
    uint64_t sequence = 0;
    for (int i = 0; i < 24; i++) {
        ck_assert_int_eq(votelog_append(&votes, ++sequence, bytes_of(large, sizeof(large))),
                         ERR_NONE);
        ck_assert_int_eq(votelog_sync(&votes, &fault), ERR_NONE);
        votelog_forget(&votes, &(struct action_forget){.before = sequence, .after = sequence});
    }
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_lt(status.st_size, 12 << 20);
    votelog_close(&votes);
    open_log();
    ck_assert(votes.whole);
    ck_assert_uint_eq(votes.appended, 24);
    ck_assert_int_eq(votelog_append(&votes, 25, bytes_text("next")), ERR_NONE);
    votelog_close(&votes);
}
END_TEST

START_TEST(a_log_of_another_chain_or_none_is_refused)
{
    setup_path();
    ck_assert_int_eq(votelog_open(&votes, path, key, &chain, (struct height){1}, &fault),
                     ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(fault.text, "nobody knows what this validator has signed"));
    open_log();
    ck_assert_int_eq(votelog_sync(&votes, &fault), ERR_NONE);
    votelog_close(&votes);
    struct digest other = digest_of("other", 5);
    ck_assert_int_eq(votelog_open(&votes, path, key, &other, (struct height){1}, &fault),
                     ERR_MISMATCH);
    ck_assert_ptr_nonnull(strstr(fault.text, "its votes are of another chain"));
}
END_TEST

START_TEST(a_failed_sync_is_told)
{
    setup_path();
    open_log();
    close(votes.wal.descriptor);
    votes.wal.descriptor = open("/dev/full", O_RDWR);
    ck_assert_int_eq(votelog_append(&votes, 1, bytes_text("one")), ERR_NONE);
    ck_assert_int_eq(votelog_sync(&votes, &fault), ERR_IO);
    ck_assert_ptr_nonnull(strstr(fault.text, "No space left on device"));
    ck_assert_uint_eq(votes.synced, 0);
    votelog_close(&votes);
}
END_TEST

/* Signs and syncs a PREPARE with its record. */
static void promise(uint64_t sequence, uint64_t view, uint64_t height)
{
    struct action_sign sign = prepare_of(height, "a");
    sign.view.n = view;
    ck_assert_int_eq(votelog_append(&votes, sequence, bytes_text("prepare")), ERR_NONE);
    ck_assert(votelog_allow(&votes, 1, &sign));
    ck_assert_int_eq(votelog_sync(&votes, &fault), ERR_NONE);
}

START_TEST(a_lost_folder_is_noticed_beside_the_key)
{
    setup_path();
    open_log();
    promise(1, 3, 41);
    votelog_close(&votes);
    unlink(path);

    open_log();
    ck_assert(!votes.whole);
    ck_assert_uint_eq(votes.muted_view.n, 3);
    ck_assert_uint_eq(votes.muted_height.n, 41);
    struct action_sign again = prepare_of(41, "b");
    for (again.view.n = 0; again.view.n <= 3; again.view.n++)
        ck_assert(!votelog_allow(&votes, 1, &again));
    ck_assert(votelog_allow(&votes, 1, &again));
    votelog_close(&votes);
}
END_TEST

START_TEST(what_was_lost_stays_so_until_the_chain_is_above_it)
{
    setup_path();
    head.n = 0;
    open_log();
    promise(1, 3, 5);
    votelog_close(&votes);
    unlink(path);
    open_log();
    ck_assert(!votes.whole);
    promise(2, 4, 6); /* another view has come, and votes are allowed there */
    votelog_close(&votes);

    open_log();
    ck_assert(!votes.whole);
    ck_assert_uint_eq(votes.muted_view.n, 3);
    ck_assert_uint_eq(votes.muted_height.n, 5);
    votelog_close(&votes);
    head.n = 5;
    open_log();
    ck_assert(votes.whole);
    votelog_close(&votes);
    head.n = 0;
}
END_TEST

START_TEST(an_old_copy_of_the_log_is_noticed_even_by_one_record)
{
    setup_path();
    open_log();
    promise(1, 0, 1);
    votelog_close(&votes);
    uint8_t *copy;
    size_t size;
    ck_assert_int_eq(file_read(&copy, &size, path, 1u << 20, &fault), ERR_NONE);
    open_log();
    ck_assert(votes.whole);
    promise(2, 0, 1);
    votelog_close(&votes);
    ck_assert_int_eq(file_write(path, bytes_of(copy, size), 0600, &fault), ERR_NONE);
    free(copy);

    open_log();
    ck_assert(!votes.whole);
    ck_assert_uint_eq(votes.muted_height.n, 1);
    struct action_sign sign = prepare_of(1, "b");
    ck_assert(!votelog_allow(&votes, 1, &sign));
    votelog_close(&votes);
}
END_TEST

START_TEST(a_chain_older_than_the_votes_mutes)
{
    setup_path();
    open_log();
    ck_assert_int_eq(votelog_sync(&votes, &fault), ERR_NONE);
    votelog_close(&votes);
    head.n = 1;
    open_log();
    promise(1, 0, 1 + BOUNDS_WINDOW);
    votelog_close(&votes);
    open_log();
    ck_assert(votes.whole);
    votelog_close(&votes);
    head.n = 0;
    open_log();
    ck_assert(!votes.whole);
    ck_assert_uint_eq(votes.muted_height.n, 1 + BOUNDS_WINDOW);
    votelog_close(&votes);
}
END_TEST

/* The story: DATA/chain is put back from a copy that is a few blocks old, and votes.log stays. A VIEW-CHANGE that this seat signs now would
 * leave out blocks that it has signed COMMITs for. */
START_TEST(a_chain_put_back_below_what_was_forgotten_mutes)
{
    setup_path();
    open_log();
    promise(1, 2, 5);
    promise(2, 2, 7);
    votelog_forget(&votes, &(struct action_forget){.before = 2, .after = 2, .durable = {6}});
    promise(3, 2, 8); /* the mark that tells of it is durable with this one */
    votelog_close(&votes);
    head.n = 6;
    open_log();
    ck_assert(votes.whole);
    votelog_close(&votes);

    head.n = 5;
    open_log();
    struct view view;
    ck_assert(!votes.whole);
    ck_assert(votelog_is_muted(&votes, 1, &view));
    ck_assert_uint_eq(view.n, 2);
    ck_assert_uint_eq(votes.muted_height.n, 8);
    struct action_sign sign = prepare_of(8, "b");
    sign.view.n = 2;
    ck_assert(!votelog_allow(&votes, 1, &sign));
    ck_assert_int_eq(votelog_sync(&votes, &fault), ERR_NONE);
    votelog_close(&votes);

    head.n = 7; /* it has caught up in part: still the log isn't whole */
    open_log();
    ck_assert(!votes.whole);
    ck_assert_uint_eq(votes.muted_height.n, 8);
    votelog_close(&votes);
    head.n = 8;
    open_log();
    ck_assert(votes.whole);
    votelog_close(&votes);
    head.n = 0;
}
END_TEST

START_TEST(a_chain_put_back_below_the_set_that_was_voted_in_mutes)
{
    setup_path();
    open_log();
    struct action_sign sign = prepare_of(10, "a");
    ck_assert_int_eq(votelog_append(&votes, 1, bytes_text("prepare")), ERR_NONE);
    ck_assert(votelog_allow(&votes, 10, &sign)); /* block 9 was the boundary */
    ck_assert_int_eq(votelog_sync(&votes, &fault), ERR_NONE);
    votelog_close(&votes);
    head.n = 9;
    open_log();
    ck_assert(votes.whole);
    votelog_close(&votes);

    head.n = 8;
    open_log();
    struct view view;
    ck_assert(votelog_is_muted(&votes, 1, &view)); /* the set before: for good */
    ck_assert_uint_eq(view.n, BOUNDS_VIEW_MAX - 1);
    ck_assert(votelog_is_muted(&votes, 10, &view));
    ck_assert_uint_eq(view.n, 0);
    ck_assert_uint_eq(votes.muted_height.n, 10);
    votelog_close(&votes);
    head.n = 0;
}
END_TEST

START_TEST(a_torn_pledge_leaves_the_one_before_and_a_damaged_file_is_refused)
{
    setup_path();
    open_log();
    promise(1, 0, 1);
    promise(2, 5, 2);
    votelog_close(&votes);
    uint8_t *slots;
    size_t size;
    ck_assert_int_eq(file_read(&slots, &size, pledged, 4096, &fault), ERR_NONE);
    ck_assert_uint_eq(size, 1024);
    slots[512 + 9] ^= 1;
    ck_assert_int_eq(file_write(pledged, bytes_of(slots, size), 0600, &fault), ERR_NONE);
    open_log();
    ck_assert(votes.whole);
    ck_assert_uint_eq(votes.pledge.view.n, 0);
    ck_assert_uint_eq(votes.pledge.sequence, 1);
    votelog_close(&votes);
    slots[9] ^= 1;
    ck_assert_int_eq(file_write(pledged, bytes_of(slots, size), 0600, &fault), ERR_NONE);
    ck_assert_int_eq(votelog_open(&votes, path, key, &chain, head, &fault), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(fault.text, "nobody knows what this validator has signed"));
    free(slots);
}
END_TEST

HARNESS_MAIN("votelog", a_lost_folder_is_noticed_beside_the_key,
             what_was_lost_stays_so_until_the_chain_is_above_it,
             an_old_copy_of_the_log_is_noticed_even_by_one_record,
             a_chain_older_than_the_votes_mutes, a_chain_put_back_below_what_was_forgotten_mutes,
             a_chain_put_back_below_the_set_that_was_voted_in_mutes,
             a_torn_pledge_leaves_the_one_before_and_a_damaged_file_is_refused,
             records_and_guard_come_back, a_lost_record_is_told, what_is_forgotten_leaves_the_file,
             a_log_of_another_chain_or_none_is_refused, a_failed_sync_is_told)
