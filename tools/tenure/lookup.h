/* State of the ledger by key, as the records that the contracts keep (contracts/catalog.h). What a node answers is trusted here as far
 * as the node is; `tenure prove` checks it against a certified root. */
#ifndef TOOLS_TENURE_LOOKUP_H
#define TOOLS_TENURE_LOOKUP_H

#include "base/arena.h"
#include "base/record.h"
#include "tools/tenure/client.h"

/* Unpacks the value of `key` into *value; what it borrows is in `arena`.
 * ERR_NOT_FOUND when there is none, ERR_MALFORMED when it isn't such a record, ERR_IO when no node answers. */
MUST_USE enum err lookup_get(struct client *client, struct arena *arena, struct bytes key,
                             const struct record *record, void *value, struct fault *fault);

/* All entries whose keys begin with a prefix, in key order. */
struct lookup_list {
    struct bytes *keys; /* whole keys */
    void **values;      /* unpacked records */
    uint32_t count;
};

/* Entries a listing may have: more isn't asked for. */
#define LOOKUP_ENTRIES_MAX 4096

/* Errors as lookup_get, but an empty list is none; ERR_LIMIT when there are more than LOOKUP_ENTRIES_MAX. */
MUST_USE enum err lookup_all(struct client *client, struct arena *arena, struct bytes prefix,
                             const struct record *record, struct lookup_list *list,
                             struct fault *fault);

#endif
