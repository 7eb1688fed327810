/* A file of records to which a program appends, with a mark beside them, made durable together by
 * one fdatasync.
 *
 *     0      4096        8192
 *     | mark slot 0 | mark slot 1 | record | record | ...
 *
 *     slot    magic 8 | generation u64 | records end u64 | digest of all records up to there 32 |
 * size u32 | mark | SHA-256 of it all record  size u32 | first 4 bytes of SHA-256(size | bytes) |
 * bytes
 *
 * A commit writes its records, then the mark to the slot that isn't the newest, then syncs. The
 * mark says how far the records reach and what they were; so an opened journal knows whether it is
 * whole:
 *  - records behind the mark's end were never synced: they are given back while they are intact,
 * the torn rest is cut off;
 *  - fewer or other records than the mark says: `whole` is false. What is intact is still given
 * back. */
#ifndef TOOLS_SYS_JOURNAL_H
#define TOOLS_SYS_JOURNAL_H

#include "base/digest.h"
#include "base/error.h"
#include "tools/sys/file.h"

#define JOURNAL_MARK_SIZE   3072
#define JOURNAL_RECORD_SIZE (16u << 20)

struct journal {
    char path[FILE_PATH_SIZE];
    int descriptor;
    uint64_t generation;          /* of the newest mark */
    uint64_t end;                 /* offset behind the last record */
    struct digest_stream records; /* over all records */
    struct bytes buffer;          /* records that wait for the commit; owned */
    size_t buffer_room;
    bool failed; /* a write or sync failed: nothing can be promised any more */
};

/* What an opened journal holds: tell() is called for each record in order; the mark is copied to
 * the caller. */
struct journal_reader {
    void (*tell)(void *self, struct bytes record);
    void *self;
    uint8_t mark[JOURNAL_MARK_SIZE];
    size_t mark_size; /* 0 for a new journal */
    bool whole;       /* every record that the mark promises is there */
};

/* Opens or creates. ERR_IO; ERR_CORRUPT when neither mark can be read though the file has some
 * length. */
MUST_USE enum err journal_open(struct journal *journal, const char *path,
                               struct journal_reader *reader, struct fault *fault);

/* Remembers a record for the next commit. ERR_LIMIT: over JOURNAL_RECORD_SIZE, or no memory. */
MUST_USE enum err journal_append(struct journal *journal, struct bytes record);

/* Writes what was appended and the mark, and syncs. After ERR_IO the journal stays failed: what is
 * on disk is unknown, and the program must stop (a second fsync may claim success for pages that
 * were dropped). */
MUST_USE enum err journal_commit(struct journal *journal, struct bytes mark, struct fault *fault);

/* Replaces the whole file by the mark and what was appended since the last commit: a fresh file,
 * renamed over the old one. */
MUST_USE enum err journal_restart(struct journal *journal, struct bytes mark, struct fault *fault);

/* Bytes of records in the file. */
uint64_t journal_size(const struct journal *journal);

void journal_close(struct journal *journal);

#endif
