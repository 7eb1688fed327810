/* A CHECK that fails aborts, so that a fuzzer saves the input. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, condition);
    abort();
}
