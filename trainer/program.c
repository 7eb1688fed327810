#include "trainer/program.h"

#include "base/check.h"

static const struct record_field layer_fields[] = {
    RECORD_UINT(struct program_layer, width),
};

static const struct record layer_record = RECORD(struct program_layer, "layer", layer_fields);

static const struct record_field fields[] = {
    RECORD_UINT(struct program, profile),
    RECORD_UINT(struct program, family),
    RECORD_LIST(struct program, layers, layer_count, PROGRAM_LAYERS_MAX, &layer_record),
    RECORD_UINT(struct program, batch),
    RECORD_UINT(struct program, optimizer),
    RECORD_UINT(struct program, learning_rate),
    RECORD_UINT(struct program, beta1),
    RECORD_UINT(struct program, beta2),
    RECORD_UINT(struct program, epsilon),
    RECORD_UINT(struct program, weight_decay),
    RECORD_UINT(struct program, outer_rate),
    RECORD_UINT(struct program, outer_momentum),
    RECORD_UINT(struct program, steps),
    RECORD_UINT(struct program, interval),
    RECORD_UINT(struct program, seed),
};

const struct record program_record = RECORD(struct program, "program", fields);

/* --- the bounds --- */

/* Bits of powers of two; positive floats are in the order of their bits. */
#define BITS_2_M60 0x21800000u
#define BITS_1     0x3f800000u
#define BITS_2_P10 0x44800000u

static enum err check_layers(const struct program *program, struct fault *fault)
{
    if (program->layer_count < 2 || program->layer_count > PROGRAM_LAYERS_MAX)
        return fault_set(fault, ERR_LIMIT, "program: %u layers; 2 to %u are possible",
                         program->layer_count, PROGRAM_LAYERS_MAX);
    uint64_t parameters = 0, widths = 0;
    for (uint32_t i = 0; i < program->layer_count; i++) {
        uint32_t width = program->layers[i].width;
        if (width < 1 || width > PROGRAM_WIDTH_MAX)
            return fault_set(fault, ERR_LIMIT,
                             "program: layer %u has width %u; 1 to %u are possible", i, width,
                             PROGRAM_WIDTH_MAX);
        widths += width;
        if (i > 0)
            parameters += ((uint64_t)program->layers[i - 1].width + 1) * width;
    }
    if (parameters > PROGRAM_PARAMETERS_MAX)
        return fault_set(fault, ERR_LIMIT, "program: %llu parameters; at most %u are possible",
                         (unsigned long long)parameters, PROGRAM_PARAMETERS_MAX);
    if (program->batch < 1)
        return fault_set(fault, ERR_LIMIT, "program: a batch of 0 rows; at least 1 is needed");
    if (program->batch * widths > PROGRAM_CELLS_MAX)
        return fault_set(fault, ERR_LIMIT,
                         "program: a batch of %u rows; 1 to %llu are possible with these layers",
                         program->batch, (unsigned long long)(PROGRAM_CELLS_MAX / widths));
    return ERR_NONE;
}

static enum err check_number(uint32_t bits, uint32_t low, uint32_t below, const char *name,
                             const char *range, struct fault *fault)
{
    if (bits >= low && bits < below)
        return ERR_NONE;
    return fault_set(fault, ERR_MALFORMED, "program: %s (bits %08x) is not %s", name, bits, range);
}

static enum err check_rates(const struct program *program, struct fault *fault)
{
    static const char rate[] = "between 2^-60 and 2^10", beta[] = "at least 0 and below 1";
    bool adamw = program->optimizer == PROGRAM_ADAMW;
    if (!adamw && program->optimizer != PROGRAM_SGD)
        return fault_set(fault, ERR_MALFORMED, "program: there is no optimizer %u",
                         program->optimizer);

    enum err err = check_number(program->learning_rate, BITS_2_M60, BITS_2_P10 + 1, "learning_rate",
                                rate, fault);
    if (!err)
        err = check_number(program->beta1, 0, BITS_1, "beta1", beta, fault);
    if (!err && adamw)
        err = check_number(program->beta2, 0, BITS_1, "beta2", beta, fault);
    if (!err && adamw)
        err = check_number(program->epsilon, BITS_2_M60, BITS_1 + 1, "epsilon",
                           "between 2^-60 and 1", fault);
    if (!err && !adamw)
        err = check_number(program->beta2 | program->epsilon, 0, 1, "beta2 or epsilon",
                           "0, as SGD wants it", fault);
    if (!err && program->weight_decay != 0)
        err = check_number(program->weight_decay, BITS_2_M60, BITS_1 + 1, "weight_decay",
                           "0 or between 2^-60 and 1", fault);
    if (!err)
        err = check_number(program->outer_rate, BITS_2_M60, BITS_2_P10 + 1, "outer_rate", rate,
                           fault);
    if (!err)
        err = check_number(program->outer_momentum, 0, BITS_1, "outer_momentum", beta, fault);
    return err;
}

enum err program_check(const struct program *program, struct fault *fault)
{
    if (program->profile != PROGRAM_PROFILE)
        return fault_set(fault, ERR_MALFORMED, "program: numeric profile %u is not %u (f32-v1)",
                         program->profile, PROGRAM_PROFILE);
    if (program->family != PROGRAM_MLP)
        return fault_set(fault, ERR_MALFORMED, "program: there is no model family %u",
                         program->family);
    enum err err = check_layers(program, fault);
    if (!err)
        err = check_rates(program, fault);
    if (err)
        return err;
    if (program->steps < 1 || program->steps > PROGRAM_STEPS_MAX)
        return fault_set(fault, ERR_LIMIT, "program: %u steps a segment; 1 to %u are possible",
                         program->steps, PROGRAM_STEPS_MAX);
    if (program->interval < 1 || program->interval > program->steps)
        return fault_set(fault, ERR_LIMIT, "program: an interval of %u steps; 1 to %u are possible",
                         program->interval, program->steps);
    if ((program->steps - 1) / program->interval >= PROGRAM_INTERVALS_MAX)
        return fault_set(fault, ERR_LIMIT, "program: more than %u intervals a segment",
                         PROGRAM_INTERVALS_MAX);
    return ERR_NONE;
}

enum err program_unpack(struct arena *arena, struct program *program, struct bytes in,
                        struct fault *fault)
{
    if (in.size > PROGRAM_BYTES_MAX)
        return fault_set(fault, ERR_LIMIT, "program: %zu bytes; at most %u are possible", in.size,
                         PROGRAM_BYTES_MAX);
    enum err err = record_unpack(arena, &program_record, program, in, fault);
    return err ? err : program_check(program, fault);
}

struct digest program_digest(const struct program *program)
{
    uint8_t bytes[PROGRAM_BYTES_MAX];
    struct pack_writer writer;
    pack_init(&writer, bytes, sizeof(bytes));
    record_pack(&writer, &program_record, program);
    CHECK(!writer.failed);
    return digest_of(bytes, writer.used);
}

/* --- sizes --- */

uint32_t program_parameter_count(const struct program *program)
{
    uint32_t count = 0;
    for (uint32_t i = 1; i < program->layer_count; i++)
        count += (program->layers[i - 1].width + 1) * program->layers[i].width;
    return count;
}

uint32_t program_inputs(const struct program *program)
{
    return program->layers[0].width;
}

uint32_t program_classes(const struct program *program)
{
    return program->layers[program->layer_count - 1].width;
}
