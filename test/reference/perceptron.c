#include "test/reference/perceptron.h"

#include "test/reference/numbers.h"

#include <math.h>
#include <stdlib.h>

float *perceptron_floats(size_t count)
{
    float *floats = calloc(count + 1, sizeof(*floats));
    if (!floats)
        abort();
    return floats;
}

size_t perceptron_count(const struct course *course)
{
    size_t count = 0;
    for (uint32_t i = 0; i + 1 < course->layer_count; i++)
        count += (size_t)course->layers[i + 1] * course->layers[i] + course->layers[i + 1];
    return count;
}

void perceptron_start(const struct course *course, float *parameters)
{
    for (uint32_t i = 0; i + 1 < course->layer_count; i++) {
        size_t weights = (size_t)course->layers[i + 1] * course->layers[i];
        uint64_t stream = (UINT64_C(1) << 56) + ((uint64_t)i << 16);
        for (size_t j = 0; j < weights; j++) {
            uint32_t w = philox(course->seed, stream, j / 4).w[j % 4];
            float uniform = (float)((int32_t)(w >> 8) - 8388608) * 0x1p-23f;
            parameters[j] = uniform * sqrtf(6 / (float)course->layers[i]);
        }
        parameters += weights;
        for (size_t j = 0; j < course->layers[i + 1]; j++)
            *parameters++ = 0;
    }
}

static void batch_read(const struct course *course, float *out, uint32_t *labels, uint32_t round, uint32_t slot,
                       uint32_t step)
{
    uint64_t stream = (UINT64_C(2) << 56) + ((uint64_t)round << 16) + slot;
    for (uint32_t row = 0; row < course->batch; row++) {
        uint32_t sample = below(course->seed, stream, ((uint64_t)step << 27) + row, course->samples);
        const uint8_t *bytes = course->images + 16 + (size_t)sample * course->layers[0];
        for (uint32_t j = 0; j < course->layers[0]; j++)
            *out++ = (float)bytes[j] / 255;
        labels[row] = course->labels[8 + sample];
    }
}

/* Activations of every layer, and the place of every layer's weight. */
struct pass {
    float *a[COURSE_LAYERS_MAX];
    size_t weight[COURSE_LAYERS_MAX];
};

static void forward(const struct course *course, const float *parameters, struct pass *pass)
{
    for (uint32_t i = 0; i + 1 < course->layer_count; i++) {
        size_t in = course->layers[i];
        size_t out = course->layers[i + 1];
        const float *weight = parameters + pass->weight[i];
        product(pass->a[i + 1], (struct operand){pass->a[i], in, 1}, (struct operand){weight, 1, in},
                weight + in * out, course->batch, out, in);
        if (i + 2 == course->layer_count)
            continue;
        for (size_t j = 0; j < course->batch * out; j++)
            pass->a[i + 1][j] = pass->a[i + 1][j] > 0 ? pass->a[i + 1][j] : 0.0f;
    }
}

/* `d`, the gradient of the logits, is taken over and freed. */
static void backward_take(const struct course *course, const float *parameters, const struct pass *pass, float *d,
                          float *gradient)
{
    size_t rows = course->batch;
    float *ones = perceptron_floats(rows);
    for (size_t i = 0; i < rows; i++)
        ones[i] = 1;
    for (uint32_t i = course->layer_count - 1; i-- > 0;) {
        size_t in = course->layers[i];
        size_t out = course->layers[i + 1];
        float *weight = gradient + pass->weight[i];
        product(weight, (struct operand){d, 1, out}, (struct operand){pass->a[i], in, 1}, NULL, out, in, rows);
        product(weight + in * out, (struct operand){ones, rows, 1}, (struct operand){d, out, 1}, NULL, 1, out, rows);
        if (i == 0)
            break;
        float *before = perceptron_floats(rows * in);
        product(before, (struct operand){d, out, 1}, (struct operand){parameters + pass->weight[i], in, 1}, NULL,
                rows, in, out);
        for (size_t j = 0; j < rows * in; j++)
            before[j] = pass->a[i][j] > 0 ? before[j] : 0.0f;
        free(d);
        d = before;
    }
    free(d);
    free(ones);
}

float perceptron_learn(const struct course *course, const float *parameters, uint32_t round, uint32_t slot,
                       uint32_t step, float *gradient)
{
    struct pass pass = {{0}, {0}};
    size_t classes = course->layers[course->layer_count - 1];
    for (uint32_t i = 0; i < course->layer_count; i++) {
        pass.a[i] = perceptron_floats((size_t)course->batch * course->layers[i]);
        if (i > 0)
            pass.weight[i] = pass.weight[i - 1] + (size_t)course->layers[i] * course->layers[i - 1] + course->layers[i];
    }
    uint32_t *labels = (uint32_t *)perceptron_floats(course->batch);
    batch_read(course, pass.a[0], labels, round, slot, step);
    forward(course, parameters, &pass);
    float *losses = perceptron_floats(course->batch);
    float *d = perceptron_floats(course->batch * classes);
    cross_entropy(losses, d, pass.a[course->layer_count - 1], labels, course->batch, classes, course->batch);
    float loss = sum_long(losses, course->batch, false) / (float)course->batch;
    backward_take(course, parameters, &pass, d, gradient);
    for (uint32_t i = 0; i < course->layer_count; i++)
        free(pass.a[i]);
    free(labels);
    free(losses);
    return loss;
}
