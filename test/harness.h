/* What every unit test needs: a Check runner, and the check_failed() that a program defines.
 *
 *     START_TEST(repeated_vote_changes_nothing) { ... }
 *     END_TEST
 *     HARNESS_MAIN("slot", repeated_vote_changes_nothing, ...)
 */
#ifndef TEST_HARNESS_H
#define TEST_HARNESS_H

#include <check.h>
#include <stddef.h>
#include <stdint.h>

/* HARNESS_MAIN("slot", repeated_vote_changes_nothing, quorum_is_counted_once): each is a START_TEST of that name. */
#define HARNESS_MAIN(name, ...)                                                                    \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        return harness_run((name), tests, sizeof(tests) / sizeof(tests[0]));                       \
    }

/* Runs each test in a process of its own (CK_FORK=no for a debugger); the last line is "N passed, M failed".
 * 0 if all passed. */
int harness_run(const char *name, const TTest *const tests[], unsigned count);

/* The bytes that `hex` writes down, into `out`, which has room for them; their count. Fails the test if it is no hex. */
size_t harness_hex(void *out, const char *hex);

/* Makes the folder that `name` ("/tmp/tenure-slot-XXXXXX") stands for; it goes, with all in it, when the test has passed. `name` stays
 * borrowed; one folder a test. */
void harness_folder(char *name);

#endif
