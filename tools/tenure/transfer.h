/* Bulk data to and from the nodes' blob stores, every chunk checked against the root before it is
 * used.
 *
 * A blob is cut into chunks; a chunk's id is its RFC 6962 leaf digest and the blob's root is the
 * root over its chunks' ids, so the manifest proves itself against the root and each chunk against
 * the manifest (DESIGN 9).
 *
 * A fetch asks all nodes at once (tools/tenure/swarm.h). With client->cache it keeps each chunk there as soon as it is checked: a fetch
 * that was killed goes on behind it, and what two blobs share travels once. Both directions keep to client->throttle. */
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

/* Sends what nodes miss of the blob, to as many of them as `copies` says, or to all when they are fewer; what a node has does not travel
 * again, and equal chunks of a blob travel once. *root is its root. A node that is silent is passed over.
 * The last node's error when not even one took it: ERR_IO, or ERR_MISMATCH when it refused. */
MUST_USE enum err transfer_push(struct client *client, struct digest *root,
                                const struct transfer_blob *blob, uint32_t copies,
                                struct fault *fault);

/* Fetches a blob of at most `chunks_max` chunks into memory. Release with transfer_release.
 * ERR_NOT_FOUND when the nodes don't have all of it, ERR_IO when none answers, ERR_MALFORMED when it has more chunks, ERR_LIMIT when it is
 * over TRANSFER_CHUNKS_MAX or over half of the machine's memory (a short manifest may name one chunk 65,536 times); else as swarm_fetch.
 * A node that gave a false manifest is dropped with a warning. */
MUST_USE enum err transfer_fetch(struct client *client, struct transfer_blob *blob,
                                 const struct digest *root, uint64_t chunks_max,
                                 struct fault *fault);
void transfer_release(struct transfer_blob *blob);

/* Fetches a blob into the file `path`, in the memory of a few chunks a node. What has come is kept in the folder PATH.part, from which a
 * fetch that was killed goes on; it is removed at the end. *bytes is the file's size. Errors as transfer_fetch; ERR_BUSY when another
 * process fetches to there. */
MUST_USE enum err transfer_fetch_file(struct client *client, uint64_t *bytes, const char *path,
                                      const struct digest *root, struct fault *fault);

/* Opens a folder of fetched chunks for client->cache; end with blob_close(*store) and close(*lock). ERR_BUSY when another process has it;
 * errors of blob_open. */
MUST_USE enum err transfer_cache(struct blob_store **store, int *lock, const char *folder,
                                 uint64_t bytes_max, struct fault *fault);

#endif
