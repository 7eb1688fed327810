#include "trainer/segment.h"

#include "base/check.h"
#include "trainer/delta.h"
#include "trainer/optimizer.h"

enum err segment_init(struct segment *segment, const struct program *program,
                      const struct dataset *data, struct kernel *kernel, struct fault *fault)
{
    enum err err = network_check_data(program, data, fault);
    if (err)
        return err;
    *segment = (struct segment){
        .program = program,
        .data = data,
        .kernel = kernel,
        .program_digest = program_digest(program),
    };
    return network_init(&segment->network, program, kernel, fault);
}

void segment_release(struct segment *segment)
{
    network_release(&segment->network);
    *segment = (struct segment){0};
}

/* --- the start --- */

static void fill(struct state *state, enum state_part part, const float *from)
{
    struct state_tensor *tensor = &state->tensors[part];
    if (!tensor->data)
        return;
    if (from)
        memcpy(tensor->data, from, tensor->size);
    else
        memset(tensor->data, 0, tensor->size);
    state_changed(state, part);
}

void segment_start(struct state *start, const struct program *program, const struct state *global,
                   const float *residue, uint16_t slot, uint32_t steps)
{
    CHECK(start->kind == STATE_SEGMENT);
    CHECK(global->kind == STATE_GLOBAL);
    CHECK(digest_equal(&start->program, &global->program));
    CHECK(steps == program->steps || steps % program->interval == 0);
    CHECK(steps >= 1);
    CHECK(steps <= PROGRAM_STEPS_MAX);
    start->data = global->data;
    start->round = global->round;
    start->slot = slot;
    start->steps = steps;
    start->step = 0;
    start->beta1_power = 1;
    start->beta2_power = 1;
    fill(start, STATE_PARAMETERS, state_floats(global, STATE_PARAMETERS));
    fill(start, STATE_ANCHOR, state_floats(global, STATE_PARAMETERS));
    fill(start, STATE_MOMENT1, NULL);
    fill(start, STATE_MOMENT2, NULL);
    fill(start, STATE_RESIDUE, residue);
    fill(start, STATE_DELTA, NULL);
    fill(start, STATE_EXPONENTS, NULL);
}

/* --- steps --- */

/* One step; on success *loss and *norm are the batch's. */
static enum err step(struct segment *segment, struct state *state, float *loss, float *norm,
                     struct fault *fault)
{
    const float *gradient;
    struct network_place place = {state->round, state->slot, state->step};
    *loss = network_train(&segment->network, &gradient, state_floats(state, STATE_PARAMETERS),
                          segment->data, &place);
    *norm = kernel_norm(segment->kernel, gradient, state->parameter_count);
    if (!__builtin_isfinite(*loss) || !__builtin_isfinite(*norm))
        return fault_set(fault, ERR_CORRUPT, "step %u: the %s isn't finite", state->step,
                         __builtin_isfinite(*loss) ? "gradient's norm" : "loss");
    optimizer_step(segment->kernel, segment->program, state, gradient, *norm);
    state->step++;
    return ERR_NONE;
}

static enum err compress(struct state *state, uint8_t bits, struct fault *fault)
{
    if (!delta_compress(state_bytes(state, STATE_DELTA), state_bytes(state, STATE_EXPONENTS),
                        state_floats(state, STATE_RESIDUE), state_floats(state, STATE_ANCHOR),
                        state_floats(state, STATE_PARAMETERS), state->parameter_count, bits))
        return fault_set(fault, ERR_CORRUPT, "step %u: a parameter isn't finite", state->step - 1);
    state_changed(state, STATE_RESIDUE);
    state_changed(state, STATE_DELTA);
    state_changed(state, STATE_EXPONENTS);
    return ERR_NONE;
}

static enum err interval(struct segment *segment, struct state *state, struct digest *witness,
                         const struct segment_watch *watch, struct fault *fault)
{
    struct trace_witness stream;
    trace_witness_init(&stream);
    do {
        float loss, norm;
        enum err err = step(segment, state, &loss, &norm, fault);
        if (err) {
            *witness = trace_witness_end(&stream);
            return err;
        }
        trace_witness_add(&stream, loss, norm);
        if (watch && watch->step)
            watch->step(watch->self, state->step - 1, loss, norm);
    } while (state->step < state->steps && state->step % segment->program->interval != 0);
    state_changed(state, STATE_PARAMETERS);
    state_changed(state, STATE_MOMENT1);
    state_changed(state, STATE_MOMENT2);
    *witness = trace_witness_end(&stream);
    return state->step == state->steps ? compress(state, segment->program->bits, fault) : ERR_NONE;
}

enum err segment_train(struct segment *segment, struct state *state, struct digest *witness,
                       const struct segment_watch *watch, struct fault *fault)
{
    if (state->kind != STATE_SEGMENT || !digest_equal(&state->program, &segment->program_digest))
        return fault_set(fault, ERR_MISMATCH, "this is no segment's state of the same program");
    if (!digest_equal(&state->data, &segment->data->root))
        return fault_set(fault, ERR_MISMATCH, "this segment's state is for another data set");
    if (state->step >= state->steps || state->step % segment->program->interval != 0)
        return fault_set(fault, ERR_NOT_NOW, "no interval starts at step %u of %u", state->step,
                         state->steps);
    uint32_t before = kernel_control_set();
    enum err err = interval(segment, state, witness, watch, fault);
    kernel_control_restore(before);
    return err;
}

enum err segment_advance(struct segment *segment, struct state *state, struct trace_leaf *leaf,
                         const struct segment_watch *watch, struct fault *fault)
{
    struct digest witness;
    enum err err = segment_train(segment, state, &witness, watch, fault);
    if (!err)
        *leaf = (struct trace_leaf){state_root(state), witness};
    else if (err == ERR_CORRUPT)
        *leaf = trace_diverged(&witness);
    return err;
}

enum err segment_run(struct segment *segment, struct state *state, struct trace_leaf *leaves,
                     const struct segment_watch *watch, struct fault *fault)
{
    CHECK(state->step == 0);
    uint32_t count = trace_leaf_count(state->steps, segment->program->interval);
    for (uint32_t i = 0; i < count; i++) {
        enum err err = ERR_NONE;
        if (i == 0)
            leaves[0] = (struct trace_leaf){.state_root = state_root(state)};
        else
            err = segment_advance(segment, state, &leaves[i], watch, fault);
        if (!err && watch && watch->leaf)
            err = watch->leaf(watch->self, i, &leaves[i], state);
        if (err)
            return err;
    }
    return ERR_NONE;
}
