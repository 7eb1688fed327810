#include "test/reference/transformer.h"

#include "test/reference/numbers.h"
#include "test/reference/perceptron.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Tensors of a block, from its first one. */
enum { LN_1, C_ATTN = 2, ATTN_PROJ = 4, LN_2 = 6, C_FC = 8, MLP_PROJ = 10, BLOCK_TENSORS = 12 };

/* What the forward pass of a block leaves for the backward pass, rows of each. */
struct block {
    float *x, *first, *mixed, *weights, *heads, *middle, *second, *hidden, *active;
};

struct pass {
    const struct course *course;
    const float *parameters;
    float *gradient;
    struct place places[TRANSFORMER_TENSORS_MAX];
    size_t width, depth, context, rows; /* depth: of a head */
    struct block *blocks;
    float *last, *normed, *logits; /* the last block's output, ln_f of it, and by symbol */
    float *ones;                   /* [rows] */
    uint32_t *tokens, *labels;
    uint64_t drops; /* stream of random numbers, and the first one's index but for the place */
    uint64_t dropping;
};

/* --- parameters --- */

static void place_add(struct place *places, uint32_t *count, size_t rows, size_t columns)
{
    const struct place *before = *count > 0 ? &places[*count - 1] : NULL;
    size_t at = before ? before->at + before->rows * (before->columns ? before->columns : 1) : 0;
    places[(*count)++] = (struct place){at, rows, columns};
}

uint32_t transformer_places(const struct course *course, struct place places[TRANSFORMER_TENSORS_MAX])
{
    const struct course_gpt *gpt = &course->gpt;
    size_t w = gpt->width;
    uint32_t count = 0;
    place_add(places, &count, gpt->symbols, w);
    place_add(places, &count, gpt->context, w);
    for (uint32_t b = 0; b < gpt->blocks; b++) {
        const size_t shapes[BLOCK_TENSORS][2] = {{w, 0}, {w, 0}, {w, 3 * w}, {3 * w, 0}, {w, w},     {w, 0},
                                                 {w, 0}, {w, 0}, {w, 4 * w}, {4 * w, 0}, {4 * w, w}, {w, 0}};
        for (int i = 0; i < BLOCK_TENSORS; i++)
            place_add(places, &count, shapes[i][0], shapes[i][1]);
    }
    place_add(places, &count, w, 0);
    place_add(places, &count, w, 0);
    return count;
}

size_t transformer_count(const struct course *course)
{
    struct place places[TRANSFORMER_TENSORS_MAX];
    uint32_t count = transformer_places(course, places);
    return places[count - 1].at + places[count - 1].rows;
}

void transformer_start(const struct course *course, float *parameters)
{
    struct place places[TRANSFORMER_TENSORS_MAX];
    uint32_t count = transformer_places(course, places);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t part = i < 2 || i >= count - 2 ? LN_1 : (i - 2) % BLOCK_TENSORS;
        bool is_gain = i == count - 2 || (i >= 2 && i < count - 2 && (part == LN_1 || part == LN_2));
        bool ends_branch = part == ATTN_PROJ || part == MLP_PROJ;
        float bound = ends_branch ? 0x1.1bc77ap-5f / sqrtf((float)(2 * course->gpt.blocks)) : 0x1.1bc77ap-5f;
        uint64_t stream = (UINT64_C(1) << 56) + ((uint64_t)i << 16);
        for (size_t j = 0; j < places[i].rows * (places[i].columns ? places[i].columns : 1); j++) {
            float uniform = (float)((int32_t)(philox(course->seed, stream, j / 4).w[j % 4] >> 8) - 8388608) * 0x1p-23f;
            *parameters++ = places[i].columns ? uniform * bound : is_gain ? 1.0f : 0.0f;
        }
    }
}

/* --- layers, each with its way back --- */

static const float *weight_of(const struct pass *pass, uint32_t tensor)
{
    return pass->parameters + pass->places[tensor].at;
}

static float *gradient_of(const struct pass *pass, uint32_t tensor)
{
    return pass->gradient + pass->places[tensor].at;
}

/* A sum over rows. */
static void sum_rows(const struct pass *pass, float *out, const float *x, size_t columns)
{
    product(out, (struct operand){pass->ones, pass->rows, 1}, (struct operand){x, columns, 1}, NULL, 1, columns,
            pass->rows);
}

static float *dropped_in_place(const struct pass *pass, float *x, uint32_t place)
{
    uint32_t threshold = pass->course->gpt.dropout;
    float keep = 1 / (1 - (float)threshold * 0x1p-32f);
    for (size_t i = 0; threshold > 0 && i < pass->rows * pass->width; i++) {
        uint64_t index = pass->dropping + ((uint64_t)place << 26) + i / 4;
        x[i] = philox(pass->course->seed, pass->drops, index).w[i % 4] >= threshold ? x[i] * keep : 0.0f;
    }
    return x;
}

static float *linear(const struct pass *pass, uint32_t tensor, const float *x)
{
    size_t in = pass->places[tensor].rows, out = pass->places[tensor].columns;
    float *y = perceptron_floats(pass->rows * out);
    product(y, (struct operand){x, in, 1}, (struct operand){weight_of(pass, tensor), out, 1},
            weight_of(pass, tensor + 1), pass->rows, out, in);
    return y;
}

/* The gradient of x; g is freed. */
static float *linear_back_take(const struct pass *pass, uint32_t tensor, const float *x, float *g)
{
    size_t in = pass->places[tensor].rows, out = pass->places[tensor].columns;
    float *back = perceptron_floats(pass->rows * in);
    product(gradient_of(pass, tensor), (struct operand){x, 1, in}, (struct operand){g, out, 1}, NULL, in, out,
            pass->rows);
    sum_rows(pass, gradient_of(pass, tensor + 1), g, out);
    product(back, (struct operand){g, out, 1}, (struct operand){weight_of(pass, tensor), 1, out}, NULL, pass->rows, in,
            out);
    free(g);
    return back;
}

/* h of one row; the inverse is returned. */
static float normalise(float *h, const float *x, size_t n)
{
    float mean = lanes(x, n, false) / (float)n;
    for (size_t j = 0; j < n; j++)
        h[j] = x[j] - mean;
    float inverse = 1 / sqrtf(lanes(h, n, true) / (float)n + 0x1.4f8b58p-17f);
    for (size_t j = 0; j < n; j++)
        h[j] = h[j] * inverse;
    return inverse;
}

static float *norm_rows(const struct pass *pass, uint32_t tensor, const float *x)
{
    size_t n = pass->width;
    const float *gain = weight_of(pass, tensor), *bias = weight_of(pass, tensor + 1);
    float *y = perceptron_floats(pass->rows * n);
    for (size_t i = 0; i < pass->rows * n; i += n) {
        normalise(y + i, x + i, n);
        for (size_t j = 0; j < n; j++)
            y[i + j] = fmaf(y[i + j], gain[j], bias[j]);
    }
    return y;
}

/* The gradient of x; g is freed. */
static float *norm_back_take(const struct pass *pass, uint32_t tensor, const float *x, float *g)
{
    size_t n = pass->width;
    const float *gain = weight_of(pass, tensor);
    float *back = perceptron_floats(pass->rows * n), *w = perceptron_floats(pass->rows * n);
    float *h = perceptron_floats(n);
    for (size_t i = 0; i < pass->rows * n; i += n) {
        float inverse = normalise(h, x + i, n);
        for (size_t j = 0; j < n; j++)
            w[i + j] = g[i + j] * h[j];
        float flat = dot(g + i, gain, n) / (float)n;
        float tilt = dot(w + i, gain, n) / (float)n;
        for (size_t j = 0; j < n; j++)
            back[i + j] = (fmaf(g[i + j], gain[j], -flat) - h[j] * tilt) * inverse;
    }
    sum_rows(pass, gradient_of(pass, tensor), w, n);
    sum_rows(pass, gradient_of(pass, tensor + 1), g, n);
    free(g);
    free(w);
    free(h);
    return back;
}

/* Queries (0), keys (1) or values (2) of one head: row t, column c is at[t * row + c * column]. */
static struct operand head_of(const struct pass *pass, const float *mixed, size_t sequence, size_t head, size_t which)
{
    size_t w = pass->width;
    return (struct operand){mixed + sequence * pass->context * 3 * w + which * w + head * pass->depth, 3 * w, 1};
}

static struct operand turned(struct operand matrix)
{
    return (struct operand){matrix.at, matrix.column, matrix.row};
}

/* The weights [sequence][head][context][context] are kept, zero where a token would look ahead. */
static float *attention(const struct pass *pass, const float *mixed, float *weights)
{
    size_t w = pass->width, d = pass->depth, t = pass->context;
    float scale = 1 / sqrtf((float)d);
    float *out = perceptron_floats(pass->rows * w);
    for (size_t s = 0; s < pass->rows / t; s++) {
        for (size_t head = 0; head < w / d; head++, weights += t * t) {
            struct operand v = head_of(pass, mixed, s, head, 2);
            product(weights, head_of(pass, mixed, s, head, 0), turned(head_of(pass, mixed, s, head, 1)), NULL, t, t, d);
            for (size_t i = 0; i < t; i++) {
                softmax(weights + i * t, i + 1, scale);
                for (size_t j = i + 1; j < t; j++)
                    weights[i * t + j] = 0;
                for (size_t c = 0; c < d; c++)
                    out[(s * t + i) * w + head * d + c] = part(weights + i * t, 1, v.at + c, v.row, 0, i + 1);
            }
        }
    }
    return out;
}

/* One head's gradients, at `back` in the layout of `mixed`. */
static void head_back(const struct pass *pass, float *back, const float *mixed, const float *a, const float *g,
                      size_t s, size_t head)
{
    size_t w = pass->width, d = pass->depth, t = pass->context;
    float scale = 1 / sqrtf((float)d);
    struct operand q = head_of(pass, mixed, s, head, 0), k = head_of(pass, mixed, s, head, 1);
    struct operand v = head_of(pass, mixed, s, head, 2);
    float *z = perceptron_floats(t * t);
    back += q.at - mixed;
    g += s * t * w + head * d;
    product(z, (struct operand){g, w, 1}, turned(v), NULL, t, t, d);
    for (size_t i = 0; i < t; i++) {
        float mean = dot(a + i * t, z + i * t, i + 1);
        for (size_t j = 0; j <= i; j++)
            z[i * t + j] = (a[i * t + j] * (z[i * t + j] - mean)) * scale;
    }
    for (size_t i = 0; i < t; i++) {
        for (size_t c = 0; c < d; c++) {
            back[i * 3 * w + c] = part(z + i * t, 1, k.at + c, k.row, 0, i + 1);
            back[i * 3 * w + w + c] = part(z + i, t, q.at + c, q.row, i, t);
            back[i * 3 * w + 2 * w + c] = part(a + i, t, g + c, w, i, t);
        }
    }
    free(z);
}

static float *attention_back_take(const struct pass *pass, const float *mixed, const float *weights, float *g)
{
    size_t t = pass->context, heads = pass->width / pass->depth;
    float *back = perceptron_floats(pass->rows * 3 * pass->width);
    for (size_t s = 0; s < pass->rows / t; s++)
        for (size_t head = 0; head < heads; head++)
            head_back(pass, back, mixed, weights + (s * heads + head) * t * t, g, s, head);
    free(g);
    return back;
}

/* --- the model --- */

static float *sum_of(const struct pass *pass, const float *a, const float *b)
{
    float *sum = perceptron_floats(pass->rows * pass->width);
    for (size_t i = 0; i < pass->rows * pass->width; i++)
        sum[i] = a[i] + b[i];
    return sum;
}

/* x + branch, which is freed. */
static float *joined_take(const struct pass *pass, const float *x, float *branch)
{
    float *sum = sum_of(pass, x, branch);
    free(branch);
    return sum;
}

static void forward(struct pass *pass)
{
    const float *wte = weight_of(pass, 0), *wpe = weight_of(pass, 1);
    size_t w = pass->width, rows = pass->rows, symbols = pass->course->gpt.symbols;
    float *x = perceptron_floats(rows * w);
    for (size_t i = 0; i < rows * w; i++)
        x[i] = wte[pass->tokens[i / w] * w + i % w] + wpe[i % (pass->context * w)];
    dropped_in_place(pass, x, 0);
    for (uint32_t b = 0; b < pass->course->gpt.blocks; b++) {
        struct block *block = &pass->blocks[b];
        uint32_t tensor = 2 + b * BLOCK_TENSORS;
        block->x = x;
        block->first = norm_rows(pass, tensor + LN_1, x);
        block->mixed = linear(pass, tensor + C_ATTN, block->first);
        block->weights = perceptron_floats(rows * (w / pass->depth) * pass->context);
        block->heads = attention(pass, block->mixed, block->weights);
        float *branch = linear(pass, tensor + ATTN_PROJ, block->heads);
        block->middle = joined_take(pass, x, dropped_in_place(pass, branch, 1 + 2 * b));
        block->second = norm_rows(pass, tensor + LN_2, block->middle);
        block->hidden = linear(pass, tensor + C_FC, block->second);
        block->active = perceptron_floats(rows * 4 * w);
        for (size_t i = 0; i < rows * 4 * w; i++)
            block->active[i] = gelu(block->hidden[i]);
        branch = linear(pass, tensor + MLP_PROJ, block->active);
        x = joined_take(pass, block->middle, dropped_in_place(pass, branch, 2 + 2 * b));
    }
    pass->last = x;
    pass->normed = norm_rows(pass, 2 + pass->course->gpt.blocks * BLOCK_TENSORS, x);
    pass->logits = perceptron_floats(rows * symbols);
    product(pass->logits, (struct operand){pass->normed, w, 1}, (struct operand){weight_of(pass, 0), 1, w}, NULL, rows,
            symbols, w);
}

/* d becomes the gradient of the block's input. */
static float *block_back_take(const struct pass *pass, uint32_t b, float *d)
{
    const struct block *block = &pass->blocks[b];
    uint32_t tensor = 2 + b * BLOCK_TENSORS;
    size_t size = pass->rows * pass->width * sizeof(*d);
    float *g = memcpy(perceptron_floats(pass->rows * pass->width), d, size);
    g = linear_back_take(pass, tensor + MLP_PROJ, block->active, dropped_in_place(pass, g, 2 + 2 * b));
    for (size_t i = 0; i < pass->rows * 4 * pass->width; i++)
        g[i] = gelu_back(g[i], block->hidden[i]);
    g = linear_back_take(pass, tensor + C_FC, block->second, g);
    float *after = joined_take(pass, d, norm_back_take(pass, tensor + LN_2, block->middle, g));
    free(d);
    g = memcpy(perceptron_floats(pass->rows * pass->width), after, size);
    g = linear_back_take(pass, tensor + ATTN_PROJ, block->heads, dropped_in_place(pass, g, 1 + 2 * b));
    g = attention_back_take(pass, block->mixed, block->weights, g);
    g = linear_back_take(pass, tensor + C_ATTN, block->first, g);
    d = joined_take(pass, after, norm_back_take(pass, tensor + LN_1, block->x, g));
    free(after);
    return d;
}

/* From the gradient of the logits. */
static void backward(struct pass *pass, const float *g)
{
    size_t w = pass->width, rows = pass->rows, symbols = pass->course->gpt.symbols;
    uint32_t blocks = pass->course->gpt.blocks;
    float *d = perceptron_floats(rows * w);
    product(gradient_of(pass, 0), (struct operand){g, 1, symbols}, (struct operand){pass->normed, w, 1}, NULL, symbols,
            w, rows);
    product(d, (struct operand){g, symbols, 1}, (struct operand){weight_of(pass, 0), w, 1}, NULL, rows, w, symbols);
    d = norm_back_take(pass, 2 + blocks * BLOCK_TENSORS, pass->last, d);
    for (uint32_t b = blocks; b-- > 0;)
        d = block_back_take(pass, b, d);
    dropped_in_place(pass, d, 0);
    for (size_t i = 0; i < rows * w; i++) {
        float *position = gradient_of(pass, 1) + i % (pass->context * w);
        float *token = gradient_of(pass, 0) + pass->tokens[i / w] * w + i % w;
        *position = i < pass->context * w ? d[i] : *position + d[i];
        *token = *token + d[i];
    }
    free(d);
}

static void pass_release(struct pass *pass)
{
    for (uint32_t b = 0; b < pass->course->gpt.blocks; b++) {
        struct block *block = &pass->blocks[b];
        float *all[] = {block->x,      block->first,  block->mixed,  block->weights, block->heads,
                        block->middle, block->second, block->hidden, block->active};
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
            free(all[i]);
    }
    free(pass->last);
    free(pass->normed);
    free(pass->logits);
}

static void batch_read(struct pass *pass, uint32_t round, uint32_t slot, uint32_t step, uint32_t micro)
{
    const struct course *course = pass->course;
    uint64_t stream = (UINT64_C(2) << 56) + ((uint64_t)round << 16) + slot;
    for (uint32_t i = 0; i < course->batch; i++) {
        uint64_t position = ((uint64_t)step << 27) + (uint64_t)micro * course->batch + i;
        uint32_t from = below(course->seed, stream, position, course->samples - (uint32_t)pass->context);
        for (size_t t = 0; t < pass->context; t++) {
            pass->tokens[i * pass->context + t] = course_token(course, from + (uint32_t)t);
            pass->labels[i * pass->context + t] = course_token(course, from + (uint32_t)t + 1);
        }
    }
}

float transformer_learn(const struct course *course, const float *parameters, uint32_t round, uint32_t slot,
                        uint32_t step, float *gradient)
{
    const struct course_gpt *gpt = &course->gpt;
    size_t rows = (size_t)course->batch * gpt->context, total = rows * gpt->micro_batches;
    size_t count = transformer_count(course);
    struct block blocks[64];
    struct pass pass = {.course = course, .parameters = parameters, .width = gpt->width,
                        .depth = gpt->width / gpt->heads, .context = gpt->context, .rows = rows, .blocks = blocks};
    float *losses = perceptron_floats(total), *g = perceptron_floats(rows * gpt->symbols);
    float *one = perceptron_floats(count);
    transformer_places(course, pass.places);
    pass.drops = (UINT64_C(3) << 56) + ((uint64_t)round << 16) + slot;
    pass.ones = perceptron_floats(rows);
    pass.tokens = (uint32_t *)perceptron_floats(rows);
    pass.labels = (uint32_t *)perceptron_floats(rows);
    for (size_t i = 0; i < rows; i++)
        pass.ones[i] = 1;
    for (uint32_t m = 0; m < gpt->micro_batches; m++) {
        pass.gradient = m == 0 ? gradient : one;
        batch_read(&pass, round, slot, step, m);
        pass.dropping = ((uint64_t)step << 44) + ((uint64_t)m << 34);
        forward(&pass);
        cross_entropy(losses + m * rows, g, pass.logits, pass.labels, rows, gpt->symbols, total);
        backward(&pass, g);
        pass_release(&pass);
        for (size_t i = 0; m > 0 && i < count; i++)
            gradient[i] = gradient[i] + one[i];
    }
    float loss = sum_long(losses, total, false) / (float)total;
    void *all[] = {losses, g, one, pass.ones, pass.tokens, pass.labels};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        free(all[i]);
    return loss;
}
