/* The log of a program: one line an event, to stderr, for people or as JSON.
 *
 *     2026-11-22T21:40:07.123Z info  block-committed height 7, 12 transactions
 *     {"time":"2026-11-22T21:40:07.123Z","level":"info","event":"block-committed",
 *      "message":"height 7, 12 transactions"}                                      (all in one line)
 *
 * Level and form belong to the process: set them once, before the first thread starts. Any thread
 * may log. */
#ifndef TOOLS_SYS_LOG_H
#define TOOLS_SYS_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/* A longer line is cut. */
#define LOG_LINE_SIZE 1024

void log_setup(enum log_level level, bool json);

/* False, and *level untouched, unless `name` is debug, info, warn or error. */
bool log_level_parse(enum log_level *level, const char *name);

/* Writes one line. `event` is a stable word for programs; the message is a sentence for people.
 * Line ends in it become spaces. The line leaves in one write, so that lines of several threads
 * never mix. */
void log_event(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
