#include "tools/tenure/cli.h"

#include "base/check.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct cli_option cli_common[] = {
    {"node", "URL",
     "a node's API; repeat it, and the next one is asked when one is silent (default: "
     "$TENURE_NODE)",
     NULL},
    {"key", "FILE", "the key file that signs (default: $TENURE_KEY)", NULL},
    {"passphrase", "SOURCE",
     "terminal, file:PATH or fd:NUMBER (default: $TENURE_PASSPHRASE, else terminal)", NULL},
    {"authority", "FILE",
     "the consortium's authority, for https nodes (default: $TENURE_AUTHORITY)", NULL},
    {"certificate", "FILE", "who we are to https nodes elsewhere (default: $TENURE_CERTIFICATE)",
     NULL},
    {"certificate-key", "FILE", "its private key (default: $TENURE_CERTIFICATE_KEY)", NULL},
    {"timeout", "SECONDS", "how long to wait for an outcome", "60"},
    {"json", NULL, "print JSON for programs instead of a table", NULL},
    {"help", NULL, "print this", NULL},
};
const uint32_t cli_common_count = sizeof(cli_common) / sizeof(cli_common[0]);

/* --- reading the command line --- */

static const struct cli_option *find_option(const struct cli_command *command, const char *name,
                                            size_t size)
{
    for (uint32_t i = 0; i < command->option_count; i++)
        if (strlen(command->options[i].name) == size &&
            !memcmp(command->options[i].name, name, size))
            return &command->options[i];
    for (uint32_t i = 0; i < cli_common_count; i++)
        if (strlen(cli_common[i].name) == size && !memcmp(cli_common[i].name, name, size))
            return &cli_common[i];
    return NULL;
}

/* Edits that turn a into b (Levenshtein), capped by the sizes of words that we know. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[64], size = (unsigned)strlen(b);

    if (size >= 64)
        return 64;
    for (unsigned j = 0; j <= size; j++)
        row[j] = j;
    for (unsigned i = 1; a[i - 1]; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= size; j++) {
            unsigned best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[size];
}

struct nearest {
    const char *name;
    unsigned edits;
};

static void nearest_offer(struct nearest *nearest, const char *given, const char *name)
{
    unsigned edits = distance(given, name);

    if (edits < nearest->edits)
        *nearest = (struct nearest){name, edits};
}

static enum err unknown_option(struct cli *cli, const char *given)
{
    struct nearest nearest = {NULL, 4};

    for (uint32_t i = 0; i < cli->command->option_count; i++)
        nearest_offer(&nearest, given, cli->command->options[i].name);
    for (uint32_t i = 0; i < cli_common_count; i++)
        nearest_offer(&nearest, given, cli_common[i].name);
    if (nearest.name)
        return fault_set(&cli->fault, ERR_USAGE,
                         "\"tenure %s\" has no option --%s; did you mean --%s?",
                         cli->command->words, given, nearest.name);
    return fault_set(&cli->fault, ERR_USAGE, "\"tenure %s\" has no option --%s",
                     cli->command->words, given);
}

static enum err parse_option(struct cli *cli, int argc, char **argv, int *at)
{
    const char *name = argv[*at] + 2, *equal = strchr(name, '=');
    size_t size = equal ? (size_t)(equal - name) : strlen(name);
    const struct cli_option *option = find_option(cli->command, name, size);
    const char *value = "";

    if (!option)
        return unknown_option(cli, cli_format(cli, "%.*s", (int)size, name));
    if (!option->value && equal)
        return fault_set(&cli->fault, ERR_USAGE, "--%s takes no value", option->name);
    if (option->value) {
        if (!equal && *at + 1 >= argc)
            return fault_set(&cli->fault, ERR_USAGE, "--%s needs a value: %s", option->name,
                             option->value);
        value = equal ? equal + 1 : argv[++*at];
    }
    if (cli->value_count == CLI_VALUES_MAX)
        return fault_set(&cli->fault, ERR_USAGE, "more than %d options", CLI_VALUES_MAX);
    cli->values[cli->value_count++] = (struct cli_value){option, value};
    return ERR_NONE;
}

/* How many of argv's words are this command's: 1 or 2, or 0 when it is another. */
static int command_words(const struct cli_command *command, int argc, char **argv)
{
    const char *space = strchr(command->words, ' ');

    if (!space)
        return !strcmp(argv[0], command->words);
    if (argc < 2 || strncmp(argv[0], command->words, (size_t)(space - command->words)) ||
        argv[0][space - command->words])
        return 0;
    return strcmp(argv[1], space + 1) ? 0 : 2;
}

static enum err unknown_command(struct cli *cli, const struct cli_noun nouns[], uint32_t noun_count,
                                int argc, char **argv)
{
    const char *given =
        argc > 1 && argv[1][0] != '-' ? cli_format(cli, "%s %s", argv[0], argv[1]) : argv[0];
    struct nearest nearest = {NULL, 4};

    if (argv[0][0] == '-')
        return fault_set(&cli->fault, ERR_USAGE,
                         "options follow the command: tenure COMMAND ... %s", argv[0]);
    for (uint32_t i = 0; i < noun_count; i++)
        for (uint32_t j = 0; j < nouns[i].count; j++)
            nearest_offer(&nearest, given, nouns[i].commands[j].words);
    if (nearest.name)
        return fault_set(&cli->fault, ERR_USAGE,
                         "there is no command \"tenure %s\"; did you mean \"tenure %s\"?", given,
                         nearest.name);
    return fault_set(&cli->fault, ERR_USAGE, "there is no command \"tenure %s\"", given);
}

enum err cli_parse(struct cli *cli, const struct cli_noun nouns[], uint32_t noun_count, int argc,
                   char **argv)
{
    bool options_over = false;
    int taken = 0;

    for (uint32_t i = 0; i < noun_count && !taken; i++)
        for (uint32_t j = 0; j < nouns[i].count && !taken; j++)
            if ((taken = command_words(&nouns[i].commands[j], argc, argv)))
                cli->command = &nouns[i].commands[j];
    if (!taken)
        return unknown_command(cli, nouns, noun_count, argc, argv);
    for (int at = taken; at < argc; at++) {
        if (!options_over && !strcmp(argv[at], "--")) {
            options_over = true;
        } else if (!options_over && !strcmp(argv[at], "-h")) {
            cli->values[0] = (struct cli_value){find_option(cli->command, "help", 4), ""};
            cli->value_count = 1;
            return ERR_NONE;
        } else if (!options_over && !strncmp(argv[at], "--", 2)) {
            if (parse_option(cli, argc, argv, &at))
                return cli->fault.code;
        } else if (cli->word_count == CLI_WORDS_MAX) {
            return fault_set(&cli->fault, ERR_USAGE, "more than %d arguments", CLI_WORDS_MAX);
        } else {
            cli->words[cli->word_count++] = argv[at];
        }
    }
    cli->json = cli_has(cli, "json");
    if (cli_has(cli, "help"))
        return ERR_NONE;
    if (cli->word_count < cli->command->words_min)
        return fault_set(&cli->fault, ERR_USAGE, "\"tenure %s\" needs: %s", cli->command->words,
                         cli->command->arguments);
    if (cli->word_count > cli->command->words_max)
        return fault_set(&cli->fault, ERR_USAGE,
                         "\"tenure %s\" does not know what to do with \"%s\"", cli->command->words,
                         cli->words[cli->command->words_max]);
    return ERR_NONE;
}

/* --- values --- */

static const struct cli_option *known_option(const struct cli *cli, const char *name)
{
    const struct cli_option *option = find_option(cli->command, name, strlen(name));

    CHECK(option != NULL);
    return option;
}

const char *cli_next(const struct cli *cli, const char *name, uint32_t *at)
{
    const struct cli_option *option = known_option(cli, name);

    for (uint32_t i = *at; i < cli->value_count; i++)
        if (cli->values[i].option == option) {
            *at = i + 1;
            return cli->values[i].text;
        }
    return NULL;
}

const char *cli_text(const struct cli *cli, const char *name)
{
    const char *last = known_option(cli, name)->fallback, *value;
    uint32_t at = 0;

    while ((value = cli_next(cli, name, &at)))
        last = value;
    return last;
}

bool cli_has(const struct cli *cli, const char *name)
{
    uint32_t at = 0;

    return cli_next(cli, name, &at) != NULL;
}

enum err cli_need(const char **text, struct cli *cli, const char *name)
{
    const char *value = cli_text(cli, name);

    if (!value)
        return fault_set(&cli->fault, ERR_USAGE, "\"tenure %s\" needs --%s %s", cli->command->words,
                         name, known_option(cli, name)->value);
    *text = value;
    return ERR_NONE;
}

bool cli_parse_number(uint64_t *out, const char *text, uint64_t min, uint64_t max)
{
    uint64_t value = 0, factor = 1;
    size_t size = strlen(text);

    if (size > 1 && strchr("kMG", text[size - 1]))
        factor = text[size - 1] == 'k' ? 1000 : text[size - 1] == 'M' ? 1000000 : 1000000000;
    size -= factor > 1;
    if (size == 0)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
            return false;
    }
    if (__builtin_mul_overflow(value, factor, &value) || value < min || value > max)
        return false;
    *out = value;
    return true;
}

enum err cli_number(uint64_t *out, struct cli *cli, const char *name, uint64_t min, uint64_t max)
{
    const char *text = NULL;

    if (cli_need(&text, cli, name))
        return cli->fault.code;
    if (!cli_parse_number(out, text, min, max))
        return fault_set(&cli->fault, ERR_USAGE, "--%s \"%s\" is no number from %llu to %llu", name,
                         text, (unsigned long long)min, (unsigned long long)max);
    return ERR_NONE;
}

enum err cli_amount(struct amount *out, struct cli *cli, const char *name)
{
    const char *text = NULL;

    if (cli_need(&text, cli, name))
        return cli->fault.code;
    if (!units_amount_parse(out, text))
        return fault_set(&cli->fault, ERR_USAGE,
                         "--%s \"%s\" is no amount: a whole number of at most 256 bits", name,
                         text);
    return ERR_NONE;
}

enum err cli_float_bits(uint32_t *bits, struct cli *cli, const char *name)
{
    const char *text = NULL;
    char *end;
    float value;

    if (cli_need(&text, cli, name))
        return cli->fault.code;
    value = strtof(text, &end);
    if (end == text || *end || strspn(text, "0123456789.eE+-") != strlen(text) ||
        value - value != 0)
        return fault_set(&cli->fault, ERR_USAGE,
                         "--%s \"%s\" is no finite decimal number such as 0.001", name, text);
    memcpy(bits, &value, sizeof(*bits));
    return ERR_NONE;
}

/* --- output --- */

void cli_progress(struct cli *cli, const char *format, ...)
{
    bool terminal = isatty(STDERR_FILENO);
    char line[sizeof(cli->progress)];
    va_list list;

    if (cli->json)
        return;
    va_start(list, format);
    vsnprintf(line, sizeof(line), format, list);
    va_end(list);
    if (!strcmp(line, cli->progress))
        return;
    memcpy(cli->progress, line, sizeof(line));
    fprintf(stderr, terminal ? "\r\x1b[K%s" : "%s\n", line);
    fflush(stderr);
    cli->progress_open = terminal;
}

void cli_progress_end(struct cli *cli)
{
    if (cli->progress_open)
        fputs("\n", stderr);
    cli->progress_open = false;
}

void cli_say(struct cli *cli, const char *format, ...)
{
    va_list list;

    cli_progress_end(cli);
    if (cli->json)
        return;
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
    putchar('\n');
    fflush(stdout);
}

char *cli_format(struct cli *cli, const char *format, ...)
{
    va_list list, again;
    char *text;
    int size;

    va_start(list, format);
    va_copy(again, list);
    size = vsnprintf(NULL, 0, format, list);
    text = arena_alloc(&cli->arena, (size_t)size + 1);
    CHECK(text != NULL);
    vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    va_end(list);
    return text;
}

const char *cli_quote(struct cli *cli, const char *raw)
{
    struct text quoted;
    const char *kept;

    text_init(&quoted, CLI_ARENA_BYTES);
    text_json(&quoted, bytes_text(raw));
    kept = cli_format(cli, "%s", text_string(&quoted));
    text_release(&quoted);
    return kept;
}

/* --- help and the run --- */

static void print_options(const struct cli_option *options, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char left[64];
        snprintf(left, sizeof(left), "--%s %s", options[i].name,
                 options[i].value ? options[i].value : "");
        printf("  %-26s %s", left, options[i].help);
        if (options[i].fallback)
            printf(" (default: %s)", options[i].fallback[0] ? options[i].fallback : "none");
        putchar('\n');
    }
}

static void print_command_help(const struct cli_command *command)
{
    printf("tenure %s%s%s%s\n\n%s\n\n", command->words, command->arguments[0] ? " " : "",
           command->arguments, command->option_count ? " [option ...]" : "", command->summary);
    if (command->option_count) {
        printf("Options:\n");
        print_options(command->options, command->option_count);
        putchar('\n');
    }
    printf("Options of every command:\n");
    print_options(cli_common, cli_common_count);
    printf("\nExample:\n%s\n", command->example);
}

static void print_help(const struct cli_noun nouns[], uint32_t noun_count)
{
    printf("tenure - share machines on a ledger, train, and pay only for training that was "
           "replayed and found equal\n\n"
           "Usage: tenure COMMAND [ARGUMENT ...] [--option VALUE ...]\n"
           "       tenure COMMAND --help        options and an example\n\n");
    for (uint32_t i = 0; i < noun_count; i++) {
        for (uint32_t j = 0; j < nouns[i].count; j++)
            printf("  %-20s %s\n", nouns[i].commands[j].words, nouns[i].commands[j].summary);
        putchar('\n');
    }
    printf("Exit codes: 0 done, 1 refused or failed, 2 wrong arguments, 3 no node answers, 4 "
           "time-out,\n  5 it moves but needs care (doctor).\n"
           "Environment: TENURE_NODE (URLs, separated by spaces), TENURE_KEY, TENURE_PASSPHRASE,\n"
           "  and for https TENURE_AUTHORITY, TENURE_CERTIFICATE, TENURE_CERTIFICATE_KEY.\n");
}

/* The commands of one noun, for `tenure job` or `tenure job --help`; false if there is no such
 * noun. */
static bool print_noun_help(const struct cli_noun nouns[], uint32_t noun_count, const char *noun)
{
    size_t size = strlen(noun);
    bool found = false;

    for (uint32_t i = 0; i < noun_count; i++)
        for (uint32_t j = 0; j < nouns[i].count; j++) {
            const struct cli_command *command = &nouns[i].commands[j];
            if (strncmp(command->words, noun, size) || command->words[size] != ' ')
                continue;
            printf("  tenure %s %s\n      %s\n", command->words, command->arguments,
                   command->summary);
            found = true;
        }
    return found;
}

enum cli_exit cli_exit_code(const struct cli *cli, enum err err)
{
    if (!err)
        return CLI_DONE;
    if (err == ERR_USAGE)
        return CLI_USAGE;
    if (cli->unreachable)
        return CLI_UNREACHABLE;
    return cli->timed_out ? CLI_TIMEOUT : CLI_FAILED;
}

static int run(struct cli *cli, const struct cli_noun nouns[], uint32_t noun_count, int argc,
               char **argv)
{
    enum err err = cli_parse(cli, nouns, noun_count, argc, argv);

    if (!err && cli_has(cli, "help")) {
        print_command_help(cli->command);
        return CLI_DONE;
    }
    if (!err)
        err = cli->command->run(cli);
    cli_progress_end(cli);
    if (!err)
        return (int)cli->done;
    fflush(stdout);
    fprintf(stderr, "tenure: %s\n", cli->fault.text);
    if (err == ERR_USAGE)
        fprintf(stderr, "Try \"tenure %s%s--help\".\n", cli->command ? cli->command->words : "",
                cli->command ? " " : "");
    return (int)cli_exit_code(cli, err);
}

int cli_main(const struct cli_noun nouns[], uint32_t noun_count, int argc, char **argv)
{
    struct cli *cli;
    int code;

    if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
        !strcmp(argv[1], "help")) {
        print_help(nouns, noun_count);
        return argc < 2 ? CLI_USAGE : CLI_DONE;
    }
    if ((argc == 2 || (argc == 3 && !strcmp(argv[2], "--help"))) &&
        print_noun_help(nouns, noun_count, argv[1]))
        return argc == 2 ? CLI_USAGE : CLI_DONE;
    cli = calloc(1, sizeof(*cli));
    CHECK(cli != NULL);
    arena_init(&cli->arena, CLI_ARENA_BYTES);
    code = run(cli, nouns, noun_count, argc - 1, argv + 1);
    arena_release(&cli->arena);
    free(cli);
    return code;
}
