/* Chunks from several nodes at once, each checked against its id before anybody sees it (DESIGN 9).
 *
 * Every node is asked for SWARM_DEPTH chunks at a time, and for the next one whenever it has given one; so a fast node gives more. What a
 * node did not give is asked of the others. A node's states in one fetch:
 *
 *     asked    --gives what was asked-->                                       asked
 *     asked    --404-->                                                        asked: it lacks this one, and isn't asked for it again
 *     asked    --429, 5xx or no connection-->                                  paused: SWARM_PAUSE_MS, doubled each time up to SWARM_PAUSE_MAX_MS
 *     paused   --the pause is over-->                                          asked
 *     paused   --it has given nothing for client->patience_ms-->               dropped
 *     asked    --gives other bytes-->                                          asked for the same again, with ?check=1: a node sends what
 *                                                                              its disk has, and looks at it only then
 *     asked    --gives other bytes again, too many, or another status-->       dropped: it lies
 *     asked    --has kept a request open for client->request_ms-->             dropped: it stalls
 *     asked    --takes SWARM_SLOW times as long as the others do on average,
 *                and SWARM_SLOW_MS more-->                                     dropped: it is slow. The last one never is
 *
 * A dropped node is asked for nothing more, and client->warn is told who it is and why.
 *
 * Chunks are checked by a thread of their own, so that the next ones come meanwhile; all else happens on the caller's.
 *
 * Memory: SWARM_DEPTH chunks a node, and 17 bytes a chunk that is wanted. */
#ifndef TOOLS_TENURE_SWARM_H
#define TOOLS_TENURE_SWARM_H

#include "base/digest.h"
#include "tools/tenure/client.h"

/* Enough that a node reads the next chunk while the one before is on its way. */
#define SWARM_DEPTH 4

#define SWARM_PAUSE_MS     50
#define SWARM_PAUSE_MAX_MS 1000
#define SWARM_SLOW         8
#define SWARM_SLOW_MS      500

/* One that wants chunks. */
struct swarm_order {
    const struct digest *ids; /* of a whole blob */
    const uint32_t *wanted;   /* indexes into ids, each once */
    uint32_t count;           /* of wanted */
    uint8_t *
        slots; /* room for LIMIT_CHUNK_BYTES at each index, where wanted chunks are received, garbage until they are taken;
                               * NULL: taken from elsewhere */
    uint64_t dropped; /* bit i: client->nodes[i] is dropped; those set at first are never asked */
    void *self;
    /* A wanted chunk, checked; bytes that aren't in its slot are gone afterwards. Another result than ERR_NONE ends the fetch with it. */
    enum err (*take)(void *self, uint32_t index, struct bytes chunk, struct fault *fault);
};

/* Fetches all that is wanted. ERR_NOT_FOUND when no node has a chunk. When every node was dropped: ERR_MISMATCH if the last of them lied,
 * ERR_IO otherwise (client->unreachable), as when there is no thread to check. ERR_NOT_NOW when client->stop is set. */
MUST_USE enum err swarm_fetch(struct client *client, struct swarm_order *order,
                              struct fault *fault);

/* Drops a node, with a warning. */
void swarm_drop(struct client *client, uint64_t *dropped, uint32_t node, const char *why);

#endif
