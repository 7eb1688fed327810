/* Every record of the tree, by name: `make` writes the table from the headers' `extern const struct record NAME`, so a new
 * record is sampled, fuzzed and in the golden vectors without another line. */
#ifndef TEST_FUZZ_RECORDS_H
#define TEST_FUZZ_RECORDS_H

#include <stddef.h>

#include "base/record.h"

struct records_entry {
    const char *name; /* of the C object, unique: "tx_body_record" */
    const struct record *record;
};

extern const struct records_entry records_all[]; /* in the order of names */
extern const size_t records_count;

/* NULL if there is none. */
const struct record *records_find(struct bytes name);

#endif
