/* What a failed CHECK does in our programs: one line in the log, and the end. */
#include "base/check.h"

#include <unistd.h>

#include "tools/sys/log.h"

/* EX_SOFTWARE of sysexits.h. */
#define CHECK_FAILED_EXIT 70

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    log_event(LOG_LEVEL_ERROR, "bug",
              "%s:%d: this should never happen: %s. Please report it with this line.", file, line,
              condition);
    _exit(CHECK_FAILED_EXIT);
}
