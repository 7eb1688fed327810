/* What reaches a node of a cluster: messages, bodies, blocks and states of others, clients' numbers, and the end of what it began itself.
 * What its liar makes of a message is here too. */
#ifndef TEST_SIM_ARRIVAL_H
#define TEST_SIM_ARRIVAL_H

#include "test/sim/conductor.h"

/* Something that the wheel gave happens to a node that is alive. */
void arrival_happen(struct cluster *cluster, const struct wheel_event *event);

#endif
