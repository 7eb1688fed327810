/* Other programs: started with their output in a file, recognised again by a later run, and ended.
 *
 * A pid alone proves nothing: the system gives it to somebody else later. A process is known by its pid and the moment it
 * was started (field 22 of /proc/PID/stat), and nothing is ever sent to a pid whose moment differs. */
#ifndef TOOLS_SYS_PROCESS_H
#define TOOLS_SYS_PROCESS_H

#include <sys/types.h>

#include "base/bytes.h"
#include "base/error.h"

struct process {
    pid_t pid;        /* 0: none */
    uint64_t started; /* clock ticks since boot */
};

enum process_bond {
    PROCESS_TIED, /* gets SIGKILL when its starter's thread ends, however that happens */
    PROCESS_FREE, /* lives on */
};

/* Runs argv[0] (a path) with argv, NULL-terminated; stdin is /dev/null, stdout and stderr are appended to `log`.
 * It gets a session of its own: a terminal's keys don't reach it, and the kernel, which wakes what is stopped in a process group whose
 * session has lost its leader, lets it sleep.
 * ERR_NOT_FOUND when there is no such program, ERR_IO when it can't be run or the log can't be opened. */
MUST_USE enum err process_start(struct process *process, const char *const argv[], const char *log,
                                enum process_bond bond, struct fault *fault);

/* True while it runs (a stopped one too). A child that has ended is buried here. */
bool process_is_alive(const struct process *process);

/* Sends `signal` if it is alive; false if it isn't. */
bool process_signal(const struct process *process, int signal);

/* Waits for its end; false if it still runs after `timeout_ms`. */
bool process_wait(const struct process *process, uint64_t timeout_ms);

/* As process_wait for a child, and tells its exit status, 128 + signal when one ended it. */
bool process_join(const struct process *process, uint64_t timeout_ms, int *status);

/* SIGTERM, and SIGKILL when it still runs after `patience_ms`. True when it is gone. */
bool process_end(const struct process *process, uint64_t patience_ms);

/* A file that names a process: "pid started". ERR_NOT_FOUND, ERR_MALFORMED, ERR_IO. */
MUST_USE enum err process_save(const struct process *process, const char *path,
                               struct fault *fault);
MUST_USE enum err process_load(struct process *process, const char *path, struct fault *fault);

/* CPU time it has used, user and system, and its resident memory. False when it is gone. */
bool process_usage(const struct process *process, uint64_t *cpu_ms, uint64_t *rss_bytes);

/* The folder of the running program, so that programs built together find each other. False if the system doesn't say. */
bool process_own_folder(char *path, size_t size);

#endif
