/* Bytes served to one peer: what it asks for costs this node disk and line, so each gets a rate and no more.
 *
 * Whoever serves a peer on request (blocks, bodies, accounts of writes, chunks of state) asks ration_take before, with the bytes that it is
 * about to send; refused, it sends nothing, and the peer asks again or asks another. Thread-safe. */
#ifndef TOOLS_TENURED_RATION_H
#define TOOLS_TENURED_RATION_H

#include <pthread.h>

#include "net/peer.h"

/* A second of a 256 Mbit/s line for each peer; at once, a window of the largest blocks. */
#define RATION_BYTES_PER_S (32u << 20)
#define RATION_BYTES_MAX   (64u << 20)

struct ration_account {
    uint64_t spent;       /* bytes not yet forgiven */
    uint64_t forgiven_ms; /* through this time */
};

struct ration {
    pthread_mutex_t mutex;
    struct ration_account accounts[PEER_PLACES];
};

void ration_init(struct ration *ration);
void ration_release(struct ration *ration);

/* Books `size` bytes for the peer. False, and nothing is booked, while what it had is over its rate: it may have RATION_BYTES_MAX at once.
 * `now_ms` is monotonic. */
bool ration_take(struct ration *ration, struct place to, size_t size, uint64_t now_ms);

#endif
