/* Configuration files (ini: [section], key = value, ; or # comments), read into a struct that one
 * table describes.
 *
 *     struct settings { char folder[FILE_PATH_SIZE]; uint64_t blocks_max; };
 *     static const struct config_key keys[] = {
 *         CONFIG_TEXT_KEY(struct settings, folder, "node", "folder", "data", "Where data lies."),
 *         CONFIG_NUMBER_KEY(struct settings, blocks_max, "node", "blocks_max", "8", 1, 64,
 *                           "Blocks in flight."),
 *     };
 *
 * From the same table comes the commented sample. An unknown key, a key given twice, a value out of
 * range: errors with file and line. */
#ifndef TOOLS_SYS_CONFIG_H
#define TOOLS_SYS_CONFIG_H

#include "base/error.h"
#include "base/text.h"

enum config_kind {
    CONFIG_TEXT,   /* char[size] */
    CONFIG_NUMBER, /* uint64_t in min..max */
    CONFIG_BOOL,   /* bool: yes or no */
    CONFIG_CHOICE, /* char[size]: one of the words in `choices`, separated by spaces */
    CONFIG_LINES,  /* char[size]: the key may be repeated; each value ends with a line feed */
};

struct config_key {
    const char *section, *name;
    enum config_kind kind;
    uint32_t offset, size; /* of the member */
    uint64_t min, max;
    const char *choices;
    const char *value; /* the default; NULL: must be given */
    const char *help;  /* one sentence for the sample */
};

struct config_table {
    const struct config_key *keys;
    size_t count;
};

#define CONFIG_MEMBER(type, member)                                                                \
    (uint32_t) offsetof(type, member), (uint32_t)sizeof(((type *)0)->member)
#define CONFIG_TEXT_KEY(type, member, section, name, value, help)                                  \
    {                                                                                              \
        section, name, CONFIG_TEXT, CONFIG_MEMBER(type, member), 0, 0, NULL, value, help           \
    }
#define CONFIG_NUMBER_KEY(type, member, section, name, value, min, max, help)                      \
    {                                                                                              \
        section, name, CONFIG_NUMBER, CONFIG_MEMBER(type, member), min, max, NULL, value, help     \
    }
#define CONFIG_BOOL_KEY(type, member, section, name, value, help)                                  \
    {                                                                                              \
        section, name, CONFIG_BOOL, CONFIG_MEMBER(type, member), 0, 0, NULL, value, help           \
    }
#define CONFIG_CHOICE_KEY(type, member, section, name, value, choices, help)                       \
    {                                                                                              \
        section, name, CONFIG_CHOICE, CONFIG_MEMBER(type, member), 0, 0, choices, value, help      \
    }
#define CONFIG_LINES_KEY(type, member, section, name, value, help)                                 \
    {                                                                                              \
        section, name, CONFIG_LINES, CONFIG_MEMBER(type, member), 0, 0, NULL, value, help          \
    }

/* Fills `settings` with the defaults and then the file. ERR_NOT_FOUND or ERR_IO for the file;
 * ERR_USAGE with "path:line: what" for what is in it, and for a key that must be given and isn't.
 */
MUST_USE enum err config_read(void *settings, const struct config_table *table, const char *path,
                              struct fault *fault);

/* The sample: every section and key with its help, range and default (or with `settings`, when not
 * NULL, instead of the defaults). */
void config_print(struct text *out, const struct config_table *table, const void *settings);

#endif
