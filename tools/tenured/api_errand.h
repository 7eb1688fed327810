/* What a request wants of the blob store, carried out where it holds up no other: without object storage (net/blob.h) at once, with it on
 * API_ERRAND_THREADS threads, since the storage may take BUCKET_TRIES times BUCKET_REQUEST_MS for each.
 *
 *     api_errand_run --> queue --> api_errand_threads --http_wake--> api_errand_run, which tells what came of it
 *
 * From its first asking to the end of its request an errand counts: beyond API_ERRANDS_MAX of them, or API_ERRAND_BYTES_MAX of what they
 * bring and may find, a request is refused with 503, busy. */
#ifndef TOOLS_TENURED_API_ERRAND_H
#define TOOLS_TENURED_API_ERRAND_H

#include <stdatomic.h>

#include "base/arena.h"
#include "net/blob.h"
#include "net/http.h"
#include "tools/sys/queue.h"
#include "tools/sys/thread.h"

#define API_ERRAND_THREADS   4
#define API_ERRANDS_MAX      256
#define API_ERRAND_BYTES_MAX (32u << 20)

enum api_errand_kind { API_GET_CHUNK, API_GET_BLOB, API_PUT_CHUNK, API_PUT_BLOB };

/* What came of it. */
struct api_errand_result {
    enum err
        err; /* of blob_get_chunk and its like; ERR_BUSY: refused, or the storage takes too long */
    struct bytes found; /* of a GET; until the request ends */
};

/* All zero: no threads. */
struct api_errands {
    struct blob_store *blobs;
    struct http_server *const *http; /* set before the first request comes */
    struct queue queue;
    struct thread threads[API_ERRAND_THREADS];
    atomic_uint count;
    atomic_size_t bytes;
};

/* Starts the threads if the store has a bucket. ERR_LIMIT, ERR_IO. */
MUST_USE enum err api_errand_start(struct api_errands *errands, struct blob_store *blobs,
                                   struct http_server *const *http, struct fault *fault);

/* Ends the threads once they are through with what they have begun; what waits is answered as busy. The server must still be there. */
void api_errand_stop(struct api_errands *errands);

/* After api_errand_stop and the server's end. */
void api_errand_release(struct api_errands *errands);

/* Carries it out for a request, or lets that wait: true when *result is there, else the handler answers HTTP_WAIT. Puts take the
 * request's body. */
bool api_errand_run(struct api_errands *errands, struct api_errand_result *result,
                    enum api_errand_kind kind, const struct digest *id,
                    const struct http_request *request);

#endif
