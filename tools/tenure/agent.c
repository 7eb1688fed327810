#include "tools/tenure/agent.h"

#include "base/check.h"
#include "contracts/path.h"
#include "contracts/share.h"
#include "tools/sys/clock.h"
#include "tools/sys/log.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* How long one request for the next block rests at the node. */
#define WAIT_MS 1000

/* Between two looks when a node answers at once without a new block. */
#define POLL_MS 150

/* Between two looks at the ledger from within long work. */
#define BREATH_MS 250

/* How long one node may be silent before the next one is asked. */
#define REQUEST_MS 3000

/* A call that was refused is not sent again unchanged for so long: meanwhile the ledger may have moved on. */
#define REFUSED_MS 2000

/* How long all nodes may be silent before a pass is given up (and the next one begins). */
#define PATIENCE_MS 10000

/* How long an agent waits for its transaction's block. */
#define SEND_MS 60000

/* Set by a signal: there is one agent a process. */
static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
    (void)number;
    stopping = 1;
}

bool agent_is_stopping(const struct agent *agent)
{
    (void)agent;
    return stopping;
}

uint64_t agent_now_ms(const struct agent *agent)
{
    uint64_t wall_ms = clock_wall_ms();

    return wall_ms > agent->time_ms ? wall_ms : agent->time_ms;
}

static void on_warning(void *self, const char *sentence)
{
    (void)self;
    log_event(LOG_LEVEL_WARN, "transfer", "%s", sentence);
}

enum err agent_open(struct agent *agent, struct cli *cli)
{
    struct sigaction action = {.sa_handler = on_signal};
    uint64_t threads;
    enum err err;

    memset(agent, 0, sizeof(*agent));
    agent->cli = cli;
    arena_init(&agent->arena, AGENT_ARENA_BYTES);
    for (int i = 0; i < AGENDA_DEPTH; i++)
        arena_init(&agent->spare[i], AGENT_ARENA_BYTES);
    agent->data_folder = cli_text(cli, "data");
    log_setup(LOG_LEVEL_INFO, cli->json);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    err = desk_open_bulk(&agent->desk, cli);
    if (err)
        return err;
    agent->desk.client.patience_ms = PATIENCE_MS;
    agent->desk.client.request_ms = REQUEST_MS;
    agent->desk.client.stop = &stopping;
    agent->desk.client.warn = on_warning;
    agent->desk.client.progress = NULL; /* the log has an agent's progress */
    err = workshop_kernel(&agent->kernel, cli_text(cli, "kernel"), &cli->fault);
    if (!err)
        err = cli_number(&threads, cli, "threads", 1, PARALLEL_THREADS_MAX);
    if (!err)
        err = desk_sign(&agent->desk);
    if (!err)
        agent->threads = (uint32_t)threads;
    return err;
}

static void shop_release(struct agent_shop *shop)
{
    if (!shop->job)
        return;
    if (!digest_is_zero(&shop->global_root))
        state_release(&shop->global);
    workshop_release(&shop->workshop);
    arena_release(&shop->arena);
    memset(shop, 0, sizeof(*shop));
}

void agent_close(struct agent *agent)
{
    for (int i = 0; i < AGENT_SHOPS_MAX; i++)
        shop_release(&agent->shops[i]);
    desk_close(&agent->desk);
    arena_release(&agent->arena);
    for (int i = 0; i < AGENDA_DEPTH; i++)
        arena_release(&agent->spare[i]);
}

/* --- a job made ready --- */

/* Whose place a new shop takes: one of a job that is worked on never, one that was made ready only if there is no other. */
static struct agent_shop *shop_to_give_up(struct agent *agent)
{
    struct agent_shop *oldest = NULL;

    for (int i = 0; i < AGENT_SHOPS_MAX; i++) {
        struct agent_shop *shop = &agent->shops[i];
        if (shop->job && agenda_is_running(&agent->agenda, shop->job))
            continue;
        if (!oldest || shop->workshop.ready < oldest->workshop.ready ||
            (shop->workshop.ready == oldest->workshop.ready && shop->used < oldest->used))
            oldest = shop;
    }
    CHECK(oldest != NULL);
    return oldest;
}

/* The job's shop; only its terms are there at first. */
static enum err shop_of(struct agent *agent, struct agent_shop **out, uint64_t job,
                        struct fault *fault)
{
    struct agent_shop *oldest;
    struct path path = path_1("job/", job);
    enum err err;

    for (int i = 0; i < AGENT_SHOPS_MAX; i++) {
        struct agent_shop *shop = &agent->shops[i];
        if (shop->job == job) {
            shop->used = agent->pass;
            *out = shop;
            return ERR_NONE;
        }
    }
    oldest = shop_to_give_up(agent);
    shop_release(oldest);
    arena_init(&oldest->arena, CLIENT_ANSWER_BYTES);
    err = lookup_get(&agent->desk.client, &oldest->arena, path_key(&path), &jobs_job_record,
                     &oldest->terms, fault);
    if (!err && !share_check(&oldest->terms))
        err = fault_set(fault, ERR_MALFORMED, "the node's job %" PRIu64 " has no shares", job);
    if (err) {
        arena_release(&oldest->arena);
        memset(oldest, 0, sizeof(*oldest));
        return err;
    }
    oldest->job = job;
    oldest->used = agent->pass;
    *out = oldest;
    return ERR_NONE;
}

enum err agent_prepare(struct agent *agent, const struct agent_job *job, struct fault *fault)
{
    struct agent_shop *shop = job->shop;
    enum err err = ERR_NONE;

    for (uint32_t i = 0; i < job->slot_count; i++)
        if (job->slots[i]->round != job->progress.round)
            return fault_set(fault, ERR_NOT_NOW, "a round was closed while the job was read");
    if (!shop->workshop.ready) {
        err = workshop_open(&shop->workshop, shop->terms.terms.program, fault);
        if (!err)
            err = workshop_furnish(&shop->workshop, &agent->desk.client, agent->data_folder,
                                   &shop->terms.terms.data_root, agent->kernel, agent->threads,
                                   fault);
        if (err) {
            workshop_release(&shop->workshop);
            return err;
        }
    }
    if (digest_equal(&shop->global_root, &job->progress.global_root))
        return ERR_NONE;
    if (!digest_is_zero(&shop->global_root))
        state_release(&shop->global);
    shop->global_root = digest_zero;
    err = workshop_fetch(&shop->workshop, &agent->desk.client, &shop->global, STATE_GLOBAL,
                         &job->progress.global_root, fault);
    if (!err)
        shop->global_root = job->progress.global_root;
    return err;
}

enum err agent_start_state(struct agent *agent, const struct agent_job *job, uint16_t slot,
                           struct state *start, struct fault *fault)
{
    const struct jobs_slot *at = job->slots[slot];
    struct digest root;
    enum err err =
        workshop_start(&job->shop->workshop, &agent->desk.client, start, &job->shop->global,
                       &at->residue_root, slot, share_of(&job->shop->terms, slot).steps, fault);

    if (err)
        return err;
    root = state_root(start);
    if (digest_equal(&root, &at->start_root))
        return ERR_NONE;
    state_release(start);
    return fault_set(fault, ERR_MISMATCH,
                     "job %" PRIu64 " round %u slot %u starts from another state than the ledger's",
                     job->number, at->round, slot);
}

struct digest agent_nonce(const struct agent *agent, const char *tag,
                          const struct jobs_segment *segment)
{
    struct digest_stream stream;
    uint8_t numbers[16];

    bytes_put_u64(numbers, segment->job);
    bytes_put_u32(numbers + 8, segment->round);
    bytes_put_u16(numbers + 12, segment->slot);
    bytes_put_u16(numbers + 14, segment->attempt);
    digest_init(&stream);
    digest_add(&stream, tag, strlen(tag) + 1);
    digest_add(&stream, agent->desk.sender.secret.bytes, SIGN_SECRET_SIZE);
    digest_add(&stream, agent->desk.sender.chain.bytes, DIGEST_SIZE);
    digest_add(&stream, numbers, sizeof(numbers));
    return digest_end(&stream);
}

struct jobs_segment agent_segment(const struct agent_job *job, uint16_t slot)
{
    return (struct jobs_segment){job->number, job->slots[slot]->round, slot,
                                 job->slots[slot]->attempt};
}

struct agenda_task agent_task(const struct agent_job *job, uint16_t slot, bool brief)
{
    return (struct agenda_task){.segment = agent_segment(job, slot),
                                .deadline_ms = job->slots[slot]->deadline_ms,
                                .brief = brief};
}

bool agent_same_segment(const struct jobs_segment *a, const struct jobs_segment *b)
{
    return a->job == b->job && a->round == b->round && a->slot == b->slot &&
           a->attempt == b->attempt;
}

/* --- talking to the ledger --- */

enum err agent_list(struct agent *agent, const char *word, uint64_t job,
                    const struct record *record, struct lookup_list *list, struct fault *fault)
{
    struct path path = path_1(word, job);

    return lookup_all(&agent->desk.client, &agent->arena, path_key(&path), record, list, fault);
}

/* Whether this very call was refused a moment ago. */
static bool is_refused(const struct agent *agent, const struct digest *call)
{
    for (uint32_t i = 0; i < AGENT_REFUSED_MAX; i++)
        if (digest_equal(&agent->refused[i].call, call) &&
            clock_monotonic_ms() < agent->refused[i].until_ms)
            return true;
    return false;
}

static void remember_refused(struct agent *agent, const struct digest *call)
{
    agent->refused[agent->refused_next] =
        (struct agent_refused){*call, clock_monotonic_ms() + REFUSED_MS};
    agent->refused_next = (agent->refused_next + 1) % AGENT_REFUSED_MAX;
}

enum agent_sent agent_send(struct agent *agent, const char *what, uint8_t contract, uint8_t method,
                           const void *args)
{
    struct sender_outcome outcome;
    struct fault fault;
    struct call call = {contract, method,
                        record_bytes(&agent->arena, catalog_method(contract, method)->args, args)};
    struct digest digest;
    enum err err;
    bool done;

    CHECK(call.args.data != NULL);
    digest = digest_of(call.args.data, call.args.size);
    if (is_refused(agent, &digest))
        return AGENT_REFUSED;
    err = sender_send(&agent->desk.sender, &agent->arena, &outcome, &call, 1, SEND_MS, &fault);
    agent->woken = true;
    if (err) {
        log_event(LOG_LEVEL_WARN, what, "not sent: %s", fault.text);
        return AGENT_UNSENT;
    }
    done = outcome.verdict == 0;
    if (done) {
        log_event(LOG_LEVEL_INFO, what, "in block %" PRIu64, outcome.height);
    } else {
        log_event(LOG_LEVEL_INFO, what, "refused in block %" PRIu64 ": %s (%s)", outcome.height,
                  outcome.message, outcome.name);
        remember_refused(agent, &digest);
    }
    sender_outcome_release(&outcome);
    return done ? AGENT_DONE : AGENT_REFUSED;
}

/* Asks for the last block; rests at the node for wait_ms while there is none that this agent hasn't seen. True in *news if it has. */
static enum err look(struct agent *agent, bool *news, uint64_t wait_ms, struct fault *fault)
{
    struct client_reply reply;
    struct answer *root = NULL;
    char path[96];
    enum err err;

    snprintf(path, sizeof(path), "/v1/status?after_height=%" PRIu64 "&wait_ms=%" PRIu64,
             agent->height, wait_ms);
    err = client_call(&agent->desk.client, &reply, CLIENT_GET, path, bytes_of(NULL, 0), wait_ms,
                      fault);
    if (!err && reply.status != 200)
        err = client_refusal(&agent->desk.client, &reply, path, fault);
    if (!err)
        err = answer_parse(&root, reply.body, fault);
    agent->looked_ms = clock_monotonic_ms();
    if (err)
        return err;
    *news = agent->woken || answer_number(root, "height") != agent->height;
    agent->woken = false;
    agent->height = answer_number(root, "height");
    agent->time_ms = answer_number(root, "time_ms");
    answer_free(root);
    return ERR_NONE;
}

static enum err load_job(struct agent *agent, struct agent_job *job, struct fault *fault)
{
    struct path path = path_1("progress/", job->number);
    struct lookup_list list;
    enum err err = shop_of(agent, &job->shop, job->number, fault);

    if (!err)
        err = lookup_get(&agent->desk.client, &agent->arena, path_key(&path), &jobs_progress_record,
                         &job->progress, fault);
    if (!err)
        err = agent_list(agent, "slot/", job->number, &jobs_slot_record, &list, fault);
    if (err)
        return err;
    job->slots = (struct jobs_slot **)list.values;
    job->slot_count = list.count;
    return ERR_NONE;
}

enum err agent_past(struct agent *agent, struct agent_job *job, const struct jobs_segment *segment,
                    struct fault *fault)
{
    struct path path = path_1("round/", segment->job);
    struct jobs_round round;
    struct jobs_result result;
    struct jobs_slot *slot = arena_alloc(&agent->arena, sizeof(*slot));
    enum err err;

    *job = (struct agent_job){.number = segment->job, .slot_count = segment->slot + 1u};
    job->slots = arena_array(&agent->arena, job->slot_count, sizeof(*job->slots));
    CHECK(slot != NULL && job->slots != NULL);
    path_u32(&path, segment->round);
    err = shop_of(agent, &job->shop, segment->job, fault);
    if (!err)
        err = lookup_get(&agent->desk.client, &agent->arena, path_key(&path), &jobs_round_record,
                         &round, fault);
    path = path_1("result/", segment->job);
    path_u32(&path, segment->round);
    path_u16(&path, segment->slot);
    path_u16(&path, segment->attempt);
    if (!err)
        err = lookup_get(&agent->desk.client, &agent->arena, path_key(&path), &jobs_result_record,
                         &result, fault);
    if (err)
        return err;
    job->progress =
        (struct jobs_progress){.round = segment->round, .global_root = round.global_root};
    *slot = (struct jobs_slot){.round = segment->round,
                               .attempt = segment->attempt,
                               .start_root = result.start_root,
                               .residue_root = result.residue_root};
    for (uint32_t i = 0; i < job->slot_count; i++)
        job->slots[i] = slot;
    return ERR_NONE;
}

/* --- passes --- */

/* Lets the part look at one job. What is wrong with it is in the log and concerns no other; ERR_IO when no node answers. */
static enum err visit(struct agent *agent, uint64_t number)
{
    struct agent_job job = {.number = number};
    struct fault fault;
    enum err err;

    arena_clear(&agent->arena);
    err = load_job(agent, &job, &fault);
    if (!err)
        agent->part.act(agent->part.self, &job);
    else if (err != ERR_NOT_FOUND && !stopping) /* not found: it has ended meanwhile */
        log_event(LOG_LEVEL_WARN, "job-not-read", "job %" PRIu64 ": %s", number, fault.text);
    return err == ERR_IO ? err : ERR_NONE;
}

/* Challenges belong to jobs that may have ended. */
static void visit_rest(struct agent *agent)
{
    arena_clear(&agent->arena);
    if (agent->part.rest)
        agent->part.rest(agent->part.self);
}

/* The numbers of all open jobs, on the heap: what the pass reads of each goes into the arena, which is cleared for the next. */
static enum err list_open(struct agent *agent, uint64_t **jobs, uint32_t *count,
                          struct fault *fault)
{
    struct lookup_list open;
    enum err err;

    arena_clear(&agent->arena);
    err = lookup_all(&agent->desk.client, &agent->arena, bytes_text("open/"), &jobs_open_record,
                     &open, fault);
    if (err)
        return err;
    *count = open.count;
    *jobs = calloc(open.count + 1u, sizeof(**jobs));
    CHECK(*jobs != NULL);
    for (uint32_t i = 0; i < open.count; i++)
        (*jobs)[i] = ((struct jobs_open *)open.values[i])->job;
    return ERR_NONE;
}

/* The long work that this pass has noted as due first. */
static void work(struct agent *agent)
{
    struct agenda_task task;

    if (stopping || !agenda_begin(&agent->agenda, &task, clock_monotonic_ms()))
        return;
    if (task.challenge)
        visit_rest(agent);
    else if (visit(agent, task.segment.job))
        log_event(LOG_LEVEL_WARN, "nodes", "none answers for job %" PRIu64, task.segment.job);
    agenda_end(&agent->agenda, clock_monotonic_ms());
    agent->woken = true;
}

static enum err pass(struct agent *agent, struct fault *fault)
{
    uint64_t *jobs = NULL;
    uint32_t count = 0;
    enum err err;

    agent->pass++;
    agenda_clear(&agent->agenda);
    arena_clear(&agent->arena);
    err = lookup_get(&agent->desk.client, &agent->arena, bytes_text("parameters"),
                     &parameters_record, &agent->parameters, fault);
    if (!err)
        err = list_open(agent, &jobs, &count, fault);
    for (uint32_t i = 0; !err && i < count && !stopping; i++)
        if ((err = visit(agent, jobs[i])))
            fault_set(fault, err, "no node answers");
    free(jobs);
    if (!err && !stopping)
        visit_rest(agent);
    if (!err)
        work(agent);
    return err;
}

bool agent_take(struct agent *agent, const struct agenda_task *task)
{
    return agenda_take(&agent->agenda, task, clock_monotonic_ms());
}

bool agent_is_busy(const struct agent *agent)
{
    return agent->agenda.depth > 0;
}

enum err agent_breathe(struct agent *agent, struct fault *fault)
{
    struct arena *spare, outer = agent->arena;
    struct fault nodes;
    bool news = false;

    CHECK(agent->agenda.depth > 0);
    spare = &agent->spare[agent->agenda.depth - 1];
    if (!stopping && clock_monotonic_ms() - agent->looked_ms >= BREATH_MS) {
        agent->arena = *spare;
        /* Without nodes the work goes on: they may be back when it is done. */
        if (look(agent, &news, 0, &nodes) || (news && pass(agent, &nodes)))
            log_event(LOG_LEVEL_WARN, "nodes", "%s", nodes.text);
        *spare = agent->arena;
        agent->arena = outer;
    }
    if (stopping)
        return fault_set(fault, ERR_NOT_NOW, "asked to stop");
    if (agenda_is_late(&agent->agenda, agent->time_ms))
        return fault_set(fault, ERR_NOT_NOW, "the time for it is over");
    return ERR_NONE;
}

/* Until there is a block that this agent hasn't seen, or it has something to look after. */
static enum err wait_block(struct agent *agent, struct fault *fault)
{
    uint64_t start_ms = clock_monotonic_ms();
    bool news;
    enum err err = look(agent, &news, agent->woken ? 0 : WAIT_MS, fault);

    if (!err && !news && clock_monotonic_ms() - start_ms < POLL_MS)
        clock_sleep_ms(POLL_MS);
    return err;
}

enum err agent_run(struct agent *agent, const struct agent_part *part)
{
    agent->part = *part;
    while (!stopping) {
        struct fault fault;
        enum err err = wait_block(agent, &fault);
        if (!err)
            err = pass(agent, &fault);
        if (err && !stopping) {
            log_event(LOG_LEVEL_WARN, "nodes", "%s", fault.text);
            clock_sleep_ms(POLL_MS);
        }
    }
    return ERR_NONE;
}
