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
    RECORD_UINT(struct program, bits),
    RECORD_UINT(struct program, seed),
};

const struct record program_record = RECORD(struct program, "program", fields);

static const struct record_field shape_fields[] = {
    RECORD_UINT(struct program_gpt, blocks),    RECORD_UINT(struct program_gpt, heads),
    RECORD_UINT(struct program_gpt, width),     RECORD_UINT(struct program_gpt, context),
    RECORD_UINT(struct program_gpt, symbols),   RECORD_UINT(struct program_gpt, micro_batches),
    RECORD_UINT(struct program_gpt, warm_up),   RECORD_UINT(struct program_gpt, decay),
    RECORD_UINT(struct program_gpt, rate_last), RECORD_UINT(struct program_gpt, clip),
    RECORD_UINT(struct program_gpt, dropout),
};

static const struct record shape_record = RECORD(struct program_gpt, "gpt", shape_fields);

static const struct record_field gpt_fields[] = {
    RECORD_UINT(struct program, profile),
    RECORD_UINT(struct program, family),
    RECORD_ONE(struct program, gpt, &shape_record),
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
    RECORD_UINT(struct program, bits),
    RECORD_UINT(struct program, seed),
};

const struct record program_gpt_record = RECORD(struct program, "program", gpt_fields);

const struct record *program_record_of(const struct program *program)
{
    return program->family == PROGRAM_GPT ? &program_gpt_record : &program_record;
}

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

static enum err check_size(uint32_t value, uint32_t least, uint32_t most, const char *name,
                           struct fault *fault)
{
    if (value >= least && value <= most)
        return ERR_NONE;
    return fault_set(fault, ERR_LIMIT, "program: %s is %u; %u to %u are possible", name, value,
                     least, most);
}

static uint64_t gpt_parameters(const struct program_gpt *g)
{
    uint64_t width = g->width, block = 12 * width * width + 13 * width;
    return (g->symbols + g->context + 2) * width + g->blocks * block;
}

/* Floats that one token's activations take in all of the model (trainer/gpt.h), and their gradients. */
static uint64_t gpt_cells(const struct program_gpt *g)
{
    return (uint64_t)g->width * (16 * g->blocks + 14) + g->symbols;
}

static enum err check_gpt(const struct program *program, struct fault *fault)
{
    const struct program_gpt *g = &program->gpt;
    enum err err = check_size(g->blocks, 1, PROGRAM_BLOCKS_MAX, "blocks", fault);
    if (!err)
        err = check_size(g->width, 1, PROGRAM_GPT_WIDTH_MAX, "width", fault);
    if (!err)
        err = check_size(g->heads, 1, g->width, "heads", fault);
    if (!err)
        err = check_size(g->context, 1, PROGRAM_CONTEXT_MAX, "context", fault);
    if (!err)
        err = check_size(g->symbols, 2, PROGRAM_SYMBOLS_MAX, "symbols", fault);
    if (!err)
        err = check_size(g->micro_batches, 1, PROGRAM_MICRO_MAX, "micro_batches", fault);
    if (err)
        return err;
    if (g->width % g->heads != 0)
        return fault_set(fault, ERR_LIMIT, "program: a width of %u can't be cut into %u heads",
                         g->width, g->heads);
    uint64_t parameters = gpt_parameters(g);
    if (parameters > PROGRAM_PARAMETERS_MAX)
        return fault_set(fault, ERR_LIMIT, "program: %llu parameters; at most %u are possible",
                         (unsigned long long)parameters, PROGRAM_PARAMETERS_MAX);
    uint64_t most = PROGRAM_GPT_CELLS_MAX / (gpt_cells(g) * g->context);
    if (program->batch < 1 || program->batch > most)
        return fault_set(
            fault, ERR_LIMIT,
            "program: a batch of %u sequences; 1 to %llu are possible with these sizes",
            program->batch, (unsigned long long)most);
    if ((uint64_t)program->batch * g->micro_batches * g->context > PROGRAM_CELLS_MAX)
        return fault_set(fault, ERR_LIMIT, "program: more than %u tokens a step",
                         PROGRAM_CELLS_MAX);
    return ERR_NONE;
}

static enum err check_schedule(const struct program *program, struct fault *fault)
{
    const struct program_gpt *g = &program->gpt;
    enum err err = check_size(g->warm_up, 0, PROGRAM_DECAY_MAX, "warm_up", fault);
    if (!err && g->decay != 0)
        err = check_size(g->decay, g->warm_up + 1, PROGRAM_DECAY_MAX, "decay", fault);
    if (!err && g->rate_last != 0)
        err = check_number(g->rate_last, BITS_2_M60, program->learning_rate + 1, "rate_last",
                           "0 or between 2^-60 and learning_rate", fault);
    if (!err && g->clip != 0)
        err = check_number(g->clip, BITS_2_M60, BITS_2_P10 + 1, "clip",
                           "0 or between 2^-60 and 2^10", fault);
    if (!err)
        err = check_size(g->dropout, 0, PROGRAM_DROPOUT_MAX, "dropout", fault);
    return err;
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
    if (program->family != PROGRAM_MLP && program->family != PROGRAM_GPT)
        return fault_set(fault, ERR_MALFORMED, "program: there is no model family %u",
                         program->family);
    bool gpt = program->family == PROGRAM_GPT;
    enum err err = gpt ? check_gpt(program, fault) : check_layers(program, fault);
    if (!err)
        err = check_rates(program, fault);
    if (!err && gpt)
        err = check_schedule(program, fault);
    if (err)
        return err;
    if (program->steps < 1 || program->steps > PROGRAM_STEPS_MAX)
        return fault_set(fault, ERR_LIMIT, "program: %u steps a segment; 1 to %u are possible",
                         program->steps, PROGRAM_STEPS_MAX);
    if (program->interval < 1 || program->interval > program->steps)
        return fault_set(fault, ERR_LIMIT, "program: an interval of %u steps; 1 to %u are possible",
                         program->interval, program->steps);
    if (program->bits != 8 && program->bits != 4)
        return fault_set(fault, ERR_MALFORMED, "program: deltas of %u bits; 8 or 4 are possible",
                         program->bits);
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
    struct pack_reader reader; /* profile and family stand first in both records */
    pack_read_init(&reader, in);
    pack_read_array(&reader, UINT32_MAX);
    pack_read_u64(&reader, UINT8_MAX);
    *program = (struct program){.family = (uint8_t)pack_read_u64(&reader, UINT8_MAX)};
    enum err err = record_unpack(arena, program_record_of(program), program, in, fault);
    return err ? err : program_check(program, fault);
}

struct digest program_digest(const struct program *program)
{
    uint8_t bytes[PROGRAM_BYTES_MAX];
    struct pack_writer writer;
    pack_init(&writer, bytes, sizeof(bytes));
    record_pack(&writer, program_record_of(program), program);
    CHECK(!writer.failed);
    return digest_of(bytes, writer.used);
}

/* --- sizes --- */

uint32_t program_parameter_count(const struct program *program)
{
    if (program->family == PROGRAM_GPT)
        return (uint32_t)gpt_parameters(&program->gpt);
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
    return program->family == PROGRAM_GPT ? program->gpt.symbols
                                          : program->layers[program->layer_count - 1].width;
}

uint32_t program_micro_batches(const struct program *program)
{
    return program->family == PROGRAM_GPT ? program->gpt.micro_batches : 1;
}

uint32_t program_rows(const struct program *program)
{
    return program->family == PROGRAM_GPT ? program->batch * program->gpt.context : program->batch;
}

uint32_t program_memory_mib(const struct program *program)
{
    uint64_t cells = 0, moments = program->optimizer == PROGRAM_ADAMW ? 2 : 1;
    uint64_t global = 2, segment = 3 + moments,
             gradients = 1 + (program_micro_batches(program) > 1);
    if (program->family == PROGRAM_GPT)
        cells = gpt_cells(&program->gpt);
    for (uint32_t i = 0; i < program->layer_count; i++)
        cells += 2 * (uint64_t)program->layers[i].width;
    /* A state's delta is a byte each. */
    uint64_t bytes =
        program_parameter_count(program) * (4 * (global + 4 * segment + gradients) + 4) +
        program_rows(program) * cells * 4;
    return (uint32_t)((bytes + (1u << 20) - 1) >> 20);
}

/* Forward, of one row. Attention: a token meets (context + 1) / 2 others on average, twice. */
static uint64_t work_of_row(const struct program *program)
{
    const struct program_gpt *g = &program->gpt;
    uint64_t sum = 0, width = g->width;
    if (program->family == PROGRAM_GPT)
        return width * (g->blocks * (12 * width + g->context + 1) + g->symbols);
    for (uint32_t i = 0; i + 1 < program->layer_count; i++)
        sum += (uint64_t)program->layers[i].width * program->layers[i + 1].width;
    return sum;
}

bool program_work(uint64_t *work, const struct program *program)
{
    uint64_t total, rows = (uint64_t)program_rows(program) * program_micro_batches(program);
    if (__builtin_mul_overflow(3 * work_of_row(program), rows, &total) ||
        __builtin_mul_overflow(total, (uint64_t)program->steps, &total))
        return false;
    *work = total;
    return true;
}
