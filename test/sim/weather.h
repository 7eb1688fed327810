/* Misfortunes: what goes wrong around the nodes, and rights itself, as time passes. */
#ifndef TEST_SIM_WEATHER_H
#define TEST_SIM_WEATHER_H

#include "test/sim/cluster.h"

/* Bits: what strikes now and then; nodes restart and links heal as often. */
enum weather_kind {
    WEATHER_SPLIT = 1,         /* in two, anyhow */
    WEATHER_ONE_WAY = 1 << 1,  /* a link carries nothing in one direction */
    WEATHER_BRIDGE = 1 << 2,   /* two halves that one node alone reaches */
    WEATHER_RING = 1 << 3,     /* each reaches its neighbours */
    WEATHER_CLOG = 1 << 4,     /* links hold back what they are given, then it all comes */
    WEATHER_SLOW = 1 << 5,     /* a disk */
    WEATHER_CRASH = 1 << 6,    /* one node */
    WEATHER_STORM = 1 << 7,    /* one node restarts again and again */
    WEATHER_BLACKOUT = 1 << 8, /* several nodes at once, or all */
    WEATHER_ROT = 1 << 9,      /* in the logs of `rotten` seats */
    WEATHER_CROWD = 1 << 10,   /* more transactions than pools hold */
    WEATHER_ALL = (1 << 11) - 1,
};

#define WEATHER_COUNT 11

#define WEATHER_NOWHERE 255

struct weather {
    struct cluster *cluster; /* borrowed */
    struct dice dice;
    uint32_t kinds;  /* bits */
    uint64_t rotten; /* bits of seats */
    uint32_t crowds; /* so far */
    uint8_t stormy;  /* the node that restarts again and again, or WEATHER_NOWHERE */
};

void weather_init(struct weather *weather, struct cluster *cluster, uint64_t seed, uint32_t kinds,
                  uint64_t rotten);

/* One thing changes for the worse, or for the better. */
void weather_change(struct weather *weather);

#endif
