#include "tools/tenured/votelog.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/harness.h"

static char path[64];
static struct votelog votes;
static struct digest chain;
static struct fault fault;

static void setup_path(void)
{
    strcpy(path, "/tmp/tenure-test-votelog-XXXXXX");
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    close(descriptor);
    unlink(path);
    chain = digest_of("chain", 5);
}

static void open_log(void)
{
    ck_assert_int_eq(votelog_open(&votes, path, &chain, false, &fault), ERR_NONE);
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
    ck_assert(votelog_allow(&votes, &sign));
    ck_assert_uint_eq(votes.synced, 0);
    ck_assert_int_eq(votelog_sync(&votes, &fault), ERR_NONE);
    ck_assert_uint_eq(votes.synced, 2);
    votelog_close(&votes);

    open_log();
    ck_assert(votes.whole);
    ck_assert_uint_eq(votes.count, 2);
    ck_assert_uint_eq(votes.records[0].sequence, 1);
    ck_assert(bytes_equal(votes.records[1].bytes, bytes_text("two")));
    ck_assert(!votelog_allow(&votes, &other));
    ck_assert(votelog_allow(&votes, &sign));
    votelog_close(&votes);
    unlink(path);
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
    unlink(path);
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
        votelog_forget(&votes, sequence);
        ck_assert_int_eq(votelog_sync(&votes, &fault), ERR_NONE);
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
    unlink(path);
}
END_TEST

START_TEST(a_log_of_another_chain_or_none_is_refused)
{
    setup_path();
    ck_assert_int_eq(votelog_open(&votes, path, &chain, true, &fault), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(fault.text, "nobody knows what this validator has signed"));
    open_log();
    ck_assert_int_eq(votelog_sync(&votes, &fault), ERR_NONE);
    votelog_close(&votes);
    struct digest other = digest_of("other", 5);
    ck_assert_int_eq(votelog_open(&votes, path, &other, true, &fault), ERR_MISMATCH);
    ck_assert_ptr_nonnull(strstr(fault.text, "its votes are of another chain"));
    unlink(path);
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
    unlink(path);
}
END_TEST

HARNESS_MAIN("votelog", records_and_guard_come_back, a_lost_record_is_told,
             what_is_forgotten_leaves_the_file, a_log_of_another_chain_or_none_is_refused,
             a_failed_sync_is_told)
