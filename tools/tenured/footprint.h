/* `tenured --print-footprint`: how much memory a validator may take at most, by part, from its configuration.
 *
 * Each part is a bound that some header states, times what it counts for. They are never all reached at once; what a flood from f peers and
 * a hundred clients really takes is measured (test/e2e/50-flood). The database's own memory and the program's are as measured, with room. */
#ifndef TOOLS_TENURED_FOOTPRINT_H
#define TOOLS_TENURED_FOOTPRINT_H

#include "tools/sys/settings.h"

#define FOOTPRINT_PARTS_MAX 24

struct footprint_part {
    const char *name;
    uint64_t bytes;
    const char *reason; /* a phrase */
};

struct footprint {
    uint32_t validators;
    struct footprint_part parts[FOOTPRINT_PARTS_MAX];
    uint32_t count;
    uint64_t total_bytes;
};

/* For a chain of so many validators, this one among them. Requires 1 <= validators <= LIMIT_VALIDATORS. */
void footprint_of(struct footprint *footprint, const struct settings *settings,
                  uint32_t validators);

/* Prints a table for the validators of the genesis that the settings name. ERR_NOT_FOUND, ERR_MALFORMED, ERR_IO: it can't be read. */
MUST_USE enum err footprint_print(const struct settings *settings, struct fault *fault);

#endif
