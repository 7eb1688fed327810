/* tenured: one validator of a Tenure chain. Starts the node, waits for a signal, stops it. */
#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "tools/sys/log.h"
#include "tools/tenured/backup.h"
#include "tools/tenured/footprint.h"
#include "tools/tenured/node.h"
#include "tools/tenured/recheck.h"

static const char *const main_doc =
    "One validator of a Tenure chain.\v"
    "Example:\n"
    "  tenured --print-config > tenured.ini    # then set names, keys and addresses\n"
    "  tenured --config tenured.ini\n\n"
    "SIGTERM or SIGINT stops it. Exit codes (sysexits.h): 0 stopped, 64 wrong option, 65 damaged "
    "or foreign data, "
    "66 missing file, 69 port in use or data folder in use, 70 a bug, 71 out of memory, 74 disk, "
    "76 the chain halted for a newer version of this program, "
    "77 wrong passphrase, "
    "78 configuration.";

struct main_options {
    const char *config;
    bool print_config;
    bool print_limits;
    const char *backup;
    bool check;
};

static const struct argp_option main_option_list[] = {
    {"config", 'c', "FILE", 0, "configuration file (tenured.ini)", 0},
    {"backup", 'b', "FOLDER", 0,
     "copy the chain and the log of votes, with the node stopped, and end; the copy is a data folder",
     0},
    {"check", 'k', NULL, 0, "check all that is stored, with the node stopped, and end", 0},
    {"print-config", 'p', NULL, 0, "print a sample configuration with every key explained", 0},
    {"print-limits", 'l', NULL, 0,
     "print how much memory this configuration may take at most, by part", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static error_t main_option(int key, char *argument, struct argp_state *state)
{
    struct main_options *options = state->input;
    switch (key) {
    case 'c':
        options->config = argument;
        return 0;
    case 'b':
        options->backup = argument;
        return 0;
    case 'k':
        options->check = true;
        return 0;
    case 'p':
        options->print_config = true;
        return 0;
    case 'l':
        options->print_limits = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument \"%s\"", argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int main_print_config(void)
{
    struct text sample;
    text_init(&sample, 65536);
    config_print(&sample, &settings_table, NULL);
    fputs(text_string(&sample), stdout);
    text_release(&sample);
    return EX_OK;
}

/* Blocks what we wait for, before there are threads; what a full disk or a lost peer raises is an error code instead. */
static void main_take_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigprocmask(SIG_BLOCK, signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

/* After a failure nothing is closed, here or by exit(): RocksDB would write once more to a disk that is full or damaged, and abort.
 * Whatever was promised is synced already. */
static int main_end(enum err err)
{
    if (err) {
        fflush(NULL);
        _exit(node_exit_code(err));
    }
    return EX_OK;
}

static int main_print_limits(const char *config)
{
    static struct settings settings;
    struct fault fault = {0};
    enum err err = settings_read(&settings, config, &fault);
    if (!err)
        err = footprint_print(&settings, &fault);
    if (err)
        log_event(LOG_LEVEL_ERROR, "no-limits", "%s", fault.text);
    return main_end(err);
}

/* What is done with the node stopped: a check, or (`backup` not NULL) a copy. */
static int main_check(const char *config, const char *backup)
{
    static struct settings settings;
    struct fault fault = {0};
    enum err err = settings_read(&settings, config, &fault);
    if (!err)
        err = backup ? backup_run(&settings, backup, &fault) : recheck_run(&settings, &fault);
    if (err)
        log_event(LOG_LEVEL_ERROR, backup ? "no-backup" : "not-whole", "%s", fault.text);
    return main_end(err);
}

static int main_run(const char *config)
{
    static struct node node;
    static struct settings settings;
    struct fault fault = {0};
    enum err err = settings_read(&settings, config, &fault);
    enum log_level level = LOG_LEVEL_INFO;
    if (!err && log_level_parse(&level, settings.log_level))
        log_setup(level, settings.log_json);
    sigset_t signals;
    main_take_signals(&signals);
    if (!err)
        err = node_start(&node, &settings, &fault);
    if (err) {
        log_event(LOG_LEVEL_ERROR, "not-started", "%s", fault.text);
        return main_end(err);
    }
    int signal_number = 0;
    for (bool again = true; !err && again;) {
        sigwait(&signals, &signal_number);
        err = node_failure(&node);
        if (!err)
            err = node_stop(&node);
        again = !err && node_starts_again(&node);
        if (again)
            err = node_start(&node, &settings, &fault);
        if (again && err)
            log_event(LOG_LEVEL_ERROR, "not-started", "%s", fault.text);
    }
    log_event(LOG_LEVEL_INFO, "stopped", "%s", err ? "after a failure" : strsignal(signal_number));
    return main_end(err);
}

int main(int argc, char **argv)
{
    static const struct argp parser = {main_option_list, main_option, NULL, NULL, NULL, NULL, NULL};
    struct argp described = parser;
    struct main_options options = {.config = "tenured.ini"};
    described.doc = main_doc;
    argp_program_version = "tenured " NODE_VERSION;
    argp_err_exit_status = EX_USAGE;
    argp_parse(&described, argc, argv, 0, NULL, &options);
    if (options.print_config)
        return main_print_config();
    if (options.print_limits)
        return main_print_limits(options.config);
    if (options.check || options.backup)
        return main_check(options.config, options.backup);
    return main_run(options.config);
}
