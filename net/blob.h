/* Bulk data by content: chunks in a directory, found by digest, checked whenever they are written
 * or read, but by blob_open_chunk.
 *
 *     id of a chunk    merkle_leaf(bytes), at most LIMIT_CHUNK_BYTES
 *     root of a blob   merkle_root(ids in order)
 *     manifest         the ids, 32 bytes each
 *
 *     <directory>/chunks/ab/<64 hex digits>      <directory>/manifests/ab/<64 hex digits>
 *
 * A file is written beside its place and renamed, so it is there whole or not at all. Nothing is
 * synced: a file that a power loss tore no longer matches its name, and is then removed and fetched
 * again. The store is bounded: what is added pushes out what was written or read longest ago (after
 * a restart: written). A chunk that several blobs share is kept once.
 *
 * With a bucket (blob_attach) the folder is the near part of a store that has no bound: all that is put goes to both, what the folder
 * pushes out stays in the bucket, and is fetched from there, checked, when somebody asks for it. Nodes may share a bucket.
 *
 *     <prefix>/chunks/<64 hex digits>            <prefix>/manifests/<64 hex digits>
 *
 * Any thread may call; calls are serial, but those that wait for the bucket hold up no others. */
#ifndef NET_BLOB_H
#define NET_BLOB_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/limits.h"

/* Chunks in one blob: 4 GiB of data, a manifest of 2 MiB. */
#define BLOB_CHUNKS_MAX 65536

struct blob_store;
struct bucket;

/* Opens or makes the directory; `bytes_max` bounds all files together (at least 4 MiB, so that the
 * largest manifest fits). Leftovers of an interrupted write are removed; what is over the bound is
 * pushed out. ERR_IO or ERR_USAGE with a sentence. */
MUST_USE enum err blob_open(struct blob_store **store, const char *directory, uint64_t bytes_max,
                            struct fault *fault);
void blob_close(struct blob_store *store);

/* Adds object storage, once and before other threads call; `bucket` outlives the store. Learns what is in it, and puts there what only
 * the folder has. Of objects that are in the bucket alone it knows the `known_max` that it learned of last; the others are got like these,
 * but are told to be missing, and put again when somebody brings them. Errors of bucket_list and bucket_put, ERR_IO for a file that can't be read. */
MUST_USE enum err blob_attach(struct blob_store *store, struct bucket *bucket, uint32_t known_max,
                              struct fault *fault);

/* Then the functions below may wait for it, all but blob_open_chunk, blob_missing and blob_usage. */
bool blob_has_bucket(const struct blob_store *store);

/* Keeps a chunk. ERR_NONE also when it was there; ERR_LIMIT: empty or larger than a chunk;
 * ERR_MISMATCH: these bytes aren't `id`'s; ERR_IO: not written (disk full, no bucket). */
MUST_USE enum err blob_put_chunk(struct blob_store *store, const struct digest *id,
                                 struct bytes chunk);

/* The chunk, in `arena`. ERR_NOT_FOUND; ERR_CORRUPT: the file didn't match its name and is gone
 * now, or the bucket's object doesn't match it; ERR_LIMIT: the arena is full; ERR_IO. */
MUST_USE enum err blob_get_chunk(struct arena *arena, struct blob_store *store,
                                 const struct digest *id, struct bytes *chunk);

/* The chunk's file, open for reading and *not* checked: for whoever only passes it on to somebody that checks it, as everybody does who
 * receives a chunk; twice the hashing made nobody safer. Who is told there that it was wrong, and who gets an error here, calls
 * blob_get_chunk, which removes what is damaged and asks the bucket. *fd is the caller's. ERR_NOT_FOUND: not in the folder; ERR_CORRUPT:
 * gone from there, or of another size; ERR_IO. */
MUST_USE enum err blob_open_chunk(struct blob_store *store, const struct digest *id, int *fd,
                                  uint64_t *size);

/* Keeps a manifest of 1..BLOB_CHUNKS_MAX ids. Errors as blob_put_chunk. */
MUST_USE enum err blob_put_manifest(struct blob_store *store, const struct digest *root,
                                    const struct digest *ids, uint32_t count);

/* The manifest, in `arena`. Errors as blob_get_chunk. */
MUST_USE enum err blob_get_manifest(struct arena *arena, struct blob_store *store,
                                    const struct digest *root, const struct digest **ids,
                                    uint32_t *count);

bool blob_has_chunk(struct blob_store *store, const struct digest *id);

/* Writes to `missing` (room for `count`) the ascending indexes of the ids that aren't here, nor known to be in the bucket, and
 * gives their count. */
uint32_t blob_missing(struct blob_store *store, uint32_t *missing, const struct digest *ids,
                      uint32_t count);

struct blob_usage {
    uint64_t bytes, bytes_max;
    uint64_t files;
    uint64_t evicted; /* files pushed out since blob_open */
    uint64_t corrupt; /* files that didn't match their name since blob_open */
};

struct blob_usage blob_usage(struct blob_store *store);

#endif
