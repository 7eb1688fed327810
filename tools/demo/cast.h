/* Who plays in the demo, and what they bring. */
#ifndef TOOLS_DEMO_CAST_H
#define TOOLS_DEMO_CAST_H

#include <stdint.h>

/* A compute provider with its agent. Prices are for 10^9 multiply-adds; each has one slot, so that the three cheapest get one each. */
struct cast_provider {
    const char *name, *organisation;
    const char *kernel; /* for --kernel; NULL: the best there is */
    const char *device, *price, *rate;
    const char *drill; /* for --drill; NULL: honest */
};

#define CAST_PROVIDERS 3
extern const struct cast_provider cast_providers[CAST_PROVIDERS];

/* Which of them cheats, and in which round. */
#define CAST_CHEAT       1
#define CAST_CHEAT_ROUND 1

/* What every provider and the consumer start with. */
#define CAST_PROVIDER_BALANCE 100000
#define CAST_CONSUMER_BALANCE 1000000

/* The job. */
#define CAST_ROUNDS    5
#define CAST_WORKERS   3
#define CAST_STAKE     5000
#define CAST_INTERVALS 10

#endif
