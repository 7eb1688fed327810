#include "net/frame.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define FRAME_CAPACITY_MIN 1024

void frame_init(struct frame *frame)
{
    memset(frame, 0, sizeof(*frame));
}

void frame_release(struct frame *frame)
{
    free(frame->data);
    frame_init(frame);
}

bool frame_has_room(const struct frame *frame, size_t size)
{
    return frame->count == 0 ||
           (size <= FRAME_FULL_BYTES && frame->size + FRAME_RECORD_SIZE + size <= FRAME_FULL_BYTES);
}

/* Room for `more` bytes and the mac behind what is there, and for the head before the first. */
static enum err reserve(struct frame *frame, size_t more)
{
    size_t used = frame->size == 0 ? FRAME_HEAD_SIZE : frame->size;
    size_t want = used + more + SESSION_MAC_SIZE;
    if (want > frame->capacity) {
        size_t capacity =
            frame->capacity < FRAME_CAPACITY_MIN ? FRAME_CAPACITY_MIN : frame->capacity * 2;
        if (capacity < want)
            capacity = want;
        uint8_t *data = realloc(frame->data, capacity);
        if (data == NULL)
            return ERR_LIMIT;
        frame->data = data;
        frame->capacity = capacity;
    }
    frame->size = used;
    return ERR_NONE;
}

enum err frame_add(struct frame *frame, uint8_t tag, struct bytes body)
{
    if (body.size > FRAME_RECORD_MAX || !frame_has_room(frame, body.size))
        return ERR_LIMIT;
    if (reserve(frame, FRAME_RECORD_SIZE + body.size) != ERR_NONE)
        return ERR_LIMIT;

    uint8_t *out = frame->data + frame->size;
    out[0] = tag;
    bytes_put_u32(out + 1, (uint32_t)body.size);
    if (body.size > 0)
        memcpy(out + FRAME_RECORD_SIZE, body.data, body.size);
    frame->size += FRAME_RECORD_SIZE + body.size;
    frame->count++;
    return ERR_NONE;
}

enum err frame_seal(struct frame *frame, struct session *session)
{
    if (reserve(frame, 0) != ERR_NONE)
        return ERR_LIMIT;

    struct bytes records = bytes_of(frame->data + FRAME_HEAD_SIZE, frame->size - FRAME_HEAD_SIZE);
    uint64_t counter = session_seal(session, frame->data + frame->size, records);
    frame->size += SESSION_MAC_SIZE;
    bytes_put_u32(frame->data, (uint32_t)(frame->size - 4));
    bytes_put_u64(frame->data + 4, counter);
    return ERR_NONE;
}

enum err frame_size(size_t *size, struct bytes in, size_t size_max)
{
    *size = 0;
    if (in.size < 4)
        return ERR_NONE;
    uint64_t claim = (uint64_t)bytes_get_u32(in.data) + 4;
    if (claim > size_max)
        return ERR_LIMIT;
    if (claim < FRAME_OVERHEAD)
        return ERR_MALFORMED;
    *size = (size_t)claim;
    return ERR_NONE;
}

/* True if the bytes are whole records and nothing else. */
static bool records_fill(struct bytes in)
{
    while (in.size > 0) {
        if (in.size < FRAME_RECORD_SIZE)
            return false;
        size_t size = bytes_get_u32(in.data + 1);
        if (size > in.size - FRAME_RECORD_SIZE)
            return false;
        in = bytes_of(in.data + FRAME_RECORD_SIZE + size, in.size - FRAME_RECORD_SIZE - size);
    }
    return true;
}

enum err frame_open(struct frame_reader *reader, struct session *session, struct bytes in)
{
    size_t size;
    enum err err = frame_size(&size, in, LIMIT_FRAME_BYTES);
    if (err != ERR_NONE)
        return err;
    if (size == 0 || size != in.size)
        return ERR_MALFORMED;

    struct bytes records = bytes_of(in.data + FRAME_HEAD_SIZE, in.size - FRAME_OVERHEAD);
    err = session_open(session, bytes_get_u64(in.data + 4), records,
                       in.data + in.size - SESSION_MAC_SIZE);
    if (err != ERR_NONE)
        return err;
    if (!records_fill(records))
        return ERR_MALFORMED;
    reader->in = records;
    return ERR_NONE;
}

bool frame_next(struct frame_reader *reader, uint8_t *tag, struct bytes *body)
{
    if (reader->in.size == 0)
        return false;
    CHECK(reader->in.size >= FRAME_RECORD_SIZE);
    *tag = reader->in.data[0];
    *body = bytes_of(reader->in.data + FRAME_RECORD_SIZE, bytes_get_u32(reader->in.data + 1));
    size_t whole = FRAME_RECORD_SIZE + body->size;
    CHECK(whole <= reader->in.size);
    reader->in = bytes_of(reader->in.data + whole, reader->in.size - whole);
    return true;
}
