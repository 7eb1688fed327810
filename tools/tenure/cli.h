/* The command line: a table of commands, their options, and what every command shares.
 *
 *     tenure NOUN VERB [ARGUMENT ...] [--option VALUE ...]
 *
 * A command is one row: its words, arguments, options, a sentence, an example, and the function that
 * runs it. From the row come parsing, `--help` and the messages for wrong arguments. Exit codes, for
 * scripts:
 *
 *     0  done            1  refused or failed       2  wrong arguments
 *     3  no node answers 4  it took too long: the outcome is not known yet
 *     5  tenure doctor: all moves, but something needs care
 */
#ifndef TOOLS_TENURE_CLI_H
#define TOOLS_TENURE_CLI_H

#include <stdio.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/units.h"

enum cli_exit {
    CLI_DONE = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_UNREACHABLE = 3,
    CLI_TIMEOUT = 4,
    CLI_CARE = 5,
};

/* Options given in one command line: more is a script's mistake. */
#define CLI_VALUES_MAX 256

/* Arguments that are no options. */
#define CLI_WORDS_MAX 64

/* One command's memory: the largest is a model's evaluation, which keeps its own tensors apart. */
#define CLI_ARENA_BYTES (64u << 20)

struct cli_option {
    const char *name;  /* without the dashes */
    const char *value; /* how its value is called in --help; NULL: a switch */
    const char *help;
    const char *fallback; /* what it is when it isn't given, for --help and for the getters; NULL:
                             nothing */
};

struct cli;

struct cli_command {
    const char *words;             /* "job submit" */
    const char *arguments;         /* "JOB [ROUND]"; "" when there are none */
    uint32_t words_min, words_max; /* how many arguments it takes */
    const char *summary;
    const char *example; /* whole lines, each indented by two */
    const struct cli_option *options;
    uint32_t option_count;
    enum err (*run)(struct cli *cli);
};

/* A noun's commands, one table a file cmd_NOUN.c. */
struct cli_noun {
    const struct cli_command *commands;
    uint32_t count;
};

struct cli_value {
    const struct cli_option *option;
    const char *text; /* "" for a switch */
};

/* One run of a command. */
struct cli {
    const struct cli_command *command;
    struct cli_value values[CLI_VALUES_MAX]; /* in the order they were given */
    uint32_t value_count;
    const char *words[CLI_WORDS_MAX];
    uint32_t word_count;
    bool json;          /* --json */
    bool unreachable;   /* no node answered */
    bool timed_out;     /* a wait ended without an answer */
    enum cli_exit done; /* the exit code of a run that succeeds: an answer that scripts can test */
    bool progress_open; /* a progress line stands on the terminal */
    char progress[256]; /* the last one, which isn't said twice */
    struct arena arena; /* for all that this command makes */
    struct fault fault; /* why it failed */
};

/* Options that every command has: --json, --help; and those of all commands that talk to a node. */
extern const struct cli_option cli_common[];
extern const uint32_t cli_common_count;

/* Runs a whole command line and gives the exit code. Prints errors to stderr: one sentence, and how
 * to get help after a usage error. */
int cli_main(const struct cli_noun nouns[], uint32_t noun_count, int argc, char **argv);

/* Fills cli->command, words and values. ERR_USAGE with a sentence that names the nearest known
 * word. Pure; cli_main's inner part. */
MUST_USE enum err cli_parse(struct cli *cli, const struct cli_noun nouns[], uint32_t noun_count,
                            int argc, char **argv);

/* The value given last for an option of this command, else its fallback, which may be NULL.
 * Requires that the option is in its table. */
const char *cli_text(const struct cli *cli, const char *option);
bool cli_has(const struct cli *cli, const char *option);

/* The values of an option that may be repeated, in order: the one after `*at`, which starts at 0;
 * NULL when there are no more. */
const char *cli_next(const struct cli *cli, const char *option, uint32_t *at);

/* As cli_text, but ERR_USAGE when it wasn't given and has no fallback. */
MUST_USE enum err cli_need(const char **text, struct cli *cli, const char *option);

/* A decimal number in min..max, also written with k, M or G behind it (thousands). ERR_USAGE
 * otherwise. */
MUST_USE enum err cli_number(uint64_t *out, struct cli *cli, const char *option, uint64_t min,
                             uint64_t max);
MUST_USE enum err cli_amount(struct amount *out, struct cli *cli, const char *option);

/* A decimal fraction such as 0.001 as the bits of the nearest binary32, independent of the locale.
 */
MUST_USE enum err cli_float_bits(uint32_t *bits, struct cli *cli, const char *option);

/* The number in `text`, for values that are parts of others. False, and *out untouched, if it is
 * none or out of range. */
bool cli_parse_number(uint64_t *out, const char *text, uint64_t min, uint64_t max);

/* One line that replaces the one before on a terminal; every line of its own when stderr is a file;
 * nothing with --json. */
void cli_progress(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Ends the progress line, so that other output starts on a fresh one. */
void cli_progress_end(struct cli *cli);

/* What a person sees beside the table: a sentence on stdout, not with --json. */
void cli_say(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The exit code for a command's result. */
enum cli_exit cli_exit_code(const struct cli *cli, enum err err);

/* `text` as a JSON string with its quotes, in cli->arena. */
const char *cli_quote(struct cli *cli, const char *text);

/* A zero-terminated string in cli->arena. Running out of it stops the program: commands are small.
 */
char *cli_format(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
