#include "trainer/gpt.h"

#include "base/check.h"
#include "trainer/model.h"

#include <stdlib.h>

/* --- memory --- */

/* Gives out arrays that each begin at 64 bytes; without memory it counts. */
struct carver {
    float *memory;
    size_t used; /* floats */
};

static void *carve(struct carver *carver, size_t floats)
{
    void *at = carver->memory ? carver->memory + carver->used : NULL;
    carver->used += (floats + 15) / 16 * 16;
    return at;
}

static void *carve_moments(struct carver *carver, size_t rows)
{
    return carve(carver, norm_moments_size(rows) / sizeof(float));
}

static void lay_out(struct gpt *gpt, struct carver *carver, uint32_t threads)
{
    const struct program_gpt *g = &gpt->program->gpt;
    size_t rows = gpt->sequences * g->context, floats = rows * g->width;
    struct attention shape = {.tokens = g->context};
    for (uint32_t i = 0; i < g->blocks; i++) {
        struct gpt_block *block = &gpt->block[i];
        block->x = carve(carver, floats);
        block->first = carve(carver, floats);
        block->mixed = carve(carver, 3 * floats);
        block->heads = carve(carver, floats);
        block->middle = carve(carver, floats);
        block->second = carve(carver, floats);
        block->hidden = carve(carver, 4 * floats);
        block->active = carve(carver, 4 * floats);
        block->moments1 = carve_moments(carver, rows);
        block->moments2 = carve_moments(carver, rows);
    }
    gpt->x = carve(carver, floats);
    gpt->normed = carve(carver, floats);
    gpt->moments = carve_moments(carver, rows);
    gpt->logits = carve(carver, rows * g->symbols);
    gpt->loss = carve(carver, rows);
    gpt->gradient = carve(carver, program_parameter_count(gpt->program));
    gpt->back = carve(carver, floats);
    gpt->narrow = carve(carver, floats);
    gpt->wide = carve(carver, 4 * floats);
    gpt->room = carve(carver, floats);
    gpt->attention_room = carve(carver, attention_room(&shape, threads));
    gpt->tokens = carve(carver, (rows + 1) / 2);
    gpt->labels = carve(carver, (rows + 1) / 2);
}

enum err gpt_init(struct gpt *gpt, const struct program *program, size_t sequences,
                  uint32_t threads, struct fault *fault)
{
    struct gpt made = {.program = program, .sequences = sequences};
    struct carver carver = {0};
    lay_out(&made, &carver, threads);
    size_t bytes = carver.used * sizeof(float);
    carver = (struct carver){.memory = aligned_alloc(64, bytes)};
    if (!carver.memory)
        return fault_set(fault, ERR_LIMIT, "no memory for %zu bytes of activations", bytes);
    lay_out(&made, &carver, threads);
    made.memory = carver.memory;
    *gpt = made;
    return ERR_NONE;
}

void gpt_release(struct gpt *gpt)
{
    free(gpt->memory);
    *gpt = (struct gpt){0};
}

/* --- one pass --- */

/* What all steps of a pass need. */
struct pass {
    struct gpt *gpt;
    struct kernel *kernel;
    const float *parameters;
    size_t rows;
    size_t sequences;
    size_t width;
    const struct dropout *dropout; /* NULL: none */
};

static struct pass pass_of(struct gpt *gpt, struct kernel *kernel, const float *parameters,
                           size_t sequences, const struct dropout *dropout)
{
    CHECK(sequences >= 1);
    CHECK(sequences <= gpt->sequences);
    const struct program_gpt *g = &gpt->program->gpt;
    return (struct pass){gpt,
                         kernel,
                         parameters,
                         sequences * g->context,
                         sequences,
                         g->width,
                         dropout && dropout->threshold ? dropout : NULL};
}

static struct attention attention_of(const struct pass *p)
{
    const struct program_gpt *g = &p->gpt->program->gpt;
    return (struct attention){p->sequences, g->context, g->heads, g->width / g->heads};
}

static size_t offset_of(const struct pass *p, uint32_t index)
{
    return model_tensor(p->gpt->program, index).offset;
}

/* A block's tensor, and the gradient of it. */
static const float *tensor_of(const struct pass *p, uint32_t block, enum model_gpt tensor)
{
    return p->parameters + offset_of(p, model_block_tensor(block, tensor));
}

static float *gradient_of(const struct pass *p, uint32_t block, enum model_gpt tensor)
{
    return p->gpt->gradient + offset_of(p, model_block_tensor(block, tensor));
}

/* out[rows][outputs] = in[rows][inputs] * weight + bias; a bias follows its weight. */
static void linear(const struct pass *p, float *out, const float *in, uint32_t block,
                   enum model_gpt weight, size_t inputs, size_t outputs)
{
    kernel_gemm_nn(p->kernel, out, in, tensor_of(p, block, weight), tensor_of(p, block, weight + 1),
                   p->rows, outputs, inputs);
}

/* From the gradient `back` of linear's output: those of its weight, bias and `in`. */
static void linear_back(const struct pass *p, float *in_back, const float *back, const float *in,
                        uint32_t block, enum model_gpt weight, size_t inputs, size_t outputs)
{
    kernel_gemm_tn(p->kernel, gradient_of(p, block, weight), in, back, NULL, inputs, outputs,
                   p->rows);
    kernel_column_sums(p->kernel, gradient_of(p, block, weight + 1), back, p->rows, outputs);
    kernel_gemm_nt(p->kernel, in_back, back, tensor_of(p, block, weight), NULL, p->rows, inputs,
                   outputs);
}

/* Where elements are left out. */
#define PLACE_EMBEDDING 0u

static uint32_t place_of_attention(uint32_t block)
{
    return 1 + 2 * block;
}

static uint32_t place_of_hidden(uint32_t block)
{
    return 2 + 2 * block;
}

_Static_assert(2 + 2 * (PROGRAM_BLOCKS_MAX - 1) < DROPOUT_PLACES_MAX, "places are told apart");

/* x[rows][width], with some left out, in `room`; x itself without dropout. `room` may be x. */
static const float *dropped(const struct pass *p, float *room, const float *x, uint32_t place)
{
    if (!p->dropout)
        return x;
    dropout_apply(p->dropout, p->kernel, room, x, p->rows * p->width, place);
    return room;
}

/* --- forward --- */

static void embed(const struct pass *p)
{
    const struct gpt *gpt = p->gpt;
    const float *position = p->parameters + offset_of(p, 1);
    size_t context = gpt->program->gpt.context;
    for (size_t row = 0; row < p->rows; row++) {
        CHECK(gpt->tokens[row] < gpt->program->gpt.symbols);
        kernel_add(p->kernel, gpt->block[0].x + row * p->width,
                   p->parameters + gpt->tokens[row] * p->width, position + row % context * p->width,
                   p->width);
    }
    dropped(p, gpt->block[0].x, gpt->block[0].x, PLACE_EMBEDDING);
}

static void block_forward(const struct pass *p, uint32_t index, float *next)
{
    struct gpt_block *b = &p->gpt->block[index];
    struct attention shape = attention_of(p);
    size_t width = p->width, floats = p->rows * width;
    norm_forward(p->kernel, b->first, b->moments1, b->x, tensor_of(p, index, MODEL_NORM1_GAIN),
                 tensor_of(p, index, MODEL_NORM1_BIAS), p->rows, width);
    linear(p, b->mixed, b->first, index, MODEL_MIX_WEIGHT, width, 3 * width);
    attention_forward(p->kernel, b->heads, b->mixed, &shape, p->gpt->attention_room);
    linear(p, b->middle, b->heads, index, MODEL_JOIN_WEIGHT, width, width);
    dropped(p, b->middle, b->middle, place_of_attention(index));
    kernel_add(p->kernel, b->middle, b->x, b->middle, floats);

    norm_forward(p->kernel, b->second, b->moments2, b->middle,
                 tensor_of(p, index, MODEL_NORM2_GAIN), tensor_of(p, index, MODEL_NORM2_BIAS),
                 p->rows, width);
    linear(p, b->hidden, b->second, index, MODEL_WIDEN_WEIGHT, width, 4 * width);
    kernel_gelu(p->kernel, b->active, b->hidden, 4 * floats);
    linear(p, next, b->active, index, MODEL_NARROW_WEIGHT, 4 * width, width);
    dropped(p, next, next, place_of_hidden(index));
    kernel_add(p->kernel, next, b->middle, next, floats);
}

void gpt_forward(struct gpt *gpt, struct kernel *kernel, const float *parameters, size_t sequences,
                 const struct dropout *dropout)
{
    struct pass p = pass_of(gpt, kernel, parameters, sequences, dropout);
    const struct program_gpt *g = &gpt->program->gpt;
    uint32_t last = model_tensor_count(gpt->program) - 1;
    embed(&p);
    for (uint32_t i = 0; i < g->blocks; i++)
        block_forward(&p, i, i + 1 < g->blocks ? gpt->block[i + 1].x : gpt->x);
    norm_forward(kernel, gpt->normed, gpt->moments, gpt->x, parameters + offset_of(&p, last - 1),
                 parameters + offset_of(&p, last), p.rows, p.width);
    kernel_gemm_nt(kernel, gpt->logits, gpt->normed, parameters, NULL, p.rows, g->symbols, p.width);
}

/* --- backward --- */

/* gpt->back is the gradient of the block's output before, and of its input after. */
static void block_backward(const struct pass *p, uint32_t index)
{
    struct gpt *gpt = p->gpt;
    struct gpt_block *b = &gpt->block[index];
    struct attention shape = attention_of(p);
    size_t width = p->width;
    const float *back = dropped(p, gpt->room, gpt->back, place_of_hidden(index));
    linear_back(p, gpt->wide, back, b->active, index, MODEL_NARROW_WEIGHT, 4 * width, width);
    kernel_gelu_back(p->kernel, gpt->wide, b->hidden, p->rows * 4 * width);
    linear_back(p, gpt->narrow, gpt->wide, b->second, index, MODEL_WIDEN_WEIGHT, width, 4 * width);
    norm_backward(p->kernel, gpt->back, gradient_of(p, index, MODEL_NORM2_GAIN),
                  gradient_of(p, index, MODEL_NORM2_BIAS), gpt->back, gpt->narrow, b->middle,
                  b->moments2, tensor_of(p, index, MODEL_NORM2_GAIN), gpt->room, p->rows, width);

    back = dropped(p, gpt->room, gpt->back, place_of_attention(index));
    linear_back(p, gpt->narrow, back, b->heads, index, MODEL_JOIN_WEIGHT, width, width);
    attention_backward(p->kernel, gpt->wide, gpt->narrow, b->mixed, &shape, gpt->attention_room);
    linear_back(p, gpt->narrow, gpt->wide, b->first, index, MODEL_MIX_WEIGHT, width, 3 * width);
    norm_backward(p->kernel, gpt->back, gradient_of(p, index, MODEL_NORM1_GAIN),
                  gradient_of(p, index, MODEL_NORM1_BIAS), gpt->back, gpt->narrow, b->x,
                  b->moments1, tensor_of(p, index, MODEL_NORM1_GAIN), gpt->room, p->rows, width);
}

/* Rows in ascending order: to the tokens' gradients, which hold the logits' share, and to the positions'. */
static void embed_back(const struct pass *p)
{
    struct gpt *gpt = p->gpt;
    float *position = gpt->gradient + offset_of(p, 1);
    size_t context = gpt->program->gpt.context, width = p->width;
    dropped(p, gpt->back, gpt->back, PLACE_EMBEDDING);
    memcpy(position, gpt->back, context * width * sizeof(float));
    for (size_t row = context; row < p->rows; row += context)
        kernel_add(p->kernel, position, position, gpt->back + row * width, context * width);
    for (size_t row = 0; row < p->rows; row++) {
        float *token = gpt->gradient + gpt->tokens[row] * width;
        kernel_add(p->kernel, token, token, gpt->back + row * width, width);
    }
}

void gpt_backward(struct gpt *gpt, struct kernel *kernel, const float *parameters, size_t sequences,
                  size_t total, const struct dropout *dropout)
{
    struct pass p = pass_of(gpt, kernel, parameters, sequences, dropout);
    const struct program_gpt *g = &gpt->program->gpt;
    uint32_t last = model_tensor_count(gpt->program) - 1;
    kernel_cross_entropy(kernel, gpt->loss, gpt->logits, gpt->logits, gpt->labels, p.rows,
                         g->symbols, total);
    kernel_gemm_tn(kernel, gpt->gradient, gpt->logits, gpt->normed, NULL, g->symbols, p.width,
                   p.rows);
    kernel_gemm_nn(kernel, gpt->narrow, gpt->logits, parameters, NULL, p.rows, p.width, g->symbols);
    norm_backward(kernel, gpt->back, gpt->gradient + offset_of(&p, last - 1),
                  gpt->gradient + offset_of(&p, last), NULL, gpt->narrow, gpt->x, gpt->moments,
                  parameters + offset_of(&p, last - 1), gpt->room, p.rows, p.width);
    for (uint32_t i = g->blocks; i-- > 0;)
        block_backward(&p, i);
    embed_back(&p);
}
