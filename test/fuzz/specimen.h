/* Canonical encodings of made-up values: whatever a record's description allows, drawn from a seed.
 *
 * They start the fuzz targets, and are golden vectors of the formats. Written with base/pack.h alone, so that it is a second
 * opinion on base/record.c. */
#ifndef TEST_FUZZ_SPECIMEN_H
#define TEST_FUZZ_SPECIMEN_H

#include "base/pack.h"
#include "base/record.h"

/* Appends a value of `record`. Edges (zero, the largest, empty, full) are drawn often; lists and strings stay short.
 * `seed` moves on; the same seed gives the same bytes. */
void specimen_pack(struct pack_writer *writer, const struct record *record, uint64_t *seed);

#endif
