#include "tools/sys/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/harness.h"

static char folder[64];

static void setup_folder(void)
{
    strcpy(folder, "/tmp/tenure-test-file-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

START_TEST(what_was_written_is_read)
{
    setup_folder();
    uint8_t *data;
    size_t size;
    struct stat status;
    ck_assert_int_eq(file_write("a", bytes_text("first"), 0600, NULL), ERR_NONE);
    ck_assert_int_eq(file_write("a", bytes_text("second"), 0640, NULL), ERR_NONE);
    ck_assert_int_eq(file_read(&data, &size, "a", 6, NULL), ERR_NONE);
    ck_assert_uint_eq(size, 6);
    ck_assert_str_eq((char *)data, "second");
    free(data);
    ck_assert_int_eq(stat("a", &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0640);
    ck_assert_int_eq(unlink("a"), 0);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing else was left there */
}
END_TEST

START_TEST(create_never_replaces)
{
    setup_folder();
    struct fault fault;
    uint8_t *data;
    size_t size;
    ck_assert_int_eq(file_create("a", bytes_text("first"), 0600, &fault), ERR_NONE);
    ck_assert_int_eq(file_create("a", bytes_text("second"), 0600, &fault), ERR_NOT_NOW);
    ck_assert_str_eq(fault.text, "a: is there already");
    ck_assert_int_eq(file_read(&data, &size, "a", 100, NULL), ERR_NONE);
    ck_assert_str_eq((char *)data, "first");
    free(data);
    ck_assert_int_eq(unlink("a"), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(failures_name_the_path)
{
    setup_folder();
    struct fault fault;
    uint8_t *data;
    size_t size;
    ck_assert_int_eq(file_read(&data, &size, "none", 10, &fault), ERR_NOT_FOUND);
    ck_assert_str_eq(fault.text, "none: No such file or directory");
    ck_assert_int_eq(file_read(&data, &size, ".", 10, &fault), ERR_IO);
    ck_assert_str_eq(fault.text, ".: is not a file");
    ck_assert_int_eq(file_write("b", bytes_text("12345"), 0600, NULL), ERR_NONE);
    ck_assert_int_eq(file_read(&data, &size, "b", 4, &fault), ERR_LIMIT);
    ck_assert_str_eq(fault.text, "b: is larger than 4 bytes");
    ck_assert_int_eq(file_write("no/b", bytes_text("x"), 0600, &fault), ERR_IO);
    ck_assert_int_eq(file_write("/dev/full/x", bytes_text("x"), 0600, &fault), ERR_IO);
    ck_assert_int_eq(file_make_folder("b/c", 0700, &fault), ERR_IO);
    ck_assert_str_eq(fault.text, "b/c: Not a directory");
    ck_assert_int_eq(unlink("b"), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(folders_are_made_as_deep_as_needed)
{
    setup_folder();
    ck_assert_int_eq(file_make_folder("x/y/z", 0700, NULL), ERR_NONE);
    ck_assert_int_eq(file_make_folder("x/y/z", 0700, NULL), ERR_NONE);
    ck_assert_int_eq(file_write("x/y/z/a", bytes_text(""), 0600, NULL), ERR_NONE);
    ck_assert(file_exists("x/y/z/a"));
    ck_assert(!file_exists("x/y/z/b"));
    ck_assert_int_eq(system("rm -r x"), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(a_lock_is_held_by_one)
{
    setup_folder();
    struct fault fault;
    int first, second;
    ck_assert_int_eq(file_lock(&first, "lock", &fault), ERR_NONE);
    ck_assert_int_eq(file_lock(&second, "lock", &fault), ERR_BUSY);
    ck_assert_str_eq(fault.text, "lock: another process holds it");
    close(first);
    ck_assert_int_eq(file_lock(&second, "lock", &fault), ERR_NONE);
    close(second);
    ck_assert_int_eq(unlink("lock"), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(folder_is_removed_with_its_files_and_another_takes_its_place)
{
    static char own[] = "/tmp/tenure-file-XXXXXX";
    char from[64], to[64], inside[96];
    struct fault fault = {0};
    harness_folder(own);
    snprintf(from, sizeof(from), "%s/from", own);
    snprintf(to, sizeof(to), "%s/to", own);
    ck_assert_int_eq(file_make_folder(from, 0700, &fault), ERR_NONE);
    ck_assert_int_eq(file_make_folder(to, 0700, &fault), ERR_NONE);
    snprintf(inside, sizeof(inside), "%s/a", from);
    ck_assert_int_eq(file_write(inside, bytes_text("new"), 0600, &fault), ERR_NONE);
    snprintf(inside, sizeof(inside), "%s/b", to);
    ck_assert_int_eq(file_write(inside, bytes_text("old"), 0600, &fault), ERR_NONE);
    ck_assert_int_eq(file_rename(from, to, &fault), ERR_IO); /* it holds something */
    ck_assert_int_eq(file_remove_folder(to, &fault), ERR_NONE);
    ck_assert_int_eq(file_remove_folder(to, &fault), ERR_NONE); /* none there */
    ck_assert_int_eq(file_rename(from, to, &fault), ERR_NONE);
    snprintf(inside, sizeof(inside), "%s/a", to);
    ck_assert(file_exists(inside));
    ck_assert(!file_exists(from));
}
END_TEST

HARNESS_MAIN("file", what_was_written_is_read, create_never_replaces, failures_name_the_path,
             folders_are_made_as_deep_as_needed, a_lock_is_held_by_one,
             folder_is_removed_with_its_files_and_another_takes_its_place)
