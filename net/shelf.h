/* What lies in a folder of files that are named by digests, sorted into 256 folders by their first byte:
 *
 *     <directory>/<kind>/ab/<64 hex digits> */
#ifndef NET_SHELF_H
#define NET_SHELF_H

#include <time.h>

#include "base/digest.h"
#include "base/error.h"

struct shelf_file {
    struct timespec when; /* it was written */
    struct digest id;
    unsigned kind; /* index into the kinds' names */
    uint64_t size;
};

/* All zero: nothing is read. */
struct shelf {
    struct shelf_file *files; /* owned */
    size_t count, room;
};

/* Makes the folders of all kinds and reads what is in them, the oldest first. Another file is a leftover, and removed. Release with
 * shelf_release, also after an error: ERR_IO or ERR_LIMIT with a sentence. */
MUST_USE enum err shelf_scan(struct shelf *shelf, const char *directory, const char *const kinds[],
                             unsigned kind_count, struct fault *fault);
void shelf_release(struct shelf *shelf);

#endif
