#include "tools/tenured/opening.h"

#include <stdio.h>

#include "test/harness.h"
#include "tools/sys/file.h"

static char data[] = "/tmp/tenure-opening-XXXXXX";
static struct fault fault;

/* The NEW-VIEW of the view whose first block was committed at this height: its bytes are a number. */
static void keep(uint64_t height, uint8_t number)
{
    struct digest digest = digest_of(&number, 1);
    enum err err =
        opening_keep(data, (struct height){height}, &digest, bytes_of(&number, 1), &fault);
    ck_assert_msg(!err, "%s", fault.text);
}

static bool has(uint64_t height, uint8_t number)
{
    char path[FILE_PATH_SIZE], text[DIGEST_TEXT_SIZE];
    struct digest digest = digest_of(&number, 1);
    digest_text(text, &digest);
    snprintf(path, sizeof(path), "%s/new-views/%020llu-%s", data, (unsigned long long)height, text);
    return file_exists(path);
}

static void prune(uint64_t start)
{
    enum err err = opening_prune(data, (struct height){start}, &fault);
    ck_assert_msg(!err, "%s", fault.text);
}

START_TEST(what_opened_the_view_of_a_kept_block_stays)
{
    harness_folder(data);
    prune(1000); /* there is no folder yet */
    keep(5, 1);
    keep(100, 2);
    keep(300, 3);
    prune(5);
    prune(100 + OPENING_LATE - 1);
    ck_assert(has(5, 1));
    prune(100 + OPENING_LATE);
    ck_assert(!has(5, 1));
    ck_assert(has(100, 2) && has(300, 3));
    prune(300);
    ck_assert(has(100, 2)); /* block 300 may have come with the certificate of the view before */
    prune(1000000);
    ck_assert(!has(100, 2));
    ck_assert(has(300, 3)); /* no other view was opened since */
}
END_TEST

START_TEST(a_view_that_goes_on_after_a_restart_is_kept_twice_and_once)
{
    harness_folder(data);
    keep(10, 1);
    keep(20, 1); /* the first block that was committed after the restart */
    prune(1000);
    ck_assert(!has(10, 1));
    ck_assert(has(20, 1));
}
END_TEST

START_TEST(other_files_are_left_alone)
{
    char path[FILE_PATH_SIZE];
    harness_folder(data);
    keep(10, 1);
    keep(20, 2);
    snprintf(path, sizeof(path), "%s/new-views/00000000000000000005-note", data);
    ck_assert_int_eq(file_write(path, bytes_text("x"), 0600, &fault), ERR_NONE);
    prune(1000);
    ck_assert(file_exists(path));
    ck_assert(!has(10, 1));
}
END_TEST

HARNESS_MAIN("opening", what_opened_the_view_of_a_kept_block_stays,
             a_view_that_goes_on_after_a_restart_is_kept_twice_and_once, other_files_are_left_alone)
