#include "trainer/model.h"

#include <math.h>

#include "test/unit/sample.h"
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

HARNESS_MAIN("model", tensors_stand_one_after_the_other,
             weights_are_spread_over_their_range_and_biases_zero, a_model_survives_its_file,
             another_program_s_file_is_refused, numbers_that_aren_t_finite_are_refused)
