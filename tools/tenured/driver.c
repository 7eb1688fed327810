#include "tools/tenured/driver.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "tools/sys/clock.h"
#include "tools/sys/log.h"
#include "tools/tenured/cores.h"
#include "tools/tenured/court.h"
#include "tools/tenured/node.h"
#include "tools/tenured/wire.h"

/* Events that are taken in one turn, before the log is synced for all of them. */
#define DRIVER_TURN 128

/* Bodies of the promises of one turn. */
#define DRIVER_PROMISE_BYTES (2 * BOUNDS_MESSAGE_BYTES + (16u << 20))

struct driver_event *driver_event_new(enum driver_kind kind)
{
    struct driver_event *event = calloc(1, sizeof(*event));
    if (event)
        event->kind = kind;
    return event;
}

void driver_event_free(struct driver_event *event)
{
    arena_release(&event->arena);
    parcel_drop(event->parcel);
    free(event->raw);
    free(event);
}

void driver_post_take(struct driver *driver, struct driver_event *event)
{
    const struct parcel *parcel = event->parcel;
    size_t size = sizeof(*event) + event->raw_size + event->arena.used +
                  (parcel ? parcel->header.size + parcel->body.size : 0);
    if (queue_push(&driver->queue, event, size, QUEUE_FOREVER))
        driver_event_free(event);
}

void driver_summary(struct driver *driver, struct consensus_summary *summary)
{
    pthread_mutex_lock(&driver->mutex);
    *summary = driver->summary;
    pthread_mutex_unlock(&driver->mutex);
}

/* --- actions --- */

static void driver_promise(struct driver *driver, const struct action_sign *sign)
{
    if (!votelog_allow(&driver->node->votelog, driver->node->roster->since, sign)) {
        log_event(LOG_LEVEL_WARN, "guard-refused",
                  "%s in view %llu at height %llu contradicts what was signed before",
                  message_name(sign->tag), (unsigned long long)sign->view.n,
                  (unsigned long long)sign->height.n);
        return;
    }
    const uint8_t *body = arena_copy(&driver->promise_arena, sign->body.data, sign->body.size);
    CHECK(body != NULL);
    CHECK(driver->promise_count < DRIVER_PROMISES);
    driver->promises[driver->promise_count++] =
        (struct driver_promise){sign->tag, bytes_of(body, sign->body.size), sign->after, sign->to};
}

static struct executor_job *driver_job(struct driver *driver, enum executor_kind kind)
{
    struct executor_job *job = calloc(1, sizeof(*job));
    if (!job) {
        node_fail(driver->node, ERR_LIMIT, "no memory");
        return NULL;
    }
    job->kind = kind;
    return job;
}

static void driver_build(struct driver *driver, const struct action_build *build)
{
    struct executor_job *job = driver_job(driver, EXECUTOR_BUILD);
    if (!job)
        return;
    job->ticket = build->ticket;
    job->digest = build->parent;
    job->view = build->view;
    job->seat = driver->node->roster->seat;
    job->since = driver->node->roster->since;
    job->empty_too = build->empty_too;
    executor_job_take(&driver->node->executor, job);
}

/* `parcel` NULL: the body may be held since before a restart. */
static void driver_execute(struct driver *driver, uint64_t ticket, const struct digest *digest,
                           struct parcel *parcel)
{
    struct executor_job *job = driver_job(driver, EXECUTOR_EXECUTE);
    if (!job)
        return;
    job->ticket = ticket;
    job->since = driver->node->roster->since;
    job->digest = *digest;
    job->parcel = parcel ? parcel_hold(parcel) : NULL;
    executor_job_take(&driver->node->executor, job);
}

static void driver_unwait(struct driver *driver, size_t index)
{
    driver->wait_count--;
    driver->waits[index] = driver->waits[driver->wait_count];
}

/* Its body isn't needed any more. */
static void driver_unwait_block(struct driver *driver, const struct digest *digest)
{
    for (size_t i = 0; i < driver->wait_count; i++)
        if (digest_equal(&driver->waits[i].execute.block.digest, digest))
            driver_unwait(driver, i--);
}

/* Starts an execution, or remembers that its body must come first. */
static void driver_on_execute(struct driver *driver, const struct action_execute *execute)
{
    struct parcel *parcel = parcel_shelf_get(&driver->shelf, &execute->block.digest);
    driver_execute(driver, execute->ticket, &execute->block.digest, parcel);
    if (parcel)
        return;
    if (driver->wait_count == DRIVER_WAITS)
        driver_unwait(driver, 0);
    struct driver_wait *wait = &driver->waits[driver->wait_count++];
    *wait = (struct driver_wait){.execute = *execute,
                                 .ask_ms = clock_monotonic_ms() + DRIVER_ASK_FIRST_MS};
    wait->execute.header = bytes_of(NULL, 0);
}

static void driver_commit(struct driver *driver, const struct action_commit *commit)
{
    struct executor_job *job = driver_job(driver, EXECUTOR_COMMIT);
    uint8_t *data = malloc(commit->certificate.size + commit->new_view.size + 1);
    if (!job || !data) {
        free(job);
        free(data);
        node_fail(driver->node, ERR_LIMIT, "no memory");
        return;
    }
    memcpy(data, commit->certificate.data, commit->certificate.size);
    if (commit->new_view.size > 0)
        memcpy(data + commit->certificate.size, commit->new_view.data, commit->new_view.size);
    job->digest = commit->digest;
    job->data = data;
    job->certificate = bytes_of(data, commit->certificate.size);
    job->new_view = bytes_of(data + commit->certificate.size, commit->new_view.size);
    job->new_view_digest = commit->new_view_digest;
    executor_job_take(&driver->node->executor, job);
}

static void driver_discard(struct driver *driver, const struct digest *digest)
{
    driver_unwait_block(driver, digest);
    struct executor_job *job = driver_job(driver, EXECUTOR_DISCARD);
    if (!job)
        return;
    job->digest = *digest;
    executor_job_take(&driver->node->executor, job);
}

static void driver_perform(struct driver *driver, const struct action *action)
{
    struct node *node = driver->node;
    switch (action->kind) {
    case ACTION_PERSIST:
        if (votelog_append(&node->votelog, action->as.persist.sequence, action->as.persist.record))
            node_fail(node, ERR_LIMIT, "no memory for the vote log");
        return;
    case ACTION_SIGN:
        driver_promise(driver, &action->as.sign);
        return;
    case ACTION_SEND:
        node_send(node, action->as.send.to, PEER_VOTES, WIRE_MESSAGE, action->as.send.message);
        return;
    case ACTION_BUILD:
        driver_build(driver, &action->as.build);
        return;
    case ACTION_EXECUTE:
        driver_on_execute(driver, &action->as.execute);
        return;
    case ACTION_COMMIT:
        driver_commit(driver, &action->as.commit);
        return;
    case ACTION_DISCARD:
        driver_discard(driver, &action->as.discard);
        return;
    case ACTION_CATCH_UP:
        catchup_want(&driver->catchup, node, &action->as.catch_up);
        return;
    case ACTION_FORGET:
        driver->forget = action->as.forget;
        return;
    case ACTION_ACCUSE:
        court_accuse(node, &action->as.accuse);
        return;
    case ACTION_HALT:
        node_fail(node, ERR_MISMATCH,
                  "block %llu was decided by a quorum, but its execution here gives another "
                  "result; keep the data "
                  "folder and compare this node's program and machine with the others'",
                  (unsigned long long)action->as.halt.n);
        return;
    case ACTION_TELL:
        cores_tell(&action->as.tell);
        return;
    }
}

/* --- events --- */

void driver_step(struct driver *driver, struct event *event)
{
    event->now_ms = clock_monotonic_ms();
    event->clock_ms = clock_wall_ms();
    arena_clear(&driver->step_arena);
    consensus_step(driver->consensus, event, &driver->actions);
    for (uint32_t i = 0; i < driver->actions.count; i++)
        driver_perform(driver, &driver->actions.list[i]);
    if (driver->actions.ignored == NARRATE_CONFLICT)
        log_event(LOG_LEVEL_WARN, "conflict", "a validator signed two different statements");
}

static void driver_on_message(struct driver *driver, const struct message *message)
{
    struct event event = {.kind = EVENT_MESSAGE, .as.message = message};
    driver_step(driver, &event);
}

/* A block from catch-up: its body waits on the shelf for the EXECUTE that the message brings. */
static void driver_on_decided(struct driver *driver, struct driver_event *first)
{
    if (!catchup_keep(&driver->catchup, first)) {
        driver_event_free(first);
        return;
    }
    for (struct driver_event *event; (event = catchup_next(&driver->catchup));) {
        parcel_shelf_put(&driver->shelf, event->from.n, parcel_hold(event->parcel));
        driver_on_message(driver, &event->message);
        driver_event_free(event);
    }
}

static void driver_executed(struct driver *driver, uint64_t ticket, enum event_verdict verdict)
{
    struct event event = {.kind = EVENT_EXECUTED, .as.executed = {ticket, verdict}};
    driver_step(driver, &event);
}

static void driver_on_body(struct driver *driver, struct driver_event *event)
{
    struct digest digest = event->parcel->digest;
    if (event->valid)
        parcel_shelf_put(&driver->shelf, event->from.n, parcel_hold(event->parcel));
    for (size_t i = 0; i < driver->wait_count; i++) {
        if (!digest_equal(&driver->waits[i].execute.block.digest, &digest))
            continue;
        uint64_t ticket = driver->waits[i].execute.ticket;
        driver_unwait(driver, i--);
        if (event->valid)
            driver_execute(driver, ticket, &digest, event->parcel);
        else
            driver_executed(driver, ticket, EVENT_INVALID);
    }
}

/* To one peer; NULL: to the whole committee. */
static void driver_send_body(struct driver *driver, const struct place *to,
                             const struct parcel *parcel)
{
    struct wire_body wire = {parcel->header, parcel->body};
    struct arena arena;
    arena_init(&arena, parcel->header.size + parcel->body.size + 4096);
    struct bytes packed = record_bytes(&arena, &wire_body_record, &wire);
    if (packed.data && to)
        node_answer(driver->node, *to, PEER_BULK, WIRE_BODY, packed);
    else if (packed.data)
        node_send(driver->node, UINT64_MAX, PEER_BULK, WIRE_BODY, packed);
    arena_release(&arena);
}

static void driver_on_want_body(struct driver *driver, const struct driver_event *event)
{
    struct parcel *parcel = parcel_shelf_get(&driver->shelf, &event->digest);
    if (parcel) {
        driver_send_body(driver, &event->from, parcel);
        return;
    }
    struct executor_job *job = driver_job(driver, EXECUTOR_SERVE);
    if (!job)
        return;
    job->digest = event->digest;
    job->place = event->from;
    executor_job_take(&driver->node->executor, job);
}

static void driver_on_built(struct driver *driver, struct driver_event *built)
{
    struct event event = {.kind = EVENT_BUILT,
                          .as.built = {.ticket = built->ticket, .more = built->more}};
    if (built->parcel) {
        driver_send_body(driver, NULL, built->parcel);
        parcel_shelf_put(&driver->shelf, PARCEL_ROOM_OWN, parcel_hold(built->parcel));
        event.as.built.header = built->parcel->header;
    }
    driver_step(driver, &event);
}

/* A STATUS also tells a validator that was removed when it may go: f + 1 members of the set after it have a block of their own. */
static void driver_note_height(struct driver *driver, const struct message *message)
{
    const struct roster *roster = driver->node->roster;
    uint8_t enough = committee_faults(&roster->committee) + 1;
    if (message->tag != MESSAGE_STATUS)
        return;
    driver->heights[message->envelope.from.n] = message->as.status.height.n;
    if (roster->dismissed &&
        committee_reached(&roster->committee, driver->heights, enough) >= roster->since)
        node_leave_removed(driver->node, roster->since);
}

/* A peer may be in a set that this node doesn't know yet. */
static void driver_on_strange(struct driver *driver, struct place from)
{
    struct consensus_summary summary;
    consensus_summarise(driver->consensus, &summary);
    if (summary.target.n <= summary.committed.n)
        catchup_guess(&driver->catchup, driver->node, from, summary.committed);
}

static void driver_halt(struct driver *driver, struct height height)
{
    driver->leave_ms = clock_monotonic_ms() + DRIVER_HALT_MS;
    driver->halt = height;
}

static void driver_on_committed(struct driver *driver, const struct driver_event *event)
{
    struct event step = {.kind = EVENT_COMMITTED, .as.committed = event->height};
    struct consensus_summary summary;
    parcel_shelf_remove(&driver->shelf, &event->digest);
    consensus_summarise(driver->consensus, &summary);
    /* a core that was made meanwhile, with the set of a later block, has begun behind this one */
    if (event->height.n > summary.durable.n) {
        driver_step(driver, &step);
        if (!event->renewed)
            catchup_go_on(&driver->catchup, driver->node, event->height);
    }
    if (event->renewed)
        driver->renew = true;
    if (event->halted && driver->leave_ms == 0)
        driver_halt(driver, event->height);
}

/* What another set's core asked for, or what was verified for it. */
static bool driver_is_stale(const struct driver *driver, const struct driver_event *event)
{
    bool is_bound = event->kind == DRIVER_MESSAGE || event->kind == DRIVER_BUILT ||
                    event->kind == DRIVER_EXECUTED;
    return is_bound && event->since != driver->node->roster->since;
}

static void driver_on_event(struct driver *driver, struct driver_event *event)
{
    struct event step = {.kind = EVENT_TICK};
    if (driver_is_stale(driver, event)) {
        driver_event_free(event);
        return;
    }
    switch (event->kind) {
    case DRIVER_MESSAGE:
        if (event->parcel) {
            driver_on_decided(driver, event);
            return;
        }
        driver_note_height(driver, &event->message);
        driver_on_message(driver, &event->message);
        break;
    case DRIVER_BODY:
        driver_on_body(driver, event);
        break;
    case DRIVER_WANT_BODY:
        driver_on_want_body(driver, event);
        break;
    case DRIVER_BUILT:
        driver_on_built(driver, event);
        break;
    case DRIVER_EXECUTED:
        /* Without a body the execution keeps waiting for one. */
        if (event->lacks_body)
            break;
        driver_unwait_block(driver, &event->digest);
        driver_executed(driver, event->ticket, event->verdict);
        break;
    case DRIVER_COMMITTED:
        driver_on_committed(driver, event);
        break;
    case DRIVER_WORK:
        driver->work = event->work;
        step.kind = EVENT_WORK;
        step.as.work = event->work;
        driver_step(driver, &step);
        break;
    case DRIVER_STRANGE:
        driver_on_strange(driver, event->from);
        break;
    }
    driver_event_free(event);
}

/* --- promises --- */

/* Signs, sends, and gives the message back to the core. */
static void driver_keep_promise(struct driver *driver, const struct driver_promise *promise)
{
    struct node *node = driver->node;
    const struct roster *roster = node->roster;
    struct bytes raw =
        signer_seal(&driver->own_arena, &node->signer, roster->seat, promise->tag, promise->body);
    node_send(node, promise->to, PEER_VOTES, WIRE_MESSAGE, raw);
    if (promise->tag == MESSAGE_STATUS) {
        node_send_guests(node, PEER_VOTES, WIRE_MESSAGE, raw);
        return;
    }
    struct verify_context trusting = {
        .chain = node->chain_digest,
        .base = {{roster->since - 1}, roster->base},
        .committee = &roster->committee,
        .read = wire_read_header,
        .signature = verify_trusting,
    };
    struct message message;
    enum err err = verify_message(&driver->own_arena, &trusting, &message, raw, NULL);
    CHECK(err == ERR_NONE);
    driver_on_message(driver, &message);
}

bool driver_settle(struct driver *driver)
{
    struct fault fault = {0};
    for (;;) {
        if (node_failed(driver->node, votelog_sync(&driver->node->votelog, &fault), &fault))
            return false;
        if (driver->forget.before > 0 && driver->forget.after <= driver->node->votelog.synced) {
            votelog_forget(&driver->node->votelog, &driver->forget);
            driver->forget.before = 0;
        }
        if (driver->promise_count == 0)
            return true;
        struct driver_promise promises[DRIVER_PROMISES];
        size_t count = driver->promise_count;
        memcpy(promises, driver->promises, count * sizeof(promises[0]));
        struct arena bodies = driver->promise_arena;
        arena_init(&driver->promise_arena, DRIVER_PROMISE_BYTES);
        driver->promise_count = 0;
        for (size_t i = 0; i < count; i++) {
            CHECK(promises[i].after <= driver->node->votelog.synced);
            arena_clear(&driver->own_arena);
            driver_keep_promise(driver, &promises[i]);
        }
        arena_release(&bodies);
    }
}

/* --- time --- */

/* Whom to ask for a body: who is known to hold it and, every other time, anybody, since who voted for it holds it too. Where a primary dies,
 * the one that is known may be gone. */
static uint64_t driver_choose(const struct driver *driver, struct driver_wait *wait)
{
    uint64_t others = catchup_connected(driver->node), holders = wait->execute.holders & others;
    uint64_t seats = holders && wait->turn % 2 == 0 ? holders : others;
    unsigned turn = wait->turn++ / 2;
    return seats ? COMMITTEE_BIT(catchup_choose(turn, seats).n) : 0;
}

/* Asks for bodies that are due; the time at which the next one is. */
static uint64_t driver_ask(struct driver *driver, uint64_t now_ms)
{
    uint64_t next_ms = UINT64_MAX;
    for (size_t i = 0; i < driver->wait_count; i++) {
        struct driver_wait *wait = &driver->waits[i];
        if (now_ms >= wait->ask_ms) {
            struct wire_want_body want = {wait->execute.block.digest};
            uint8_t packed[64];
            struct pack_writer writer;
            pack_init(&writer, packed, sizeof(packed));
            record_pack(&writer, &wire_want_body_record, &want);
            node_send(driver->node, driver_choose(driver, wait), PEER_BULK, WIRE_WANT_BODY,
                      bytes_of(packed, writer.used));
            wait->ask_ms = now_ms + DRIVER_ASK_AGAIN_MS;
        }
        if (wait->ask_ms < next_ms)
            next_ms = wait->ask_ms;
    }
    return next_ms;
}

static void driver_run(void *self)
{
    struct driver *driver = self;
    void *items[DRIVER_TURN];
    if (!cores_begin(driver) || !driver_settle(driver))
        return;
    for (;;) {
        uint64_t now_ms = clock_monotonic_ms();
        uint64_t next_ms = driver_ask(driver, now_ms);
        if (driver->actions.deadline_ms < next_ms)
            next_ms = driver->actions.deadline_ms;
        if (driver->leave_ms > 0 && now_ms >= driver->leave_ms)
            node_leave(driver->node,
                       "the chain halts at block %llu, as governance decided: it goes on with "
                       "a newer version of this program",
                       (unsigned long long)driver->halt.n);
        else if (driver->leave_ms > 0 && driver->leave_ms < next_ms)
            next_ms = driver->leave_ms;
        cores_publish(driver);
        uint64_t wait_ms = next_ms == UINT64_MAX ? QUEUE_FOREVER
                           : next_ms > now_ms    ? next_ms - now_ms
                                                 : 0;
        size_t count = queue_pop(&driver->queue, items, DRIVER_TURN, wait_ms);
        if (queue_is_closed(&driver->queue)) {
            for (size_t i = 0; i < count; i++)
                driver_event_free(items[i]);
            return;
        }
        for (size_t i = 0; i < count; i++) {
            driver_on_event(driver, items[i]);
            if ((driver->promise_count >= DRIVER_SETTLE && !driver_settle(driver)) ||
                (driver->renew && !cores_renew(driver))) {
                while (++i < count)
                    driver_event_free(items[i]);
                return;
            }
        }
        if (clock_monotonic_ms() >= driver->actions.deadline_ms) {
            struct event tick = {.kind = EVENT_TICK};
            driver_step(driver, &tick);
        }
        if (!driver_settle(driver))
            return;
    }
}

/* --- life --- */

enum err driver_init(struct driver *driver, struct node *node, struct fault *fault)
{
    memset(driver, 0, sizeof(*driver));
    driver->node = node;
    pthread_mutex_init(&driver->mutex, NULL);
    enum err err = cores_make(driver, fault);
    if (!err && queue_init(&driver->queue, DRIVER_QUEUE, DRIVER_QUEUE_BYTES))
        err = fault_set(fault, ERR_LIMIT, "no memory for consensus");
    if (err)
        return err;
    arena_init(&driver->promise_arena, DRIVER_PROMISE_BYTES);
    arena_init(&driver->own_arena, 10 * BOUNDS_MESSAGE_BYTES + (1u << 20));
    driver->actions.arena = &driver->step_arena;
    return ERR_NONE;
}

enum err driver_start(struct driver *driver, struct fault *fault)
{
    if (thread_start(&driver->thread, "driver", driver_run, driver))
        return fault_set(fault, ERR_IO, "no thread for the driver");
    return ERR_NONE;
}

void driver_stop(struct driver *driver)
{
    queue_close(&driver->queue);
    thread_join(&driver->thread);
}

void driver_release(struct driver *driver)
{
    void *item;
    while (driver->queue.ring && queue_pop(&driver->queue, &item, 1, 0) > 0)
        driver_event_free(item);
    queue_release(&driver->queue);
    parcel_shelf_clear(&driver->shelf);
    catchup_clear(&driver->catchup);
    cores_free(driver);
    arena_release(&driver->step_arena);
    arena_release(&driver->promise_arena);
    arena_release(&driver->own_arena);
}
