/* The disk of a node, as far as promises go: its log of votes, and the pledge beside its key, which says how far both had gone.
 *
 *     disk_append -> disk_synced -> disk_sign: what waits for it may leave, and is pledged -> disk_forget
 *
 * A power failure leaves what was synced and, in order, a part of the rest. Rot strikes a record that was synced, and so does a write
 * that went elsewhere; then the log isn't whole: all from the first bad record on is lost, and the node starts muted. */
#ifndef TEST_SIM_DISK_H
#define TEST_SIM_DISK_H

#include "consensus/consensus.h"

struct disk_bytes { /* owned */
    uint8_t *data;
    size_t size;
};

/* A copy; never fails. */
struct disk_bytes disk_copy(struct bytes bytes);

/* Makes room for one more element, zeroed, at the end of an owned array. */
void *disk_grow(void *array, size_t *count, size_t size);

struct disk_record {
    uint64_t sequence;
    struct disk_bytes bytes;
    bool has_body;
    bool bad;
    struct digest body; /* of the block's header */
};

struct disk {
    struct disk_record *records; /* owned */
    size_t count;
    uint64_t appended, synced;   /* sequences */
    uint64_t syncing;            /* a sync through it is on its way; 0: none */
    struct action_forget forget; /* before 0: none waits */
    uint64_t since; /* pledged: the first height of the set that was signed in last ... */
    uint64_t view, height, sequence; /* ... and the highest of all that was; the log's end then */
    uint64_t floor_since;            /* of that set the guard signs nothing ... */
    uint64_t floor;                  /* ... in a lower view: what was signed there is lost ... */
    uint64_t missed; /* ... and so is what was promised about blocks up to this height */
    bool lost;       /* at the last start */
};

void disk_release(struct disk *disk);

void disk_append(struct disk *disk, const struct action_persist *persist);
void disk_synced(struct disk *disk, uint64_t sequence);

/* True if the log on disk holds what is signed: the promise itself, not only what the core says of it. */
bool disk_has(const struct disk *disk, const struct action_sign *sign);

/* It is to be signed, in the set that begins at height `since`. False if the guard refuses. */
MUST_USE bool disk_sign(struct disk *disk, const struct action_sign *sign, uint64_t since);

/* Drops the head of the log that is no longer needed, once what replaces it is on disk. */
void disk_forget(struct disk *disk);

/* Power fails: of what isn't synced, the first `kept` records stay. */
void disk_fail(struct disk *disk, size_t kept);

/* A synced record, counted from the oldest, can't be read any more. */
void disk_rot(struct disk *disk, size_t index);

/* What can be read again; the rest is gone. `head`: of the chain on this disk. */
void disk_open(struct disk *disk, uint64_t head);

/* Says in *start whether, and how far, the node must be silent in the set that begins at `since`. Its views start anew, so what was lost of
 * an older set silences nobody. */
void disk_start(const struct disk *disk, struct event_start *start, uint64_t head, uint64_t since);

#endif
