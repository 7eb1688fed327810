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
    return 2 * (program->layer_count - 1);
}

struct model_tensor model_tensor(const struct program *program, uint32_t index)
{
    CHECK(index < model_tensor_count(program));
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
    tensor.count = tensor.shape[0] * tensor.shape[1];
    const char *part = index % 2 == 0 ? ".weight" : ".bias";
    memcpy(tensor.name, "layers.", 7);
    tensor.name[7] = (char)('0' + layer); /* below PROGRAM_LAYERS_MAX, one digit */
    memcpy(tensor.name + 8, part, strlen(part) + 1);
    return tensor;
}

void model_seed(const struct program *program, float *parameters)
{
    uint32_t before = kernel_control_set();
    for (uint32_t t = 0; t < model_tensor_count(program); t++) {
        struct model_tensor tensor = model_tensor(program, t);
        float *out = parameters + tensor.offset;
        if (tensor.rank == 1) {
            memset(out, 0, tensor.count * sizeof(float));
            continue;
        }
        float limit = sqrtf(6.0f / (float)tensor.shape[1]);
        struct philox_block block = {{0}};
        for (uint32_t i = 0; i < tensor.count; i++) {
            if (i % 4 == 0)
                block = philox(program->seed, philox_stream_weights(t / 2), i / 4);
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

static const struct safetensors_tensor *find(const struct safetensors_tensor *tensors,
                                             uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (bytes_equal(tensors[i].name, bytes_text(name)))
            return &tensors[i];
    return NULL;
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
    struct safetensors_tensor tensors[MODEL_TENSORS_MAX];
    uint32_t count, wanted = model_tensor_count(program);
    enum err err = safetensors_read(tensors, &count, MODEL_TENSORS_MAX, file, fault);
    if (err)
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
