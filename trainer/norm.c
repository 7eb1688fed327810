#include "trainer/norm.h"

#include "base/check.h"
#include "trainer/kernel_table.h"

/* Rows are cut so that a part has at least this many values. */
#define ELEMENTS_A_PART 16384u

struct work {
    const struct kernel_table *table;
    float *out;
    float *weighted;
    struct kernel_moments *moments;
    const struct kernel_moments *known;
    const float *base;
    const float *gradient;
    const float *x;
    const float *gain;
    const float *bias;
    size_t rows;
    size_t n;
    uint32_t parts;
};

size_t norm_moments_size(size_t rows)
{
    return rows * sizeof(struct kernel_moments);
}

static void part(void *self, uint32_t index)
{
    const struct work *work = self;
    size_t from = kernel_cut(work->rows, 1, work->parts, index),
           rows = kernel_cut(work->rows, 1, work->parts, index + 1) - from;
    size_t at = from * work->n;
    if (work->gradient)
        work->table->norm_back(work->out + at, work->weighted + at,
                               work->base ? work->base + at : NULL, work->gradient + at,
                               work->x + at, work->known + from, work->gain, rows, work->n);
    else
        work->table->norm(work->out + at, work->moments + from, work->x + at, work->gain,
                          work->bias, rows, work->n);
}

static void run(struct kernel *kernel, struct work *work)
{
    CHECK(work->n >= 1);
    CHECK(work->n <= KERNEL_PIECE);
    work->table = kernel->table;
    work->parts = kernel_parts(kernel, work->rows * work->n, ELEMENTS_A_PART);
    kernel_each(kernel, work->parts, part, work);
}

void norm_forward(struct kernel *kernel, float *out, struct kernel_moments *moments, const float *x,
                  const float *gain, const float *bias, size_t rows, size_t n)
{
    struct work work = {
        .out = out, .moments = moments, .x = x, .gain = gain, .bias = bias, .rows = rows, .n = n};
    run(kernel, &work);
}

void norm_backward(struct kernel *kernel, float *out, float *gain_gradient, float *bias_gradient,
                   const float *base, const float *gradient, const float *x,
                   const struct kernel_moments *moments, const float *gain, float *room,
                   size_t rows, size_t n)
{
    struct work work = {
        .out = out,
        .weighted = room,
        .known = moments,
        .base = base,
        .gradient = gradient,
        .x = x,
        .gain = gain,
        .rows = rows,
        .n = n,
    };
    run(kernel, &work);
    kernel_column_sums(kernel, gain_gradient, room, rows, n);
    kernel_column_sums(kernel, bias_gradient, gradient, rows, n);
}
