/* Conducts one node of a cluster as a driver does: performs its core's actions in their order, keeps its disk, asks for bodies. Liars'
 * wrappers around what they sign are here too. Everything that takes time goes through the cluster's wheel; arrival.h is where it comes
 * back, and mail.h where it leaves for other nodes. */
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
    CONDUCTOR_STATE, /* a: sizes of the first two; data: header, certificate and state of a block */
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

/* The log is on disk through `sequence`: what waited for that is signed. */
void conductor_synced(struct cluster *cluster, uint8_t node, uint64_t sequence);

/* Runs an order whose body is here, or asks somebody for the body. */
void conductor_pursue(struct cluster *cluster, uint8_t node, struct station_order *order);

/* The node's clock, Unix time; what waits in its pool; what messages of its set are checked against; and what its liar forges with, which
 * needs a seat. */
uint64_t conductor_clock(const struct cluster *cluster, uint8_t node);
struct event_work conductor_work(struct cluster *cluster, uint8_t node);
struct verify_context conductor_context(const struct cluster *cluster, uint8_t node);
struct forge conductor_forge(struct cluster *cluster, uint8_t node,
                             const struct verify_context *context);

#endif
