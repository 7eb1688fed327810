/* Makes a scenario that fails as plain as it can: its numbers are set to their plainest values, one after another and then by halves and
 * bits, as long as the run still fails. */
#ifndef TEST_SIM_SHRINK_H
#define TEST_SIM_SHRINK_H

#include "test/sim/scenario.h"

/* Requires one that fails. Returns how many runs it took. */
uint32_t shrink_scenario(struct scenario *scenario);

#endif
