#include "trainer/program.h"

#include "test/unit/sample.h"
#include "test/unit/story.h"

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
    expect(ERR_LIMIT, "program: 268500995 parameters; at most 268435456 are possible");
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
    sample.program.bits = 4;
    ck_assert_int_eq(program_check(&sample.program, NULL), ERR_NONE);
    sample.program.bits = 5;
    expect(ERR_MALFORMED, "program: deltas of 5 bits; 8 or 4 are possible");
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

/* --- gpt --- */

static struct story story;

static const struct program *fresh_gpt(void)
{
    story_program(&story);
    return &story.program;
}

static void expect_gpt(enum err want, const char *sentence)
{
    struct fault fault = {0};
    ck_assert_int_eq(program_check(&story.program, &fault), want);
    ck_assert_str_eq(fault.text, sentence);
    fresh_gpt();
}

START_TEST(a_gpt_survives_packing_and_every_number_is_in_its_digest)
{
    struct arena arena;
    struct program got;
    arena_init(&arena, 1 << 16);
    struct bytes packed = record_bytes(&arena, program_record_of(fresh_gpt()), &story.program);
    ck_assert_uint_le(packed.size, PROGRAM_BYTES_MAX);
    ck_assert_int_eq(program_unpack(&arena, &got, packed, NULL), ERR_NONE);
    ck_assert_int_eq(memcmp(&got.gpt, &story.program.gpt, sizeof(got.gpt)), 0);
    struct digest a = program_digest(&got), b = digest_of(packed.data, packed.size);
    ck_assert(digest_equal(&a, &b));
    uint32_t *numbers = (uint32_t *)&got.gpt;
    for (size_t i = 0; i < sizeof(got.gpt) / sizeof(*numbers); i++) {
        numbers[i]++;
        struct digest after = program_digest(&got);
        ck_assert(!digest_equal(&a, &after));
        numbers[i]--;
    }
    arena_release(&arena);
}
END_TEST

START_TEST(sizes_and_work_of_a_gpt_follow_from_its_numbers)
{
    uint64_t work;
    fresh_gpt();
    ck_assert_uint_eq(program_parameter_count(&story.program),
                      (11 + 9 + 2) * 12 + 2 * (12 * 144 + 13 * 12));
    ck_assert_uint_eq(program_classes(&story.program), 11);
    ck_assert_uint_eq(program_rows(&story.program), 27);
    ck_assert_uint_eq(program_micro_batches(&story.program), 2);
    /* a token: 12 width^2 in the matrices of a block, (context + 1) / 2 others twice, and the logits */
    ck_assert(program_work(&work, &story.program));
    ck_assert_uint_eq(work, 3ull * 10 * 2 * 27 * (2 * (12 * 144 + 10 * 12) + 11 * 12));
    ck_assert(program_work(&work, fresh()));
    ck_assert_uint_eq(work, 3ull * 10 * 7 * (32 * 20 + 20 * 3));
}
END_TEST

START_TEST(gpt_2_s_smallest_fits_and_tells_its_memory)
{
    struct fault fault;
    story_program(&story);
    struct program *p = &story.program;
    p->gpt = (struct program_gpt){.blocks = 12,
                                  .heads = 12,
                                  .width = 768,
                                  .context = 1024,
                                  .symbols = 50257,
                                  .micro_batches = 1};
    p->batch = 1;
    ck_assert_int_eq(program_check(p, &fault), ERR_NONE);
    ck_assert_uint_eq(program_parameter_count(p), 124439808);
    /* two global tensors, five of a segment four times, a gradient; four deltas; the activations */
    uint64_t bytes =
        124439808ull * (4 * (2 + 20 + 1) + 4) + 1024ull * (768 * (16 * 12 + 14) + 50257) * 4;
    ck_assert_uint_eq(program_memory_mib(p), bytes / (1 << 20) + 1);
    p->gpt.micro_batches = 2;
    ck_assert_uint_eq(program_memory_mib(p), (bytes + 124439808ull * 4) / (1 << 20) + 1);
    ck_assert_uint_eq(program_memory_mib(fresh()), 1);
}
END_TEST

START_TEST(bad_numbers_of_a_gpt_are_named)
{
    struct program_gpt *g = &story.program.gpt;
    fresh_gpt();
    g->blocks = 65;
    expect_gpt(ERR_LIMIT, "program: blocks is 65; 1 to 64 are possible");
    g->width = 0;
    expect_gpt(ERR_LIMIT, "program: width is 0; 1 to 4096 are possible");
    g->heads = 13;
    expect_gpt(ERR_LIMIT, "program: heads is 13; 1 to 12 are possible");
    g->heads = 5;
    expect_gpt(ERR_LIMIT, "program: a width of 12 can't be cut into 5 heads");
    g->context = 4097;
    expect_gpt(ERR_LIMIT, "program: context is 4097; 1 to 4096 are possible");
    g->symbols = 1;
    expect_gpt(ERR_LIMIT, "program: symbols is 1; 2 to 65536 are possible");
    g->micro_batches = 0;
    expect_gpt(ERR_LIMIT, "program: micro_batches is 0; 1 to 1024 are possible");
    g->width = 4096;
    expect_gpt(ERR_LIMIT, "program: 402849792 parameters; at most 268435456 are possible");
    story.program.batch = 0;
    expect_gpt(ERR_LIMIT,
               "program: a batch of 0 sequences; 1 to 52977 are possible with these sizes");
    story.program.batch = 52978;
    expect_gpt(ERR_LIMIT,
               "program: a batch of 52978 sequences; 1 to 52977 are possible with these sizes");
    story.program.batch = 50000;
    g->micro_batches = 1000;
    expect_gpt(ERR_LIMIT, "program: more than 67108864 tokens a step");
    g->warm_up = PROGRAM_DECAY_MAX + 1;
    expect_gpt(ERR_LIMIT, "program: warm_up is 16777217; 0 to 16777216 are possible");
    g->decay = 3;
    expect_gpt(ERR_LIMIT, "program: decay is 3; 4 to 16777216 are possible");
    g->rate_last = program_bits(0.02f);
    expect_gpt(ERR_MALFORMED,
               "program: rate_last (bits 3ca3d70a) is not 0 or between 2^-60 and learning_rate");
    g->clip = program_bits(-1.0f);
    expect_gpt(ERR_MALFORMED, "program: clip (bits bf800000) is not 0 or between 2^-60 and 2^10");
    g->dropout = PROGRAM_DROPOUT_MAX + 1;
    expect_gpt(ERR_LIMIT, "program: dropout is 3758096385; 0 to 3758096384 are possible");
}
END_TEST

HARNESS_MAIN("program", a_gpt_survives_packing_and_every_number_is_in_its_digest,
             sizes_and_work_of_a_gpt_follow_from_its_numbers,
             gpt_2_s_smallest_fits_and_tells_its_memory, bad_numbers_of_a_gpt_are_named,
             a_program_survives_packing, every_number_changes_the_digest,
             sizes_are_those_of_the_layers, bad_sizes_are_named, bad_numbers_are_named,
             bad_steps_are_named, oversize_and_foreign_bytes_are_refused)
