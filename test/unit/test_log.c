#include "tools/sys/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test/harness.h"

/* What one event leaves on stderr, behind its time stamp of 24 characters. */
static const char *line_of(enum log_level level, const char *message)
{
    static char line[4096];
    int ends[2], before = dup(STDERR_FILENO);
    ck_assert_int_eq(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    log_event(level, "some-event", "%s", message);
    dup2(before, STDERR_FILENO);
    close(ends[1]);
    ssize_t size = read(ends[0], line, sizeof(line) - 1);
    ck_assert_int_ge(size, 0);
    line[size] = 0;
    close(ends[0]);
    return line;
}

START_TEST(one_line_an_event)
{
    log_setup(LOG_LEVEL_INFO, false);
    ck_assert_str_eq(line_of(LOG_LEVEL_WARN, "a\nb") + 24, " warn  some-event a b\n");
    ck_assert_str_eq(line_of(LOG_LEVEL_DEBUG, "a"), "");
}
END_TEST

START_TEST(json_is_escaped)
{
    log_setup(LOG_LEVEL_DEBUG, true);
    const char *line = line_of(LOG_LEVEL_ERROR, "say \"x\"\n");
    ck_assert_mem_eq(line, "{\"time\":\"2", 10);
    ck_assert_str_eq(
        strchr(line, ','),
        ",\"level\":\"error\",\"event\":\"some-event\",\"message\":\"say \\\"x\\\" \"}\n");
}
END_TEST

START_TEST(levels_have_names)
{
    enum log_level level = LOG_LEVEL_INFO;
    ck_assert(!log_level_parse(&level, "loud"));
    ck_assert_int_eq(level, LOG_LEVEL_INFO);
    ck_assert(log_level_parse(&level, "error"));
    ck_assert_int_eq(level, LOG_LEVEL_ERROR);
}
END_TEST

HARNESS_MAIN("log", one_line_an_event, json_is_escaped, levels_have_names)
