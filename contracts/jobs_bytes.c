#include "contracts/jobs.h"

#include "base/check.h"

static void add_u16(struct digest_stream *stream, uint16_t value)
{
    uint8_t be[2];
    bytes_put_u16(be, value);
    digest_add(stream, be, sizeof(be));
}

static void add_u32(struct digest_stream *stream, uint32_t value)
{
    uint8_t be[4];
    bytes_put_u32(be, value);
    digest_add(stream, be, sizeof(be));
}

static void add_segment(struct digest_stream *stream, const struct jobs_segment *segment)
{
    uint8_t be[8];
    bytes_put_u64(be, segment->job);
    digest_add(stream, be, sizeof(be));
    add_u32(stream, segment->round);
    add_u16(stream, segment->slot);
    add_u16(stream, segment->attempt);
}

struct digest jobs_seal_of(const struct digest *chain, const struct address *replayer,
                           const struct jobs_segment *segment, const struct jobs_answer *answers,
                           uint32_t count, const struct digest *nonce)
{
    static const char tag[] = "tenure/seal/1";
    struct digest_stream stream;
    digest_init(&stream);
    digest_add(&stream, tag, sizeof(tag) - 1);
    digest_add(&stream, chain->bytes, DIGEST_SIZE);
    digest_add(&stream, replayer->bytes, ADDRESS_SIZE);
    add_segment(&stream, segment);
    add_u16(&stream, (uint16_t)count);
    for (uint32_t i = 0; i < count; i++) {
        add_u16(&stream, answers[i].interval);
        digest_add(&stream, answers[i].leaf.state_root.bytes, DIGEST_SIZE);
        digest_add(&stream, answers[i].leaf.witness.bytes, DIGEST_SIZE);
    }
    digest_add(&stream, nonce->bytes, DIGEST_SIZE);
    return digest_end(&stream);
}

/* A number below `bound`, each equally likely; *tries counts the hashes. */
static uint64_t draw_below(uint64_t bound, uint32_t *tries, const struct digest *preimage,
                           const struct jobs_segment *segment, const struct digest *trace_root)
{
    static const char tag[] = "tenure/draw/1";
    uint64_t excess = (UINT64_MAX % bound + 1) % bound; /* 2^64 mod bound */
    for (;;) {
        struct digest_stream stream;
        digest_init(&stream);
        digest_add(&stream, tag, sizeof(tag) - 1);
        digest_add(&stream, preimage->bytes, DIGEST_SIZE);
        add_segment(&stream, segment);
        digest_add(&stream, trace_root->bytes, DIGEST_SIZE);
        add_u32(&stream, (*tries)++);
        struct digest hash = digest_end(&stream);
        uint64_t value = bytes_get_u64(hash.bytes);
        if (value <= UINT64_MAX - excess) /* fails with probability below 2^-55 */
            return value % bound;
    }
}

void jobs_draw_of(struct jobs_drawn *out, uint32_t k, uint32_t intervals,
                  const struct digest *preimage, const struct jobs_segment *segment,
                  const struct digest *trace_root)
{
    CHECK(1 <= k);
    CHECK(k <= JOBS_DRAWN_MAX);
    CHECK(k <= intervals);
    CHECK(intervals <= JOBS_INTERVALS_MAX);
    uint16_t list[JOBS_INTERVALS_MAX];
    uint32_t tries = 0;
    for (uint32_t i = 0; i < intervals; i++)
        list[i] = (uint16_t)i;
    for (uint32_t i = 0; i < k; i++) {
        uint32_t other =
            i + (uint32_t)draw_below(intervals - i, &tries, preimage, segment, trace_root);
        uint16_t taken = list[other];
        list[other] = list[i];
        list[i] = taken;
    }
    for (uint32_t i = 0; i < k; i++) { /* insertion sort: k is small */
        uint32_t at = i;
        for (; at > 0 && out[at - 1].interval > list[i]; at--)
            out[at] = out[at - 1];
        out[at].interval = list[i];
    }
}
