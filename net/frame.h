/* Many records in one frame, so that the cost of a message (10 µs through TLS and two threads) is
 * paid once for all of them.
 *
 *     size u32 | counter u64 | records ... | mac 32        size counts all that follows it
 *     record:  tag u8 | size u32 | bytes                   integers are big-endian
 *
 * Counter and mac are the session's (net/session.h). The order of records is kept. Everything that
 * is read here came from a peer and may be hostile: a size is compared with its bound before
 * anything is allocated for it. Pure. */
#ifndef NET_FRAME_H
#define NET_FRAME_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"

#include "net/session.h"

#define FRAME_HEAD_SIZE   12 /* size and counter */
#define FRAME_RECORD_SIZE 5  /* tag and size of one record */
#define FRAME_OVERHEAD    (FRAME_HEAD_SIZE + SESSION_MAC_SIZE)
#define FRAME_RECORD_MAX  (LIMIT_FRAME_BYTES - FRAME_OVERHEAD - FRAME_RECORD_SIZE)

/* A frame is closed to further records past this size: large enough that the cost of a frame is
 * shared by hundreds of votes, small enough that the first of them doesn't wait for the last. */
#define FRAME_FULL_BYTES 65536

/* A frame in the making: memory from the heap that grows as records are added. */
struct frame {
    uint8_t *data;   /* NULL or owned; head, records and, once sealed, mac */
    size_t size;     /* bytes used, the mac not counted before it is sealed */
    size_t capacity; /* bytes at `data` */
    uint32_t count;  /* records */
};

void frame_init(struct frame *frame);
void frame_release(struct frame *frame);

/* True if a record of `size` bytes still belongs into this frame: it is empty, or stays within
 * FRAME_FULL_BYTES with it. */
bool frame_has_room(const struct frame *frame, size_t size);

/* Appends a copy. ERR_LIMIT, and no change, if body.size > FRAME_RECORD_MAX, if there is no room
 * (above), or no memory. */
MUST_USE enum err frame_add(struct frame *frame, uint8_t tag, struct bytes body);

/* Writes head and mac: the frame is data[0 .. size) and takes no more records. Requires at least
 * one frame_add, or an empty frame, which says "I am here". ERR_LIMIT when there is no memory. */
MUST_USE enum err frame_seal(struct frame *frame, struct session *session);

/* How many bytes the frame that begins with these bytes has in all, its size field included; 0
 * while fewer than four bytes are there. ERR_LIMIT for a claim over `size_max`, ERR_MALFORMED for
 * one that has no room for counter and mac. */
MUST_USE enum err frame_size(size_t *size, struct bytes in, size_t size_max);

/* The records of a frame that is whole and authentic; borrows from it. */
struct frame_reader {
    struct bytes in; /* records not yet read */
};

/* Checks a whole frame. ERR_MISMATCH: its counter isn't the next (replayed, reordered or lost);
 * ERR_SIGNATURE: the mac is wrong; ERR_MALFORMED: records don't fill the frame exactly. After an
 * error the connection must be closed. */
MUST_USE enum err frame_open(struct frame_reader *reader, struct session *session, struct bytes in);

/* The next record; false at the end. */
bool frame_next(struct frame_reader *reader, uint8_t *tag, struct bytes *body);

#endif
