#include "tools/sys/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "tools/sys/clock.h"

#define LOG_TIME_SIZE 32

/* Of the process; set before its threads start. */
static enum log_level log_level_min = LOG_LEVEL_INFO;
static bool log_json;

static const char *const log_level_names[] = {"debug", "info", "warn", "error"};

void log_setup(enum log_level level, bool json)
{
    log_level_min = level;
    log_json = json;
}

bool log_level_parse(enum log_level *level, const char *name)
{
    for (int i = LOG_LEVEL_DEBUG; i <= LOG_LEVEL_ERROR; i++) {
        if (strcmp(name, log_level_names[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static void log_time(char out[LOG_TIME_SIZE])
{
    uint64_t now_ms = clock_wall_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    size_t size = strftime(out, LOG_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out + size, LOG_TIME_SIZE - size, ".%03uZ", (unsigned)(now_ms % 1000));
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    if (level < log_level_min)
        return;

    char message[LOG_LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);

    for (char *at = message; *at; at++)
        if (*at == '\n' || *at == '\r')
            *at = ' ';

    char time_text[LOG_TIME_SIZE];
    log_time(time_text);

    struct text line;
    text_init(&line, 2 * LOG_LINE_SIZE + 256);
    if (log_json) {
        text_add(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":", time_text,
                 log_level_names[level]);
        text_json(&line, bytes_text(event));
        text_add(&line, ",\"message\":");
        text_json(&line, bytes_text(message));
        text_add(&line, "}");
    } else {
        text_add(&line, "%s %-5s %s %s", time_text, log_level_names[level], event, message);
    }
    text_add(&line, "\n");
    if (!line.failed && write(STDERR_FILENO, line.data, line.size) < 0) {
        /* Nobody listens; a log has nowhere else to go. */
    }
    text_release(&line);
}
