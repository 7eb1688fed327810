#include "tools/sys/process.h"

#include "tools/sys/clock.h"
#include "tools/sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* How often a wait looks. */
#define LOOK_MS 10

/* What /proc/PID/stat says (proc(5)); the program's name in it may hold anything, so fields are counted from its last ')'. */
struct stat_line {
    char state;
    uint64_t cpu_ticks, started, rss_pages;
};

static bool read_stat(struct stat_line *line, pid_t pid)
{
    char path[64], text[1024], *at;
    uint64_t user, system;
    ssize_t size;
    int file;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    size = read(file, text, sizeof(text) - 1);
    close(file);
    if (size <= 0)
        return false;
    text[size] = 0;
    at = strrchr(text, ')');
    if (!at || sscanf(at,
                      ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
                      " %*d %*d %*d %*d %*d %*d %" SCNu64 " %*u %" SCNu64,
                      &line->state, &user, &system, &line->started, &line->rss_pages) != 5)
        return false;
    line->cpu_ticks = user + system;
    return true;
}

/* In the child: never returns. Tells a failure through `pipe`, which closes when the program runs. */
static void run_child(const char *const argv[], int log, enum process_bond bond, pid_t starter,
                      int pipe)
{
    int null = open("/dev/null", O_RDONLY), failed;
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (bond == PROCESS_TIED && (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != starter))
        _exit(127);
    setsid();
    dup2(null, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execv(argv[0], (char *const *)argv);
    failed = errno;
    if (write(pipe, &failed, sizeof(failed)) != sizeof(failed))
        _exit(126);
    _exit(127);
}

enum err process_start(struct process *process, const char *const argv[], const char *log,
                       enum process_bond bond, struct fault *fault)
{
    int file = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), ends[2], failed = 0;
    pid_t starter = getpid(), pid;
    struct stat_line line = {0};

    if (file < 0)
        return fault_set(fault, ERR_IO, "%s: %s", log, strerror(errno));
    if (pipe2(ends, O_CLOEXEC)) {
        close(file);
        return fault_set(fault, ERR_IO, "no pipe: %s", strerror(errno));
    }
    pid = fork();
    if (pid == 0)
        run_child(argv, file, bond, starter, ends[1]);
    failed = pid < 0 ? errno : 0;
    close(file);
    close(ends[1]);
    if (pid > 0 && read(ends[0], &failed, sizeof(failed)) == sizeof(failed))
        waitpid(pid, NULL, 0);
    close(ends[0]);
    if (failed)
        return fault_set(fault, failed == ENOENT ? ERR_NOT_FOUND : ERR_IO, "can't run %s: %s",
                         argv[0], strerror(failed));
    if (!read_stat(&line, pid))
        return fault_set(fault, ERR_IO, "%s ended at once; its output is in %s", argv[0], log);
    *process = (struct process){pid, line.started};
    return ERR_NONE;
}

bool process_is_alive(const struct process *process)
{
    struct stat_line line;

    if (!process->pid)
        return false;
    if (!read_stat(&line, process->pid) || line.started != process->started)
        return false;
    if (line.state == 'Z')
        waitpid(process->pid, NULL, WNOHANG);
    return line.state != 'Z' && line.state != 'X';
}

bool process_signal(const struct process *process, int signal)
{
    return process_is_alive(process) && kill(process->pid, signal) == 0;
}

bool process_wait(const struct process *process, uint64_t timeout_ms)
{
    uint64_t until_ms = clock_monotonic_ms() + timeout_ms;

    while (process_is_alive(process)) {
        if (clock_monotonic_ms() >= until_ms)
            return false;
        clock_sleep_ms(LOOK_MS);
    }
    return true;
}

bool process_join(const struct process *process, uint64_t timeout_ms, int *status)
{
    uint64_t until_ms = clock_monotonic_ms() + timeout_ms;
    int raw;

    while (waitpid(process->pid, &raw, WNOHANG) == 0) {
        if (clock_monotonic_ms() >= until_ms)
            return false;
        clock_sleep_ms(LOOK_MS);
    }
    *status = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
    return true;
}

bool process_end(const struct process *process, uint64_t patience_ms)
{
    if (!process_signal(process, SIGTERM))
        return true;
    /* A stopped process takes SIGTERM only when it goes on. */
    process_signal(process, SIGCONT);
    if (process_wait(process, patience_ms))
        return true;
    process_signal(process, SIGKILL);
    return process_wait(process, patience_ms);
}

enum err process_save(const struct process *process, const char *path, struct fault *fault)
{
    char text[64];
    int size =
        snprintf(text, sizeof(text), "%d %" PRIu64 "\n", (int)process->pid, process->started);

    return file_write(path, bytes_of(text, (size_t)size), 0600, fault);
}

enum err process_load(struct process *process, const char *path, struct fault *fault)
{
    uint8_t *data = NULL;
    size_t size;
    int pid;
    enum err err = file_read(&data, &size, path, 64, fault);

    if (err)
        return err;
    if (sscanf((const char *)data, "%d %" SCNu64, &pid, &process->started) == 2 && pid > 0)
        process->pid = pid;
    else
        err = fault_set(fault, ERR_MALFORMED, "%s names no process", path);
    free(data);
    return err;
}

bool process_usage(const struct process *process, uint64_t *cpu_ms, uint64_t *rss_bytes)
{
    struct stat_line line;

    if (!read_stat(&line, process->pid) || line.started != process->started)
        return false;
    *cpu_ms = line.cpu_ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
    *rss_bytes = line.rss_pages * (uint64_t)sysconf(_SC_PAGESIZE);
    return true;
}

bool process_own_folder(char *path, size_t size)
{
    ssize_t used = readlink("/proc/self/exe", path, size - 1);
    char *slash;

    if (used <= 0)
        return false;
    path[used] = 0;
    slash = strrchr(path, '/');
    if (!slash)
        return false;
    *slash = 0;
    return true;
}
