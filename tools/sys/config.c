#include "tools/sys/config.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define CONFIG_KEYS_MAX 128
/* inih's own bound for a line, less the line feed and the zero. */
#define CONFIG_LINE_MAX 198

struct config_reader {
    void *settings;
    const struct config_table *table;
    const char *path;
    FILE *file;
    unsigned line;
    bool seen[CONFIG_KEYS_MAX];
    struct fault *fault;
    enum err err; /* the first */
};

static char *config_text(void *settings, const struct config_key *key)
{
    return (char *)settings + key->offset;
}

static enum err config_fail(struct config_reader *reader, const char *what,
                            const struct config_key *key, const char *value)
{
    if (reader->err)
        return reader->err;
    reader->err = fault_set(reader->fault, ERR_USAGE, "%s:%u: %s.%s = \"%s\": %s", reader->path,
                            reader->line, key->section, key->name, value, what);
    return reader->err;
}

/* Decimal digits only, without overflow. */
static bool config_number(uint64_t *out, const char *value)
{
    if (*value == 0 || strspn(value, "0123456789") != strlen(value))
        return false;
    errno = 0;
    *out = strtoull(value, NULL, 10);
    return errno == 0;
}

static bool config_is_choice(const char *choices, const char *value)
{
    size_t size = strlen(value);
    for (const char *at = choices; *at && size > 0;) {
        size_t word = strcspn(at, " ");
        if (word == size && memcmp(at, value, size) == 0)
            return true;
        at += word + (at[word] == ' ');
    }
    return false;
}

/* NULL, or what is wrong with the value. */
static const char *config_set(void *settings, const struct config_key *key, const char *value)
{
    char *text = config_text(settings, key);
    size_t size = strlen(value);
    uint64_t number;
    switch (key->kind) {
    case CONFIG_NUMBER:
        CHECK(key->size == sizeof(uint64_t));
        if (!config_number(&number, value))
            return "is not a whole number";
        if (number < key->min || number > key->max)
            return "is out of range";
        memcpy(text, &number, sizeof(number));
        return NULL;
    case CONFIG_BOOL:
        if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
            return "is neither yes nor no";
        *(bool *)text = value[0] == 'y';
        return NULL;
    case CONFIG_CHOICE:
        if (!config_is_choice(key->choices, value))
            return "is none of the choices";
        /* fall through */
    case CONFIG_TEXT:
        if (size >= key->size)
            return "is too long";
        memcpy(text, value, size + 1);
        return NULL;
    case CONFIG_LINES:
        if (strlen(text) + size + 2 > key->size)
            return "is one line too many";
        strcat(strcat(text, value), "\n");
        return NULL;
    }
    return "has no kind";
}

static int config_line(void *raw, const char *section, const char *name, const char *value)
{
    struct config_reader *reader = raw;
    for (size_t i = 0; i < reader->table->count; i++) {
        const struct config_key *key = &reader->table->keys[i];
        if (strcmp(key->section, section) != 0 || strcmp(key->name, name) != 0)
            continue;
        if (reader->seen[i] && key->kind != CONFIG_LINES) {
            config_fail(reader, "is given twice", key, value);
            return 0;
        }
        if (!reader->seen[i] && key->kind == CONFIG_LINES)
            *config_text(reader->settings, key) = 0;
        reader->seen[i] = true;
        const char *wrong = config_set(reader->settings, key, value);
        if (wrong && key->kind == CONFIG_NUMBER && !reader->err)
            reader->err =
                fault_set(reader->fault, ERR_USAGE, "%s:%u: %s.%s = \"%s\": %s (%llu to %llu)",
                          reader->path, reader->line, section, name, value, wrong,
                          (unsigned long long)key->min, (unsigned long long)key->max);
        else if (wrong)
            config_fail(reader, wrong, key, value);
        return wrong == NULL;
    }
    if (!reader->err)
        reader->err =
            fault_set(reader->fault, ERR_USAGE, "%s:%u: unknown key \"%s\" in section [%s]",
                      reader->path, reader->line, name, section);
    return 0;
}

/* fgets that counts lines and refuses those that inih would cut in two. */
static char *config_next_line(char *out, int room, void *raw)
{
    struct config_reader *reader = raw;
    if (reader->err || !fgets(out, room, reader->file))
        return NULL;
    reader->line++;
    size_t size = strlen(out);
    if (size > CONFIG_LINE_MAX || (size + 1 == (size_t)room && out[size - 1] != '\n')) {
        reader->err =
            fault_set(reader->fault, ERR_USAGE, "%s:%u: the line is longer than %d characters",
                      reader->path, reader->line, CONFIG_LINE_MAX);
        return NULL;
    }
    return out;
}

static void config_defaults(void *settings, const struct config_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct config_key *key = &table->keys[i];
        *config_text(settings, key) = 0;
        const char *wrong =
            key->value && key->kind != CONFIG_LINES ? config_set(settings, key, key->value) : NULL;
        CHECK(wrong == NULL);
    }
}

enum err config_read(void *settings, const struct config_table *table, const char *path,
                     struct fault *fault)
{
    CHECK(table->count <= CONFIG_KEYS_MAX);
    struct config_reader reader = {
        .settings = settings, .table = table, .path = path, .fault = fault};
    reader.file = fopen(path, "re");
    if (!reader.file)
        return fault_set(fault, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
                         "configuration file %s: %s", path, strerror(errno));
    config_defaults(settings, table);
    int bad_line = ini_parse_stream(config_next_line, &reader, config_line, &reader);
    bool unreadable = ferror(reader.file) != 0;
    fclose(reader.file);
    if (reader.err)
        return reader.err;
    if (unreadable)
        return fault_set(fault, ERR_IO, "configuration file %s: cannot be read", path);
    if (bad_line != 0)
        return fault_set(fault, ERR_USAGE, "%s:%d: is neither [section], key = value nor a comment",
                         path, bad_line);
    for (size_t i = 0; i < table->count; i++)
        if (!reader.seen[i] && !table->keys[i].value)
            return fault_set(fault, ERR_USAGE, "%s: %s.%s must be given: %s", path,
                             table->keys[i].section, table->keys[i].name, table->keys[i].help);
    return ERR_NONE;
}

static void config_print_range(struct text *out, const struct config_key *key)
{
    switch (key->kind) {
    case CONFIG_NUMBER:
        text_add(out, " (%llu to %llu)", (unsigned long long)key->min,
                 (unsigned long long)key->max);
        return;
    case CONFIG_BOOL:
        text_add(out, " (yes or no)");
        return;
    case CONFIG_CHOICE:
        text_add(out, " (one of: %s)", key->choices);
        return;
    case CONFIG_LINES:
        text_add(out, " (may be repeated)");
        return;
    case CONFIG_TEXT:
        return;
    }
}

/* "name = value", one line a value; a key without one is shown commented out. */
static void config_print_value(struct text *out, const struct config_key *key, const void *settings)
{
    const char *text = settings ? (const char *)settings + key->offset : key->value;
    uint64_t number;
    if (settings && key->kind == CONFIG_NUMBER) {
        memcpy(&number, text, sizeof(number));
        text_add(out, "%s = %llu\n", key->name, (unsigned long long)number);
    } else if (settings && key->kind == CONFIG_BOOL) {
        text_add(out, "%s = %s\n", key->name, *(const bool *)text ? "yes" : "no");
    } else if (settings && key->kind == CONFIG_LINES && *text) {
        for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
            text_add(out, "%s = %.*s\n", key->name, (int)strcspn(line, "\n"), line);
    } else if (text && *text) {
        text_add(out, "%s = %s\n", key->name, text);
    } else {
        text_add(out, "# %s =\n", key->name);
    }
}

void config_print(struct text *out, const struct config_table *table, const void *settings)
{
    const char *section = "";
    for (size_t i = 0; i < table->count; i++) {
        const struct config_key *key = &table->keys[i];
        if (strcmp(section, key->section) != 0)
            text_add(out, "%s[%s]\n", i > 0 ? "\n" : "", key->section);
        section = key->section;
        text_add(out, "# %s", key->help);
        config_print_range(out, key);
        text_add(out, "\n");
        config_print_value(out, key, settings);
    }
}
