/* A program's parameters as named tensors, in canonical order, and as a model file.
 *
 *     mlp with layers 784, 128, 10:
 *     layers.0.weight [128][784]   layers.0.bias [128]   layers.1.weight [10][128]   layers.1.bias [10]
 *
 *     gpt with blocks 0, 1, ..., as the Hugging Face GPT-2 checkpoint names and shapes them:
 *     wte.weight [symbols][width]   wpe.weight [context][width]
 *     h.0. ... the twelve of enum model_gpt   h.1. ...
 *     ln_f.weight [width]   ln_f.bias [width]
 *
 * The flat vector of P parameters is these tensors one after the other. A weight of an mlp is
 * [outputs][inputs], as in PyTorch's Linear; one of a gpt [inputs][outputs]. */
#ifndef TRAINER_MODEL_H
#define TRAINER_MODEL_H

#include "base/error.h"
#include "trainer/program.h"

#define MODEL_NAME_SIZE   32
#define MODEL_TENSORS_MAX (4 + MODEL_BLOCK_TENSORS * PROGRAM_BLOCKS_MAX)

/* The tensors of a gpt: two, then these for each block, then two. */
enum model_gpt {
    MODEL_NORM1_GAIN,    /* ln_1.weight [width] */
    MODEL_NORM1_BIAS,    /* ln_1.bias [width] */
    MODEL_MIX_WEIGHT,    /* attn.c_attn.weight [width][3 * width]: query, key, value */
    MODEL_MIX_BIAS,      /* attn.c_attn.bias [3 * width] */
    MODEL_JOIN_WEIGHT,   /* attn.c_proj.weight [width][width] */
    MODEL_JOIN_BIAS,     /* attn.c_proj.bias [width] */
    MODEL_NORM2_GAIN,    /* ln_2.weight [width] */
    MODEL_NORM2_BIAS,    /* ln_2.bias [width] */
    MODEL_WIDEN_WEIGHT,  /* mlp.c_fc.weight [width][4 * width] */
    MODEL_WIDEN_BIAS,    /* mlp.c_fc.bias [4 * width] */
    MODEL_NARROW_WEIGHT, /* mlp.c_proj.weight [4 * width][width] */
    MODEL_NARROW_BIAS,   /* mlp.c_proj.bias [width] */
    MODEL_BLOCK_TENSORS,
};

struct model_tensor {
    char name[MODEL_NAME_SIZE]; /* zero-terminated */
    uint8_t rank;               /* 1 or 2 */
    uint32_t shape[2];          /* the second is 1 when rank is 1 */
    uint32_t offset;            /* of its first element in the flat vector */
    uint32_t count;             /* elements */
};

/* 1..MODEL_TENSORS_MAX. */
uint32_t model_tensor_count(const struct program *program);

/* Requires index < model_tensor_count. */
struct model_tensor model_tensor(const struct program *program, uint32_t index);

/* Index of a block's tensor in a gpt. */
static inline uint32_t model_block_tensor(uint32_t block, enum model_gpt tensor)
{
    return 2 + block * MODEL_BLOCK_TENSORS + (uint32_t)tensor;
}

/* Fills parameters[P] from the program's seed; biases are zero. Weights of an mlp are uniform in
 * +-sqrt(6 / inputs) (He et al., 2015). Those of a gpt are uniform with deviation 0.02, the two that
 * end a branch of a block narrower by sqrt(2 * blocks), as GPT-2's; gains are 1. */
void model_seed(const struct program *program, float *parameters);

/* Size of the model file: safetensors with the program's digest and profile as metadata. */
size_t model_file_size(const struct program *program);

/* Writes exactly that many bytes. */
void model_write(const struct program *program, const float *parameters, uint8_t *out);

/* Fills parameters[P] from a safetensors file that has exactly the program's tensors, in any order,
 * all float32 and finite. Of a gpt, causal masks (h.N.attn.bias) are passed over, names may begin
 * with "transformer.", and lm_head.weight may be there if it is wte.weight, as in checkpoints of GPT2LMHeadModel (a file of ours leaves
 * it out, as Hugging Face's do). ERR_MALFORMED or ERR_MISMATCH with a sentence otherwise; then the
 * parameters are untouched. */
MUST_USE enum err model_read(const struct program *program, float *parameters, struct bytes file,
                             struct fault *fault);

#endif
