#include "test/reference/pupil.h"

#include "base/pack.h"
#include "test/reference/descent.h"
#include "test/reference/numbers.h"
#include "test/reference/perceptron.h"
#include "test/reference/transformer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 65536
#define BLOCK 1024

static void *allocate(size_t size)
{
    void *memory = calloc(1, size + 1);
    if (!memory)
        abort();
    return memory;
}

void pupil_init(struct pupil *pupil, const struct course *course, bool is_segment)
{
    *pupil = (struct pupil){.course = course, .is_segment = is_segment, .power = {1, 1}};
    pupil->count = course->is_gpt ? transformer_count(course) : perceptron_count(course);
    pupil->blocks = (pupil->count + BLOCK - 1) / BLOCK;
    pupil->parameters = perceptron_floats(pupil->count);
    if (!is_segment) {
        pupil->outer = perceptron_floats(pupil->count);
        (course->is_gpt ? transformer_start : perceptron_start)(course, pupil->parameters);
        return;
    }
    pupil->anchor = perceptron_floats(pupil->count);
    pupil->moment1 = perceptron_floats(pupil->count);
    if (course->optimizer == COURSE_ADAMW)
        pupil->moment2 = perceptron_floats(pupil->count);
    pupil->residue = perceptron_floats(pupil->count);
    pupil->delta = allocate(pupil->count);
    pupil->exponents = allocate(pupil->blocks);
}

void pupil_release(struct pupil *pupil)
{
    free(pupil->parameters);
    free(pupil->outer);
    free(pupil->anchor);
    free(pupil->moment1);
    free(pupil->moment2);
    free(pupil->residue);
    free(pupil->delta);
    free(pupil->exponents);
}

/* --- commitments: RFC 6962 --- */

struct list {
    struct digest *leaves;
    size_t count;
};

static void list_add(struct list *list, const void *data, size_t size)
{
    struct digest_stream stream;
    list->leaves = realloc(list->leaves, (list->count + 1) * sizeof(*list->leaves));
    if (!list->leaves)
        abort();
    digest_init(&stream);
    digest_add(&stream, "\0", 1);
    digest_add(&stream, data, size);
    list->leaves[list->count++] = digest_end(&stream);
}

static struct digest tree(const struct digest *leaves, size_t count)
{
    if (count == 1)
        return leaves[0];
    size_t left = 1;
    while (left * 2 < count)
        left *= 2;
    struct digest children[2] = {tree(leaves, left), tree(leaves + left, count - left)};
    struct digest_stream stream;
    digest_init(&stream);
    digest_add(&stream, "\1", 1);
    digest_add(&stream, children, sizeof(children));
    return digest_end(&stream);
}

static struct digest list_end_take(struct list *list)
{
    struct digest root = tree(list->leaves, list->count);
    free(list->leaves);
    return root;
}

static void list_add_chunks(struct list *list, const uint8_t *data, size_t size)
{
    for (size_t from = 0; from < size; from += CHUNK)
        list_add(list, data + from, size - from < CHUNK ? size - from : CHUNK);
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static void little(uint8_t out[4], float value)
{
    uint32_t bits = bits_of(value);
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(bits >> 8 * i);
}

static void shape_pack(struct pack_writer *writer, const struct course_gpt *gpt)
{
    const uint32_t numbers[] = {gpt->blocks,  gpt->heads,         gpt->width,   gpt->context,
                                gpt->symbols, gpt->micro_batches, gpt->warm_up, gpt->decay,
                                bits_of(gpt->rate_last), bits_of(gpt->clip),    gpt->dropout};
    pack_array(writer, sizeof(numbers) / sizeof(numbers[0]));
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        pack_u64(writer, numbers[i]);
}

static struct digest program_digest(const struct course *course)
{
    uint8_t room[512];
    struct pack_writer writer;
    pack_init(&writer, room, sizeof(room));
    pack_array(&writer, 16);
    pack_u64(&writer, 1); /* profile */
    pack_u64(&writer, course->is_gpt ? 2 : 1);
    if (course->is_gpt)
        shape_pack(&writer, &course->gpt);
    else
        pack_array(&writer, course->layer_count);
    for (uint32_t i = 0; i < course->layer_count && !course->is_gpt; i++) {
        pack_array(&writer, 1);
        pack_u64(&writer, course->layers[i]);
    }
    pack_u64(&writer, course->batch);
    pack_u64(&writer, course->optimizer);
    pack_u64(&writer, bits_of(course->rate));
    pack_u64(&writer, bits_of(course->beta1));
    pack_u64(&writer, bits_of(course->beta2));
    pack_u64(&writer, bits_of(course->epsilon));
    pack_u64(&writer, bits_of(course->weight_decay));
    pack_u64(&writer, bits_of(course->outer_rate));
    pack_u64(&writer, bits_of(course->outer_momentum));
    pack_u64(&writer, course->steps);
    pack_u64(&writer, course->interval);
    pack_u64(&writer, course->bits);
    pack_u64(&writer, course->seed);
    return digest_of(room, writer.used);
}

static struct digest data_root(const struct course *course)
{
    struct list list = {NULL, 0};
    list_add_chunks(&list, course->images, course->image_size);
    list_add_chunks(&list, course->labels, course->label_size);
    return list_end_take(&list);
}

struct tensor {
    const char *name;
    const float *floats; /* or */
    const int8_t *bytes;
    size_t count;
};

/* The tensors that this state has, in their order; their count. */
static uint32_t tensors_of(const struct pupil *pupil, struct tensor out[8])
{
    const struct tensor all[] = {
        {"parameters", pupil->parameters, NULL, pupil->count}, {"outer", pupil->outer, NULL, pupil->count},
        {"anchor", pupil->anchor, NULL, pupil->count},         {"moment1", pupil->moment1, NULL, pupil->count},
        {"moment2", pupil->moment2, NULL, pupil->count},       {"residue", pupil->residue, NULL, pupil->count},
        {"delta", NULL, pupil->delta, pupil->count},           {"exponents", NULL, pupil->exponents, pupil->blocks},
    };
    uint32_t count = 0;
    for (int i = 0; i < 8; i++)
        if (all[i].floats || all[i].bytes)
            out[count++] = all[i];
    return count;
}

static bool is_halved(const struct pupil *pupil, const struct tensor *tensor)
{
    return tensor->bytes && tensor->bytes == pupil->delta && pupil->course->bits == 4;
}

static void halves_add(struct list *list, const struct tensor *tensor)
{
    uint8_t *bytes = allocate((tensor->count + 1) / 2);
    for (size_t i = 0; i < tensor->count; i++)
        bytes[i / 2] |= (uint8_t)((tensor->bytes[i] & 15) << 4 * (i % 2));
    list_add_chunks(list, bytes, (tensor->count + 1) / 2);
    free(bytes);
}

static void header_add(struct list *list, const struct pupil *pupil, const struct tensor *tensors, uint32_t count)
{
    uint8_t room[1024];
    struct pack_writer writer;
    struct digest program = program_digest(pupil->course);
    struct digest data = data_root(pupil->course);
    pack_init(&writer, room, sizeof(room));
    pack_array(&writer, 11);
    pack_u64(&writer, 1);
    pack_u64(&writer, pupil->is_segment ? 2 : 1);
    pack_bytes(&writer, bytes_of(program.bytes, DIGEST_SIZE));
    pack_bytes(&writer, bytes_of(data.bytes, DIGEST_SIZE));
    pack_u64(&writer, pupil->round);
    pack_u64(&writer, pupil->slot);
    pack_u64(&writer, pupil->steps);
    pack_u64(&writer, pupil->step);
    pack_u64(&writer, bits_of(pupil->power[0]));
    pack_u64(&writer, bits_of(pupil->power[1]));
    pack_array(&writer, count);
    for (uint32_t i = 0; i < count; i++) {
        pack_array(&writer, 3);
        pack_text(&writer, bytes_text(tensors[i].name));
        pack_u64(&writer, tensors[i].floats ? 1 : is_halved(pupil, &tensors[i]) ? 3 : 2);
        pack_u64(&writer, tensors[i].count);
    }
    list_add(list, room, writer.used);
}

struct digest pupil_root(const struct pupil *pupil)
{
    struct tensor tensors[8];
    uint32_t count = tensors_of(pupil, tensors);
    struct list list = {NULL, 0};
    header_add(&list, pupil, tensors, count);
    for (uint32_t i = 0; i < count; i++) {
        if (is_halved(pupil, &tensors[i])) {
            halves_add(&list, &tensors[i]);
            continue;
        }
        if (tensors[i].bytes) {
            list_add_chunks(&list, (const uint8_t *)tensors[i].bytes, tensors[i].count);
            continue;
        }
        uint8_t *bytes = allocate(4 * tensors[i].count);
        for (size_t j = 0; j < tensors[i].count; j++)
            little(bytes + 4 * j, tensors[i].floats[j]);
        list_add_chunks(&list, bytes, 4 * tensors[i].count);
        free(bytes);
    }
    return list_end_take(&list);
}

/* --- segment --- */

void pupil_start(struct pupil *segment, const struct pupil *global, uint32_t slot, uint32_t steps)
{
    size_t size = segment->count * sizeof(float);
    segment->round = global->round;
    segment->slot = slot;
    segment->steps = steps;
    segment->step = 0;
    segment->power[0] = segment->power[1] = 1;
    memcpy(segment->parameters, global->parameters, size);
    memcpy(segment->anchor, global->parameters, size);
    memset(segment->moment1, 0, size);
    if (segment->moment2)
        memset(segment->moment2, 0, size);
    memset(segment->delta, 0, segment->count);
    memset(segment->exponents, 0, segment->blocks);
}

static bool block_compress(struct pupil *segment, size_t block)
{
    size_t from = block * BLOCK;
    size_t count = segment->count - from < BLOCK ? segment->count - from : BLOCK;
    float x[BLOCK];
    float most = 0, top = segment->course->bits == 8 ? 127 : 7;
    for (size_t i = 0; i < count; i++) {
        x[i] = (segment->anchor[from + i] - segment->parameters[from + i]) + segment->residue[from + i];
        if (!isfinite(x[i]))
            return false;
        most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    }
    int e = -40;
    while (e <= 0 && !(most <= ldexpf(top, e)))
        e++;
    if (e > 0)
        e = 0;
    for (size_t i = 0; i < count; i++) {
        float y = x[i] * ldexpf(1, -e);
        y = y > top ? top : y < -top ? -top : y;
        float q = rintf(y); /* the rounding mode is to nearest, ties to even */
        segment->delta[from + i] = (int8_t)q;
        segment->residue[from + i] = without_small(x[i] - q * ldexpf(1, e));
    }
    segment->exponents[block] = (int8_t)e;
    return true;
}

static bool compress(struct pupil *segment)
{
    for (size_t block = 0; block < segment->blocks; block++)
        if (!block_compress(segment, block))
            return false;
    return true;
}

/* One step; what it adds to the witness is 8 bytes. False if it diverged. */
static bool step(struct pupil *segment, float *gradient, uint8_t witness[8])
{
    const struct course *course = segment->course;
    struct descent descent = {segment->parameters, segment->moment1, segment->moment2, segment->power};
    float loss = (course->is_gpt ? transformer_learn : perceptron_learn)(course, segment->parameters, segment->round,
                                                                         segment->slot, segment->step, gradient);
    float size = norm(gradient, segment->count);
    if (!isfinite(loss) || !isfinite(size))
        return false;
    little(witness, loss);
    little(witness + 4, size);
    descent_step(course, &descent, segment->round, segment->step, gradient, size);
    segment->step++;
    return true;
}

static void leaf_add(const struct pupil *segment, struct list *trace, const struct digest *witness)
{
    struct digest leaf[2] = {pupil_root(segment), *witness};
    course_print_leaf(segment->round, segment->slot, (uint32_t)trace->count, &leaf[0], &leaf[1]);
    list_add(trace, leaf, sizeof(leaf));
}

bool pupil_run(struct pupil *segment)
{
    struct list trace = {NULL, 0};
    float *gradient = perceptron_floats(segment->count);
    bool is_finite = true;
    leaf_add(segment, &trace, &digest_zero);
    while (is_finite && segment->step < segment->steps) {
        struct digest_stream stream;
        digest_init(&stream);
        do {
            uint8_t witness[8];
            is_finite = step(segment, gradient, witness);
            if (is_finite)
                digest_add(&stream, witness, sizeof(witness));
        } while (is_finite && segment->step < segment->steps && segment->step % segment->course->interval != 0);
        if (is_finite && segment->step == segment->steps)
            is_finite = compress(segment);
        struct digest witness = digest_end(&stream);
        if (is_finite)
            leaf_add(segment, &trace, &witness);
    }
    free(gradient);
    struct digest root = list_end_take(&trace);
    if (is_finite)
        course_print_trace(segment->round, segment->slot, &root);
    else
        course_print_divergence(segment->round, segment->slot, segment->step);
    return is_finite;
}

/* --- round --- */

void pupil_close(struct pupil *global, const struct pupil *ends, uint32_t count)
{
    const struct course *course = global->course;
    for (size_t i = 0; i < global->count; i++) {
        int64_t sum = 0;
        int64_t weights = 0;
        for (uint32_t j = 0; j < count; j++) {
            int64_t w = (ends[j].steps + course->interval - 1) / course->interval;
            sum += w * ends[j].delta[i] * (INT64_C(1) << (ends[j].exponents[i / BLOCK] + 40));
            weights += w;
        }
        float g = ((float)sum / (float)weights) * 0x1p-40f;
        float mu = course->outer_momentum;
        global->outer[i] = without_small(fmaf(mu, global->outer[i], g));
        global->parameters[i] =
            without_small(fmaf(-course->outer_rate, fmaf(mu, global->outer[i], g), global->parameters[i]));
    }
    global->round++;
}
