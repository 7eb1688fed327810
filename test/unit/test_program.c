#include "trainer/program.h"

#include "test/unit/sample.h"

static struct sample sample;

static const struct program *fresh(void)
{
    sample_program(&sample);
    return &sample.program;
}

static void expect(enum err want, const char *sentence)
{
    struct fault fault = {0};
    ck_assert_int_eq(program_check(&sample.program, &fault), want);
    ck_assert_str_eq(fault.text, sentence);
}

START_TEST(a_program_survives_packing)
{
    struct arena arena;
    arena_init(&arena, 1 << 16);
    struct bytes packed = record_bytes(&arena, &program_record, fresh());
    ck_assert_uint_le(packed.size, PROGRAM_BYTES_MAX);
    struct program got;
    ck_assert_int_eq(program_unpack(&arena, &got, packed, NULL), ERR_NONE);
    ck_assert_uint_eq(got.layer_count, 3);
    ck_assert_uint_eq(got.layers[1].width, 20);
    struct digest a = program_digest(&got), b = digest_of(packed.data, packed.size);
    ck_assert(digest_equal(&a, &b));
    arena_release(&arena);
}
END_TEST

START_TEST(every_number_changes_the_digest)
{
    struct digest before = program_digest(fresh());
    uint32_t *numbers[] = {
        &sample.program.batch,      &sample.program.learning_rate,  &sample.program.beta1,
        &sample.program.beta2,      &sample.program.epsilon,        &sample.program.weight_decay,
        &sample.program.outer_rate, &sample.program.outer_momentum, &sample.program.steps,
        &sample.program.interval,   &sample.layers[0].width,        &sample.layers[2].width};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        ++*numbers[i];
        struct digest after = program_digest(&sample.program);
        ck_assert(!digest_equal(&before, &after));
        --*numbers[i];
    }
    sample.program.seed++;
    struct digest after = program_digest(&sample.program);
    ck_assert(!digest_equal(&before, &after));
}
END_TEST

START_TEST(sizes_are_those_of_the_layers)
{
    fresh();
    ck_assert_uint_eq(program_parameter_count(&sample.program), 32 * 20 + 20 + 20 * 3 + 3);
    ck_assert_uint_eq(program_inputs(&sample.program), 32);
    ck_assert_uint_eq(program_classes(&sample.program), 3);
}
END_TEST

START_TEST(bad_sizes_are_named)
{
    fresh();
    sample.program.profile = 2;
    expect(ERR_MALFORMED, "program: numeric profile 2 is not 1 (f32-v1)");
    fresh();
    sample.program.family = 9;
    expect(ERR_MALFORMED, "program: there is no model family 9");
    fresh();
    sample.program.layer_count = 1;
    expect(ERR_LIMIT, "program: 1 layers; 2 to 8 are possible");
    fresh();
    sample.layers[1].width = 0;
    expect(ERR_LIMIT, "program: layer 1 has width 0; 1 to 16384 are possible");
    fresh();
    sample.layers[0].width = 16384;
    sample.layers[1].width = 16384;
    expect(ERR_LIMIT, "program: 268500995 parameters; at most 67108864 are possible");
    fresh();
    sample.program.batch = 0;
    expect(ERR_LIMIT, "program: a batch of 0 rows; at least 1 is needed");
    sample.program.batch = 2000000;
    expect(ERR_LIMIT,
           "program: a batch of 2000000 rows; 1 to 1220161 are possible with these layers");
    sample.program.batch = 1220161;
    ck_assert_int_eq(program_check(&sample.program, NULL), ERR_NONE);
}
END_TEST

START_TEST(bad_numbers_are_named)
{
    fresh();
    sample.program.optimizer = 0;
    expect(ERR_MALFORMED, "program: there is no optimizer 0");
    fresh();
    sample.program.learning_rate = 0x7fc00000;
    expect(ERR_MALFORMED, "program: learning_rate (bits 7fc00000) is not between 2^-60 and 2^10");
    fresh();
    sample.program.beta1 = program_bits(-0.0f);
    expect(ERR_MALFORMED, "program: beta1 (bits 80000000) is not at least 0 and below 1");
    fresh();
    sample.program.beta2 = program_bits(1.0f);
    expect(ERR_MALFORMED, "program: beta2 (bits 3f800000) is not at least 0 and below 1");
    fresh();
    sample.program.epsilon = 0;
    expect(ERR_MALFORMED, "program: epsilon (bits 00000000) is not between 2^-60 and 1");
    fresh();
    sample.program.weight_decay = 1;
    expect(ERR_MALFORMED, "program: weight_decay (bits 00000001) is not 0 or between 2^-60 and 1");
    fresh();
    sample.program.outer_rate = program_bits(1025.0f);
    expect(ERR_MALFORMED, "program: outer_rate (bits 44802000) is not between 2^-60 and 2^10");
    fresh();
    sample.program.outer_momentum = 0x7f800000;
    expect(ERR_MALFORMED, "program: outer_momentum (bits 7f800000) is not at least 0 and below 1");
    fresh();
    sample.program.optimizer = PROGRAM_SGD;
    expect(ERR_MALFORMED, "program: beta2 or epsilon (bits 3f7ffe77) is not 0, as SGD wants it");
    sample.program.beta2 = sample.program.epsilon = 0;
    ck_assert_int_eq(program_check(&sample.program, NULL), ERR_NONE);
}
END_TEST

START_TEST(bad_steps_are_named)
{
    fresh();
    sample.program.steps = 0;
    expect(ERR_LIMIT, "program: 0 steps a segment; 1 to 1048576 are possible");
    fresh();
    sample.program.interval = 11;
    expect(ERR_LIMIT, "program: an interval of 11 steps; 1 to 10 are possible");
    fresh();
    sample.program.steps = 1025;
    sample.program.interval = 1;
    expect(ERR_LIMIT, "program: more than 1024 intervals a segment");
    sample.program.steps = 1024;
    ck_assert_int_eq(program_check(&sample.program, NULL), ERR_NONE);
}
END_TEST

START_TEST(oversize_and_foreign_bytes_are_refused)
{
    struct arena arena;
    arena_init(&arena, 1 << 16);
    static const uint8_t big[PROGRAM_BYTES_MAX + 1];
    struct program got;
    struct fault fault = {0};
    ck_assert_int_eq(program_unpack(&arena, &got, bytes_of(big, sizeof(big)), &fault), ERR_LIMIT);
    ck_assert_str_eq(fault.text, "program: 257 bytes; at most 256 are possible");
    ck_assert_int_eq(program_unpack(&arena, &got, bytes_of(big, 5), NULL), ERR_MALFORMED);
    arena_release(&arena);
}
END_TEST

HARNESS_MAIN("program", a_program_survives_packing, every_number_changes_the_digest,
             sizes_are_those_of_the_layers, bad_sizes_are_named, bad_numbers_are_named,
             bad_steps_are_named, oversize_and_foreign_bytes_are_refused)
