#include "tools/sys/process.h"

#include "test/harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct fault fault;
static char folder[] = "/tmp/tenure-process-XXXXXX";
static char file[64];

static const char *path(const char *name)
{
    snprintf(file, sizeof(file), "%s/%s", folder, name);
    return file;
}

static void setup_folder(void)
{
    harness_folder(folder);
}

static struct process start(const char *program, const char *argument)
{
    const char *const argv[] = {program, argument, NULL};
    struct process process;

    ck_assert_int_eq(process_start(&process, argv, path("log"), PROCESS_TIED, &fault), ERR_NONE);
    return process;
}

START_TEST(child_runs_until_it_is_ended)
{
    struct process process;

    setup_folder();
    process = start("/bin/sleep", "100");
    ck_assert(process_is_alive(&process));
    ck_assert(!process_wait(&process, 20));
    ck_assert(process_end(&process, 2000));
    ck_assert(!process_is_alive(&process));
    ck_assert(!process_signal(&process, SIGTERM));
}
END_TEST

START_TEST(stopped_child_can_be_ended)
{
    struct process process;

    setup_folder();
    process = start("/bin/sleep", "100");
    ck_assert(process_signal(&process, SIGSTOP));
    ck_assert(process_is_alive(&process));
    ck_assert(process_end(&process, 2000));
}
END_TEST

START_TEST(exit_status_is_told)
{
    struct process process;
    int status = -1;

    setup_folder();
    process = start("/bin/false", NULL);
    ck_assert(process_join(&process, 2000, &status));
    ck_assert_int_eq(status, 1);
    process = start("/bin/sleep", "100");
    ck_assert(process_signal(&process, SIGKILL));
    ck_assert(process_join(&process, 2000, &status));
    ck_assert_int_eq(status, 128 + SIGKILL);
}
END_TEST

/* The pid is alive, but it is somebody who was started at another moment: ourselves. */
START_TEST(another_process_with_the_pid_is_not_touched)
{
    struct process other = {getpid(), 1};

    ck_assert(!process_is_alive(&other));
    ck_assert(!process_signal(&other, SIGKILL));
    ck_assert(process_end(&other, 10));
}
END_TEST

START_TEST(file_finds_the_process_again)
{
    struct process process, found;

    setup_folder();
    process = start("/bin/sleep", "100");
    ck_assert_int_eq(process_save(&process, path("pid"), &fault), ERR_NONE);
    ck_assert_int_eq(process_load(&found, path("pid"), &fault), ERR_NONE);
    ck_assert(process_is_alive(&found));
    ck_assert(process_end(&found, 2000));
    ck_assert_int_eq(process_load(&found, path("none"), &fault), ERR_NOT_FOUND);
}
END_TEST

START_TEST(missing_program_is_said)
{
    const char *const argv[] = {"/nowhere/program", NULL};
    struct process process;

    setup_folder();
    ck_assert_int_eq(process_start(&process, argv, path("log"), PROCESS_TIED, &fault),
                     ERR_NOT_FOUND);
    ck_assert(strstr(fault.text, "/nowhere/program"));
}
END_TEST

START_TEST(own_folder_and_usage_are_known)
{
    char own[512];
    uint64_t cpu_ms, rss_bytes;
    struct process process;

    setup_folder();
    ck_assert(process_own_folder(own, sizeof(own)));
    ck_assert(own[0] == '/');
    process = start("/bin/sleep", "100");
    /* It has no memory for a moment, between its old program and its new one. */
    for (int i = 0; i < 200; i++) {
        ck_assert(process_usage(&process, &cpu_ms, &rss_bytes));
        if (rss_bytes > 0)
            break;
        usleep(10000);
    }
    ck_assert_uint_gt(rss_bytes, 0);
    ck_assert(process_end(&process, 2000));
    ck_assert(!process_usage(&process, &cpu_ms, &rss_bytes));
}
END_TEST

HARNESS_MAIN("process", child_runs_until_it_is_ended, stopped_child_can_be_ended,
             exit_status_is_told, another_process_with_the_pid_is_not_touched,
             file_finds_the_process_again, missing_program_is_said, own_folder_and_usage_are_known)
