/* Heights that peers fetch from this node, and that pruning therefore leaves: for a bounded time each.
 *
 *     holds_note    a chunk was cut: the peer holds its height, until HOLDS_IDLE_MS after the last one
 *                   HOLDS_MS after its first one it has had its time: for as long again nothing is held for it
 *
 * Whatever a peer asks for, it holds one height, and for half of the time at most; and all together keep a bounded number of
 * blocks (holds_floor). For several threads. */
#ifndef TOOLS_TENURED_HOLDS_H
#define TOOLS_TENURED_HOLDS_H

#include <pthread.h>
#include <stdint.h>

#include "base/units.h"
#include "net/peer.h"

#define HOLDS_IDLE_MS 60000

/* A gigabyte at 2 MB/s. */
#define HOLDS_MS 600000

struct hold {
    struct height height;
    uint64_t first_ms, last_ms; /* chunks of this time; 0: none yet */
};

struct holds {
    pthread_mutex_t mutex;
    struct hold list[PEER_PLACES];
};

void holds_init(struct holds *holds);
void holds_release(struct holds *holds);

/* A chunk of the state after `height` was cut for the peer. `now_ms` > 0 is monotonic. */
void holds_note(struct holds *holds, struct place place, struct height height, uint64_t now_ms);

/* The lowest height that is held; UINT64_MAX: none. */
uint64_t holds_lowest(struct holds *holds, uint64_t now_ms);

/* Where pruning may bring the start of the history: `keep` blocks below the head, but not above `needed`, what others fetch now; which keeps
 * as many blocks again at most. */
uint64_t holds_floor(uint64_t head, uint64_t keep, uint64_t needed);

#endif
