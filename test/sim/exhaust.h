/* All small cases of one kind, none left to chance: four seats, of which one has a twin (two nodes with one key, so every kind of message may
 * contradict itself), and a network that falls into two halves, anew each time a view should fail.
 *
 * A case is the twin's seat and a list of halves: 4 seats x 16 ways to halve 5 nodes, to the power of the list's length. Within a half all
 * messages come, 10 ms each; so the cases are all of who hears whom in which view, not all orders of delivery (compare Bano and others,
 * "Twins", 2020, which does the same for its leaders). After them the network heals, and the judge wants a new block and no fault. */
#ifndef TEST_SIM_EXHAUST_H
#define TEST_SIM_EXHAUST_H

#include "base/text.h"

struct exhaust {
    uint64_t cases, failed;
    uint64_t views;     /* entered by honest seats */
    uint64_t conflicts; /* contradictions that honest seats noticed */
    uint64_t highest;   /* block decided in any case */
    struct text faults; /* of the first that failed, with its case; owned */
};

/* Runs all lists of `length` halves, 1..4. */
void exhaust_run(struct exhaust *exhaust, uint32_t length);
void exhaust_release(struct exhaust *exhaust);

#endif
