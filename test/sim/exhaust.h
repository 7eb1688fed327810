/* All small cases of one kind, none left to chance: four seats, of which one has a twin (two nodes with one key, so every kind of message may
 * contradict itself), and a network that falls into two halves, anew each time a view should fail.
 *
 * A case is the twin's seat and a list of halves: 4 seats x 16 ways to halve 5 nodes, to the power of the list's length. Within a half all
 * messages come, 10 ms each; so the cases are all of who hears whom in which view, not all orders of delivery (compare Bano and others,
 * "Twins", 2020, which does the same for its leaders). After them the network heals, and the judge wants a new block and no fault. A fault
 * is also any pair of an honest seat's statements that would be evidence against it, whoever holds both: see "promises" in judge.h. */
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

/* 64 to the power of `length`, 1..EXHAUST_LENGTH_MAX. */
#define EXHAUST_LENGTH_MAX 6
uint64_t exhaust_cases(uint32_t length);

/* Runs lists of `length` halves: `count` cases from the one at `from`, in an order that spreads any number of them over all. Beyond
 * exhaust_cases the same ones come again. */
void exhaust_run(struct exhaust *exhaust, uint32_t length, uint64_t from, uint64_t count);
void exhaust_release(struct exhaust *exhaust);

#endif
