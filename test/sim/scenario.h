/* What a seed stands for: a list of numbers, drawn from it, that say who lies and what goes wrong; and its run.
 *
 * A run has two parts: faults, with the judge watching every step; then healing, after which all honest seats must decide something new
 * within a bound, and all that clients asked for within another. The numbers can be set by hand, so a run is a seed, what was set, and a
 * commit. */
#ifndef TEST_SIM_SCENARIO_H
#define TEST_SIM_SCENARIO_H

#include "base/text.h"
#include "test/sim/coverage.h"

enum scenario_option {
    SCENARIO_COUNT, /* seats */
    SCENARIO_DELAY_MIN_MS,
    SCENARIO_DELAY_SPREAD_MS,
    SCENARIO_DISK_MS,
    SCENARIO_LOSS, /* of 1,000 messages */
    SCENARIO_DUPLICATES,
    SCENARIO_SKEW_MS, /* of clocks */
    SCENARIO_CLIENT_MS,
    SCENARIO_TIMEOUT_MS,
    SCENARIO_TIMEOUT_MAX_MS,
    SCENARIO_TURN,   /* heights after which the primary changes; 0: as usual */
    SCENARIO_LIARS,  /* bits of seats */
    SCENARIO_TRICKS, /* bits of enum liar_trick */
    SCENARIO_ROTTEN, /* bits of seats whose disks lose what was synced; with the liars at most f */
    SCENARIO_MISFORTUNES, /* bits of enum weather_kind */
    SCENARIO_LULL_MS,     /* between two misfortunes, on average */
    SCENARIO_POWER_CUTS,  /* of 100,000 actions: power fails after it */
    SCENARIO_BLACKOUTS,   /* of 1,000 decisions: power fails everywhere about then */
    SCENARIO_FAULTS_MS,   /* how long all this goes on */
    SCENARIO_LEDGER,      /* 0: a toy; 1: the real one; 2: with real signatures of transactions */
    SCENARIO_SPARES,      /* members without a seat, of whom governance chooses */
    SCENARIO_MOTION_MS,   /* between two of its motions, on average; 0: none */
    SCENARIO_KEEP, /* blocks that nodes serve; who lacks older ones takes over a state; 0: all */
    SCENARIO_CALM, /* 1: nothing goes wrong, and nobody may suspect anybody */
    SCENARIO_OPTIONS,
};

/* The name of an option, and what it is when it isn't the reason for a fault. */
struct scenario_form {
    const char *name;
    uint64_t plain;
    bool bits;
};
extern const struct scenario_form scenario_forms[SCENARIO_OPTIONS];

struct scenario {
    uint64_t seed;
    uint64_t values[SCENARIO_OPTIONS];
};

void scenario_draw(struct scenario *scenario, uint64_t seed);

/* Reads "name=value,name=value". False if there is something else in it. */
bool scenario_set(struct scenario *scenario, const char *text);

/* The numbers that differ from what its seed stands for, in the form that scenario_set reads. */
void scenario_text(const struct scenario *scenario, struct text *text);

struct outcome {
    bool good;
    uint64_t cluster_ms; /* virtual time */
    uint64_t healing_ms; /* until the first new block everywhere */
    uint64_t trace;      /* of everything that happened: runs with the same one were the same */
    struct coverage coverage;
    struct text story, faults; /* owned */
};

/* Runs it. The story is empty unless asked for; a failed CHECK is a fault. */
void scenario_run(const struct scenario *scenario, bool story, struct outcome *outcome);

/* For check_failed of a program that simulates: goes back into scenario_run. */
_Noreturn void scenario_broke(const char *condition, const char *file, int line);
void scenario_release(struct outcome *outcome);

#endif
