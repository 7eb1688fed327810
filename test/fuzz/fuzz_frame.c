/* Any bytes as a frame as it arrives, and as the records of one that is authentic: they fill it exactly, or the frame is refused. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "net/frame.h"
#include "test/fuzz/fuzz.h"

/* A session that is open without a handshake: both ends have the same keys. */
static struct session open_session(enum session_side side)
{
    struct session session = {.state = SESSION_OPEN, .side = side};
    for (int i = 0; i < 2; i++) {
        digest_init(&session.keys[i].inner);
        digest_init(&session.keys[i].outer);
    }
    return session;
}

/* The records `body` in a frame that the other end takes as authentic. */
static void check_records(struct bytes body)
{
    struct session sender = open_session(SESSION_DIALLER),
                   receiver = open_session(SESSION_LISTENER);
    size_t size = body.size + FRAME_OVERHEAD;
    uint8_t *frame = malloc(size);
    CHECK(frame);
    bytes_put_u32(frame, (uint32_t)(size - 4));
    if (body.size > 0)
        memcpy(frame + FRAME_HEAD_SIZE, body.data, body.size);
    bytes_put_u64(frame + 4, session_seal(&sender, frame + FRAME_HEAD_SIZE + body.size, body));

    struct frame_reader reader;
    enum err err = frame_open(&reader, &receiver, bytes_of(frame, size));
    CHECK(err == ERR_NONE || err == ERR_MALFORMED);
    if (err == ERR_NONE) {
        uint8_t tag;
        struct bytes record;
        size_t read = 0;
        while (frame_next(&reader, &tag, &record))
            read += FRAME_RECORD_SIZE + record.size;
        CHECK(read == body.size);
    }
    free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    size_t claimed = 0;
    if (frame_size(&claimed, in, LIMIT_FRAME_BYTES) == ERR_NONE)
        CHECK(claimed <= LIMIT_FRAME_BYTES && (claimed >= FRAME_OVERHEAD || size < 4));
    if (claimed == size && size >= FRAME_OVERHEAD) {
        struct session receiver = open_session(SESSION_LISTENER);
        struct frame_reader reader;
        if (frame_open(&reader, &receiver, in) == ERR_NONE)
            CHECK(receiver.received == 1);
    }
    check_records(in);
    return 0;
}
