#include "trainer/model.h"

#include <math.h>

#include "test/unit/sample.h"
#include "test/unit/story.h"
#include "trainer/safetensors.h"

static struct sample s;
static float parameters[723], got[723]; /* 32 * 20 + 20 + 20 * 3 + 3 */

static struct bytes file_of_seed(void)
{
    static uint8_t file[8192];
    sample_program(&s);
    model_seed(&s.program, parameters);
    size_t size = model_file_size(&s.program);
    ck_assert_uint_le(size, sizeof(file));
    model_write(&s.program, parameters, file);
    return bytes_of(file, size);
}

START_TEST(tensors_stand_one_after_the_other)
{
    static const struct model_tensor want[] = {
        {"layers.0.weight", 2, {20, 32}, 0, 640},
        {"layers.0.bias", 1, {20, 1}, 640, 20},
        {"layers.1.weight", 2, {3, 20}, 660, 60},
        {"layers.1.bias", 1, {3, 1}, 720, 3},
    };
    sample_program(&s);
    ck_assert_uint_eq(model_tensor_count(&s.program), 4);
    for (uint32_t i = 0; i < 4; i++) {
        struct model_tensor tensor = model_tensor(&s.program, i);
        ck_assert_str_eq(tensor.name, want[i].name);
        ck_assert_uint_eq(tensor.rank, want[i].rank);
        ck_assert_uint_eq(tensor.shape[0], want[i].shape[0]);
        ck_assert_uint_eq(tensor.shape[1], want[i].shape[1]);
        ck_assert_uint_eq(tensor.offset, want[i].offset);
        ck_assert_uint_eq(tensor.count, want[i].count);
    }
}
END_TEST

START_TEST(weights_are_spread_over_their_range_and_biases_zero)
{
    file_of_seed();
    float limit = sqrtf(6.0f / 32), most = 0, sum = 0;
    for (int i = 0; i < 640; i++) {
        most = fmaxf(most, fabsf(parameters[i]));
        sum += parameters[i];
    }
    ck_assert(most <= limit);
    ck_assert(most > 0.95f * limit);
    ck_assert(fabsf(sum / 640) < 0.1f * limit);
    for (int i = 640; i < 660; i++)
        ck_assert(parameters[i] == 0);
    ck_assert(parameters[0] != parameters[660]);
    memcpy(got, parameters, sizeof(got));
    s.program.seed++;
    model_seed(&s.program, parameters);
    ck_assert(got[0] != parameters[0]);
}
END_TEST

START_TEST(a_model_survives_its_file)
{
    struct bytes file = file_of_seed();
    ck_assert_int_eq(model_read(&s.program, got, file, NULL), ERR_NONE);
    ck_assert_int_eq(memcmp(got, parameters, sizeof(got)), 0);
}
END_TEST

static void expect(struct bytes file, enum err want, const char *sentence)
{
    struct fault fault = {0};
    memset(got, 0, sizeof(got));
    ck_assert_int_eq(model_read(&s.program, got, file, &fault), want);
    ck_assert_str_eq(fault.text, sentence);
    ck_assert(got[0] == 0);
}

START_TEST(another_program_s_file_is_refused)
{
    struct bytes file = file_of_seed();
    s.layers[1].width = 21;
    expect(file, ERR_MISMATCH,
           "model file: tensor layers.0.weight has another shape than the program's");
    s.layers[1].width = 20;
    s.program.layer_count = 2;
    expect(file, ERR_MISMATCH, "model file: 4 tensors where the program has 2");
    s.program.layer_count = 3;
    char *name = memmem(file.data, file.size, "layers.1.bias", 13);
    ck_assert_ptr_nonnull(name);
    name[7] = '7';
    expect(file, ERR_MISMATCH, "model file: tensor layers.1.bias is missing");
}
END_TEST

START_TEST(numbers_that_aren_t_finite_are_refused)
{
    struct bytes file = file_of_seed();
    float bad = -INFINITY;
    memcpy((uint8_t *)file.data + file.size - 4, &bad, 4);
    expect(file, ERR_MALFORMED, "model file: element 2 of tensor layers.1.bias is not finite");
    expect(bytes_of(file.data, file.size - 4), ERR_MALFORMED,
           "safetensors: at byte 420 of the header data_offsets are outside the file");
}
END_TEST

/* --- gpt --- */

START_TEST(tensors_of_a_gpt_are_those_of_the_gpt_2_checkpoint)
{
    static const struct model_tensor want[] = {
        {"wte.weight", 2, {11, 12}, 0, 132},
        {"wpe.weight", 2, {9, 12}, 132, 108},
        {"h.0.ln_1.weight", 1, {12, 1}, 240, 12},
        {"h.0.ln_1.bias", 1, {12, 1}, 252, 12},
        {"h.0.attn.c_attn.weight", 2, {12, 36}, 264, 432},
        {"h.0.attn.c_attn.bias", 1, {36, 1}, 696, 36},
        {"h.0.attn.c_proj.weight", 2, {12, 12}, 732, 144},
        {"h.0.attn.c_proj.bias", 1, {12, 1}, 876, 12},
        {"h.0.ln_2.weight", 1, {12, 1}, 888, 12},
        {"h.0.ln_2.bias", 1, {12, 1}, 900, 12},
        {"h.0.mlp.c_fc.weight", 2, {12, 48}, 912, 576},
        {"h.0.mlp.c_fc.bias", 1, {48, 1}, 1488, 48},
        {"h.0.mlp.c_proj.weight", 2, {48, 12}, 1536, 576},
        {"h.0.mlp.c_proj.bias", 1, {12, 1}, 2112, 12},
        {"h.1.ln_1.weight", 1, {12, 1}, 2124, 12},
    };
    struct story story;
    story_program(&story);
    uint32_t last = model_tensor_count(&story.program) - 1;
    ck_assert_uint_eq(last, 27);
    for (uint32_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        struct model_tensor tensor = model_tensor(&story.program, i);
        ck_assert_str_eq(tensor.name, want[i].name);
        ck_assert_uint_eq(tensor.rank, want[i].rank);
        ck_assert_uint_eq(tensor.shape[0], want[i].shape[0]);
        ck_assert_uint_eq(tensor.shape[1], want[i].shape[1]);
        ck_assert_uint_eq(tensor.offset, want[i].offset);
        ck_assert_uint_eq(tensor.count, want[i].count);
    }
    struct model_tensor tensor = model_tensor(&story.program, last);
    ck_assert_str_eq(tensor.name, "ln_f.bias");
    ck_assert_uint_eq(tensor.offset + tensor.count, program_parameter_count(&story.program));
    story.program.gpt.blocks = 13;
    tensor = model_tensor(&story.program, model_block_tensor(12, MODEL_NARROW_WEIGHT));
    ck_assert_str_eq(tensor.name, "h.12.mlp.c_proj.weight");
    tensor = model_tensor(&story.program, model_tensor_count(&story.program) - 2);
    ck_assert_str_eq(tensor.name, "ln_f.weight");
}
END_TEST

START_TEST(a_gpt_begins_with_gains_of_one_and_narrow_ends_of_branches)
{
    struct story *story = story_new();
    const float *first = state_floats(&story->global, STATE_PARAMETERS);
    for (uint32_t t = 0; t < model_tensor_count(&story->program); t++) {
        struct model_tensor tensor = model_tensor(&story->program, t);
        bool gain = strstr(tensor.name, "ln_") && strstr(tensor.name, "weight");
        float most = 0, limit = strstr(tensor.name, "c_proj") ? 0.01733f : 0.03465f;
        for (uint32_t i = 0; i < tensor.count; i++)
            most = fmaxf(most, fabsf(first[tensor.offset + i] - (gain ? 1.0f : 0)));
        ck_assert(tensor.rank == 1 ? most == 0 : most < limit && most > 0.9f * limit);
    }
    story_free(story);
}
END_TEST

/* Written, then read with masks and prefixes, as other tools leave them. */
START_TEST(a_gpt_survives_its_file_and_another_tool_s)
{
    struct story *story = story_new();
    const float *first = state_floats(&story->global, STATE_PARAMETERS);
    uint32_t count = program_parameter_count(&story->program), found;
    size_t size = model_file_size(&story->program);
    uint8_t *file = malloc(size), *other = malloc(2 * size);
    float *read = calloc(count, sizeof(float)), mask[4] = {1, 0, 1, 1};
    model_write(&story->program, first, file);
    ck_assert_int_eq(model_read(&story->program, read, bytes_of(file, size), NULL), ERR_NONE);
    ck_assert_int_eq(memcmp(read, first, count * sizeof(float)), 0);

    struct safetensors_tensor tensors[40];
    char names[40][48];
    ck_assert_int_eq(safetensors_read(tensors, &found, 40, bytes_of(file, size), NULL), ERR_NONE);
    for (uint32_t i = 0; i < found; i++) {
        memcpy(names[i], "transformer.", 12);
        memcpy(names[i] + 12, tensors[i].name.data, tensors[i].name.size);
        tensors[i].name = bytes_of((const uint8_t *)names[i], 12 + tensors[i].name.size);
    }
    tensors[found++] = (struct safetensors_tensor){.name = bytes_text("transformer.h.1.attn.bias"),
                                                   .rank = 4,
                                                   .shape = {1, 1, 2, 2},
                                                   .data = bytes_of((uint8_t *)mask, sizeof(mask))};
    memset(read, 0, count * sizeof(float));
    safetensors_write(other, tensors, found, NULL, 0);
    struct bytes whole = bytes_of(other, safetensors_size(tensors, found, NULL, 0));
    ck_assert_int_eq(model_read(&story->program, read, whole, NULL), ERR_NONE);
    ck_assert_int_eq(memcmp(read, first, count * sizeof(float)), 0);

    /* the tied output layer, which must be the embedding */
    struct fault fault;
    tensors[found] = tensors[0];
    tensors[found++].name = bytes_text("lm_head.weight");
    safetensors_write(other, tensors, found, NULL, 0);
    whole = bytes_of(other, safetensors_size(tensors, found, NULL, 0));
    ck_assert_int_eq(model_read(&story->program, read, whole, NULL), ERR_NONE);
    other[whole.size - 1] ^= 1;
    ck_assert_int_eq(model_read(&story->program, read, whole, &fault), ERR_MISMATCH);
    ck_assert_str_eq(fault.text, "model file: lm_head.weight is not wte.weight; a gpt shares them");
    free(file);
    free(other);
    free(read);
    story_free(story);
}
END_TEST

HARNESS_MAIN("model", tensors_of_a_gpt_are_those_of_the_gpt_2_checkpoint,
             a_gpt_begins_with_gains_of_one_and_narrow_ends_of_branches,
             a_gpt_survives_its_file_and_another_tool_s, tensors_stand_one_after_the_other,
             weights_are_spread_over_their_range_and_biases_zero, a_model_survives_its_file,
             another_program_s_file_is_refused, numbers_that_aren_t_finite_are_refused)
