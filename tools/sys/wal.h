/* A write-ahead log: a file of records to which a program appends, with a mark beside them, made durable
 * together by one fdatasync.
 *
 *     0      4096        8192
 *     | mark slot 0 | mark slot 1 | record | record | ...
 *
 *     slot    magic 8 | generation u64 | records end u64 | digest of all records up to there 32
 *             | size u32 | mark | zeros | SHA-256 of all before
 *     record  size u32 | first 4 bytes of SHA-256(size | bytes) | bytes
 *
 * A commit writes its records, then the mark to the slot that isn't the newest, then syncs. The mark
 * says how far the records reach and what they were; so an opened log knows whether it is whole:
 *  - records behind the mark's end were never synced: they are given back while they are intact, and
 *    the torn rest is cut off;
 *  - fewer or other records than the mark says: `whole` is false. What is intact is still given back. */
#ifndef TOOLS_SYS_WAL_H
#define TOOLS_SYS_WAL_H

#include "base/digest.h"
#include "base/error.h"
#include "tools/sys/file.h"

#define WAL_MARK_SIZE   3072
#define WAL_RECORD_SIZE (16u << 20)

struct wal {
    char path[FILE_PATH_SIZE];
    int descriptor;
    uint64_t generation;          /* of the newest mark */
    uint64_t end;                 /* offset behind the last record */
    struct digest_stream records; /* over all records */
    struct bytes buffer;          /* records that wait for the commit; owned */
    size_t buffer_room;
    bool failed; /* a write or sync failed: nothing can be promised any more */
};

/* What an opened wal holds: tell() is called for each record in order; the mark is copied to
 * the caller. */
struct wal_reader {
    void (*tell)(void *self, struct bytes record);
    void *self;
    uint8_t mark[WAL_MARK_SIZE];
    size_t mark_size; /* 0 for a new wal */
    bool whole;       /* every record that the mark promises is there */
};

/* Opens or creates. ERR_IO; ERR_CORRUPT when neither mark can be read though the file has some
 * length. */
MUST_USE enum err wal_open(struct wal *wal, const char *path,
                               struct wal_reader *reader, struct fault *fault);

/* Remembers a record for the next commit. ERR_LIMIT: over WAL_RECORD_SIZE, or no memory. */
MUST_USE enum err wal_append(struct wal *wal, struct bytes record);

/* Takes back what was appended since the last commit. */
void wal_drop(struct wal *wal);

/* Writes what was appended and the mark, and syncs. After ERR_IO the wal stays failed: what is
 * on disk is unknown, and the program must stop (a second fsync may claim success for pages that
 * were dropped). */
MUST_USE enum err wal_commit(struct wal *wal, struct bytes mark, struct fault *fault);

/* Replaces the whole file by the mark and what was appended since the last commit: a fresh file,
 * renamed over the old one. */
MUST_USE enum err wal_restart(struct wal *wal, struct bytes mark, struct fault *fault);

/* Bytes of records in the file. */
uint64_t wal_size(const struct wal *wal);

void wal_close(struct wal *wal);

#endif
