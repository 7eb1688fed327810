#include "tools/tenure/stint.h"

#include "base/check.h"
#include "tools/sys/log.h"

enum err stint_init_take(struct stint *stint, struct checkpoints *checkpoints,
                         struct segment *segment, const struct segment_watch *watch,
                         struct state *start, struct trace_leaf *leaves, struct fault *fault)
{
    CHECK(start->step == 0);
    *stint = (struct stint){
        .checkpoints = checkpoints,
        .segment = segment,
        .watch = watch,
        .start = *start,
        .leaves = leaves,
        .leaf_count = trace_leaf_count(start->steps, segment->program->interval),
    };
    *start = (struct state){0};
    leaves[0] = (struct trace_leaf){.state_root = state_root(&stint->start)};
    enum err err = state_init(&stint->state, segment->program, STATE_SEGMENT, fault);
    if (err)
        state_release(&stint->start);
    else
        state_copy(&stint->state, &stint->start);
    return err;
}

void stint_release(struct stint *stint)
{
    state_release(&stint->start);
    state_release(&stint->state);
}

/* To the nearest known state at or before `leaf`: where we are, a checkpoint, or the start. */
static void go_back(struct stint *stint, uint32_t leaf)
{
    uint32_t first = stint->leaf <= leaf ? stint->leaf + 1 : 1, found = 0, damaged = 0;

    if (first <= leaf && checkpoint_load(stint->checkpoints, &stint->start, &stint->state,
                                         stint->leaves, first, leaf, &found, &damaged)) {
        stint->resumed = found;
        stint->leaf = found;
        log_event(LOG_LEVEL_INFO, "segment-resumed", "round %u slot %u: after interval %u of %u",
                  stint->start.round, stint->start.slot, found, stint->leaf_count - 1);
    } else if (stint->leaf > leaf || damaged > 0) {
        state_copy(&stint->state, &stint->start);
        stint->leaf = 0;
    }
    if (damaged > 0)
        log_event(LOG_LEVEL_WARN, "checkpoint-damaged",
                  "round %u slot %u: %u not as written, and removed", stint->start.round,
                  stint->start.slot, damaged);
    stint->damaged += damaged;
}

static enum err advance(struct stint *stint, struct fault *fault)
{
    uint32_t leaf = stint->leaf + 1;
    struct trace_leaf *made = &stint->leaves[leaf];
    enum err err = segment_advance(stint->segment, &stint->state, made, stint->watch, fault);

    if (err)
        return err;
    stint->leaf = leaf;
    if (checkpoint_save(stint->checkpoints, &stint->start, &stint->state, stint->leaves, leaf,
                        &stint->fault) &&
        stint->unkept++ == 0)
        log_event(LOG_LEVEL_WARN, "checkpoint-not-kept", "%s", stint->fault.text);
    if (stint->watch && stint->watch->leaf)
        err = stint->watch->leaf(stint->watch->self, leaf, made, &stint->state);
    return err;
}

enum err stint_reach(struct stint *stint, uint32_t leaf, struct fault *fault)
{
    enum err err = ERR_NONE;

    CHECK(leaf < stint->leaf_count);
    go_back(stint, leaf);
    while (!err && stint->leaf < leaf)
        err = advance(stint, fault);
    return err;
}
