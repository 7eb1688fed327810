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
    if (!err)
        err = state_init(&stint->copy, segment->program, STATE_SEGMENT, fault);
    if (err) {
        stint_release(stint);
        return err;
    }
    state_copy(&stint->state, &stint->start);
    state_copy(&stint->copy, &stint->start);
    return ERR_NONE;
}

void stint_release(struct stint *stint)
{
    thread_join(&stint->scribe);
    state_release(&stint->copy);
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

/* --- the scribe --- */

static void scribe(void *self)
{
    struct stint *stint = self;
    uint32_t leaf = stint->scribed;

    stint->leaves[leaf].state_root = state_root(&stint->copy);
    if (checkpoint_save(stint->checkpoints, &stint->start, &stint->copy, stint->leaves, leaf,
                        &stint->fault) &&
        stint->unkept++ == 0)
        log_event(LOG_LEVEL_WARN, "checkpoint-not-kept", "%s", stint->fault.text);
}

/* Waits for the leaf that the scribe has in hand. */
static enum err settle(struct stint *stint)
{
    uint32_t leaf = stint->scribed;

    thread_join(&stint->scribe);
    stint->scribed = 0;
    if (!leaf || !stint->watch || !stint->watch->leaf)
        return ERR_NONE;
    return stint->watch->leaf(stint->watch->self, leaf, &stint->leaves[leaf], &stint->copy);
}

/* One interval, trained while the scribe has the leaf before it. */
static enum err advance(struct stint *stint, struct fault *fault)
{
    struct trace_leaf *made = &stint->leaves[stint->leaf + 1];
    enum err err =
        segment_train(stint->segment, &stint->state, &made->witness, stint->watch, fault);

    if (!err)
        err = settle(stint);
    if (err)
        return err;
    state_follow(&stint->copy, &stint->state);
    stint->scribed = ++stint->leaf;
    if (thread_start(&stint->scribe, "scribe", scribe, stint))
        scribe(stint); /* the system has no thread to give: then one after the other */
    return ERR_NONE;
}

/* The interval behind `leaf` diverged, and there is nothing behind that one. */
static void diverge(struct stint *stint)
{
    uint32_t next = stint->leaf + 1;

    stint->leaves[next] = trace_diverged(&stint->leaves[next].witness);
    while (++next < stint->leaf_count)
        stint->leaves[next] = trace_diverged(&digest_zero);
}

enum err stint_reach(struct stint *stint, uint32_t leaf, struct fault *fault)
{
    enum err err = ERR_NONE, settled;

    CHECK(leaf < stint->leaf_count);
    go_back(stint, leaf);
    if (stint->leaf < leaf)
        state_copy(&stint->copy, &stint->state);
    while (!err && stint->leaf < leaf)
        err = advance(stint, fault);
    settled = settle(stint);
    if (err == ERR_CORRUPT)
        diverge(stint);
    return err ? err : settled;
}
