/* How fast bulk data may move: a line that is taken for as long as the bytes need at the rate. Plain memory; the caller has the clock. */
#ifndef TOOLS_TENURE_THROTTLE_H
#define TOOLS_TENURE_THROTTLE_H

#include <stdint.h>

struct throttle {
    uint64_t rate;    /* bytes a second, below 2^40; 0: no limit */
    uint64_t free_us; /* when all that was spent so far has had its time */
};

/* How long to wait before the next bytes may move; 0: they may now. */
uint64_t throttle_wait_us(const struct throttle *throttle, uint64_t now_us);

/* `bytes` begin to move now. An idle line saves nothing up. */
void throttle_spend(struct throttle *throttle, uint64_t bytes, uint64_t now_us);

/* So many of the bytes just spent did not move after all. */
void throttle_refund(struct throttle *throttle, uint64_t bytes);

#endif
