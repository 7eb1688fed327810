#include "tools/tenured/api_errand.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "tools/tenured/api_ask.h"

/* A manifest that is damaged in the folder is read there and then from the bucket. */
#define ERRAND_ARENA_BYTES (2u * BLOB_CHUNKS_MAX * DIGEST_SIZE + 4096)

/* The request and a thread hold it; whoever lets go last frees it. */
struct errand {
    struct api_held held; /* first: what the request's state points to */
    struct api_errands *errands;
    enum api_errand_kind kind;
    struct digest id;
    size_t weight;
    uint64_t ticket;
    atomic_uint holders;
    atomic_bool done;
    struct arena arena; /* what is found */
    struct api_errand_result result;
    struct bytes body; /* a copy, behind this */
};

static void let_go(struct errand *errand)
{
    if (atomic_fetch_sub(&errand->holders, 1) != 1)
        return;
    atomic_fetch_sub(&errand->errands->count, 1);
    atomic_fetch_sub(&errand->errands->bytes, errand->weight);
    arena_release(&errand->arena);
    free(errand);
}

static void on_request_end(struct api_held *held)
{
    let_go((struct errand *)held);
}

static enum err carry_out(struct errand *errand)
{
    struct blob_store *blobs = errand->errands->blobs;
    struct bytes *found = &errand->result.found;
    const struct digest *ids;
    uint32_t count;
    enum err err;

    switch (errand->kind) {
    case API_GET_CHUNK:
        return blob_get_chunk(&errand->arena, blobs, &errand->id, found);
    case API_GET_BLOB:
        err = blob_get_manifest(&errand->arena, blobs, &errand->id, &ids, &count);
        if (err == ERR_NONE)
            *found = bytes_of(ids, (size_t)count * DIGEST_SIZE);
        return err;
    case API_PUT_CHUNK:
        return blob_put_chunk(blobs, &errand->id, errand->body);
    case API_PUT_BLOB:
        return blob_put_manifest(blobs, &errand->id, (const struct digest *)errand->body.data,
                                 (uint32_t)(errand->body.size / DIGEST_SIZE));
    }
    return ERR_USAGE;
}

/* What it takes of memory until its request ends. */
static size_t weight_of(enum api_errand_kind kind, size_t body_size)
{
    switch (kind) {
    case API_GET_CHUNK:
        return 2 * LIMIT_CHUNK_BYTES;
    case API_GET_BLOB:
        return ERRAND_ARENA_BYTES;
    case API_PUT_CHUNK:
    case API_PUT_BLOB:
        return body_size;
    }
    return 0;
}

/* Books an errand. NULL: there are too many. */
static struct errand *errand_new(struct api_errands *errands, enum api_errand_kind kind,
                                 const struct digest *id, const struct http_request *request)
{
    struct bytes body = request->body;
    size_t weight = weight_of(kind, body.size);
    bool fits = atomic_fetch_add(&errands->count, 1) < API_ERRANDS_MAX;
    fits = atomic_fetch_add(&errands->bytes, weight) + weight <= API_ERRAND_BYTES_MAX && fits;
    struct errand *errand = fits ? calloc(1, sizeof(*errand) + body.size) : NULL;

    if (errand == NULL) {
        atomic_fetch_sub(&errands->count, 1);
        atomic_fetch_sub(&errands->bytes, weight);
        return NULL;
    }
    *errand = (struct errand){.held = {on_request_end},
                              .errands = errands,
                              .kind = kind,
                              .id = *id,
                              .weight = weight,
                              .ticket = request->ticket,
                              .body = bytes_of(errand + 1, body.size)};
    if (body.size > 0)
        memcpy(errand + 1, body.data, body.size);
    arena_init(&errand->arena, ERRAND_ARENA_BYTES);
    atomic_init(&errand->holders, 1);
    return errand;
}

static void run_thread(void *self)
{
    struct api_errands *errands = self;
    void *value;

    while (queue_pop(&errands->queue, &value, 1, QUEUE_FOREVER)) {
        struct errand *errand = value;
        errand->result.err = queue_is_closed(&errands->queue) ? ERR_BUSY : carry_out(errand);
        atomic_store(&errand->done, true);
        http_wake(*errands->http, errand->ticket);
        let_go(errand);
    }
}

enum err api_errand_start(struct api_errands *errands, struct blob_store *blobs,
                          struct http_server *const *http, struct fault *fault)
{
    errands->blobs = blobs;
    errands->http = http;
    if (!blob_has_bucket(blobs))
        return ERR_NONE;
    if (queue_init(&errands->queue, API_ERRANDS_MAX, API_ERRAND_BYTES_MAX) != ERR_NONE)
        return fault_set(fault, ERR_LIMIT, "out of memory");
    for (int i = 0; i < API_ERRAND_THREADS; i++)
        if (thread_start(&errands->threads[i], "storage", run_thread, errands) != ERR_NONE)
            return fault_set(fault, ERR_IO, "the system has no thread for object storage");
    return ERR_NONE;
}

void api_errand_stop(struct api_errands *errands)
{
    if (errands->queue.ring == NULL)
        return;
    queue_close(&errands->queue);
    for (int i = 0; i < API_ERRAND_THREADS; i++)
        thread_join(&errands->threads[i]);
}

void api_errand_release(struct api_errands *errands)
{
    if (errands->queue.ring != NULL)
        queue_release(&errands->queue);
}

bool api_errand_run(struct api_errands *errands, struct api_errand_result *result,
                    enum api_errand_kind kind, const struct digest *id,
                    const struct http_request *request)
{
    struct errand *errand = *request->state;

    *result = (struct api_errand_result){.err = ERR_BUSY};
    if (errand == NULL) {
        errand = errand_new(errands, kind, id, request);
        if (errand == NULL)
            return true;
        *request->state = errand;
        if (errands->queue.ring == NULL) {
            errand->result.err = carry_out(errand);
            atomic_store(&errand->done, true);
        } else {
            atomic_fetch_add(&errand->holders, 1);
            if (queue_push(&errands->queue, errand, 0, 0) != ERR_NONE) {
                let_go(errand); /* the node stops */
                return true;
            }
        }
    }
    if (atomic_load(&errand->done))
        *result = errand->result;
    return atomic_load(&errand->done) || request->last;
}
