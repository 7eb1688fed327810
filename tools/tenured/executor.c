#include "tools/tenured/executor.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "contracts/contracts.h"
#include "tools/sys/clock.h"
#include "tools/sys/log.h"
#include "tools/tenured/discord.h"
#include "tools/tenured/node.h"
#include "tools/tenured/opening.h"
#include "tools/tenured/wire.h"

/* Batches that are taken before jobs are looked at again. */
#define EXECUTOR_TURN_BATCHES 8

/* Nothing that peers ask for may keep a job of consensus out. */
_Static_assert(PEER_PLACES *EXECUTOR_ASKED_MAX <= EXECUTOR_JOBS / 4, "room for consensus");

/* What is read in one turn: a held body, a proposal's list, contracts_due's records. */
#define EXECUTOR_ARENA_BYTES (32u << 20)

/* A transaction is passed over only once it had this long to reach the primary. */
#define EXECUTOR_GRACE_MS 3000

static void executor_dropped(void *self, const struct digest *id, enum tx_verdict reason)
{
    struct executor *executor = self;
    recent_put(&executor->fates, id, (uint8_t)reason);
}

enum err executor_init(struct executor *executor, struct node *node)
{
    memset(executor, 0, sizeof(*executor));
    executor->node = node;
    arena_init(&executor->arena, EXECUTOR_ARENA_BYTES);
    pthread_mutex_init(&executor->mutex, NULL);
    charges_init(&executor->charges);
    executor->pool = pool_new((struct pool_listener){executor, executor_dropped});
    if (forward_init(&executor->forward, node) || !executor->pool ||
        recent_init(&executor->fates, POOL_COUNT_MAX))
        return ERR_LIMIT;
    executor->tip = chain_head(node->chain)->digest;
    enum err err = queue_init(&executor->jobs, EXECUTOR_JOBS, SIZE_MAX);
    if (!err)
        err = queue_init(&executor->batches,
                         2 * (VERIFIER_BATCHES_MAX + (size_t)PEER_PLACES * VERIFIER_SHARE_BULK),
                         SIZE_MAX);
    return err;
}

static bool executor_job_is_asked(const struct executor_job *job)
{
    return job->kind >= EXECUTOR_SERVE;
}

/* A peer's place is given back when its job is done with. */
static void executor_job_free(struct executor *executor, struct executor_job *job)
{
    if (executor_job_is_asked(job))
        atomic_fetch_sub(&executor->asked[job->place.n], 1);
    parcel_drop(job->parcel);
    free(job->data);
    free(job);
}

void executor_job_take(struct executor *executor, struct executor_job *job)
{
    if (executor_job_is_asked(job) &&
        atomic_fetch_add(&executor->asked[job->place.n], 1) >= EXECUTOR_ASKED_MAX) {
        executor_job_free(executor, job);
        return;
    }
    enum err err = queue_push(&executor->jobs, job, 0, 0);
    CHECK(err != ERR_BUSY);
    if (err)
        executor_job_free(executor, job);
}

void executor_batch_take(struct executor *executor, struct intake *intake)
{
    if (queue_push(&executor->batches, intake, 0, 0)) {
        verifier_finish_take(&executor->node->verifier, intake);
        return;
    }
    if (atomic_exchange(&executor->woken, true))
        return;
    struct executor_job *job = calloc(1, sizeof(*job));
    CHECK(job != NULL);
    job->kind = EXECUTOR_WAKE;
    executor_job_take(executor, job);
}

enum api_fate executor_fate(struct executor *executor, const struct digest *id,
                            enum tx_verdict *reason)
{
    uint8_t value;
    if (!recent_get(&executor->fates, id, &value))
        return API_UNKNOWN;
    if (value == TX_OK)
        return API_PENDING;
    *reason = (enum tx_verdict)value;
    return API_DROPPED;
}

struct pool_stats executor_stats(struct executor *executor)
{
    pthread_mutex_lock(&executor->mutex);
    struct pool_stats stats = executor->stats;
    pthread_mutex_unlock(&executor->mutex);
    return stats;
}

/* An answer to the driver; NULL stops the node, for want of memory. */
static struct driver_event *executor_answer(struct executor *executor, enum driver_kind kind)
{
    struct driver_event *event = driver_event_new(kind);
    if (!event)
        node_fail(executor->node, ERR_LIMIT, "no memory");
    return event;
}

/* --- blocks --- */

/* Picks what a block on `parent` may hold. */
static size_t executor_pick(struct executor *executor, struct bytes **list,
                            const struct digest *parent, size_t count_max, size_t bytes_max)
{
    struct pool_nonces nonces = chain_nonces(executor->node->chain, parent);
    *list = arena_array(&executor->arena, count_max, sizeof(**list));
    CHECK(*list != NULL);
    return pool_pick(executor->pool, *list, count_max, bytes_max, &nonces);
}

static bool executor_has_more(struct executor *executor, const struct digest *parent)
{
    struct bytes *list;
    struct chain_tip tip;
    if (chain_tip(executor->node->chain, &tip, parent))
        return false;
    return executor_pick(executor, &list, parent, 1, LIMIT_BLOCK_BYTES) > 0;
}

/* Builds on the job's parent; *parcel stays NULL when there is nothing to build. */
static enum err executor_propose(struct executor *executor, const struct executor_job *job,
                                 struct parcel **parcel, struct fault *fault)
{
    struct chain *chain = executor->node->chain;
    struct chain_tip tip;
    struct bytes *list;
    enum err err = chain_tip(chain, &tip, &job->digest);
    if (err)
        return fault_set(fault, err, "the parent isn't here");
    size_t count =
        executor_pick(executor, &list, &job->digest, EXECUTOR_BLOCK_TXS, EXECUTOR_BLOCK_BYTES);
    if (count == 0 && !job->empty_too)
        return ERR_NONE;
    uint64_t now_ms = clock_wall_ms();
    struct chain_proposal proposal = {
        .parent = job->digest,
        .view = job->view,
        .proposer = job->seat,
        .time_ms = now_ms > tip.header.time_ms ? now_ms : tip.header.time_ms + 1,
        .candidates = list,
        .candidate_count = count,
        .count_max = EXECUTOR_BLOCK_TXS,
        .bytes_max = EXECUTOR_BLOCK_BYTES,
    };
    err = chain_build(chain, &tip, &proposal, fault);
    if (!err)
        err = chain_hold(chain, tip.header_raw, tip.body_raw, fault);
    if (err)
        return err;
    executor->tip = tip.digest;
    *parcel = parcel_new(tip.header_raw, tip.body_raw);
    return *parcel ? ERR_NONE : fault_set(fault, ERR_LIMIT, "no memory for a block");
}

static void executor_build(struct executor *executor, const struct executor_job *job)
{
    struct driver_event *event = executor_answer(executor, DRIVER_BUILT);
    if (!event)
        return;
    struct fault fault = {0};
    enum err err = executor_propose(executor, job, &event->parcel, &fault);
    if (executor_is_own_failure(err))
        node_failed(executor->node, err, &fault);
    else if (err)
        log_event(LOG_LEVEL_WARN, "build-failed", "%s", fault.text);
    event->ticket = job->ticket;
    event->since = job->since;
    event->more = event->parcel && executor_has_more(executor, &event->parcel->digest);
    driver_post_take(&executor->node->driver, event);
}

/* Executes, and makes the body durable before the core may promise anything about it. */
static enum err executor_run_block(struct executor *executor, const struct executor_job *job,
                                   struct fault *fault)
{
    struct chain *chain = executor->node->chain;
    struct bytes header, body;
    if (!job->parcel) {
        enum err err = chain_held(&executor->arena, chain, &job->digest, &header, &body, fault);
        return err ? err : chain_execute(chain, header, body, fault);
    }
    enum err err = chain_execute(chain, job->parcel->header, job->parcel->body, fault);
    return err ? err : chain_hold(chain, job->parcel->header, job->parcel->body, fault);
}

bool executor_is_own_failure(enum err err)
{
    switch (err) {
    case ERR_LIMIT:
    case ERR_CORRUPT:
    case ERR_IO:
        return true;
    case ERR_NONE:
    case ERR_MALFORMED:
    case ERR_SIGNATURE:
    case ERR_NOT_FOUND:
    case ERR_MISMATCH:
    case ERR_BUSY:
    case ERR_NOT_NOW:
    case ERR_USAGE:
        return false;
    }
    return true;
}

static void executor_execute(struct executor *executor, const struct executor_job *job)
{
    struct driver_event *event = executor_answer(executor, DRIVER_EXECUTED);
    if (!event)
        return;
    struct fault fault = {0};
    enum err err = executor_run_block(executor, job, &fault);
    if (executor_is_own_failure(err)) {
        node_failed(executor->node, err, &fault);
        driver_event_free(event);
        return;
    }
    event->ticket = job->ticket;
    event->since = job->since;
    event->digest = job->digest;
    event->verdict = err ? EVENT_INVALID : EVENT_VALID;
    if (!err) {
        executor->tip = job->digest;
    } else if (err == ERR_NOT_NOW || (err == ERR_NOT_FOUND && !job->parcel)) {
        event->lacks_body = true; /* or of a newer protocol: this node halts below it */
    } else {
        log_event(LOG_LEVEL_WARN, "block-invalid", "%s",
                  err == ERR_NOT_FOUND ? "its parent isn't here" : fault.text);
        if (err != ERR_NOT_FOUND)
            discord_ask(executor->node, &job->digest, job->parcel);
    }
    driver_post_take(&executor->node->driver, event);
}

/* Transactions in a packed body that was executed. */
static uint32_t executor_body_count(struct bytes body)
{
    struct pack_reader reader;
    pack_read_init(&reader, body);
    pack_read_array(&reader, 1);
    return pack_read_array(&reader, LIMIT_BLOCK_TXS);
}

/* Could the proposer of a block of that time know the transaction that waits longest here? Blocks of
 * catch-up are too old. */
static bool executor_was_passed_over(const struct executor *executor, uint64_t block_ms)
{
    uint64_t oldest_ms = pool_stats(executor->pool).oldest_ms, now_ms = clock_monotonic_ms();
    if (oldest_ms != executor->waiting_since || now_ms < oldest_ms + EXECUTOR_GRACE_MS)
        return false;
    return block_ms > clock_wall_ms() - (now_ms - oldest_ms) + EXECUTOR_GRACE_MS;
}

/* Does the block change who decides, or who may? */
static bool executor_renews(const struct executor *executor, const struct chain_tip *tip)
{
    size_t count;
    const struct overlay_value *values = chain_writes(executor->node->chain, &tip->digest, &count);
    bool renews = !digest_equal(&tip->header.set_digest, &tip->header.next_set_digest);
    for (size_t i = 0; i < count && !renews; i++)
        renews = bytes_begins(values[i].key, bytes_text("candidate/"));
    return renews;
}

/* Forgets what is old, several blocks at a time, so that one sync serves them all. Not what a peer fetches now, nor what one that is too
 * little behind to fetch the state still needs. */
static void executor_prune(struct executor *executor)
{
    struct node *node = executor->node;
    uint64_t head = chain_head(node->chain)->header.height,
             needed = statesync_needed(&node->statesync),
             least = node->settings.transfer_blocks + 2 * STATESYNC_EVERY,
             keep = node->settings.keep_blocks > least ? node->settings.keep_blocks : least;
    struct height floor = {holds_floor(head, keep, needed)};
    struct fault fault = {0};
    if (node->settings.keep_blocks == 0 || floor.n < executor->start.n + EXECUTOR_PRUNE_BLOCKS)
        return;
    enum err err =
        chain_prune(node->chain, &executor->start, floor, 2 * EXECUTOR_PRUNE_BLOCKS, &fault);
    if (!err)
        err = opening_prune(node->settings.data, executor->start, &fault);
    node_failed(node, err, &fault);
}

static void executor_commit(struct executor *executor, const struct executor_job *job)
{
    struct node *node = executor->node;
    struct chain_tip tip;
    struct fault fault = {0};
    enum err err = chain_tip(node->chain, &tip, &job->digest);
    uint32_t count = err ? 0 : executor_body_count(tip.body_raw);
    bool renewed = !err && executor_renews(executor, &tip);
    bool room = !err && count < EXECUTOR_BLOCK_TXS &&
                tip.body_raw.size < EXECUTOR_BLOCK_BYTES - LIMIT_TX_BYTES;
    if (err)
        fault_set(&fault, err, "a block was decided that wasn't executed here");
    if (!err && job->new_view.size > 0)
        err = opening_keep(node->settings.data, (struct height){tip.header.height},
                           &job->new_view_digest, job->new_view, &fault);
    if (!err)
        err = chain_commit(node->chain, executor->pool, clock_monotonic_ms(), &job->digest,
                           job->certificate, &fault);
    if (node_failed(node, err, &fault))
        return;

    atomic_fetch_add(&executor->committed_txs, count);
    const struct chain_tip *head = chain_head(node->chain);
    if (room && executor_was_passed_over(executor, head->header.time_ms))
        executor->passed_over++;
    log_event(LOG_LEVEL_DEBUG, "committed", "height %llu, %u transactions",
              (unsigned long long)head->header.height, count);
    struct driver_event *event = executor_answer(executor, DRIVER_COMMITTED);
    if (!event)
        return;
    event->height = (struct height){head->header.height};
    event->digest = job->digest;
    event->renewed = renewed;
    uint8_t version;
    if (node_failed(node, chain_next_version(node->chain, &version), &fault))
        version = 0;
    event->halted = version > BLOCK_VERSION_NEWEST;
    driver_post_take(&node->driver, event);
    api_committed(node->api);
    charges_press(&executor->charges, node);
    executor_prune(executor);
}

static void executor_serve(struct executor *executor, const struct executor_job *job)
{
    struct wire_body wire;
    struct fault fault = {0};
    enum err err = chain_held(&executor->arena, executor->node->chain, &job->digest, &wire.header,
                              &wire.body, &fault);
    if (err && err != ERR_NOT_FOUND)
        node_failed(executor->node, err, &fault);
    if (err)
        return;
    struct bytes packed = record_bytes(&executor->arena, &wire_body_record, &wire);
    if (packed.data)
        node_answer(executor->node, job->place, PEER_BULK, WIRE_BODY, packed);
}

static void executor_job(struct executor *executor, struct executor_job *job)
{
    arena_clear(&executor->arena);
    switch (job->kind) {
    case EXECUTOR_BUILD:
        executor_build(executor, job);
        break;
    case EXECUTOR_EXECUTE:
        executor_execute(executor, job);
        break;
    case EXECUTOR_COMMIT:
        executor_commit(executor, job);
        break;
    case EXECUTOR_DISCARD:
        chain_discard(executor->node->chain, &job->digest);
        break;
    case EXECUTOR_SERVE:
        executor_serve(executor, job);
        break;
    case EXECUTOR_TELL:
        discord_tell(executor->node, &executor->arena, job->place, &job->digest);
        break;
    case EXECUTOR_COMPARE:
        discord_compare(executor->node, &executor->arena, job->place, job->record);
        break;
    case EXECUTOR_WAKE:
        atomic_store(&executor->woken, false);
        break;
    }
    executor_job_free(executor, job);
}

/* --- transactions --- */

/* A batch whose signatures were checked. */
static void executor_add(struct executor *executor, struct intake *intake)
{
    struct node *node = executor->node;
    struct fault fault = {0};
    if (node_failed(node,
                    intake_add(intake, node->chain, executor->pool, clock_monotonic_ms(), &fault),
                    &fault))
        intake->checked = false;
    for (uint32_t i = 0; i < intake->count && intake->checked; i++) {
        if (intake->verdicts[i] != TX_OK)
            continue;
        recent_put(&executor->fates, &intake->read[i].id, TX_OK);
        if (intake->api)
            forward_add(&executor->forward, intake->txs[i]);
    }
    verifier_finish_take(&node->verifier, intake);
}

static void executor_admit(struct executor *executor, struct intake *intake)
{
    struct node *node = executor->node;
    struct fault fault = {0};
    if (node_failed(node, intake_admit(intake, node->chain, executor->pool, &fault), &fault)) {
        verifier_finish_take(&node->verifier, intake);
        return;
    }
    uint32_t admitted = 0;
    for (uint32_t i = 0; i < intake->count; i++)
        admitted += intake->verdicts[i] == TX_OK;
    if (admitted > 0) {
        verifier_signatures_take(&node->verifier, intake);
        return;
    }
    intake->checked = true;
    verifier_finish_take(&node->verifier, intake);
}

/* Takes a few batches; true if more wait. */
static bool executor_batches(struct executor *executor)
{
    void *items[EXECUTOR_TURN_BATCHES];
    size_t count = queue_pop(&executor->batches, items, EXECUTOR_TURN_BATCHES, 0);
    for (size_t i = 0; i < count; i++) {
        struct intake *intake = items[i];
        if (intake->checked)
            executor_add(executor, intake);
        else
            executor_admit(executor, intake);
    }
    forward_flush(&executor->forward);
    return count == EXECUTOR_TURN_BATCHES;
}

/* What has waited long may have been lost on its way to the primary, or came from a node that is gone. */
static void executor_repeat(struct executor *executor)
{
    uint64_t now_ms = clock_monotonic_ms();
    struct pool_stats stats = pool_stats(executor->pool);
    if (stats.executable == 0 || now_ms < stats.oldest_ms + EXECUTOR_REPEAT_MS ||
        now_ms < executor->repeated_ms + EXECUTOR_REPEAT_MS)
        return;
    executor->repeated_ms = now_ms;
    arena_clear(&executor->arena);
    struct bytes *list;
    size_t count = executor_pick(executor, &list, &chain_head(executor->node->chain)->digest,
                                 FORWARD_MAX, WIRE_TXS_BYTES);
    for (size_t i = 0; i < count; i++)
        forward_add(&executor->forward, list[i]);
    forward_flush(&executor->forward);
}

/* --- what waits --- */

static uint64_t executor_due(struct executor *executor)
{
    struct reader reader;
    struct view_state view;
    if (chain_read(executor->node->chain, &reader, &chain_head(executor->node->chain)->digest))
        return UINT64_MAX;
    view_init(&view, &reader.source, &executor->arena);
    uint64_t due_ms = contracts_due(&view);
    if (view.err)
        node_fail(executor->node, view.err, "what falls due cannot be read: %s", reader.fault.text);
    reader_release(&reader);
    return due_ms;
}

/* Tells the driver when something changed. */
static void executor_publish(struct executor *executor, bool committed)
{
    arena_clear(&executor->arena);
    struct pool_stats stats = pool_stats(executor->pool);
    pthread_mutex_lock(&executor->mutex);
    executor->stats = stats;
    pthread_mutex_unlock(&executor->mutex);

    if (stats.oldest_ms != executor->waiting_since) {
        executor->waiting_since = stats.oldest_ms;
        executor->passed_over = 0;
    }
    struct chain_tip tip;
    if (chain_tip(executor->node->chain, &tip, &executor->tip))
        executor->tip = chain_head(executor->node->chain)->digest;
    struct event_work work = {
        .buildable = stats.count > 0 && executor_has_more(executor, &executor->tip),
        .waiting = stats.executable > 0,
        .mark = stats.executable > 0 ? stats.oldest_ms : 0,
        .passed_over = executor->passed_over,
        .due_ms = committed ? executor_due(executor) : executor->work.due_ms,
    };
    const struct event_work *told = &executor->work;
    if (work.buildable == told->buildable && work.waiting == told->waiting &&
        work.mark == told->mark && work.passed_over == told->passed_over &&
        work.due_ms == told->due_ms)
        return;
    executor->work = work;
    struct driver_event *event = executor_answer(executor, DRIVER_WORK);
    if (!event)
        return;
    event->work = work;
    driver_post_take(&executor->node->driver, event);
}

static void executor_run(void *self)
{
    struct executor *executor = self;
    void *items[32];
    bool more = false;
    executor_publish(executor, true);
    for (;;) {
        uint64_t wait_ms =
            pool_stats(executor->pool).count > 0 ? EXECUTOR_REPEAT_MS : QUEUE_FOREVER;
        size_t count =
            queue_pop(&executor->jobs, items, sizeof(items) / sizeof(items[0]), more ? 0 : wait_ms);
        if (count == 0 && queue_is_closed(&executor->jobs))
            return;
        uint64_t height = chain_head(executor->node->chain)->header.height;
        for (size_t i = 0; i < count; i++)
            executor_job(executor, items[i]);
        more = executor_batches(executor);
        executor_repeat(executor);
        executor_publish(executor, chain_head(executor->node->chain)->header.height != height);
    }
}

enum err executor_start(struct executor *executor, struct fault *fault)
{
    if (thread_start(&executor->thread, "executor", executor_run, executor))
        return fault_set(fault, ERR_IO, "no thread for the executor");
    return ERR_NONE;
}

void executor_stop(struct executor *executor)
{
    queue_close(&executor->jobs);
    queue_close(&executor->batches);
    thread_join(&executor->thread);
}

void executor_release(struct executor *executor)
{
    void *item;
    while (executor->jobs.ring && queue_pop(&executor->jobs, &item, 1, 0) > 0)
        executor_job_free(executor, item);
    while (executor->batches.ring && queue_pop(&executor->batches, &item, 1, 0) > 0) {
        struct intake *intake = item;
        intake->checked = false;
        verifier_finish_take(&executor->node->verifier, intake);
    }
    queue_release(&executor->jobs);
    queue_release(&executor->batches);
    recent_release(&executor->fates);
    charges_release(&executor->charges);
    pool_free(executor->pool);
    forward_release(&executor->forward);
    arena_release(&executor->arena);
}
