/* The import that is on its way, in DATA/incoming (fetched.h). It is only work: one that is damaged is discarded with a line in the log, and
 * fetched again; it stops no node. */
#ifndef TOOLS_TENURED_INCOMING_H
#define TOOLS_TENURED_INCOMING_H

#include "ledger/import.h"

/* The height of the import that is there; 0: none, or none that is of use, which is gone now. ERR_IO: it can't be removed. */
MUST_USE enum err incoming_height(const char *data, struct height *height, struct fault *fault);

/* import_open; in place of one of another height, which too few have now, or of a damaged one. Errors of import_open on an empty folder. */
MUST_USE enum err incoming_open(struct import **import, const char *data,
                                const struct import_target *target, struct fault *fault);

/* Closes *import, which said `why` it is damaged, leaves NULL there, and removes its folder. ERR_IO: it can't be removed. */
MUST_USE enum err incoming_discard(struct import **import, const char *data,
                                   const struct fault *why, struct fault *fault);

#endif
