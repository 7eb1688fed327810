#include "tools/tenure/agent_ruling.h"

#include "base/check.h"
#include "contracts/challenge.h"
#include "contracts/path.h"
#include "tools/sys/log.h"

#include <inttypes.h>

static struct path challenge_path(const struct challenge_open *open)
{
    struct path path = path_1("challenged/", open->segment.job);

    path_u32(&path, open->segment.round);
    path_u16(&path, open->segment.slot);
    path_u16(&path, open->segment.attempt);
    path_u16(&path, open->interval);
    return path;
}

static bool has_answered(struct agent *agent, uint64_t id, uint8_t seat)
{
    struct path path = path_1("ruling/", id);
    struct jobs_vote vote;
    struct fault fault;

    path_u8(&path, seat);
    return !lookup_get(&agent->desk.client, &agent->arena, path_key(&path), &jobs_vote_record,
                       &vote, &fault) &&
           address_equal(&vote.replayer, &agent->desk.sender.address);
}

/* Leaf interval + 1, replayed from the segment's start. */
static enum err replay(struct agent *agent, const struct challenge_open *open,
                       struct trace_leaf *leaf, struct fault *fault)
{
    uint16_t slot = open->segment.slot;
    struct agent_job job;
    struct state state;
    enum err err = agent_past(agent, &job, &open->segment, fault);

    if (!err)
        err = agent_prepare(agent, &job, fault);
    if (!err)
        err = agent_start_state(agent, &job, slot, &state, fault);
    if (err)
        return err;
    for (uint32_t i = 0; i <= open->interval && !err; i++) {
        err = segment_advance(&job.shop->workshop.segment, &state, leaf, NULL, fault);
        if (err == ERR_CORRUPT) { /* it diverged: the answer, and that of every interval behind it */
            if (i < open->interval)
                *leaf = trace_diverged(&digest_zero);
            state_release(&state);
            return ERR_NONE;
        }
        if (!err)
            err = agent_breathe(agent, fault);
    }
    state_release(&state);
    return err;
}

/* When the challenge must be answered. */
static enum err find_deadline(struct agent *agent, const struct challenge_open *open,
                              uint64_t *deadline_ms, struct fault *fault)
{
    struct path path = challenge_path(open);
    struct challenge challenge;
    enum err err = lookup_get(&agent->desk.client, &agent->arena, path_key(&path),
                              &challenge_record, &challenge, fault);

    if (!err)
        *deadline_ms = challenge.deadline_ms;
    return err;
}

static void rule(struct agent *agent, uint64_t id, const struct challenge_open *open)
{
    struct challenge_answer args = {.challenge = id, .answer = {.interval = open->interval}};
    struct agenda_task task = {.segment = open->segment, .challenge = id};
    struct fault fault;
    enum err err = find_deadline(agent, open, &task.deadline_ms, &fault);

    if (err) {
        log_event(LOG_LEVEL_WARN, "nodes", "challenge %" PRIu64 ": %s", id, fault.text);
        return;
    }
    if (!agent_take(agent, &task))
        return;
    err = replay(agent, open, &args.answer.leaf, &fault);
    if (err) {
        log_event(LOG_LEVEL_WARN, "not-replayed", "challenge %" PRIu64 ": %s", id, fault.text);
        /* A start that can't be had is asked for again until half of answer_ms is left; then "unavailable" is the answer. */
        if (err == ERR_NOT_NOW ||
            agent_now_ms(agent) + agent->parameters.answer_ms / 2 < task.deadline_ms)
            return;
        args.answer.leaf = (struct trace_leaf){.witness = digest_zero};
    }
    agent_send(agent, "challenge-answered", CATALOG_CHALLENGES, CHALLENGE_ANSWER, &args);
}

void agent_ruling_pass(struct agent *agent, uint8_t seat)
{
    struct lookup_list open;
    struct fault fault;

    if (lookup_all(&agent->desk.client, &agent->arena, bytes_text("challenge/"),
                   &challenge_open_record, &open, &fault)) {
        log_event(LOG_LEVEL_WARN, "nodes", "%s", fault.text);
        return;
    }
    for (uint32_t i = 0; i < open.count && !agent_is_stopping(agent); i++) {
        uint64_t id = bytes_get_u64(open.keys[i].data + open.keys[i].size - sizeof(id));
        if (!has_answered(agent, id, seat))
            rule(agent, id, open.values[i]);
    }
}
