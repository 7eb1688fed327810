#include "trainer/attention.h"

#include "trainer/kernel_table.h"

struct work {
    struct kernel *kernel;
    const struct attention *shape;
    float *out; /* or the gradient of mixed */
    const float *gradient;
    const float *mixed;
    float *room;
    float scale;
    uint32_t parts;
};

/* Floats for one head's weights and their gradient, so that each part's begin at 64 bytes. */
static size_t room_of_part(const struct attention *shape)
{
    return (2 * shape->tokens * shape->tokens + 15) / 16 * 16;
}

size_t attention_room(const struct attention *shape, uint32_t threads)
{
    return threads * room_of_part(shape);
}

/* Heads [from, end) of all sequences belong to a part. */
static void part(void *self, uint32_t index)
{
    const struct work *work = self;
    const struct attention *shape = work->shape;
    size_t width = shape->heads * shape->size, pairs = shape->sequences * shape->heads;
    size_t end = kernel_cut(pairs, 1, work->parts, index + 1);
    float *room = work->room + index * room_of_part(shape),
          *pack = kernel_room(work->kernel, index);
    for (size_t pair = kernel_cut(pairs, 1, work->parts, index); pair < end; pair++) {
        size_t row = pair / shape->heads * shape->tokens,
               column = pair % shape->heads * shape->size;
        const float *mixed = work->mixed + row * 3 * width + column;
        struct kernel_head head = {
            .query = mixed,
            .key = mixed + width,
            .value = mixed + 2 * width,
            .stride = 3 * width,
            .tokens = shape->tokens,
            .size = shape->size,
            .across = width,
            .scale = work->scale,
        };
        if (work->gradient) {
            float *back = work->out + row * 3 * width + column;
            work->kernel->table->attention_back(back, back + width, back + 2 * width,
                                                work->gradient + row * width + column, &head, room,
                                                pack);
        } else {
            work->kernel->table->attention(work->out + row * width + column, &head, room, pack);
        }
    }
}

static void run(struct kernel *kernel, struct work *work)
{
    uint32_t before = kernel_control_set();
    work->kernel = kernel;
    work->scale = 1.0f / __builtin_sqrtf((float)work->shape->size);
    work->parts = kernel_parts(kernel, work->shape->sequences * work->shape->heads, 1);
    kernel_control_restore(before);
    kernel_each(kernel, work->parts, part, work);
}

void attention_forward(struct kernel *kernel, float *out, const float *mixed,
                       const struct attention *shape, float *room)
{
    struct work work = {.shape = shape, .out = out, .mixed = mixed, .room = room};
    run(kernel, &work);
}

void attention_backward(struct kernel *kernel, float *mixed_gradient, const float *gradient,
                        const float *mixed, const struct attention *shape, float *room)
{
    struct work work = {
        .shape = shape, .out = mixed_gradient, .gradient = gradient, .mixed = mixed, .room = room};
    run(kernel, &work);
}
