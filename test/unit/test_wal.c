#include "tools/sys/wal.h"

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
    strcpy(path, "/tmp/tenure-test-wal-XXXXXX");
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    close(descriptor);
    unlink(path);
}

static struct wal_reader open_wal(struct wal *wal)
{
    struct wal_reader reader = {.tell = tell};
    told[0] = 0;
    ck_assert_int_eq(wal_open(wal, path, &reader, NULL), ERR_NONE);
    return reader;
}

static void append(struct wal *wal, const char *record)
{
    ck_assert_int_eq(wal_append(wal, bytes_text(record)), ERR_NONE);
}

static void commit(struct wal *wal, const char *mark)
{
    ck_assert_int_eq(wal_commit(wal, bytes_text(mark), NULL), ERR_NONE);
}

static void assert_mark(const struct wal_reader *reader, const char *mark)
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
    struct wal wal;
    struct wal_reader reader = open_wal(&wal);
    ck_assert_uint_eq(reader.mark_size, 0);
    ck_assert(reader.whole);
    append(&wal, "one");
    append(&wal, "two");
    commit(&wal, "m1");
    append(&wal, "three");
    commit(&wal, "m2");
    wal_close(&wal);

    reader = open_wal(&wal);
    ck_assert_str_eq(told, "one.two.three.");
    assert_mark(&reader, "m2");
    ck_assert(reader.whole);
    append(&wal, "four");
    commit(&wal, "m3");
    wal_close(&wal);

    reader = open_wal(&wal);
    ck_assert_str_eq(told, "one.two.three.four.");
    assert_mark(&reader, "m3");
    ck_assert(reader.whole);
    wal_close(&wal);
    unlink(path);
}
END_TEST

START_TEST(a_torn_tail_is_cut_off)
{
    setup_path();
    struct wal wal;
    struct wal_reader reader = open_wal(&wal);
    append(&wal, "one");
    commit(&wal, "m1");
    off_t end = 8192 + (off_t)wal_size(&wal);
    wal_close(&wal);
    put_at(end, "\0\0\0\x09torn", 8);

    reader = open_wal(&wal);
    ck_assert_str_eq(told, "one.");
    ck_assert(reader.whole);
    append(&wal, "two");
    commit(&wal, "m2");
    wal_close(&wal);
    reader = open_wal(&wal);
    ck_assert_str_eq(told, "one.two.");
    ck_assert(reader.whole);
    wal_close(&wal);
    unlink(path);
}
END_TEST

START_TEST(a_lost_record_is_noticed)
{
    setup_path();
    struct wal wal;
    struct wal_reader reader = open_wal(&wal);
    append(&wal, "one");
    commit(&wal, "m1");
    append(&wal, "two");
    commit(&wal, "m2");
    wal_close(&wal);
    put_at(8192 + 8 + 3 + 8, "X", 1); /* the first byte of "two" */

    reader = open_wal(&wal);
    ck_assert_str_eq(told, "one.");
    assert_mark(&reader, "m2");
    ck_assert(!reader.whole);
    wal_close(&wal);
    unlink(path);
}
END_TEST

START_TEST(a_torn_mark_leaves_the_one_before)
{
    setup_path();
    struct wal wal;
    struct wal_reader reader = open_wal(&wal);
    append(&wal, "one");
    commit(&wal, "m1");
    append(&wal, "two");
    commit(&wal, "m2");
    off_t slot = (off_t)(wal.generation % 2) * 4096;
    wal_close(&wal);
    put_at(slot + 100, "torn", 4);

    reader = open_wal(&wal);
    ck_assert_str_eq(told, "one.two.");
    assert_mark(&reader, "m1");
    ck_assert(reader.whole);
    wal_close(&wal);

    put_at(100, "torn", 4);
    put_at(4196, "torn", 4);
    struct fault fault;
    ck_assert_int_eq(wal_open(&wal, path, &reader, &fault), ERR_CORRUPT);
    unlink(path);
}
END_TEST

START_TEST(a_restart_forgets_the_old_records)
{
    setup_path();
    struct wal wal;
    struct wal_reader reader = open_wal(&wal);
    append(&wal, "one");
    commit(&wal, "m1");
    append(&wal, "kept");
    ck_assert_int_eq(wal_restart(&wal, bytes_text("m2"), NULL), ERR_NONE);
    ck_assert_uint_eq(wal_size(&wal), 8 + 4);
    append(&wal, "two");
    commit(&wal, "m3");
    wal_close(&wal);

    reader = open_wal(&wal);
    ck_assert_str_eq(told, "kept.two.");
    assert_mark(&reader, "m3");
    ck_assert(reader.whole);
    wal_close(&wal);
    unlink(path);
}
END_TEST

START_TEST(a_failed_write_stays_failed)
{
    setup_path();
    struct wal wal;
    struct fault fault;
    open_wal(&wal);
    close(wal.descriptor);
    wal.descriptor = open("/dev/full", O_RDWR);
    append(&wal, "one");
    ck_assert_int_eq(wal_commit(&wal, bytes_text("m1"), &fault), ERR_IO);
    ck_assert_ptr_nonnull(strstr(fault.text, path));
    ck_assert_int_eq(wal_commit(&wal, bytes_text("m1"), &fault), ERR_IO);
    ck_assert_ptr_nonnull(strstr(fault.text, "an earlier write failed"));
    wal_close(&wal);
    unlink(path);
}
END_TEST

HARNESS_MAIN("wal", records_and_mark_come_back, a_torn_tail_is_cut_off,
             a_lost_record_is_noticed, a_torn_mark_leaves_the_one_before,
             a_restart_forgets_the_old_records, a_failed_write_stays_failed)
