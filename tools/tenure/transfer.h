/* Bulk data to and from the nodes' blob stores, every chunk checked against the root before it is
 * used.
 *
 * A blob is cut into chunks; a chunk's id is its RFC 6962 leaf digest and the blob's root is the
 * root over its chunks' ids, so the manifest proves itself against the root and each chunk against
 * the manifest (DESIGN 9). */
#ifndef TOOLS_TENURE_TRANSFER_H
#define TOOLS_TENURE_TRANSFER_H

#include "base/digest.h"
#include "tools/tenure/client.h"

/* Chunks of one blob: 4 GiB, what the nodes' stores take (net/blob.h). A segment's state of GPT-2's smallest needs 39,882. */
#define TRANSFER_CHUNKS_MAX 65536

/* A blob in memory: chunk i is bytes offsets[i] to offsets[i + 1]. */
struct transfer_blob {
    uint8_t *data;     /* owned when it was fetched */
    uint64_t *offsets; /* chunk_count + 1; owned when it was fetched */
    uint32_t chunk_count;
};

/* Sends what nodes miss of the blob, to as many of them as `copies` says, or to all when they are fewer; unchanged chunks never travel
 * twice. *root is its root. A node that is silent is passed over.
 * The last node's error when not even one took it: ERR_IO, or ERR_MISMATCH when it refused. */
MUST_USE enum err transfer_push(struct client *client, struct digest *root,
                                const struct transfer_blob *blob, uint32_t copies,
                                struct fault *fault);

/* Fetches a blob, chunk by chunk, from any of the nodes. Release with transfer_release.
 * ERR_NOT_FOUND when no node has all of it, ERR_IO when none answers, ERR_LIMIT when it is over
 * TRANSFER_CHUNKS_MAX. */
MUST_USE enum err transfer_fetch(struct client *client, struct transfer_blob *blob,
                                 const struct digest *root, struct fault *fault);
void transfer_release(struct transfer_blob *blob);

#endif
