/* Conducts one node of a cluster as a driver does: performs its core's actions in their order, keeps its disk, asks for bodies and blocks,
 * and feeds it what reaches it. Liars' wrappers are here too. Everything that takes time goes through the cluster's wheel. */
#ifndef TEST_SIM_CONDUCTOR_H
#define TEST_SIM_CONDUCTOR_H

#include "test/sim/cluster.h"

/* What can happen: the kinds of the wheel's events. */
enum conductor_happening {
    CONDUCTOR_MESSAGE,  /* data: a message */
    CONDUCTOR_OWN,      /* data: a message that this seat signed */
    CONDUCTOR_WANT,     /* a: who asks; data: digest of a body */
    CONDUCTOR_BODY,     /* data: a body */
    CONDUCTOR_CATCH_UP, /* a: who asks; data: from, to */
    CONDUCTOR_DECIDED,  /* data: a body of `a` bytes, then a DECIDED */
    CONDUCTOR_SYNCED,   /* a: sequence */
    CONDUCTOR_BUILT,    /* data: the ACTION_BUILD */
    CONDUCTOR_RETRY,    /* a: ticket of an EXECUTE */
    CONDUCTOR_EXECUTED, /* a: ticket */
    CONDUCTOR_DURABLE,  /* a: height */
    CONDUCTOR_TICK,
    CONDUCTOR_NUMBER,    /* a: a client's number */
    CONDUCTOR_FORWARDED, /* the same, from another seat */
    CONDUCTOR_CLIENT,    /* a client has another number */
    CONDUCTOR_AGAIN,     /* a: number; clients try again */
    CONDUCTOR_MOTION,    /* governance changes the set of validators */
    CONDUCTOR_BLACKOUT,
};

/* Something that happens to a node later, unless it was restarted meanwhile. */
void conductor_schedule(struct cluster *cluster, uint64_t delay_ms, enum conductor_happening kind,
                        uint8_t node, uint64_t a, struct bytes data);

/* One event, what it leads to, and what it changed for the pool. The node must be alive; afterwards it may not be. */
void conductor_feed(struct cluster *cluster, uint8_t node, struct event *event);

/* Something that the wheel gave happens to a node that is alive. */
void conductor_happen(struct cluster *cluster, const struct wheel_event *event);

#endif
