#include "trainer/model.h"

#include "base/check.h"
#include "trainer/kernel.h"
#include "trainer/philox.h"
#include "trainer/safetensors.h"

#include <math.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "a model file's bytes are the floats in memory");

uint32_t model_tensor_count(const struct program *program)
{
    if (program->family == PROGRAM_GPT)
        return 4 + program->gpt.blocks * MODEL_BLOCK_TENSORS;
    return 2 * (program->layer_count - 1);
}

static void name_layer(struct model_tensor *tensor, uint32_t layer, bool is_weight)
{
    const char *part = is_weight ? ".weight" : ".bias";
    memcpy(tensor->name, "layers.", 7);
    tensor->name[7] = (char)('0' + layer); /* below PROGRAM_LAYERS_MAX, one digit */
    memcpy(tensor->name + 8, part, strlen(part) + 1);
}

static struct model_tensor mlp_tensor(const struct program *program, uint32_t index)
{
    struct model_tensor tensor = {.rank = 1, .shape = {0, 1}};
    uint32_t layer = index / 2;
    for (uint32_t i = 0; i < layer; i++)
        tensor.offset += (program->layers[i].width + 1) * program->layers[i + 1].width;
    uint32_t inputs = program->layers[layer].width, outputs = program->layers[layer + 1].width;
    tensor.shape[0] = outputs;
    if (index % 2 == 0) {
        tensor.rank = 2;
        tensor.shape[1] = inputs;
    } else {
        tensor.offset += inputs * outputs;
    }
    name_layer(&tensor, layer, index % 2 == 0);
    return tensor;
}

/* Shapes in widths; a second side of 0 makes a vector. */
static const struct {
    const char *name;
    uint8_t rows;
    uint8_t columns;
} block_tensors[MODEL_BLOCK_TENSORS] = {
    [MODEL_NORM1_GAIN] = {"ln_1.weight", 1, 0},
    [MODEL_NORM1_BIAS] = {"ln_1.bias", 1, 0},
    [MODEL_MIX_WEIGHT] = {"attn.c_attn.weight", 1, 3},
    [MODEL_MIX_BIAS] = {"attn.c_attn.bias", 3, 0},
    [MODEL_JOIN_WEIGHT] = {"attn.c_proj.weight", 1, 1},
    [MODEL_JOIN_BIAS] = {"attn.c_proj.bias", 1, 0},
    [MODEL_NORM2_GAIN] = {"ln_2.weight", 1, 0},
    [MODEL_NORM2_BIAS] = {"ln_2.bias", 1, 0},
    [MODEL_WIDEN_WEIGHT] = {"mlp.c_fc.weight", 1, 4},
    [MODEL_WIDEN_BIAS] = {"mlp.c_fc.bias", 4, 0},
    [MODEL_NARROW_WEIGHT] = {"mlp.c_proj.weight", 4, 1},
    [MODEL_NARROW_BIAS] = {"mlp.c_proj.bias", 1, 0},
};

/* "h.12." and the tensor's name. */
static void name_block(struct model_tensor *tensor, uint32_t block, const char *name)
{
    size_t used = 0;
    tensor->name[used++] = 'h';
    tensor->name[used++] = '.';
    if (block >= 10)
        tensor->name[used++] = (char)('0' + block / 10); /* below PROGRAM_BLOCKS_MAX, two digits */
    tensor->name[used++] = (char)('0' + block % 10);
    tensor->name[used++] = '.';
    memcpy(tensor->name + used, name, strlen(name) + 1);
}

static struct model_tensor block_tensor(const struct program *program, uint32_t block,
                                        uint32_t index)
{
    const struct program_gpt *g = &program->gpt;
    uint32_t width = g->width;
    struct model_tensor tensor = {.rank = 1, .shape = {0, 1}};
    tensor.offset = (g->symbols + g->context) * width + block * (12 * width * width + 13 * width);
    for (uint32_t i = 0; i < index; i++)
        tensor.offset += block_tensors[i].rows * width *
                         (block_tensors[i].columns ? block_tensors[i].columns * width : 1);
    tensor.shape[0] = block_tensors[index].rows * width;
    if (block_tensors[index].columns) {
        tensor.rank = 2;
        tensor.shape[1] = block_tensors[index].columns * width;
    }
    name_block(&tensor, block, block_tensors[index].name);
    return tensor;
}

static struct model_tensor gpt_tensor(const struct program *program, uint32_t index)
{
    const struct program_gpt *g = &program->gpt;
    uint32_t last = model_tensor_count(program) - 1, ends = program_parameter_count(program);
    if (index == 0)
        return (struct model_tensor){"wte.weight", 2, {g->symbols, g->width}, 0, 0};
    if (index == 1)
        return (struct model_tensor){
            "wpe.weight", 2, {g->context, g->width}, g->symbols * g->width, 0};
    if (index == last - 1)
        return (struct model_tensor){"ln_f.weight", 1, {g->width, 1}, ends - 2 * g->width, 0};
    if (index == last)
        return (struct model_tensor){"ln_f.bias", 1, {g->width, 1}, ends - g->width, 0};
    return block_tensor(program, (index - 2) / MODEL_BLOCK_TENSORS,
                        (index - 2) % MODEL_BLOCK_TENSORS);
}

struct model_tensor model_tensor(const struct program *program, uint32_t index)
{
    CHECK(index < model_tensor_count(program));
    struct model_tensor tensor =
        program->family == PROGRAM_GPT ? gpt_tensor(program, index) : mlp_tensor(program, index);
    tensor.count = tensor.shape[0] * tensor.shape[1];
    return tensor;
}

/* --- first values --- */

/* sqrt(3) * 0.02: uniform numbers up to this have a deviation of 0.02. */
#define GPT_LIMIT 0x1.1bc77ap-5f

/* A weight's largest first value. */
static float limit_of(const struct program *program, uint32_t index,
                      const struct model_tensor *tensor)
{
    if (program->family != PROGRAM_GPT)
        return sqrtf(6.0f / (float)tensor->shape[1]);
    uint32_t part = index < 2 ? MODEL_BLOCK_TENSORS : (index - 2) % MODEL_BLOCK_TENSORS;
    if (part == MODEL_JOIN_WEIGHT || part == MODEL_NARROW_WEIGHT)
        return GPT_LIMIT / sqrtf((float)(2 * program->gpt.blocks));
    return GPT_LIMIT;
}

static bool is_gain(const struct program *program, uint32_t index)
{
    uint32_t part = (index - 2) % MODEL_BLOCK_TENSORS; /* ln_f.weight comes where a ln_1 would */
    return program->family == PROGRAM_GPT && (part == MODEL_NORM1_GAIN || part == MODEL_NORM2_GAIN);
}

void model_seed(const struct program *program, float *parameters)
{
    uint32_t before = kernel_control_set();
    for (uint32_t t = 0; t < model_tensor_count(program); t++) {
        struct model_tensor tensor = model_tensor(program, t);
        float *out = parameters + tensor.offset;
        if (tensor.rank == 1) {
            for (uint32_t i = 0; i < tensor.count; i++)
                out[i] = is_gain(program, t) ? 1.0f : 0.0f;
            continue;
        }
        float limit = limit_of(program, t, &tensor);
        uint32_t stream = program->family == PROGRAM_GPT ? t : t / 2;
        struct philox_block block = {{0}};
        for (uint32_t i = 0; i < tensor.count; i++) {
            if (i % 4 == 0)
                block = philox(program->seed, philox_stream_weights(stream), i / 4);
            int32_t centred = (int32_t)(block.word[i % 4] >> 8) - (1 << 23);
            out[i] = (float)centred * 0x1p-23f * limit;
        }
    }
    kernel_control_restore(before);
}

/* --- the file --- */

#define NOTES 3

struct file {
    struct model_tensor names[MODEL_TENSORS_MAX];
    struct safetensors_tensor tensors[MODEL_TENSORS_MAX];
    struct safetensors_note notes[NOTES];
    char digest[DIGEST_TEXT_SIZE];
    uint32_t count;
};

/* Describes the file; `parameters` may be NULL when only sizes matter. */
static void describe(struct file *file, const struct program *program, const float *parameters)
{
    file->count = model_tensor_count(program);
    for (uint32_t i = 0; i < file->count; i++) {
        file->names[i] = model_tensor(program, i);
        const struct model_tensor *tensor = &file->names[i];
        file->tensors[i] = (struct safetensors_tensor){
            .name = bytes_text(tensor->name),
            .type = SAFETENSORS_F32,
            .rank = tensor->rank,
            .shape = {tensor->shape[0], tensor->shape[1]},
            .data = bytes_of(parameters ? parameters + tensor->offset : NULL,
                             tensor->count * sizeof(float)),
        };
    }
    struct digest digest = program_digest(program);
    digest_text(file->digest, &digest);
    file->notes[0] = (struct safetensors_note){bytes_text("format"), bytes_text("pt")};
    file->notes[1] = (struct safetensors_note){bytes_text("profile"), bytes_text("f32-v1")};
    file->notes[2] = (struct safetensors_note){bytes_text("program"), bytes_text(file->digest)};
}

size_t model_file_size(const struct program *program)
{
    struct file file;
    describe(&file, program, NULL);
    return safetensors_size(file.tensors, file.count, file.notes, NOTES);
}

void model_write(const struct program *program, const float *parameters, uint8_t *out)
{
    struct file file;
    describe(&file, program, parameters);
    safetensors_write(out, file.tensors, file.count, file.notes, NOTES);
}

static bool ends_with(struct bytes name, const char *end)
{
    size_t size = strlen(end);
    return name.size >= size && memcmp(name.data + name.size - size, end, size) == 0;
}

/* Drops what a GPT-2 checkpoint holds besides parameters, its causal masks, and the prefix that models with a head put before names. */
static uint32_t without_trimmings(struct safetensors_tensor *tensors, uint32_t count)
{
    static const char prefix[] = "transformer.";
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes *name = &tensors[i].name;
        if (ends_with(*name, ".attn.bias") || ends_with(*name, ".attn.masked_bias"))
            continue;
        if (name->size > strlen(prefix) && memcmp(name->data, prefix, strlen(prefix)) == 0)
            *name = bytes_of(name->data + strlen(prefix), name->size - strlen(prefix));
        tensors[kept++] = tensors[i];
    }
    return kept;
}

static const struct safetensors_tensor *find(const struct safetensors_tensor *tensors,
                                             uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (bytes_equal(tensors[i].name, bytes_text(name)))
            return &tensors[i];
    return NULL;
}

/* Drops the output layer of models with a head, which is the embedding again. */
static enum err without_head(struct safetensors_tensor *tensors, uint32_t *count,
                             struct fault *fault)
{
    const struct safetensors_tensor *head = find(tensors, *count, "lm_head.weight");
    const struct safetensors_tensor *embedding = find(tensors, *count, "wte.weight");
    if (!head)
        return ERR_NONE;
    if (!embedding || !bytes_equal(head->data, embedding->data))
        return fault_set(fault, ERR_MISMATCH,
                         "model file: lm_head.weight is not wte.weight; a gpt shares them");
    uint32_t at = (uint32_t)(head - tensors);
    memmove(tensors + at, tensors + at + 1, (--*count - at) * sizeof(tensors[0]));
    return ERR_NONE;
}

static enum err check_tensor(const struct model_tensor *want, const struct safetensors_tensor *have,
                             struct fault *fault)
{
    if (!have)
        return fault_set(fault, ERR_MISMATCH, "model file: tensor %s is missing", want->name);
    if (have->type != SAFETENSORS_F32)
        return fault_set(fault, ERR_MISMATCH, "model file: tensor %s is not F32", want->name);
    if (have->rank != want->rank || have->shape[0] != want->shape[0] ||
        (want->rank == 2 && have->shape[1] != want->shape[1]))
        return fault_set(fault, ERR_MISMATCH,
                         "model file: tensor %s has another shape than the program's", want->name);
    for (uint32_t i = 0; i < want->count; i++) {
        uint32_t bits;
        memcpy(&bits, have->data.data + 4 * (size_t)i, sizeof(bits));
        if ((bits & 0x7f800000u) == 0x7f800000u)
            return fault_set(fault, ERR_MALFORMED,
                             "model file: element %u of tensor %s is not finite", i, want->name);
    }
    return ERR_NONE;
}

enum err model_read(const struct program *program, float *parameters, struct bytes file,
                    struct fault *fault)
{
    struct safetensors_tensor tensors[SAFETENSORS_TENSORS_MAX];
    uint32_t count, wanted = model_tensor_count(program);
    enum err err = safetensors_read(tensors, &count, SAFETENSORS_TENSORS_MAX, file, fault);
    if (err)
        return err;
    if (program->family == PROGRAM_GPT)
        count = without_trimmings(tensors, count);
    if (program->family == PROGRAM_GPT && (err = without_head(tensors, &count, fault)))
        return err;
    if (count != wanted)
        return fault_set(fault, ERR_MISMATCH, "model file: %u tensors where the program has %u",
                         count, wanted);
    for (uint32_t i = 0; i < wanted; i++) {
        struct model_tensor tensor = model_tensor(program, i);
        err = check_tensor(&tensor, find(tensors, count, tensor.name), fault);
        if (err)
            return err;
    }
    for (uint32_t i = 0; i < wanted; i++) {
        struct model_tensor tensor = model_tensor(program, i);
        const struct safetensors_tensor *have = find(tensors, count, tensor.name);
        memcpy(parameters + tensor.offset, have->data.data, have->data.size);
    }
    return ERR_NONE;
}
