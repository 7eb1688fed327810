#include "trainer/state.h"

#include <math.h>

#include "test/unit/sample.h"

/* A state with every header field set, and its chunks. */
static struct sample *s;
static struct state state;
static struct sample_chunks chunks;

static void setup(void)
{
    s = sample_new();
    state = sample_start(s, 3);
    state.step = 4;
    state.beta1_power = 0.5f;
    float *residue = state_floats(&state, STATE_RESIDUE);
    residue[7] = -0.25f;
    state_changed(&state, STATE_RESIDUE);
    chunks = sample_chunks_of(&state);
}

static void teardown(void)
{
    sample_chunks_free(&chunks);
    state_release(&state);
    sample_free(s);
}

/* Loads the chunks under their own root. */
static enum err load(struct state *into, struct fault *fault)
{
    struct digest ids[16];
    ck_assert_uint_le(chunks.count, 16);
    for (uint64_t i = 0; i < chunks.count; i++)
        ids[i] = merkle_leaf(chunks.list[i].data, chunks.list[i].size);
    struct digest root = merkle_root(ids, chunks.count);
    return state_load(into, &root, chunks.list, chunks.count, fault);
}

static void expect(enum err want, const char *sentence)
{
    struct state into;
    struct fault fault = {0};
    ck_assert_int_eq(state_init(&into, &s->program, STATE_SEGMENT, NULL), ERR_NONE);
    ck_assert_int_eq(load(&into, &fault), want);
    ck_assert_str_eq(fault.text, sentence);
    state_release(&into);
}

START_TEST(the_root_is_over_the_header_and_each_tensor)
{
    setup();
    ck_assert_uint_eq(state.chunk_count, 8); /* header and seven tensors of one chunk each */
    ck_assert_uint_eq(state_chunk_count(&s->program, STATE_SEGMENT), 8);
    ck_assert_uint_eq(state_chunk_count(&s->program, STATE_GLOBAL), 3);
    ck_assert_uint_eq(chunks.list[1].size, 723 * 4);
    ck_assert_uint_eq(chunks.list[6].size, 723);
    ck_assert_uint_eq(chunks.list[7].size, 1);
    struct digest ids[8], kept[8];
    for (int i = 0; i < 8; i++)
        ids[i] = merkle_leaf(chunks.list[i].data, chunks.list[i].size);
    state_chunk_ids(&state, kept);
    ck_assert_int_eq(memcmp(ids, kept, sizeof(ids)), 0);
    struct digest want = merkle_root(ids, 8), got = state_root(&state);
    ck_assert(digest_equal(&got, &want));
    teardown();
}
END_TEST

START_TEST(a_large_tensor_is_cut_at_64_kib)
{
    setup();
    s->layers[1].width = 600; /* 32 * 600 + 600 + 600 * 3 + 3 = 21,603 parameters: 86,412 bytes */
    struct state large;
    ck_assert_int_eq(state_init(&large, &s->program, STATE_GLOBAL, NULL), ERR_NONE);
    uint8_t room[LIMIT_CHUNK_BYTES];
    ck_assert_uint_eq(large.chunk_count, 5);
    ck_assert_uint_eq(state_chunk(&large, 1, room).size, 65536);
    ck_assert_uint_eq(state_chunk(&large, 2, room).size, 86412 - 65536);
    ck_assert_ptr_eq(state_chunk(&large, 3, room).data, state_floats(&large, STATE_OUTER));
    state_release(&large);
    teardown();
}
END_TEST

START_TEST(every_header_field_and_float_is_bound_by_the_root)
{
    setup();
    struct digest before = state_root(&state);
    for (int i = 0; i < 8; i++) {
        struct state changed;
        ck_assert_int_eq(state_init(&changed, &s->program, STATE_SEGMENT, NULL), ERR_NONE);
        state_copy(&changed, &state);
        changed.round += i == 0;
        changed.slot += i == 1;
        changed.steps += i == 2;
        changed.step += i == 3;
        changed.beta1_power += i == 4;
        changed.beta2_power -= i == 5;
        changed.data.bytes[31] ^= i == 6;
        if (i == 7) {
            state_bytes(&changed, STATE_DELTA)[722] = 1;
            state_changed(&changed, STATE_DELTA);
        }
        struct digest after = state_root(&changed);
        ck_assert(!digest_equal(&before, &after));
        state_release(&changed);
    }
    teardown();
}
END_TEST

START_TEST(a_state_survives_its_chunks)
{
    setup();
    struct state got;
    ck_assert_int_eq(state_init(&got, &s->program, STATE_SEGMENT, NULL), ERR_NONE);
    ck_assert_int_eq(load(&got, NULL), ERR_NONE);
    struct digest a = state_root(&state), b = state_root(&got);
    ck_assert(digest_equal(&a, &b));
    ck_assert_uint_eq(got.step, 4);
    ck_assert_uint_eq(got.slot, 3);
    ck_assert(got.beta1_power == 0.5f);
    ck_assert(state_floats(&got, STATE_RESIDUE)[7] == -0.25f);
    ck_assert_ptr_null(state_floats(&got, STATE_OUTER));
    state_release(&got);
    teardown();
}
END_TEST

START_TEST(a_flipped_bit_anywhere_is_refused)
{
    setup();
    struct state into;
    struct digest root = state_root(&state);
    ck_assert_int_eq(state_init(&into, &s->program, STATE_SEGMENT, NULL), ERR_NONE);
    for (uint64_t i = 0; i < chunks.count; i++)
        for (size_t at = 0; at < chunks.list[i].size; at += 97) {
            uint8_t *byte = (uint8_t *)chunks.list[i].data + at;
            *byte ^= 1u << at % 8;
            if (state_load(&into, &root, chunks.list, chunks.count, NULL) != ERR_MISMATCH)
                ck_abort_msg("byte %zu of chunk %d", at, (int)i);
            *byte ^= 1u << at % 8;
        }
    ck_assert_int_eq(state_load(&into, &root, chunks.list, chunks.count, NULL), ERR_NONE);
    struct fault fault = {0};
    ck_assert_int_eq(state_load(&into, &digest_zero, chunks.list, chunks.count - 1, &fault),
                     ERR_MISMATCH);
    ck_assert_str_eq(fault.text, "state: 7 chunks where this program's have 8");
    ck_assert_int_eq(state_load(&into, &digest_zero, chunks.list, chunks.count, &fault),
                     ERR_MISMATCH);
    ck_assert_ptr_nonnull(strstr(fault.text, "state: these chunks have root "));
    state_release(&into);
    teardown();
}
END_TEST

/* Replaces chunk 0 by a header that was changed by `change`. */
static void expect_header(void (*change)(struct state_header *header), enum err want,
                          const char *sentence)
{
    setup();
    struct arena arena;
    arena_init(&arena, 1 << 16);
    struct state_header header;
    ck_assert_int_eq(record_unpack(&arena, &state_header_record, &header, chunks.list[0], NULL),
                     ERR_NONE);
    change(&header);
    chunks.list[0] = record_bytes(&arena, &state_header_record, &header);
    expect(want, sentence);
    arena_release(&arena);
    teardown();
}

static void other_profile(struct state_header *header)
{
    header->profile = 2;
}

static void other_kind(struct state_header *header)
{
    header->kind = STATE_GLOBAL;
}

static void other_program(struct state_header *header)
{
    header->program.bytes[0] ^= 1;
}

static void late_step(struct state_header *header)
{
    header->step = 11;
}

static void no_steps(struct state_header *header)
{
    header->steps = 0;
}

static void wrong_power(struct state_header *header)
{
    header->beta2_power = 0x7fc00000;
}

static void wrong_start(struct state_header *header)
{
    header->step = 0;
}

static void wrong_tensor(struct state_header *header)
{
    header->tensors[2].count++;
}

START_TEST(headers_that_contradict_are_refused)
{
    expect_header(other_profile, ERR_MISMATCH, "state: numeric profile 2 is not 1 (f32-v1)");
    expect_header(other_kind, ERR_MISMATCH, "state: kind 1 where 2 is wanted");
    expect_header(other_program, ERR_MISMATCH, "state: it belongs to another program");
    expect_header(late_step, ERR_MALFORMED, "state: step 11 of 10 is impossible");
    expect_header(no_steps, ERR_MALFORMED, "state: slot 3 with 0 steps is impossible");
    expect_header(wrong_power, ERR_MALFORMED, "state: powers of beta are impossible at step 4");
    expect_header(wrong_start, ERR_MALFORMED, "state: powers of beta are impossible at step 0");
    expect_header(wrong_tensor, ERR_MISMATCH,
                  "state: it describes other tensors than the program's");
}
END_TEST

START_TEST(chunks_of_a_wrong_size_and_odd_floats_are_refused)
{
    setup();
    chunks.list[4].size -= 4;
    expect(ERR_MALFORMED, "state: chunk 4 has 2888 bytes, not 2892");
    chunks.list[4].size += 4;
    float bad = NAN, small = 0x1p-101f;
    memcpy((uint8_t *)chunks.list[3].data + 40, &bad, 4);
    expect(ERR_MALFORMED, "state: element 10 of moment1 is not finite");
    memcpy((uint8_t *)chunks.list[3].data + 40, &small, 4);
    expect(ERR_NONE, ""); /* it may arise within a segment */
    teardown();
}
END_TEST

START_TEST(a_start_with_small_numbers_is_refused)
{
    setup();
    sample_chunks_free(&chunks);
    state.step = 0;
    state.beta1_power = 1;
    state_floats(&state, STATE_RESIDUE)[2] = -0x1p-101f;
    chunks = sample_chunks_of(&state);
    expect(ERR_MALFORMED, "state: element 2 of residue is below 2^-100 in magnitude");
    float least = 0x1p-100f;
    memcpy((uint8_t *)chunks.list[5].data + 8, &least, 4);
    expect(ERR_NONE, "");
    teardown();
}
END_TEST

HARNESS_MAIN("state", the_root_is_over_the_header_and_each_tensor, a_large_tensor_is_cut_at_64_kib,
             every_header_field_and_float_is_bound_by_the_root, a_state_survives_its_chunks,
             a_flipped_bit_anywhere_is_refused, headers_that_contradict_are_refused,
             chunks_of_a_wrong_size_and_odd_floats_are_refused,
             a_start_with_small_numbers_is_refused)
