/* Objects in S3-compatible storage, by libcurl: requests signed with AWS Signature Version 4, the bucket in the path (as MinIO, Ceph and
 * AWS take it).
 *
 *     s3://BUCKET/PREFIX        PREFIX may be empty; an object is PREFIX/NAME
 *
 * A request that meets no connection, a body cut short, 429 or a status of 500 and more is tried BUCKET_TRIES times, with pauses that
 * double. Any thread may call; each call blocks, for BUCKET_REQUEST_MS a try at most. */
#ifndef NET_BUCKET_H
#define NET_BUCKET_H

#include "base/bytes.h"
#include "base/error.h"

#define BUCKET_TRIES      4
#define BUCKET_PAUSE_MS   100
#define BUCKET_REQUEST_MS 10000

struct bucket_options {   /* borrowed during bucket_open only */
    const char *place;    /* "s3://bucket/prefix" */
    const char *endpoint; /* "http://host:port", no slash behind; NULL or "": AWS's of the region */
    const char *region;   /* NULL or "": us-east-1, which other servers take too */
    const char *key_id, *secret;
    void *self;
    void (*warn)(
        void *self,
        const char *sentence); /* a request failed for good; any thread. NULL: nobody is told */
};

struct bucket;

/* Asks nothing yet. ERR_USAGE for another place or endpoint, or no keys. */
MUST_USE enum err bucket_open(struct bucket **bucket, const struct bucket_options *options,
                              struct fault *fault);
/* NULL is allowed. */
void bucket_close(struct bucket *bucket);

/* Writes an object, whole or not at all. ERR_IO when the storage fails, ERR_USAGE when it refuses (key, bucket); with a sentence. */
MUST_USE enum err bucket_put(struct bucket *bucket, const char *name, struct bytes data,
                             struct fault *fault);

/* Reads an object into `room`. ERR_NOT_FOUND; ERR_LIMIT: it is larger than `room_size`; else as bucket_put. */
MUST_USE enum err bucket_get(struct bucket *bucket, const char *name, uint8_t *room,
                             size_t room_size, size_t *size, struct fault *fault);

/* Calls `each` for every object below the prefix, with its name behind that. ERR_MALFORMED for an answer that is no listing; else as
 * bucket_put. */
MUST_USE enum err bucket_list(struct bucket *bucket, void *self,
                              void (*each)(void *self, const char *name, uint64_t size),
                              struct fault *fault);

#endif
