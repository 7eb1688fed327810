/* All orders in which messages about one height can reach a node, in scenes of one liar and up to two view changes.
 *
 * What a node does follows from what reached it, and in which order; deliveries to different nodes commute. So the orders of a whole
 * cluster fall apart into those of each node, and it is enough to look at one node under all orders of everything that the others can send
 * it: no cluster shows it anything else. Here the node is seat 2 of 4, a real core with its driver, log and ledger, and the others are keys
 * of the test, which sign what the scene says. Seat 0, the primary of view 0, is the liar; seat 1 leads view 1, and seat 2 itself view 2.
 *
 * A scene is a list of ORDERS_LENGTH messages, and each of their 7! orders is a case. After each message all that the node does by itself
 * ends (execution, syncs) before the next one comes; the judge asks for its promises at every step: what every proof of agreement needs of a
 * node. Bound: only these scenes, a node whose own work is never overtaken by a message, and, since each message comes once, no
 * repetitions. Losses are covered: whatever is lost comes after the end. */
#ifndef TEST_SIM_ORDERS_H
#define TEST_SIM_ORDERS_H

#include "base/text.h"

#define ORDERS_LENGTH 7u
#define ORDERS_SCENES 6u

struct orders {
    uint64_t cases, failed;
    uint64_t decided;   /* cases in which the node decided the block */
    uint64_t entered;   /* views that it entered, in all cases */
    uint64_t conflicts; /* contradictions that it noticed */
    uint64_t refused;   /* messages that were of no use any more when they came */
    struct text faults; /* of the first case that failed; owned */
};

/* Runs all orders of one scene, 0..ORDERS_SCENES - 1, and adds to *orders, which is zero at first. */
void orders_run(struct orders *orders, uint32_t scene);
void orders_release(struct orders *orders);

#endif
