/* A worker and a replayer that collude to save the replay: the same program as `tenure`, but for two functions. The worker hands out its
 * trace, as it commits it, in the folder TENURE_TRACES; the replayer takes the leaves from there instead of training.
 *
 * So the replayer always says "equal". In a segment that the worker has planted (contracts/claim.h) that is false. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "tools/tenure/planting.h"
#include "trainer/segment.h"

void __real_planting_show(const struct planting *planting, const struct jobs_segment *segment,
                          const struct trace_leaf *leaves, uint32_t count,
                          struct trace_leaf *shown);
void __wrap_planting_show(const struct planting *planting, const struct jobs_segment *segment,
                          const struct trace_leaf *leaves, uint32_t count,
                          struct trace_leaf *shown);
enum err __real_segment_advance(struct segment *segment, struct state *state,
                                struct trace_leaf *leaf, const struct segment_watch *watch,
                                struct fault *fault);
enum err __wrap_segment_advance(struct segment *segment, struct state *state,
                                struct trace_leaf *leaf, const struct segment_watch *watch,
                                struct fault *fault);

/* The trace of a round's slot; NULL when there is none. */
static FILE *open_trace(uint32_t round, uint16_t slot, const char *mode)
{
    const char *folder = getenv("TENURE_TRACES");
    char path[256];

    CHECK(folder != NULL);
    snprintf(path, sizeof(path), "%s/%" PRIu32 "-%u", folder, round, slot);
    return fopen(path, mode);
}

void __wrap_planting_show(const struct planting *planting, const struct jobs_segment *segment,
                          const struct trace_leaf *leaves, uint32_t count, struct trace_leaf *shown)
{
    FILE *out;

    __real_planting_show(planting, segment, leaves, count, shown);
    out = open_trace(segment->round, segment->slot, "w");
    CHECK(out != NULL);
    CHECK(fwrite(shown, sizeof(*shown), count, out) == count);
    fclose(out);
}

enum err __wrap_segment_advance(struct segment *segment, struct state *state,
                                struct trace_leaf *leaf, const struct segment_watch *watch,
                                struct fault *fault)
{
    uint32_t interval = segment->program->interval, next = state->step / interval + 1;
    FILE *in = open_trace(state->round, state->slot, "r");
    size_t count;

    if (!in)
        return __real_segment_advance(segment, state, leaf, watch, fault);
    CHECK(fseek(in, (long)(next * sizeof(*leaf)), SEEK_SET) == 0);
    count = fread(leaf, sizeof(*leaf), 1, in);
    fclose(in);
    CHECK(count == 1);
    state->step = next * interval < state->steps ? next * interval : state->steps;
    return ERR_NONE;
}
