#include "tools/tenured/statesync.h"

#include <stdio.h>

#include "test/harness.h"
#include "tools/tenured/node.h"
#include "tools/tenured/wire.h"

static struct node node;
static char folder[] = "/tmp/tenure-statesync-XXXXXX";
static struct fault fault;

/* Makes a folder with a file in it, or looks for that file. */
static void put(const char *name, const char *file)
{
    char path[FILE_PATH_SIZE], inside[FILE_PATH_SIZE];
    ck_assert_int_eq(file_join(path, folder, name, &fault), ERR_NONE);
    ck_assert_int_eq(file_make_folder(path, 0700, &fault), ERR_NONE);
    ck_assert_int_eq(file_join(inside, path, file, &fault), ERR_NONE);
    ck_assert_int_eq(file_write(inside, bytes_text("x"), 0600, &fault), ERR_NONE);
}

static bool has(const char *name, const char *file)
{
    char path[FILE_PATH_SIZE], inside[FILE_PATH_SIZE];
    ck_assert_int_eq(file_join(path, folder, name, &fault), ERR_NONE);
    ck_assert_int_eq(file_join(inside, path, file, &fault), ERR_NONE);
    return file_exists(inside);
}

START_TEST(only_a_whole_import_takes_the_place_of_the_chain)
{
    harness_folder(folder);
    put("chain", "old");
    put("incoming", "half");
    ck_assert_int_eq(statesync_adopt(folder, &fault), ERR_NONE);
    ck_assert(has("chain", "old"));
    ck_assert(has("incoming", "half"));
    put("fetched", "new");
    ck_assert_int_eq(statesync_adopt(folder, &fault), ERR_NONE);
    ck_assert(has("chain", "new"));
    ck_assert(!has("chain", "old"));
    ck_assert(!has("fetched", "new"));
    ck_assert_int_eq(statesync_adopt(folder, &fault), ERR_NONE);
    ck_assert(has("chain", "new"));
}
END_TEST

/* Killed between the old chain's end and the new one's place. */
START_TEST(a_missing_chain_is_replaced_too)
{
    harness_folder(folder);
    put("fetched", "new");
    ck_assert_int_eq(statesync_adopt(folder, &fault), ERR_NONE);
    ck_assert(has("chain", "new"));
}
END_TEST

START_TEST(a_peer_has_a_bounded_number_of_records_waiting)
{
    ck_assert_int_eq(statesync_init(&node.statesync, &node), ERR_NONE);
    for (int i = 0; i < 100; i++)
        statesync_record(&node.statesync, (struct place){1}, WIRE_WANT_CHUNK, bytes_text("want"));
    ck_assert_uint_eq(queue_count(&node.statesync.queue), STATESYNC_ASKED_MAX);
    statesync_record(&node.statesync, (struct place){2}, WIRE_WANT_CHUNK, bytes_text("want"));
    ck_assert_uint_eq(queue_count(&node.statesync.queue), STATESYNC_ASKED_MAX + 1);
    statesync_release(&node.statesync);
}
END_TEST

START_TEST(a_height_is_needed_while_it_is_served)
{
    ck_assert_int_eq(statesync_init(&node.statesync, &node), ERR_NONE);
    ck_assert_uint_eq(statesync_needed(&node.statesync), UINT64_MAX);
    ck_assert(!statesync_is_active(&node.statesync));
    statesync_release(&node.statesync);
}
END_TEST

HARNESS_MAIN("statesync", only_a_whole_import_takes_the_place_of_the_chain,
             a_missing_chain_is_replaced_too, a_peer_has_a_bounded_number_of_records_waiting,
             a_height_is_needed_while_it_is_served)
