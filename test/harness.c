#include "test/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, condition);
    abort();
}

int harness_run(const char *name, const TTest *const tests[], unsigned count)
{
    Suite *suite = suite_create(name);
    TCase *cases = tcase_create(name);
    tcase_set_timeout(cases, 60);
    for (unsigned i = 0; i < count; i++)
        tcase_add_test(cases, tests[i]);
    suite_add_tcase(suite, cases);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    printf("%d passed, %d failed\n", srunner_ntests_run(runner) - failed, failed);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static const char *harness_folder_name;

static void harness_remove_folder(void)
{
    char command[256];
    snprintf(command, sizeof(command), "rm -rf '%s'", harness_folder_name);
    if (system(command) != 0)
        fprintf(stderr, "%s stays\n", harness_folder_name);
}

void harness_folder(char *name)
{
    ck_assert_ptr_nonnull(mkdtemp(name));
    harness_folder_name = name;
    ck_assert_int_eq(atexit(harness_remove_folder), 0);
}

size_t harness_hex(void *out, const char *hex)
{
    size_t size = strlen(hex) / 2;
    ck_assert_msg(bytes_from_hex(out, size, hex), "no hexadecimal: %s", hex);
    return size;
}
