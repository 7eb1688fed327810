#include "tools/sys/journal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/harness.h"

static char path[64];
static char told[256];

static void tell(void *self, struct bytes record)
{
    (void)self;
    strncat(told, (const char *)record.data, record.size);
    strcat(told, ".");
}

static void setup_path(void)
{
    strcpy(path, "/tmp/tenure-test-journal-XXXXXX");
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    close(descriptor);
    unlink(path);
}

static struct journal_reader open_journal(struct journal *journal)
{
    struct journal_reader reader = {.tell = tell};
    told[0] = 0;
    ck_assert_int_eq(journal_open(journal, path, &reader, NULL), ERR_NONE);
    return reader;
}

static void append(struct journal *journal, const char *record)
{
    ck_assert_int_eq(journal_append(journal, bytes_text(record)), ERR_NONE);
}

static void commit(struct journal *journal, const char *mark)
{
    ck_assert_int_eq(journal_commit(journal, bytes_text(mark), NULL), ERR_NONE);
}

static void assert_mark(const struct journal_reader *reader, const char *mark)
{
    ck_assert(bytes_equal(bytes_of(reader->mark, reader->mark_size), bytes_text(mark)));
}

static void put_at(off_t offset, const void *data, size_t size)
{
    int descriptor = open(path, O_WRONLY);
    ck_assert_int_eq(pwrite(descriptor, data, size, offset), (int)size);
    close(descriptor);
}

START_TEST(records_and_mark_come_back)
{
    setup_path();
    struct journal journal;
    struct journal_reader reader = open_journal(&journal);
    ck_assert_uint_eq(reader.mark_size, 0);
    ck_assert(reader.whole);
    append(&journal, "one");
    append(&journal, "two");
    commit(&journal, "m1");
    append(&journal, "three");
    commit(&journal, "m2");
    journal_close(&journal);

    reader = open_journal(&journal);
    ck_assert_str_eq(told, "one.two.three.");
    assert_mark(&reader, "m2");
    ck_assert(reader.whole);
    append(&journal, "four");
    commit(&journal, "m3");
    journal_close(&journal);

    reader = open_journal(&journal);
    ck_assert_str_eq(told, "one.two.three.four.");
    assert_mark(&reader, "m3");
    ck_assert(reader.whole);
    journal_close(&journal);
    unlink(path);
}
END_TEST

START_TEST(a_torn_tail_is_cut_off)
{
    setup_path();
    struct journal journal;
    struct journal_reader reader = open_journal(&journal);
    append(&journal, "one");
    commit(&journal, "m1");
    off_t end = 8192 + (off_t)journal_size(&journal);
    journal_close(&journal);
    put_at(end, "\0\0\0\x09torn", 8);

    reader = open_journal(&journal);
    ck_assert_str_eq(told, "one.");
    ck_assert(reader.whole);
    append(&journal, "two");
    commit(&journal, "m2");
    journal_close(&journal);
    reader = open_journal(&journal);
    ck_assert_str_eq(told, "one.two.");
    ck_assert(reader.whole);
    journal_close(&journal);
    unlink(path);
}
END_TEST

START_TEST(a_lost_record_is_noticed)
{
    setup_path();
    struct journal journal;
    struct journal_reader reader = open_journal(&journal);
    append(&journal, "one");
    commit(&journal, "m1");
    append(&journal, "two");
    commit(&journal, "m2");
    journal_close(&journal);
    put_at(8192 + 8 + 3 + 8, "X", 1); /* the first byte of "two" */

    reader = open_journal(&journal);
    ck_assert_str_eq(told, "one.");
    assert_mark(&reader, "m2");
    ck_assert(!reader.whole);
    journal_close(&journal);
    unlink(path);
}
END_TEST

START_TEST(a_torn_mark_leaves_the_one_before)
{
    setup_path();
    struct journal journal;
    struct journal_reader reader = open_journal(&journal);
    append(&journal, "one");
    commit(&journal, "m1");
    append(&journal, "two");
    commit(&journal, "m2");
    off_t slot = (off_t)(journal.generation % 2) * 4096;
    journal_close(&journal);
    put_at(slot + 100, "torn", 4);

    reader = open_journal(&journal);
    ck_assert_str_eq(told, "one.two.");
    assert_mark(&reader, "m1");
    ck_assert(reader.whole);
    journal_close(&journal);

    put_at(100, "torn", 4);
    put_at(4196, "torn", 4);
    struct fault fault;
    ck_assert_int_eq(journal_open(&journal, path, &reader, &fault), ERR_CORRUPT);
    unlink(path);
}
END_TEST

START_TEST(a_restart_forgets_the_old_records)
{
    setup_path();
    struct journal journal;
    struct journal_reader reader = open_journal(&journal);
    append(&journal, "one");
    commit(&journal, "m1");
    append(&journal, "kept");
    ck_assert_int_eq(journal_restart(&journal, bytes_text("m2"), NULL), ERR_NONE);
    ck_assert_uint_eq(journal_size(&journal), 8 + 4);
    append(&journal, "two");
    commit(&journal, "m3");
    journal_close(&journal);

    reader = open_journal(&journal);
    ck_assert_str_eq(told, "kept.two.");
    assert_mark(&reader, "m3");
    ck_assert(reader.whole);
    journal_close(&journal);
    unlink(path);
}
END_TEST

START_TEST(a_failed_write_stays_failed)
{
    setup_path();
    struct journal journal;
    struct fault fault;
    open_journal(&journal);
    close(journal.descriptor);
    journal.descriptor = open("/dev/full", O_RDWR);
    append(&journal, "one");
    ck_assert_int_eq(journal_commit(&journal, bytes_text("m1"), &fault), ERR_IO);
    ck_assert_ptr_nonnull(strstr(fault.text, path));
    ck_assert_int_eq(journal_commit(&journal, bytes_text("m1"), &fault), ERR_IO);
    ck_assert_ptr_nonnull(strstr(fault.text, "an earlier write failed"));
    journal_close(&journal);
    unlink(path);
}
END_TEST

HARNESS_MAIN("journal", records_and_mark_come_back, a_torn_tail_is_cut_off,
             a_lost_record_is_noticed, a_torn_mark_leaves_the_one_before,
             a_restart_forgets_the_old_records, a_failed_write_stays_failed)
