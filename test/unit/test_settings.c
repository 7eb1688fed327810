#include "tools/sys/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/harness.h"

START_TEST(relative_paths_start_at_the_files_folder)
{
    char folder[] = "/tmp/tenure-test-settings-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    char path[128], expected[160];
    snprintf(path, sizeof(path), "%s/tenured.ini", folder);
    ck_assert_int_eq(
        file_write(path, bytes_text("[node]\ndata = /absolute\nkey = a.key\npassphrase = file:p\n"),
                   0600, NULL),
        ERR_NONE);
    struct settings *settings = malloc(sizeof(*settings));
    struct fault fault;
    ck_assert_int_eq(settings_read(settings, path, &fault), ERR_NONE);
    ck_assert_str_eq(settings->data, "/absolute");
    snprintf(expected, sizeof(expected), "%s/a.key", folder);
    ck_assert_str_eq(settings->key, expected);
    snprintf(expected, sizeof(expected), "file:%s/p", folder);
    ck_assert_str_eq(settings->passphrase, expected);
    snprintf(expected, sizeof(expected), "%s/genesis.bin", folder);
    ck_assert_str_eq(settings->genesis, expected);
    ck_assert_uint_eq(settings->timeout_ms, 2000);
    free(settings);
    unlink(path);
    rmdir(folder);
}
END_TEST

START_TEST(the_sample_can_be_read)
{
    char path[] = "/tmp/tenure-test-settings-XXXXXX";
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    close(descriptor);
    struct text sample;
    struct fault fault;
    text_init(&sample, 65536);
    config_print(&sample, &settings_table, NULL);
    ck_assert_int_eq(file_write(path, bytes_text(text_string(&sample)), 0600, NULL), ERR_NONE);
    struct settings *settings = malloc(sizeof(*settings));
    ck_assert_int_eq(settings_read(settings, path, &fault), ERR_NONE);
    ck_assert_str_eq(settings->log_level, "info");
    ck_assert_str_eq(settings->passphrase, "terminal");
    free(settings);
    text_release(&sample);
    unlink(path);
}
END_TEST

HARNESS_MAIN("settings", relative_paths_start_at_the_files_folder, the_sample_can_be_read)
