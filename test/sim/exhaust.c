#include "test/sim/exhaust.h"

#include <string.h>

#include "base/check.h"
#include "test/sim/cluster.h"

#define SEATS      4u
#define HALVES     16u   /* of 5 nodes: the last is always in the same one */
#define TIMEOUT_MS 1000u /* of a view ... */
#define PHASE_MS   1500u /* ... so that one passes in each phase, and messages after it */
#define HEALING_MS 60000u
#define STEP       UINT64_C(0x9e3779b97f4a7c15) /* between cases; odd */

static void run_phases(struct cluster *c, uint64_t halves, uint32_t length)
{
    cluster_submit(c, 3); /* to some, so that twins have different things to propose */
    for (uint32_t i = 0; i < length; i++, halves /= HALVES) {
        cluster_heal(c);
        cluster_split(c, halves % HALVES);
        cluster_submit(c, UINT64_C(1) << i);
        cluster_run(c, c->now_ms + PHASE_MS);
    }
}

static void heal(struct cluster *c)
{
    cluster_heal(c);
    const uint64_t high = cluster_high(c), limit = c->now_ms + HEALING_MS;
    while (!c->judge.fault_count && cluster_low(c) <= high && c->now_ms < limit)
        cluster_run(c, c->now_ms + 100);
    if (!c->judge.fault_count && cluster_low(c) <= high)
        judge_fault(&c->judge, "no block everywhere %u ms after healing", HEALING_MS);
}

static void run_case(struct exhaust *exhaust, uint64_t number, uint32_t length)
{
    struct cluster_options options = cluster_quiet(SEATS);
    options.story = false;
    options.timeout_ms = TIMEOUT_MS;
    options.timeout_max_ms = 2 * TIMEOUT_MS;
    options.liars = UINT64_C(1) << number % SEATS;
    options.tricks = LIAR_TWINS;
    struct cluster *c = cluster_new(&options);
    CHECK(c->nodes == SEATS + 1);
    run_phases(c, number / SEATS, length);
    heal(c);
    exhaust->cases++;
    exhaust->views += c->coverage.counts[COVERAGE_VIEWS];
    exhaust->conflicts += c->coverage.counts[COVERAGE_CONFLICTS];
    if (cluster_high(c) > exhaust->highest)
        exhaust->highest = cluster_high(c);
    if (c->judge.fault_count && !exhaust->failed++)
        text_add(&exhaust->faults, "case %llu of length %u:\n%s", (unsigned long long)number,
                 length, text_string(&c->judge.faults));
    cluster_free(c);
}

uint64_t exhaust_cases(uint32_t length)
{
    CHECK(length >= 1 && length <= EXHAUST_LENGTH_MAX);
    uint64_t cases = SEATS;
    for (uint32_t i = 0; i < length; i++)
        cases *= HALVES;
    return cases;
}

void exhaust_run(struct exhaust *exhaust, uint32_t length, uint64_t from, uint64_t count)
{
    const uint64_t cases = exhaust_cases(length); /* a power of two: odd steps reach each once */
    memset(exhaust, 0, sizeof(*exhaust));
    text_init(&exhaust->faults, 64u << 10);
    for (uint64_t i = from; i - from < count; i++)
        run_case(exhaust, i * STEP % cases, length);
}

void exhaust_release(struct exhaust *exhaust)
{
    text_release(&exhaust->faults);
}
