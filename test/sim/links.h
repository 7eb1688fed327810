/* The links between nodes: which are up, how long a message takes, which are clogged, what is lost or comes twice. */
#ifndef TEST_SIM_LINKS_H
#define TEST_SIM_LINKS_H

#include "base/limits.h"
#include "test/sim/dice.h"

struct links {
    uint8_t count;                       /* nodes */
    uint64_t delay_min_ms, delay_max_ms; /* of a message */
    uint32_t loss, duplicates;           /* of 1,000 messages */
    uint64_t reach[LIMIT_VALIDATORS];    /* bits of nodes to which each can send */
    /* Until when a link holds back what it is given, then all of it comes. */
    uint64_t clogged_ms[LIMIT_VALIDATORS][LIMIT_VALIDATORS];
};

/* All links up and empty. */
void links_heal(struct links *links);

/* No link between `nodes` and the others. */
void links_split(struct links *links, uint64_t nodes);
void links_one_way(struct links *links, uint8_t from, uint8_t to);

/* Two halves that only `node` reaches. */
void links_bridge(struct links *links, uint8_t node, uint64_t half);

/* Each node reaches the `width` after it and before it. */
void links_ring(struct links *links, uint8_t width);

/* A message: false if it is lost; else its delay and, if it comes twice, that of the second (0: it doesn't). */
bool links_send(const struct links *links, struct dice *dice, uint64_t now_ms, uint8_t from,
                uint8_t to, uint64_t *delay_ms, uint64_t *again_ms);

#endif
