#include "test/sim/shrink.h"

static bool fails(const struct scenario *scenario)
{
    struct outcome outcome;
    scenario_run(scenario, false, &outcome);
    const bool good = outcome.good;
    scenario_release(&outcome);
    return !good;
}

/* Takes the new value if the fault stays. */
static bool try_value(struct scenario *scenario, int option, uint64_t value, uint32_t *runs)
{
    const uint64_t old = scenario->values[option];
    if (value == old)
        return false;
    scenario->values[option] = value;
    ++*runs;
    if (fails(scenario))
        return true;
    scenario->values[option] = old;
    return false;
}

uint32_t shrink_scenario(struct scenario *scenario)
{
    uint32_t runs = 0;
    bool smaller = true;
    while (smaller) {
        smaller = false;
        for (int option = 0; option < SCENARIO_OPTIONS; option++) {
            smaller |= try_value(scenario, option, scenario_forms[option].plain, &runs);
            for (int bit = 0; bit < 64 && scenario_forms[option].bits; bit++)
                smaller |= try_value(scenario, option,
                                     scenario->values[option] & ~(UINT64_C(1) << bit), &runs);
        }
        while (scenario->values[SCENARIO_FAULTS_MS] > 1000 &&
               try_value(scenario, SCENARIO_FAULTS_MS, scenario->values[SCENARIO_FAULTS_MS] * 3 / 4,
                         &runs))
            smaller = true;
    }
    return runs;
}
