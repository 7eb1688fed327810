#include "ledger/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/harness.h"

/* Calls of fdatasync, RocksDB's too: it finds this one before libc's. */
static _Atomic unsigned syncs;

int fdatasync(int descriptor)
{
    syncs++;
    return fsync(descriptor);
}

static char path[64];
static struct store *store;
static struct arena arena;

static void start(void)
{
    strcpy(path, "/tmp/tenure-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(path));
    arena_init(&arena, 64 << 20);
    ck_assert_int_eq(store_open(&store, path, 1 << 20, NULL), ERR_NONE);
}

static void end(void)
{
    store_close(store);
    arena_release(&arena);
    char command[96];
    snprintf(command, sizeof(command), "rm -rf '%s'", path);
    ck_assert_int_eq(system(command), 0);
}

static void put(enum store_family family, const char *key, const char *value)
{
    struct store_batch *batch = store_batch_new(store);
    store_batch_put(batch, family, bytes_text(key), bytes_text(value));
    ck_assert_int_eq(store_write(store, batch, NULL), ERR_NONE);
    store_batch_free(batch);
}

static enum err get(const struct store_snapshot *snapshot, enum store_family family,
                    const char *key, const char *want)
{
    struct bytes value;
    struct fault fault = {0};
    enum err err = store_get(&arena, store, snapshot, family, bytes_text(key), &value, &fault);
    if (!err)
        ck_assert(bytes_equal(value, bytes_text(want)));
    return err;
}

START_TEST(batch_is_there_after_reopening_and_families_are_apart)
{
    start();
    put(STORE_META, "k", "meta");
    put(STORE_VALUES, "k", "value");
    put(STORE_VALUES, "empty", "");
    store_close(store);
    ck_assert_int_eq(store_open(&store, path, 1 << 20, NULL), ERR_NONE);
    ck_assert_int_eq(get(NULL, STORE_META, "k", "meta"), ERR_NONE);
    ck_assert_int_eq(get(NULL, STORE_VALUES, "k", "value"), ERR_NONE);
    ck_assert_int_eq(get(NULL, STORE_VALUES, "empty", ""), ERR_NONE);
    ck_assert_int_eq(get(NULL, STORE_PAGES, "k", ""), ERR_NOT_FOUND);
    end();
}
END_TEST

START_TEST(batch_that_was_not_written_changes_nothing)
{
    start();
    put(STORE_VALUES, "a", "1");
    struct store_batch *batch = store_batch_new(store);
    store_batch_put(batch, STORE_VALUES, bytes_text("a"), bytes_text("2"));
    store_batch_delete(batch, STORE_VALUES, bytes_text("a"));
    ck_assert_int_eq(get(NULL, STORE_VALUES, "a", "1"), ERR_NONE);
    ck_assert_int_eq(store_write(store, batch, NULL), ERR_NONE);
    ck_assert_int_eq(get(NULL, STORE_VALUES, "a", ""), ERR_NOT_FOUND);
    store_batch_clear(batch);
    ck_assert_int_eq(store_write(store, batch, NULL), ERR_NONE);
    store_batch_free(batch);
    end();
}
END_TEST

START_TEST(snapshot_does_not_move)
{
    start();
    put(STORE_VALUES, "a", "old");
    struct store_snapshot *snapshot = store_snapshot_new(store);
    put(STORE_VALUES, "a", "new");
    put(STORE_VALUES, "b", "new");
    ck_assert_int_eq(get(snapshot, STORE_VALUES, "a", "old"), ERR_NONE);
    ck_assert_int_eq(get(snapshot, STORE_VALUES, "b", ""), ERR_NOT_FOUND);
    ck_assert_int_eq(get(NULL, STORE_VALUES, "a", "new"), ERR_NONE);
    store_snapshot_free(store, snapshot);
    end();
}
END_TEST

START_TEST(cursor_walks_one_family_in_key_order_both_ways)
{
    start();
    put(STORE_VALUES, "b", "2");
    put(STORE_VALUES, "a", "1");
    put(STORE_VALUES, "c", "3");
    put(STORE_PAST, "aa", "x");
    struct store_cursor *cursor = store_cursor_new(store, NULL, STORE_VALUES);
    ck_assert(store_cursor_seek(cursor, bytes_text("aa")));
    ck_assert(bytes_equal(store_cursor_key(cursor), bytes_text("b")));
    struct bytes value;
    ck_assert_int_eq(store_cursor_value(cursor, &value, NULL), ERR_NONE);
    ck_assert(bytes_equal(value, bytes_text("2")));
    ck_assert(store_cursor_next(cursor));
    ck_assert(!store_cursor_next(cursor));
    ck_assert_int_eq(store_cursor_err(cursor, NULL), ERR_NONE);
    ck_assert(store_cursor_seek_back(cursor, bytes_text("bb")));
    ck_assert(bytes_equal(store_cursor_key(cursor), bytes_text("b")));
    ck_assert(store_cursor_back(cursor));
    ck_assert(!store_cursor_back(cursor));
    ck_assert(!store_cursor_seek(cursor, bytes_text("d")));
    store_cursor_free(cursor);
    end();
}
END_TEST

/* Flips one bit in every file of the folder whose name ends so, at the last place where `near` stands. */
static int flip(const char *suffix, const char *near)
{
    DIR *dir = opendir(path);
    int flipped = 0;
    for (struct dirent *file; (file = readdir(dir));) {
        size_t size = strlen(file->d_name), end = strlen(suffix);
        if (size < end || strcmp(file->d_name + size - end, suffix))
            continue;
        char name[400];
        snprintf(name, sizeof(name), "%s/%s", path, file->d_name);
        static uint8_t bytes[8 << 20];
        int fd = open(name, O_RDWR);
        ssize_t count = read(fd, bytes, sizeof(bytes));
        uint8_t *at = memmem(bytes, (size_t)count, near, strlen(near));
        if (at) {
            uint8_t wrong = *at ^ 0x10;
            ck_assert_int_eq(pwrite(fd, &wrong, 1, at - bytes), 1);
            flipped++;
        }
        close(fd);
    }
    closedir(dir);
    return flipped;
}

START_TEST(bit_flip_on_disk_is_found_and_the_key_named)
{
    start();
    put(STORE_VALUES, "account/", "a value that is long enough to be found");
    store_close(store);
    ck_assert_int_eq(store_open(&store, path, 1 << 20, NULL),
                     ERR_NONE); /* moves the log into a table */
    store_close(store);
    ck_assert_int_gt(flip(".sst", "a value that is long"), 0);
    ck_assert_int_eq(store_open(&store, path, 1 << 20, NULL), ERR_NONE);
    struct bytes value;
    struct fault fault = {0};
    ck_assert_int_eq(
        store_get(&arena, store, NULL, STORE_VALUES, bytes_text("account/"), &value, &fault),
        ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(fault.text, "store: values, key 6163636f756e742f"));
    end();
}
END_TEST

START_TEST(bit_flip_in_the_log_before_its_tail_is_found)
{
    start();
    put(STORE_VALUES, "first", "a value that is long enough to be found");
    for (int i = 0; i < 50; i++)
        put(STORE_VALUES, "later", "another value, so that the damage isn't at the tail");
    /* without closing: what a crash leaves is a log; work on a copy of the folder */
    char command[200], copy[80];
    snprintf(copy, sizeof(copy), "%s-copy", path);
    snprintf(command, sizeof(command), "cp -r '%s' '%s'", path, copy);
    ck_assert_int_eq(system(command), 0);
    end();
    strcpy(path, copy);
    ck_assert_int_gt(flip(".log", "a value that is long"), 0);
    struct fault fault = {0};
    arena_init(&arena, 1 << 20);
    ck_assert_int_eq(store_open(&store, path, 1 << 20, &fault), ERR_CORRUPT);
    store = NULL;
    end();
}
END_TEST

START_TEST(folder_that_cannot_be_made_is_an_error_with_its_name)
{
    struct fault fault = {0};
    ck_assert_int_eq(store_open(&store, "/proc/nowhere/data", 1 << 20, &fault), ERR_IO);
    ck_assert_ptr_nonnull(strstr(fault.text, "/proc/nowhere/data"));
}
END_TEST

START_TEST(every_write_is_synced_before_it_counts)
{
    start();
    for (int i = 0; i < 5; i++) {
        unsigned before = syncs;
        put(STORE_META, "k", "value");
        ck_assert_uint_gt(syncs, before);
    }
    end();
}
END_TEST

HARNESS_MAIN("store_rocks", every_write_is_synced_before_it_counts,
             batch_is_there_after_reopening_and_families_are_apart,
             batch_that_was_not_written_changes_nothing, snapshot_does_not_move,
             cursor_walks_one_family_in_key_order_both_ways,
             bit_flip_on_disk_is_found_and_the_key_named,
             bit_flip_in_the_log_before_its_tail_is_found,
             folder_that_cannot_be_made_is_an_error_with_its_name)
