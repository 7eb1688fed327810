/* What must hold for a record whatever bytes come: used by the fuzz targets and the unit tests. */
#ifndef TEST_FUZZ_ORACLE_H
#define TEST_FUZZ_ORACLE_H

#include "base/record.h"

/* Unpacks `in`. Refused bytes give an error with a sentence; accepted ones must pack again to themselves (one value has one
 * encoding) and give JSON that an independent reader takes. CHECKs both. True if they were accepted. */
bool oracle_record(const struct record *record, struct bytes in);

#endif
