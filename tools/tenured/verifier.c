#include "tools/tenured/verifier.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "ledger/block.h"
#include "ledger/tx.h"
#include "tools/sys/clock.h"
#include "tools/sys/log.h"
#include "tools/tenured/catchup.h"
#include "tools/tenured/discord.h"
#include "tools/tenured/node.h"
#include "tools/tenured/wire.h"

/* A record of a peer with its bytes, or a batch that needs its signatures checked. */
struct verifier_job {
    struct intake *intake; /* NULL: a record */
    struct place from;
    enum peer_lane lane;
    uint8_t tag;
    struct bytes body;
    uint8_t data[];
};

enum err verifier_init(struct verifier *verifier, struct node *node)
{
    memset(verifier, 0, sizeof(*verifier));
    verifier->node = node;
    enum err err =
        queue_init(&verifier->votes, (size_t)PEER_PLACES * VERIFIER_SHARE_VOTES, SIZE_MAX);
    if (!err)
        err =
            queue_init(&verifier->bulk,
                       (size_t)PEER_PLACES * VERIFIER_SHARE_BULK + VERIFIER_BATCHES_MAX, SIZE_MAX);
    return err;
}

/* The share is given back when the record is done with. */
static void verifier_job_free(struct verifier *verifier, struct verifier_job *job)
{
    atomic_fetch_sub(&verifier->share_bytes[job->from.n][job->lane], job->body.size);
    atomic_fetch_sub(&verifier->shares[job->from.n][job->lane], 1);
    free(job);
}

static bool verifier_share_has_room(struct verifier *verifier, struct place from,
                                    enum peer_lane lane, size_t size)
{
    unsigned count = atomic_load(&verifier->shares[from.n][lane]);
    size_t bytes = atomic_load(&verifier->share_bytes[from.n][lane]);
    bool votes = lane == PEER_VOTES;
    return count == 0 ||
           (count < (votes ? VERIFIER_SHARE_VOTES : VERIFIER_SHARE_BULK) &&
            bytes + size <= (votes ? VERIFIER_SHARE_VOTES_BYTES : VERIFIER_SHARE_BULK_BYTES));
}

bool verifier_record(struct verifier *verifier, struct place from, enum peer_lane lane, uint8_t tag,
                     struct bytes body)
{
    if (!verifier_share_has_room(verifier, from, lane, body.size))
        return false;
    struct verifier_job *job = malloc(sizeof(*job) + body.size);
    if (!job)
        return false;
    atomic_fetch_add(&verifier->shares[from.n][lane], 1);
    atomic_fetch_add(&verifier->share_bytes[from.n][lane], body.size);
    *job = (struct verifier_job){
        .from = from, .lane = lane, .tag = tag, .body = bytes_of(job->data, body.size)};
    if (body.size > 0)
        memcpy(job->data, body.data, body.size);
    if (queue_push(lane == PEER_VOTES ? &verifier->votes : &verifier->bulk, job, body.size, 0)) {
        verifier_job_free(verifier, job);
        return false;
    }
    return true;
}

/* Logs what a peer did wrong, unless it did something wrong a moment ago: it may send a million of them. */
static void verifier_refuse(struct verifier *verifier, struct place from, const char *what)
{
    uint64_t now_ms = clock_monotonic_ms();
    unsigned long long before_ms = atomic_load(&verifier->logged_ms[from.n]);
    if (before_ms > 0 && now_ms < before_ms + VERIFIER_LOG_MS)
        return;
    if (!atomic_compare_exchange_strong(&verifier->logged_ms[from.n], &before_ms, now_ms))
        return;
    char name[ROSTER_NAME_SIZE];
    roster_name(verifier->node, from, name);
    log_event(LOG_LEVEL_WARN, "record-refused", "from %s: %s", name, what);
}

/* --- signatures --- */

/* verify_signature that asks the cache first; keyed by body, key and signature. */
static bool verifier_signature(const void *self, struct seat seat, const struct sign_public *key,
                               const struct digest *digest, const struct sign_signature *signature)
{
    struct node *node = (struct node *)(uintptr_t)self;
    struct digest_stream stream;
    digest_init(&stream);
    digest_add(&stream, digest->bytes, DIGEST_SIZE);
    digest_add(&stream, key->bytes, SIGN_PUBLIC_SIZE);
    digest_add(&stream, signature->bytes, SIGN_SIGNATURE_SIZE);
    struct digest name = digest_end(&stream);
    uint8_t known;
    if (recent_get(&node->checked, &name, &known))
        return true;
    if (!verify_ecdsa(NULL, seat, key, digest, signature))
        return false;
    recent_put(&node->checked, &name, 1);
    return true;
}

static struct verify_context verifier_context(const struct verifier *verifier,
                                              const struct roster *roster)
{
    const struct node *node = verifier->node;
    return (struct verify_context){
        .chain = node->chain_digest,
        .base = {{roster->since - 1}, roster->base},
        .committee = &roster->committee,
        .view = {atomic_load(&verifier->view)},
        .height = {atomic_load(&verifier->height)},
        .read = wire_read_header,
        .signature = verifier_signature,
        .self = node,
    };
}

/* Something that doesn't belong to this set: its sender may be in a later one, and has the blocks up to it then. Said once a second and
 * peer. */
static struct driver_event *verifier_strange(struct verifier *verifier, struct place from)
{
    uint64_t now_ms = clock_monotonic_ms();
    unsigned long long before_ms = atomic_load(&verifier->strange_ms[from.n]);
    if ((before_ms > 0 && now_ms < before_ms + VERIFIER_STRANGE_MS) ||
        !atomic_compare_exchange_strong(&verifier->strange_ms[from.n], &before_ms, now_ms))
        return NULL;
    struct driver_event *event = driver_event_new(DRIVER_STRANGE);
    if (event)
        event->from = from;
    return event;
}

/* A verified message as an event that owns its bytes; NULL when it is none. */
static struct driver_event *verifier_message(struct verifier *verifier, struct place from,
                                             struct bytes raw)
{
    struct driver_event *event = driver_event_new(DRIVER_MESSAGE);
    uint8_t *copy = malloc(raw.size + 1);
    if (!event || !copy) {
        free(event);
        free(copy);
        return NULL;
    }
    memcpy(copy, raw.data, raw.size);
    event->raw = copy;
    event->raw_size = raw.size;
    event->from = from;
    arena_init(&event->arena, 8 * raw.size + (1u << 20));
    struct roster *roster = roster_hold(verifier->node);
    struct verify_context context = verifier_context(verifier, roster);
    struct fault fault = {0};
    enum err err =
        verify_message(&event->arena, &context, &event->message, bytes_of(copy, raw.size), &fault);
    event->since = roster->since;
    roster_drop(roster);
    if (!err)
        return event;
    driver_event_free(event);
    if (err == ERR_MISMATCH)
        return verifier_strange(verifier, from);
    if (err != ERR_NOT_NOW)
        verifier_refuse(verifier, from, fault.text);
    return NULL;
}

/* --- bodies --- */

/* False if a transaction isn't well-formed or wrongly signed. */
static bool verifier_body_signatures(struct verifier *verifier, const struct block_body *body)
{
    struct arena arena;
    bool valid = true;
    arena_init(&arena, 1u << 20);
    for (uint32_t i = 0; i < body->item_count && valid; i++) {
        struct bytes raw = body->items[i].tx;
        struct digest whole = digest_of(raw.data, raw.size);
        struct tx tx;
        uint8_t known;
        if (recent_get(&verifier->node->checked, &whole, &known))
            continue;
        arena_clear(&arena);
        valid = tx_unpack(&arena, &tx, raw, NULL) == TX_OK && tx_check_signature(&tx) == TX_OK;
        if (valid)
            recent_put(&verifier->node->checked, &whole, 1);
    }
    arena_release(&arena);
    return valid;
}

/* Is `raw` the body that the header names? Then *valid says whether all its transactions are signed; those of a certified block
 * were checked by a quorum, and aren't again. */
static bool verifier_body_fits(struct verifier *verifier, struct bytes header_raw, struct bytes raw,
                               bool certified, bool *valid)
{
    struct arena arena;
    struct block_header header;
    struct block_body body;
    arena_init(&arena, LIMIT_BLOCK_TXS * 64 + 4096);
    bool fits = !block_header_unpack(&header, header_raw, NULL) &&
                !block_body_unpack(&arena, &body, raw, NULL);
    if (fits) {
        struct digest root = block_tx_root(&body);
        fits = digest_equal(&root, &header.tx_root);
    }
    if (fits)
        *valid = certified || verifier_body_signatures(verifier, &body);
    arena_release(&arena);
    return fits;
}

static void verifier_on_body(struct verifier *verifier, const struct verifier_job *job)
{
    struct wire_body wire;
    bool valid;
    if (record_unpack(NULL, &wire_body_record, &wire, job->body, NULL) ||
        !verifier_body_fits(verifier, wire.header, wire.body, false, &valid)) {
        verifier_refuse(verifier, job->from, "a body that isn't the one of its header");
        return;
    }
    struct driver_event *event = driver_event_new(DRIVER_BODY);
    if (!event)
        return;
    event->from = job->from;
    event->valid = valid;
    event->parcel = parcel_new(wire.header, wire.body);
    if (event->parcel)
        driver_post_take(&verifier->node->driver, event);
    else
        driver_event_free(event);
}

static void verifier_on_block(struct verifier *verifier, const struct verifier_job *job)
{
    struct wire_block wire;
    if (record_unpack(NULL, &wire_block_record, &wire, job->body, NULL)) {
        verifier_refuse(verifier, job->from, "a malformed block");
        return;
    }
    struct driver_event *event = verifier_message(verifier, job->from, wire.decided);
    if (!event)
        return;
    bool valid;
    if (event->kind == DRIVER_STRANGE) {
        driver_post_take(&verifier->node->driver, event);
        return;
    }
    if (event->message.tag != MESSAGE_DECIDED ||
        !verifier_body_fits(verifier, event->message.as.decided.header, wire.body, true, &valid)) {
        verifier_refuse(verifier, job->from, "a block whose body and certificate don't fit");
        driver_event_free(event);
        return;
    }
    event->parcel = parcel_new(event->message.as.decided.header, wire.body);
    if (event->parcel)
        driver_post_take(&verifier->node->driver, event);
    else
        driver_event_free(event);
}

static void verifier_on_want_body(struct verifier *verifier, const struct verifier_job *job)
{
    struct wire_want_body want;
    if (record_unpack(NULL, &wire_want_body_record, &want, job->body, NULL) ||
        catchup_serve_body(verifier->node, job->from, &want.digest))
        return;
    struct driver_event *event = driver_event_new(DRIVER_WANT_BODY);
    if (!event)
        return;
    event->from = job->from;
    event->digest = want.digest;
    driver_post_take(&verifier->node->driver, event);
}

/* A peer wants to know what a block's execution wrote here, or tells what it wrote there. */
static void verifier_on_writes(struct verifier *verifier, const struct verifier_job *job)
{
    struct wire_want_body want = {digest_zero};
    bool wanted = job->tag == WIRE_WANT_WRITES;
    if (!wanted && !discord_expects(verifier->node, job->from)) {
        verifier_refuse(verifier, job->from, "an account of writes that nobody asked for");
        return;
    }
    if (wanted && record_unpack(NULL, &wire_want_body_record, &want, job->body, NULL))
        return;
    struct executor_job *executor_job = calloc(1, sizeof(*executor_job));
    uint8_t *data = malloc(job->body.size + 1);
    if (!executor_job || !data) {
        free(executor_job);
        free(data);
        return;
    }
    memcpy(data, job->body.data, job->body.size);
    *executor_job = (struct executor_job){.kind = wanted ? EXECUTOR_TELL : EXECUTOR_COMPARE,
                                          .digest = want.digest,
                                          .place = job->from,
                                          .data = data,
                                          .record = bytes_of(data, job->body.size)};
    executor_job_take(&verifier->node->executor, executor_job);
}

/* --- transactions --- */

bool verifier_batch(struct verifier *verifier, struct api_batch *batch)
{
    struct intake *intake = NULL;
    if (atomic_fetch_add(&verifier->batches, 1) < VERIFIER_BATCHES_MAX)
        intake = intake_new(batch->txs, batch->count);
    if (!intake) {
        atomic_fetch_sub(&verifier->batches, 1);
        return false;
    }
    intake->api = batch;
    executor_batch_take(&verifier->node->executor, intake);
    return true;
}

/* A batch of the transactions in a record, which it borrows; NULL when the record is none. */
static struct intake *verifier_unpack_txs(struct bytes raw)
{
    struct arena arena;
    struct block_body list;
    struct intake *intake = NULL;
    arena_init(&arena, LIMIT_BLOCK_TXS * 64 + 4096);
    if (!block_body_unpack(&arena, &list, raw, NULL) && list.item_count > 0)
        intake = intake_new(NULL, list.item_count);
    struct bytes *txs = intake ? arena_array(&intake->arena, intake->count, sizeof(*txs)) : NULL;
    for (uint32_t i = 0; txs && i < intake->count; i++)
        txs[i] = list.items[i].tx;
    if (intake && !txs) {
        intake_free(intake);
        intake = NULL;
    }
    if (intake)
        intake->txs = txs;
    arena_release(&arena);
    return intake;
}

/* The record stays until the batch is done with. True if the batch has it now. */
static bool verifier_on_txs(struct verifier *verifier, struct verifier_job *job)
{
    struct intake *intake = verifier_unpack_txs(job->body);
    if (!intake)
        return false;
    intake->frame = job;
    atomic_fetch_add(&verifier->batches, 1);
    executor_batch_take(&verifier->node->executor, intake);
    return true;
}

void verifier_signatures_take(struct verifier *verifier, struct intake *intake)
{
    struct verifier_job *job = calloc(1, sizeof(*job));
    if (job)
        job->intake = intake;
    if (!job || queue_push(&verifier->bulk, job, 0, 0)) {
        free(job);
        verifier_finish_take(verifier, intake);
    }
}

void verifier_finish_take(struct verifier *verifier, struct intake *intake)
{
    /* A batch that was cut short (the node stops, memory is short) is answered as one for which there is no room. */
    for (uint32_t i = 0; i < intake->count && !intake->checked; i++)
        if (intake->verdicts[i] == TX_OK)
            intake->verdicts[i] = TX_POOL_FULL;
    intake_answer(intake);
    if (intake->frame)
        verifier_job_free(verifier, intake->frame);
    intake_free(intake);
    atomic_fetch_sub(&verifier->batches, 1);
}

/* --- threads --- */

/* One record; true if it must not be freed yet. */
static bool verifier_on_record(struct verifier *verifier, struct verifier_job *job)
{
    struct driver_event *event;
    if ((job->tag == WIRE_TXS || job->tag == WIRE_BODY) &&
        !roster_is_member(verifier->node, job->from))
        return false; /* guests propose nothing */
    switch (job->tag) {
    case WIRE_MESSAGE:
        event = verifier_message(verifier, job->from, job->body);
        if (event)
            driver_post_take(&verifier->node->driver, event);
        return false;
    case WIRE_BODY:
        verifier_on_body(verifier, job);
        return false;
    case WIRE_BLOCK:
        verifier_on_block(verifier, job);
        return false;
    case WIRE_WANT_BODY:
        verifier_on_want_body(verifier, job);
        return false;
    case WIRE_WANT_BLOCKS:
        catchup_serve(verifier->node, job->from, job->body);
        return false;
    case WIRE_WANT_WRITES:
    case WIRE_WRITES:
        verifier_on_writes(verifier, job);
        return false;
    case WIRE_TXS:
        return verifier_on_txs(verifier, job);
    case WIRE_WANT_SNAPSHOT:
    case WIRE_SNAPSHOT:
    case WIRE_WANT_CHUNK:
    case WIRE_CHUNK:
    case WIRE_WANT_BOUNDARY:
    case WIRE_BOUNDARY:
        statesync_record(&verifier->node->statesync, job->from, job->tag, job->body);
        return false;
    }
    verifier_refuse(verifier, job->from, "a record with an unknown tag");
    return false;
}

static void verifier_work(struct verifier *verifier, struct queue *queue)
{
    void *item;
    while (queue_pop(queue, &item, 1, QUEUE_FOREVER) > 0) {
        struct verifier_job *job = item;
        if (job->intake) {
            intake_check(job->intake, &verifier->node->checked);
            executor_batch_take(&verifier->node->executor, job->intake);
            free(job);
        } else if (!verifier_on_record(verifier, job)) {
            verifier_job_free(verifier, job);
        }
    }
}

static void verifier_run_votes(void *self)
{
    struct verifier *verifier = self;
    verifier_work(verifier, &verifier->votes);
}

static void verifier_run_bulk(void *self)
{
    struct verifier *verifier = self;
    verifier_work(verifier, &verifier->bulk);
}

enum err verifier_start(struct verifier *verifier, struct fault *fault)
{
    uint64_t wanted = verifier->node->settings.verifiers;
    unsigned count = 1 + (wanted > 0 ? (unsigned)wanted : thread_cores());
    if (count > VERIFIER_THREADS_MAX + 1)
        count = VERIFIER_THREADS_MAX + 1;
    for (unsigned i = 0; i < count; i++) {
        if (thread_start(&verifier->threads[i], i == 0 ? "votes" : "verifier",
                         i == 0 ? verifier_run_votes : verifier_run_bulk, verifier))
            return fault_set(fault, ERR_IO, "no thread for a verifier");
        verifier->thread_count++;
    }
    return ERR_NONE;
}

void verifier_stop(struct verifier *verifier)
{
    queue_close(&verifier->votes);
    queue_close(&verifier->bulk);
    for (unsigned i = 0; i < verifier->thread_count; i++)
        thread_join(&verifier->threads[i]);
}

void verifier_release(struct verifier *verifier)
{
    struct queue *const queues[] = {&verifier->votes, &verifier->bulk};
    for (size_t i = 0; i < 2; i++) {
        void *item;
        while (queues[i]->ring && queue_pop(queues[i], &item, 1, 0) > 0) {
            struct verifier_job *job = item;
            if (job->intake) {
                verifier_finish_take(verifier, job->intake);
                free(job);
            } else {
                verifier_job_free(verifier, job);
            }
        }
        queue_release(queues[i]);
    }
}
