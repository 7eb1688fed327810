#include "tools/sys/keyfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/harness.h"
#include "tools/sys/file.h"
#include "tools/sys/random.h"

static void setup_folder(void)
{
    static char folder[] = "/tmp/tenure-test-keyfile-XXXXXX";
    harness_folder(folder);
    ck_assert_int_eq(chdir(folder), 0);
}

static struct keyfile_passphrase passphrase_of(const char *text)
{
    struct keyfile_passphrase passphrase = {.size = strlen(text)};
    strcpy(passphrase.text, text);
    return passphrase;
}

static struct sign_secret new_secret(void)
{
    struct sign_secret secret;
    random_fill(&secret, sizeof(secret));
    secret.bytes[0] = 1;
    return secret;
}

START_TEST(a_key_comes_back_with_its_passphrase_only)
{
    setup_folder();
    struct keyfile_passphrase right = passphrase_of("correct horse"),
                              wrong = passphrase_of("battery");
    struct sign_secret secret = new_secret(), opened;
    struct sign_public public, expected;
    struct fault fault;
    struct stat status;
    ck_assert(sign_public_of(&expected, &secret));
    ck_assert_int_eq(keyfile_create("k", &secret, &right, &fault), ERR_NONE);
    ck_assert_int_eq(stat("k", &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0600);

    ck_assert_int_eq(keyfile_open(&opened, &public, "k", &right, &fault), ERR_NONE);
    ck_assert_mem_eq(&opened, &secret, sizeof(secret));
    ck_assert_mem_eq(&public, &expected, sizeof(public));
    memset(&public, 0, sizeof(public));
    ck_assert_int_eq(keyfile_public(&public, "k", &fault), ERR_NONE);
    ck_assert_mem_eq(&public, &expected, sizeof(public));

    memset(&opened, 0, sizeof(opened));
    ck_assert_int_eq(keyfile_open(&opened, &public, "k", &wrong, &fault), ERR_SIGNATURE);
    ck_assert_str_eq(fault.text, "key file k: wrong passphrase, or the file was changed");
    ck_assert_int_eq(opened.bytes[0], 0);
    ck_assert_int_eq(keyfile_create("k", &secret, &right, &fault), ERR_NOT_NOW);
}
END_TEST

START_TEST(a_changed_file_is_refused)
{
    setup_folder();
    struct keyfile_passphrase passphrase = passphrase_of("p");
    struct sign_secret secret = new_secret(), opened;
    struct sign_public public;
    struct fault fault;
    uint8_t *data;
    size_t size;
    ck_assert_int_eq(keyfile_create("k", &secret, &passphrase, &fault), ERR_NONE);
    ck_assert_int_eq(file_read(&data, &size, "k", 4096, NULL), ERR_NONE);
    data[size - 1] ^= 1;
    ck_assert_int_eq(file_write("k", bytes_of(data, size), 0600, NULL), ERR_NONE);
    ck_assert_int_eq(keyfile_open(&opened, &public, "k", &passphrase, &fault), ERR_SIGNATURE);
    ck_assert_int_eq(file_write("k", bytes_of(data, size - 1), 0600, NULL), ERR_NONE);
    ck_assert_int_eq(keyfile_open(&opened, &public, "k", &passphrase, &fault), ERR_MALFORMED);
    ck_assert_str_eq(fault.text, "key file k: is not a key file of Tenure");
    free(data);
}
END_TEST

START_TEST(missing_and_open_files_are_named)
{
    setup_folder();
    struct keyfile_passphrase passphrase = passphrase_of("p");
    struct sign_secret secret = new_secret();
    struct sign_public public;
    struct fault fault;
    ck_assert_int_eq(keyfile_public(&public, "none", &fault), ERR_NOT_FOUND);
    ck_assert_str_eq(fault.text, "key file none: No such file or directory");
    ck_assert_int_eq(keyfile_create("k", &secret, &passphrase, &fault), ERR_NONE);
    ck_assert_int_eq(chmod("k", 0640), 0);
    ck_assert_int_eq(keyfile_public(&public, "k", &fault), ERR_USAGE);
    ck_assert_str_eq(fault.text, "key file k: others may read it; run: chmod 600 k");
    ck_assert_int_eq(mkdir("d", 0700), 0);
    ck_assert_int_eq(keyfile_public(&public, "d", &fault), ERR_IO);
    ck_assert_str_eq(fault.text, "key file d: is not a file");
}
END_TEST

START_TEST(a_passphrase_is_the_first_line)
{
    setup_folder();
    struct keyfile_passphrase passphrase;
    struct fault fault;
    ck_assert_int_eq(file_write("p", bytes_text("secret words\r\nmore"), 0600, NULL), ERR_NONE);
    ck_assert_int_eq(keyfile_passphrase_read(&passphrase, "file:p", "k", false, &fault), ERR_NONE);
    ck_assert_str_eq(passphrase.text, "secret words");
    ck_assert_uint_eq(passphrase.size, 12);

    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "by pipe\n", 8), 8);
    char source[32];
    snprintf(source, sizeof(source), "fd:%d", ends[0]);
    ck_assert_int_eq(keyfile_passphrase_read(&passphrase, source, "k", false, &fault), ERR_NONE);
    ck_assert_str_eq(passphrase.text, "by pipe");
}
END_TEST

START_TEST(a_bad_passphrase_source_is_explained)
{
    setup_folder();
    struct keyfile_passphrase passphrase;
    struct fault fault;
    ck_assert_int_eq(keyfile_passphrase_read(&passphrase, "hunter2", "k", false, &fault),
                     ERR_USAGE);
    ck_assert_str_eq(fault.text,
                     "passphrase source \"hunter2\": give terminal, file:PATH or fd:NUMBER");
    ck_assert_int_eq(keyfile_passphrase_read(&passphrase, "fd:1x", "k", false, &fault), ERR_USAGE);
    ck_assert_int_eq(keyfile_passphrase_read(&passphrase, "file:none", "k", false, &fault),
                     ERR_NOT_FOUND);
    ck_assert_str_eq(fault.text, "passphrase file none: No such file or directory");
    ck_assert_int_eq(file_write("p", bytes_text("\n"), 0600, NULL), ERR_NONE);
    ck_assert_int_eq(keyfile_passphrase_read(&passphrase, "file:p", "k", false, &fault), ERR_USAGE);
    ck_assert_str_eq(fault.text, "passphrase from file:p: is empty");
}
END_TEST

HARNESS_MAIN("keyfile", a_key_comes_back_with_its_passphrase_only, a_changed_file_is_refused,
             missing_and_open_files_are_named, a_passphrase_is_the_first_line,
             a_bad_passphrase_source_is_explained)
