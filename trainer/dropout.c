#include "trainer/dropout.h"

#include "base/check.h"
#include "trainer/kernel_table.h"
#include "trainer/philox.h"

/* A part has at least this many elements; four share a block of random numbers. */
#define ELEMENTS_A_PART 4096u

struct work {
    const struct dropout *dropout;
    float *out;
    const float *x;
    size_t count;
    uint64_t stream;
    uint64_t index; /* of element 0 */
    float keep;
    uint32_t parts;
};

static void part(void *self, uint32_t index)
{
    const struct work *work = self;
    uint32_t threshold = work->dropout->threshold;
    size_t end = kernel_cut(work->count, 4, work->parts, index + 1);
    for (size_t i = kernel_cut(work->count, 4, work->parts, index); i < end; i += 4) {
        struct philox_block block = philox(work->dropout->seed, work->stream, work->index + i / 4);
        for (size_t j = i; j < end && j < i + 4; j++)
            work->out[j] = block.word[j - i] >= threshold ? work->x[j] * work->keep : 0.0f;
    }
}

void dropout_apply(const struct dropout *dropout, struct kernel *kernel, float *out, const float *x,
                   size_t count, uint32_t place)
{
    CHECK(dropout->step < 1u << 20);
    CHECK(dropout->micro_batch < 1u << 10);
    CHECK(place < DROPOUT_PLACES_MAX);
    CHECK(count <= 1u << 28);
    struct work work = {
        .dropout = dropout,
        .out = out,
        .x = x,
        .count = count,
        .stream = philox_stream_drops(dropout->round, dropout->slot),
        .index = (uint64_t)dropout->step << 44 | (uint64_t)dropout->micro_batch << 34 |
                 (uint64_t)place << 26,
        .parts = kernel_parts(kernel, count, ELEMENTS_A_PART),
    };
    uint32_t before = kernel_control_set();
    work.keep = 1 / (1 - (float)dropout->threshold * 0x1p-32f);
    kernel_control_restore(before);
    kernel_each(kernel, work.parts, part, &work);
}
