#include "tools/tenure/agent_work.h"

#include "base/check.h"
#include "contracts/share.h"
#include "tools/sys/clock.h"
#include "tools/sys/log.h"
#include "tools/tenure/agent.h"
#include "tools/tenure/planting.h"
#include "tools/tenure/stint.h"

#include <inttypes.h>
#include <string.h>

/* Segments remembered: all slots of the jobs that one account may work on at a time. */
#define KEPT_MAX 128

/* One segment that was trained here. */
struct kept {
    struct jobs_segment segment; /* job 0: empty */
    bool in_the_making;
    bool answered; /* the ledger took or refused its commitment: the same one again would not help */
    uint32_t leaf_count;
    struct trace_leaf leaves[JOBS_INTERVALS_MAX + 1];
};

struct work {
    struct agent agent;
    bool drill;
    uint32_t drill_round;
    struct kept kept[KEPT_MAX];
    uint32_t kept_next;
    float loss; /* of the last step, for the log */
    struct segment_watch watch;
    struct checkpoints checkpoints;
    struct planting planting;
};

bool agent_work_parse_drill(uint32_t *round, const char *text)
{
    uint64_t number;

    if (strncmp(text, "fake-end@", 9) || !cli_parse_number(&number, text + 9, 0, UINT32_MAX))
        return false;
    *round = (uint32_t)number;
    return true;
}

static struct kept *kept_find(struct work *work, const struct jobs_segment *segment)
{
    for (uint32_t i = 0; i < KEPT_MAX; i++)
        if (work->kept[i].segment.job && agent_same_segment(&work->kept[i].segment, segment))
            return &work->kept[i];
    return NULL;
}

/* A place for one more; the oldest gives way, but not one in the making, inside which this one may be made. */
static struct kept *kept_new(struct work *work)
{
    struct kept *kept;

    do {
        kept = &work->kept[work->kept_next];
        work->kept_next = (work->kept_next + 1) % KEPT_MAX;
    } while (kept->in_the_making);
    kept->segment.job = 0;
    kept->answered = false;
    return kept;
}

/* --- training --- */

static void on_step(void *self, uint32_t step, float loss, float norm)
{
    struct work *work = self;

    (void)step, (void)norm;
    work->loss = loss;
}

/* Between two intervals: what others wait for, and whether to go on. */
static enum err on_leaf(void *self, uint32_t index, const struct trace_leaf *leaf,
                        struct state *state)
{
    struct work *work = self;
    struct fault fault;

    (void)index, (void)leaf, (void)state;
    return agent_breathe(&work->agent, &fault);
}

/* A digest that looks like work. */
static struct digest made_up(const struct jobs_segment *segment, uint32_t leaf, uint8_t part)
{
    struct digest_stream stream;

    digest_init(&stream);
    digest_add(&stream, segment, sizeof(*segment));
    digest_add(&stream, &leaf, sizeof(leaf));
    digest_add(&stream, &part, sizeof(part));
    return digest_end(&stream);
}

/* The drill: the first half is trained, the rest of the trace is made up, and the state in the middle is passed off as the end. */
static enum err fake(struct work *work, const struct jobs_segment *segment, struct stint *stint,
                     struct fault *fault)
{
    uint32_t last = stint->leaf_count - 1, honest = last / 2;
    enum err err = stint_reach(stint, honest, fault);

    for (uint32_t i = honest + 1; i <= last; i++)
        stint->leaves[i] = (struct trace_leaf){made_up(segment, i, 0), made_up(segment, i, 1)};
    stint->leaves[last].state_root = state_root(&stint->state);
    work->drill = false;
    log_event(LOG_LEVEL_WARN, "drill",
              "job %" PRIu64 " round %u slot %u: trained %u of %u intervals and made up the rest",
              segment->job, segment->round, segment->slot, honest, last);
    return err;
}

/* Opens the stint of a slot's segment, at its start. */
static enum err begin(struct work *work, const struct agent_job *job, uint16_t slot,
                      struct kept *kept, struct stint *stint, struct fault *fault)
{
    struct state start;
    enum err err = agent_start_state(&work->agent, job, slot, &start, fault);

    kept->leaf_count = share_of(&job->shop->terms, slot).intervals + 1;
    CHECK(kept->leaf_count <= JOBS_INTERVALS_MAX + 1);
    return err ? err
               : stint_init_take(stint, &work->checkpoints, &job->shop->workshop.segment,
                                 &work->watch, &start, kept->leaves, fault);
}

static enum err train(struct work *work, const struct agent_job *job, uint16_t slot,
                      struct stint *stint, struct fault *fault)
{
    struct jobs_segment segment = agent_segment(job, slot);
    uint64_t start_ms = clock_monotonic_ms();
    bool cheat = work->drill && segment.round == work->drill_round;
    enum err err = cheat ? fake(work, &segment, stint, fault)
                         : stint_reach(stint, stint->leaf_count - 1, fault);

    if (err == ERR_CORRUPT) {
        log_event(LOG_LEVEL_WARN, "diverged", "job %" PRIu64 " round %u slot %u: %s", segment.job,
                  segment.round, segment.slot, fault->text);
        return ERR_NONE;
    }
    if (!err)
        log_event(LOG_LEVEL_INFO, "segment-trained",
                  "job %" PRIu64 " round %u slot %u attempt %u: %u steps in %" PRIu64
                  " ms, kernel %s, last loss %.4f",
                  segment.job, segment.round, segment.slot, segment.attempt,
                  share_of(&job->shop->terms, slot).steps, clock_monotonic_ms() - start_ms,
                  kernel_name(work->agent.kernel), (double)work->loss);
    return err;
}

/* In the second half of the time that the ledger leaves for it: what isn't there yet may still come. */
static bool is_time_to_decline(struct work *work, const struct agent_job *job, uint16_t slot)
{
    uint64_t answer_ms = work->agent.parameters.answer_ms;
    uint64_t begun_ms = job->slots[slot]->deadline_ms - job->shop->terms.terms.segment_ms;
    uint64_t now_ms = agent_now_ms(&work->agent);

    return job->slots[slot]->status == JOBS_SLOT_TRAINING && now_ms >= begun_ms + answer_ms / 2 &&
           now_ms < begun_ms + answer_ms;
}

/* A segment that can't be begun or finished is declined, so that nobody pays for data that can't be had. */
static void decline(struct work *work, const struct agent_job *job, uint16_t slot)
{
    struct jobs_segment segment = agent_segment(job, slot);

    if (is_time_to_decline(work, job, slot))
        agent_send(&work->agent, "segment-declined", CATALOG_JOBS, JOBS_DECLINE, &segment);
}

/* Inputs that replayers can't have make the worker pay for withholding; so data that only we may have go to the nodes first. */
static enum err share_data(struct work *work, const struct agent_job *job, struct fault *fault)
{
    struct agent_shop *shop = job->shop;
    enum err err = ERR_NONE;

    if (!shop->shared && !shop->workshop.corpus.blob.data) /* what was fetched is there already */
        err = corpus_push(&shop->workshop.corpus, &work->agent.desk.client, fault);
    shop->shared = !err;
    return err;
}

/* While another segment is trained: looks whether this one could begin, because the time to decline it may be over by then. */
static void foresee(struct work *work, const struct agent_job *job, uint16_t slot)
{
    struct agenda_task task = agent_task(job, slot, true);
    struct fault fault;
    struct state start;
    enum err err;

    if (!agent_is_busy(&work->agent) || !is_time_to_decline(work, job, slot) ||
        !agent_take(&work->agent, &task))
        return;
    err = agent_prepare(&work->agent, job, &fault);
    if (!err)
        err = share_data(work, job, &fault);
    if (!err)
        err = agent_start_state(&work->agent, job, slot, &start, &fault);
    if (!err) {
        state_release(&start);
        return;
    }
    log_event(LOG_LEVEL_WARN, "segment-not-begun", "job %" PRIu64 " slot %u: %s", job->number, slot,
              fault.text);
    decline(work, job, slot);
}

/* What a training says that agent_breathe has ended. */
static const struct fault interrupted = {ERR_NOT_NOW, "asked to stop, or the time is over"};

static enum err fill(struct work *work, const struct agent_job *job, uint16_t slot,
                     struct kept *kept, struct fault *fault)
{
    struct stint stint;
    enum err err = agent_prepare(&work->agent, job, fault);

    if (!err)
        err = share_data(work, job, fault);
    if (!err)
        err = begin(work, job, slot, kept, &stint, fault);
    if (err)
        return err;
    err = train(work, job, slot, &stint, fault);
    if (!err && !trace_is_diverged(&kept->leaves[kept->leaf_count - 1]))
        err = workshop_push(&work->agent.desk.client, &stint.state, AGENT_COPIES, fault);
    stint_release(&stint);
    return err;
}

/* Trains a segment and makes its end state available. The result is kept; NULL when it failed, which the log says, or has to wait. */
static struct kept *make(struct work *work, const struct agent_job *job, uint16_t slot)
{
    struct agenda_task task = agent_task(job, slot, false);
    struct fault fault = interrupted;
    struct kept *kept;
    enum err err;

    if (!agent_take(&work->agent, &task))
        return NULL;
    kept = kept_new(work);
    kept->in_the_making = true;
    err = fill(work, job, slot, kept, &fault);
    kept->in_the_making = false;
    if (err) {
        log_event(LOG_LEVEL_WARN, "segment-not-trained", "job %" PRIu64 " slot %u: %s", job->number,
                  slot, fault.text);
        if (!agent_is_stopping(&work->agent) && err != ERR_NOT_NOW)
            decline(work, job, slot);
        return NULL;
    }
    kept->segment = agent_segment(job, slot);
    return kept;
}

/* --- what the ledger asks for --- */

static void commit(struct work *work, const struct agent_job *job, uint16_t slot)
{
    struct jobs_segment segment = agent_segment(job, slot);
    struct digest leaves[JOBS_INTERVALS_MAX + 1];
    struct trace_leaf shown[JOBS_INTERVALS_MAX + 1];
    struct jobs_commit args;
    struct kept *kept = kept_find(work, &segment);

    if (!kept && !(kept = make(work, job, slot)))
        foresee(work, job, slot);
    if (!kept || kept->answered)
        return;
    planting_show(&work->planting, &segment, kept->leaves, kept->leaf_count, shown);
    for (uint32_t i = 0; i < kept->leaf_count; i++)
        leaves[i] = trace_leaf_digest(&shown[i]);
    args = (struct jobs_commit){.segment = segment,
                                .trace_root = trace_root(shown, kept->leaf_count),
                                .leaves = leaves,
                                .leaf_count = kept->leaf_count,
                                .end = shown[kept->leaf_count - 1]};
    kept->answered = agent_send(&work->agent, "segment-committed", CATALOG_JOBS, JOBS_COMMIT,
                                &args) != AGENT_UNSENT;
}

/* Which intervals the audits of this segment drew. */
static enum err drawn(struct work *work, const struct jobs_segment *segment,
                      bool wanted[JOBS_INTERVALS_MAX], struct fault *fault)
{
    struct lookup_list audits;
    enum err err =
        agent_list(&work->agent, "audit/", segment->job, &jobs_audit_record, &audits, fault);

    for (uint32_t i = 0; !err && i < audits.count; i++) {
        const struct jobs_audit *audit = audits.values[i];
        if (!audit->drawn || audit->status == JOBS_AUDIT_ENDED ||
            !agent_same_segment(&audit->segment, segment))
            continue;
        for (uint32_t j = 0; j < audit->interval_count; j++)
            if (audit->intervals[j].interval < JOBS_INTERVALS_MAX)
                wanted[audit->intervals[j].interval] = true;
    }
    return err;
}

/* Sends the states that the drawn intervals start from to the nodes; only these ever travel. Made-up ones can't be had. */
static enum err send_starts(struct work *work, const struct agent_job *job, uint16_t slot,
                            const struct kept *kept, const bool wanted[JOBS_INTERVALS_MAX],
                            struct fault *fault)
{
    struct kept *again = arena_alloc(&work->agent.arena, sizeof(*again));
    struct stint stint;
    enum err err;

    CHECK(again != NULL);
    err = agent_prepare(&work->agent, job, fault);
    if (!err)
        err = begin(work, job, slot, again, &stint, fault);
    if (err)
        return err;
    for (uint32_t i = 0; !err && i + 1 < kept->leaf_count; i++) {
        if (!wanted[i])
            continue;
        err = stint_reach(&stint, i, fault);
        if (!err && trace_leaf_equal(&again->leaves[i], &kept->leaves[i]))
            err = workshop_push(&work->agent.desk.client, &stint.state, AGENT_COPIES, fault);
    }
    stint_release(&stint);
    return err;
}

/* Where the trace is known the states are checkpoints: then this is brief. */
static void serve(struct work *work, const struct agent_job *job, uint16_t slot)
{
    struct jobs_segment segment = agent_segment(job, slot);
    struct agenda_task task = agent_task(job, slot, true);
    struct jobs_start starts[JOBS_INTERVALS_MAX];
    struct jobs_serve args = {segment, starts, 0};
    struct trace_leaf shown[JOBS_INTERVALS_MAX + 1];
    bool wanted[JOBS_INTERVALS_MAX] = {false};
    struct kept *kept = kept_find(work, &segment);
    struct fault fault = interrupted;

    if (kept ? !agent_take(&work->agent, &task) : !(kept = make(work, job, slot)))
        return;
    if (drawn(work, &segment, wanted, &fault) ||
        send_starts(work, job, slot, kept, wanted, &fault)) {
        log_event(LOG_LEVEL_WARN, "not-served", "%s", fault.text);
        return;
    }
    planting_show(&work->planting, &segment, kept->leaves, kept->leaf_count, shown);
    for (uint16_t i = 0; i + 1u < kept->leaf_count; i++)
        if (wanted[i])
            starts[args.start_count++] =
                (struct jobs_start){i, job->slots[slot]->claimed ? kept->leaves[i] : shown[i]};
    agent_send(&work->agent, "states-served", CATALOG_JOBS, JOBS_SERVE, &args);
}

/* True when whoever would keep its seal shut at the sight of a claim has opened it, or half of the time to claim is over. */
static bool is_time_to_claim(struct work *work, const struct agent_job *job, uint16_t slot)
{
    struct jobs_segment segment = agent_segment(job, slot);
    struct lookup_list audits;
    struct fault fault;
    bool is_sealed = false;

    if (agent_now_ms(&work->agent) + work->agent.parameters.answer_ms / 2 >=
        job->slots[slot]->deadline_ms)
        return true;
    if (agent_list(&work->agent, "audit/", segment.job, &jobs_audit_record, &audits, &fault))
        return false;
    for (uint32_t i = 0; i < audits.count; i++) {
        const struct jobs_audit *audit = audits.values[i];
        is_sealed = is_sealed || (audit->status == JOBS_AUDIT_SEALED &&
                                  agent_same_segment(&audit->segment, &segment));
    }
    return !is_sealed;
}

static void claim(struct work *work, const struct agent_job *job, uint16_t slot)
{
    struct jobs_segment segment = agent_segment(job, slot);
    struct jobs_answer truths[JOBS_INTERVALS_MAX];
    struct jobs_claim args = {.segment = segment};
    struct kept *kept = kept_find(work, &segment);

    if (planting_is_planted(&work->planting, &segment) && !job->slots[slot]->diverged) {
        if (!is_time_to_claim(work, job, slot) || (!kept && !(kept = make(work, job, slot))))
            return;
        args = planting_claim(&work->planting, &segment, kept->leaves, kept->leaf_count, truths);
    }
    agent_send(&work->agent, "segment-claimed", CATALOG_JOBS, JOBS_CLAIM, &args);
}

static void act(void *self, const struct agent_job *job)
{
    struct work *work = self;

    for (uint16_t slot = 0; slot < job->slot_count && !agent_is_stopping(&work->agent); slot++) {
        const struct jobs_slot *at = job->slots[slot];
        if (!at->leased || !address_equal(&at->worker, &work->agent.desk.sender.address))
            continue;
        if (at->status == JOBS_SLOT_TRAINING)
            commit(work, job, slot);
        else if (at->status == JOBS_SLOT_SERVING)
            serve(work, job, slot);
        else if (at->status == JOBS_SLOT_CLAIMING)
            claim(work, job, slot);
    }
}

/* In --checkpoints, else beside the key: an account's agent is one process. */
static enum err open_checkpoints(struct work *work, struct cli *cli)
{
    const char *folder = cli_text(cli, "checkpoints");
    uint64_t mib;
    enum err err = cli_number(&mib, cli, "checkpoint-mib", 1, 1u << 24);

    if (err)
        return err;
    if (!folder)
        folder = cli_format(cli, "%s.checkpoints", desk_key_path(cli));
    return checkpoint_open(&work->checkpoints, folder, mib << 20, &cli->fault);
}

enum err agent_work(struct cli *cli)
{
    struct work *work = arena_alloc(&cli->arena, sizeof(*work));
    const char *drill = cli_text(cli, "drill");
    char address[ADDRESS_TEXT_SIZE];
    uint64_t percent = 0;
    enum err err;

    CHECK(work != NULL);
    if (drill && !agent_work_parse_drill(&work->drill_round, drill))
        return fault_set(&cli->fault, ERR_USAGE, "--drill \"%s\" is not fake-end@ROUND", drill);
    work->drill = drill != NULL;
    work->watch = (struct segment_watch){work, on_step, on_leaf};
    work->checkpoints.lock = -1;
    err = agent_open(&work->agent, cli);
    if (!err)
        err = cli_number(&percent, cli, "plant", 0, 100);
    work->planting = (struct planting){&work->agent, (uint32_t)percent};
    if (!err)
        err = open_checkpoints(work, cli);
    if (!err) {
        address_text(address, &work->agent.desk.sender.address);
        log_event(LOG_LEVEL_INFO, "ready", "works for %s with kernel %s", address,
                  kernel_name(work->agent.kernel));
        err = agent_run(&work->agent, &(struct agent_part){work, act, NULL});
    }
    checkpoint_close(&work->checkpoints);
    agent_close(&work->agent);
    return err;
}
