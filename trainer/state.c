#include "trainer/state.h"

#include "base/check.h"
#include "trainer/delta.h"
#include "trainer/model.h"

#include <stdlib.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "a tensor's canonical bytes are its memory");

/* --- chunk 0 --- */

static const struct record_field shape_fields[] = {
    RECORD_TEXT(struct state_shape, name, 32),
    RECORD_UINT(struct state_shape, type),
    RECORD_UINT(struct state_shape, count),
};

static const struct record shape_record = RECORD(struct state_shape, "tensor", shape_fields);

static const struct record_field header_fields[] = {
    RECORD_UINT(struct state_header, profile),
    RECORD_UINT(struct state_header, kind),
    RECORD_FIXED(struct state_header, program, RECORD_AS_HEX),
    RECORD_FIXED(struct state_header, data, RECORD_AS_HEX),
    RECORD_UINT(struct state_header, round),
    RECORD_UINT(struct state_header, slot),
    RECORD_UINT(struct state_header, steps),
    RECORD_UINT(struct state_header, step),
    RECORD_UINT(struct state_header, beta1_power),
    RECORD_UINT(struct state_header, beta2_power),
    RECORD_LIST(struct state_header, tensors, tensor_count, STATE_PARTS, &shape_record),
};

const struct record state_header_record = RECORD(struct state_header, "state", header_fields);

#define TYPE_FLOAT 1
#define TYPE_BYTE  2
#define TYPE_HALF  3 /* of a byte */

static const struct {
    const char *name;
    uint8_t type;
} parts[STATE_PARTS] = {
    [STATE_PARAMETERS] = {"parameters", TYPE_FLOAT},
    [STATE_OUTER] = {"outer", TYPE_FLOAT},
    [STATE_ANCHOR] = {"anchor", TYPE_FLOAT},
    [STATE_MOMENT1] = {"moment1", TYPE_FLOAT},
    [STATE_MOMENT2] = {"moment2", TYPE_FLOAT},
    [STATE_RESIDUE] = {"residue", TYPE_FLOAT},
    [STATE_DELTA] = {"delta", TYPE_BYTE},
    [STATE_EXPONENTS] = {"exponents", TYPE_BYTE},
};

static struct bytes pack_header(const struct state *state, uint8_t room[LIMIT_CHUNK_BYTES])
{
    struct state_shape shapes[STATE_PARTS];
    struct state_header header = {
        .profile = PROGRAM_PROFILE,
        .kind = (uint8_t)state->kind,
        .program = state->program,
        .data = state->data,
        .round = state->round,
        .slot = state->slot,
        .steps = state->steps,
        .step = state->step,
        .beta1_power = program_bits(state->beta1_power),
        .beta2_power = program_bits(state->beta2_power),
        .tensors = shapes,
    };
    for (int i = 0; i < STATE_PARTS; i++)
        if (state->tensors[i].data)
            shapes[header.tensor_count++] = (struct state_shape){
                bytes_text(parts[i].name), state->tensors[i].type, state->tensors[i].count};
    struct pack_writer writer;
    pack_init(&writer, room, LIMIT_CHUNK_BYTES);
    record_pack(&writer, &state_header_record, &header);
    CHECK(!writer.failed);
    return bytes_of(room, writer.used);
}

/* --- layout --- */

static uint32_t count_of(const struct program *program, enum state_kind kind, enum state_part part)
{
    uint32_t count = program_parameter_count(program);
    switch (part) {
    case STATE_PARAMETERS:
        return count;
    case STATE_OUTER:
        return kind == STATE_GLOBAL ? count : 0;
    case STATE_MOMENT2:
        return kind == STATE_SEGMENT && program->optimizer == PROGRAM_ADAMW ? count : 0;
    case STATE_ANCHOR:
    case STATE_MOMENT1:
    case STATE_RESIDUE:
    case STATE_DELTA:
        return kind == STATE_SEGMENT ? count : 0;
    case STATE_EXPONENTS:
        return kind == STATE_SEGMENT ? delta_block_count(count) : 0;
    case STATE_PARTS:
        break;
    }
    return 0;
}

static size_t size_of(const struct state_tensor *tensor)
{
    return tensor->type == TYPE_FLOAT
               ? tensor->count * sizeof(float)
               : delta_size(tensor->count, tensor->type == TYPE_HALF ? 4 : 8);
}

/* Fills all of `state` that follows from program and kind but the memory; the size of that is the result. */
static size_t lay_out(struct state *state, const struct program *program, enum state_kind kind)
{
    *state = (struct state){.kind = kind, .beta1_power = 1, .beta2_power = 1};
    state->parameter_count = program_parameter_count(program);
    state->chunk_count = 1;
    size_t bytes = 0;
    for (int i = 0; i < STATE_PARTS; i++) {
        struct state_tensor *tensor = &state->tensors[i];
        tensor->count = count_of(program, kind, (enum state_part)i);
        tensor->type = i == STATE_DELTA && program->bits == 4 ? TYPE_HALF : parts[i].type;
        tensor->size = size_of(tensor);
        tensor->chunk = state->chunk_count;
        state->chunk_count += (tensor->size + LIMIT_CHUNK_BYTES - 1) / LIMIT_CHUNK_BYTES;
        bytes += (tensor->size + 63) / 64 * 64;
    }
    return bytes;
}

uint64_t state_chunk_count(const struct program *program, enum state_kind kind)
{
    struct state state;
    lay_out(&state, program, kind);
    return state.chunk_count;
}

enum err state_init(struct state *state, const struct program *program, enum state_kind kind,
                    struct fault *fault)
{
    struct state made;
    size_t bytes = lay_out(&made, program, kind);
    made.memory = aligned_alloc(64, bytes);
    made.ids = calloc(made.chunk_count, sizeof(*made.ids));
    if (!made.memory || !made.ids) {
        state_release(&made);
        return fault_set(fault, ERR_LIMIT, "no memory for a state of %zu bytes", bytes);
    }
    memset(made.memory, 0, bytes);
    uint8_t *next = made.memory;
    for (int i = 0; i < STATE_PARTS; i++)
        if (made.tensors[i].count > 0) {
            made.tensors[i].data = next;
            next += (made.tensors[i].size + 63) / 64 * 64;
            made.stale |= 1u << i;
        }
    made.program = program_digest(program);
    *state = made;
    return ERR_NONE;
}

void state_release(struct state *state)
{
    free(state->memory);
    free(state->ids);
    *state = (struct state){0};
}

void state_begin(struct state *state, const struct program *program, const struct digest *data)
{
    CHECK(state->kind == STATE_GLOBAL);
    state->data = *data;
    model_seed(program, state_floats(state, STATE_PARAMETERS));
    state_changed(state, STATE_PARAMETERS);
}

void state_copy(struct state *to, const struct state *from)
{
    CHECK(to->kind == from->kind);
    CHECK(digest_equal(&to->program, &from->program));
    struct state copy = *from;
    copy.memory = to->memory;
    copy.ids = to->ids;
    memcpy(copy.ids, from->ids, from->chunk_count * sizeof(*copy.ids));
    for (int i = 0; i < STATE_PARTS; i++)
        if (from->tensors[i].data) {
            copy.tensors[i].data = to->tensors[i].data;
            memcpy(copy.tensors[i].data, from->tensors[i].data, from->tensors[i].size);
        }
    *to = copy;
}

void state_follow(struct state *to, const struct state *from)
{
    CHECK(to->kind == from->kind);
    CHECK(digest_equal(&to->program, &from->program));
    to->data = from->data;
    to->round = from->round;
    to->slot = from->slot;
    to->steps = from->steps;
    to->step = from->step;
    to->beta1_power = from->beta1_power;
    to->beta2_power = from->beta2_power;
    to->stale |= from->stale;
    for (int i = 0; i < STATE_PARTS; i++)
        if (from->stale & 1u << i && from->tensors[i].data)
            memcpy(to->tensors[i].data, from->tensors[i].data, from->tensors[i].size);
}

float *state_floats(const struct state *state, enum state_part part)
{
    CHECK(parts[part].type == TYPE_FLOAT);
    return state->tensors[part].data;
}

int8_t *state_bytes(const struct state *state, enum state_part part)
{
    CHECK(parts[part].type == TYPE_BYTE);
    return state->tensors[part].data;
}

void state_changed(struct state *state, enum state_part part)
{
    state->stale |= 1u << part;
}

/* --- chunks --- */

static size_t chunk_end(const struct state_tensor *tensor, size_t from)
{
    size_t left = tensor->size - from;
    return from + (left < LIMIT_CHUNK_BYTES ? left : LIMIT_CHUNK_BYTES);
}

/* Where chunk `index` >= 1 is kept. */
static struct bytes place(const struct state *state, uint64_t index)
{
    CHECK(index >= 1);
    CHECK(index < state->chunk_count);
    int part = STATE_PARTS - 1;
    while (state->tensors[part].chunk > index || !state->tensors[part].data)
        part--;
    const struct state_tensor *tensor = &state->tensors[part];
    size_t from = (size_t)(index - tensor->chunk) * LIMIT_CHUNK_BYTES;
    return bytes_of((const uint8_t *)tensor->data + from, chunk_end(tensor, from) - from);
}

struct bytes state_chunk(const struct state *state, uint64_t index, uint8_t room[LIMIT_CHUNK_BYTES])
{
    return index == 0 ? pack_header(state, room) : place(state, index);
}

static void refresh(struct state *state)
{
    uint8_t room[LIMIT_CHUNK_BYTES];
    struct bytes header = pack_header(state, room);
    state->ids[0] = merkle_leaf(header.data, header.size);
    for (int i = 0; i < STATE_PARTS; i++) {
        const struct state_tensor *tensor = &state->tensors[i];
        if (!(state->stale & 1u << i) || !tensor->data)
            continue;
        struct digest *id = &state->ids[tensor->chunk];
        for (size_t from = 0; from < tensor->size; from = chunk_end(tensor, from))
            *id++ =
                merkle_leaf((const uint8_t *)tensor->data + from, chunk_end(tensor, from) - from);
    }
    state->stale = 0;
}

void state_chunk_ids(struct state *state, struct digest *ids)
{
    refresh(state);
    memcpy(ids, state->ids, state->chunk_count * sizeof(*ids));
}

struct digest state_root(struct state *state)
{
    refresh(state);
    return merkle_root(state->ids, state->chunk_count);
}

/* --- loading --- */

static enum err take_header(struct state *state, const struct state_header *header,
                            struct bytes chunk, struct fault *fault)
{
    if (header->profile != PROGRAM_PROFILE)
        return fault_set(fault, ERR_MISMATCH, "state: numeric profile %u is not %u (f32-v1)",
                         header->profile, PROGRAM_PROFILE);
    if (header->kind != state->kind)
        return fault_set(fault, ERR_MISMATCH, "state: kind %u where %u is wanted", header->kind,
                         state->kind);
    if (!digest_equal(&header->program, &state->program))
        return fault_set(fault, ERR_MISMATCH, "state: it belongs to another program");
    bool global = header->kind == STATE_GLOBAL;
    uint32_t one = program_bits(1.0f);
    if (global ? header->steps != 0 || header->slot != 0
               : header->steps < 1 || header->steps > PROGRAM_STEPS_MAX)
        return fault_set(fault, ERR_MALFORMED, "state: slot %u with %u steps is impossible",
                         header->slot, header->steps);
    if (header->step > header->steps)
        return fault_set(fault, ERR_MALFORMED, "state: step %u of %u is impossible", header->step,
                         header->steps);
    if (header->beta1_power > one || header->beta2_power > one ||
        (header->step == 0 && (header->beta1_power != one || header->beta2_power != one)))
        return fault_set(fault, ERR_MALFORMED, "state: powers of beta are impossible at step %u",
                         header->step);

    state->data = header->data;
    state->round = header->round;
    state->slot = header->slot;
    state->steps = header->steps;
    state->step = header->step;
    state->beta1_power = program_float(header->beta1_power);
    state->beta2_power = program_float(header->beta2_power);
    uint8_t room[LIMIT_CHUNK_BYTES];
    if (!bytes_equal(pack_header(state, room), chunk))
        return fault_set(fault, ERR_MISMATCH,
                         "state: it describes other tensors than the program's");
    return ERR_NONE;
}

static enum err load_header(struct state *state, struct bytes chunk, struct fault *fault)
{
    struct arena arena;
    arena_init(&arena, LIMIT_CHUNK_BYTES);
    struct state_header header;
    enum err err = record_unpack(&arena, &state_header_record, &header, chunk, fault);
    if (!err)
        err = take_header(state, &header, chunk, fault);
    arena_release(&arena);
    return err;
}

/* Finite everywhere, and nothing small where a round or segment starts: it would slow honest work down. */
static enum err check_floats(const struct state *state, int part, struct fault *fault)
{
    const uint32_t infinite = 0x7f800000u, small = program_bits(0x1p-100f);
    bool starts = state->step == 0;
    const uint8_t *data = state->tensors[part].data;
    for (uint32_t i = 0; i < state->tensors[part].count; i++) {
        uint32_t bits;
        memcpy(&bits, data + (size_t)i * sizeof(bits), sizeof(bits));
        bits &= 0x7fffffffu;
        if (bits >= infinite)
            return fault_set(fault, ERR_MALFORMED, "state: element %u of %s is not finite", i,
                             parts[part].name);
        if (starts && bits != 0 && bits < small)
            return fault_set(fault, ERR_MALFORMED,
                             "state: element %u of %s is below 2^-100 in magnitude", i,
                             parts[part].name);
    }
    return ERR_NONE;
}

enum err state_load(struct state *state, const struct digest *root, const struct bytes *chunks,
                    uint64_t count, struct fault *fault)
{
    if (count != state->chunk_count)
        return fault_set(fault, ERR_MISMATCH, "state: %llu chunks where this program's have %llu",
                         (unsigned long long)count, (unsigned long long)state->chunk_count);
    for (uint64_t i = 0; i < count; i++)
        state->ids[i] = merkle_leaf(chunks[i].data, chunks[i].size);
    state->stale = UINT32_MAX;
    struct digest have = merkle_root(state->ids, count);
    if (!digest_equal(&have, root)) {
        char have_text[DIGEST_TEXT_SIZE], root_text[DIGEST_TEXT_SIZE];
        digest_text(have_text, &have);
        digest_text(root_text, root);
        return fault_set(fault, ERR_MISMATCH, "state: these chunks have root %s, not %s", have_text,
                         root_text);
    }
    enum err err = load_header(state, chunks[0], fault);
    for (uint64_t i = 1; !err && i < count; i++) {
        struct bytes to = place(state, i);
        if (chunks[i].size != to.size)
            err = fault_set(fault, ERR_MALFORMED, "state: chunk %llu has %zu bytes, not %zu",
                            (unsigned long long)i, chunks[i].size, to.size);
        else
            memcpy((uint8_t *)to.data, chunks[i].data, to.size);
    }
    for (int i = 0; !err && i < STATE_PARTS; i++)
        if (parts[i].type == TYPE_FLOAT && state->tensors[i].data)
            err = check_floats(state, i, fault);
    if (!err)
        state->stale = 0;
    return err;
}
