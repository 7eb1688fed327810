/* The operators on a GPU: CUDA. A thread computes one element of an output, or one row where a row shares a sum, by the chain that
 * NUMERICS.md writes, so that the bits are the CPU's. Every operation is an intrinsic that rounds once to nearest even, so that no
 * compiler option can fuse or flush it.
 *
 * Operands travel with each call: this shows that a GPU comes to the same bits; a fast trainer would keep them there. Not part of the
 * normal build: test/operators/check compares it with the CPU's kernels. Where there is no nvcc, test/operators/emulate.h makes it plain C++
 * in which a launch is a loop; so without a GPU the order of every sum is tested, and the machine's own arithmetic isn't. */
extern "C" {
#define _Noreturn [[noreturn]]
#include "base/check.h"
#include "trainer/kernel_table.h"
}

#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifndef LAUNCH
#define DEVICE __device__ static inline
#define KERNEL __global__ static
#define INDEX  (blockIdx.x * (size_t)blockDim.x + threadIdx.x)

/* Runs a kernel with a thread for each index < count. */
#define LAUNCH(kernel, count, ...)                                                                                       \
    do {                                                                                                                 \
        kernel<<<(unsigned)(((count) + 127) / 128), 128>>>(count, __VA_ARGS__);                                          \
        CHECK(cudaDeviceSynchronize() == cudaSuccess);                                                                   \
    } while (0)
#endif

/* --- arrays on both sides --- */

/* A copy of host[count] on the GPU for as long as it lives. */
template <class T> struct Mirror {
    T *at = NULL;
    size_t size;

    Mirror(const T *host, size_t count) : size(count * sizeof(T))
    {
        CHECK(cudaMalloc((void **)&at, size > 0 ? size : 1) == cudaSuccess);
        if (host)
            CHECK(cudaMemcpy(at, host, size, cudaMemcpyHostToDevice) == cudaSuccess);
    }

    void back(T *host) const
    {
        CHECK(cudaMemcpy(host, at, size, cudaMemcpyDeviceToHost) == cudaSuccess);
    }

    ~Mirror()
    {
        cudaFree(at);
    }

    Mirror(const Mirror &) = delete;
};

using Floats = Mirror<float>;

/* --- functions and sums (NUMERICS.md, sections 3 and 4) --- */

DEVICE float exponential(float x)
{
    if (x < -87.0f)
        return 0;
    float t = __fmaf_rn(x, 0x1.715476p+0f, 0x1.8p23f), n = __fsub_rn(t, 0x1.8p23f);
    float r = __fmaf_rn(n, -0x1.7f7d1cp-20f, __fmaf_rn(n, -0x1.62e4p-1f, x));
    float p = __fmaf_rn(0x1.6a2354p-10f, r, 0x1.123a6cp-7f);
    p = __fmaf_rn(p, r, 0x1.5558f4p-5f);
    p = __fmaf_rn(p, r, 0x1.55549p-3f);
    p = __fmaf_rn(p, r, 0x1.fffffcp-2f);
    p = __fmaf_rn(p, r, 1);
    p = __fmaf_rn(p, r, 1);
    return __fmul_rn(p, __uint_as_float((__float_as_uint(t) + 127) << 23));
}

DEVICE float logarithm(float x)
{
    unsigned bits = __float_as_uint(x);
    int e = (int)(bits - 0x3f2aaaabu) >> 23;
    float f = __fsub_rn(__uint_as_float(bits - ((unsigned)e << 23)), 1), power = (float)e;
    float p = __fmaf_rn(0x1.afd26cp-4f, f, 0x1.19b47cp-3f);
    p = __fmaf_rn(p, f, -0x1.715aep-3f);
    p = __fmaf_rn(p, f, 0x1.1fd604p-3f);
    p = __fmaf_rn(p, f, -0x1.4ba6c2p-3f);
    p = __fmaf_rn(p, f, 0x1.99bfe8p-3f);
    p = __fmaf_rn(p, f, -0x1.0026b4p-2f);
    p = __fmaf_rn(p, f, 0x1.55552cp-2f);
    p = __fmaf_rn(p, f, -0x1.ffffacp-2f);
    float low = __fmaf_rn(__fmul_rn(f, f), p, __fmul_rn(power, 0x1.7f7d1cp-20f));
    return __fmaf_rn(power, 0x1.62e4p-1f, __fadd_rn(f, low));
}

DEVICE float without_small(float x)
{
    return fabsf(x) < KERNEL_SMALL ? 0 : x;
}

DEVICE float folded(float lane[KERNEL_LANES])
{
    for (int w = KERNEL_LANES / 2; w > 0; w /= 2)
        for (int j = 0; j < w; j++)
            lane[j] = __fadd_rn(lane[j], lane[j + w]);
    return lane[0];
}

DEVICE float lanes(const float *x, size_t count, bool square)
{
    float lane[KERNEL_LANES] = {0};
    for (size_t i = 0; i < count; i++)
        lane[i % KERNEL_LANES] = square ? __fmaf_rn(x[i], x[i], lane[i % KERNEL_LANES])
                                        : __fadd_rn(lane[i % KERNEL_LANES], x[i]);
    return folded(lane);
}

DEVICE float dot(const float *x, const float *y, size_t count)
{
    float lane[KERNEL_LANES] = {0};
    for (size_t i = 0; i < count; i++)
        lane[i % KERNEL_LANES] = __fmaf_rn(x[i], y[i], lane[i % KERNEL_LANES]);
    return folded(lane);
}

/* x = exp(x - the largest x); the sum of them. */
DEVICE float exponents(float *x, size_t count)
{
    float most = x[0];
    for (size_t j = 1; j < count; j++)
        most = x[j] > most ? x[j] : most;
    for (size_t j = 0; j < count; j++)
        x[j] = exponential(__fsub_rn(x[j], most));
    return lanes(x, count, false);
}

KERNEL void sum_kernel(size_t count, float *out, const float *x, size_t length, bool square)
{
    if (INDEX < count)
        *out = lanes(x, length, square);
}

static float sum_by(const float *x, size_t count, bool square)
{
    Floats out(NULL, 1), in(x, count);
    float result;
    LAUNCH(sum_kernel, (size_t)1, out.at, in.at, count, square);
    out.back(&result);
    return result;
}

static float sum(const float *x, size_t count)
{
    return sum_by(x, count, false);
}

static float squares(const float *x, size_t count)
{
    return sum_by(x, count, true);
}

/* --- products (section 2) --- */

/* Element (i, j): chunks count from k = 0, whatever k begins and ends the sum. */
DEVICE float element(const struct kernel_product *p, size_t i, size_t j)
{
    size_t begin = p->reach == KERNEL_FROM ? i : 0, end = p->reach == KERNEL_UP_TO ? i + 1 : p->k;
    float total = 0;
    for (size_t from = begin / KERNEL_CHUNK * KERNEL_CHUNK; from < end; from += KERNEL_CHUNK) {
        float sum = 0;
        for (size_t l = from > begin ? from : begin; l < from + KERNEL_CHUNK && l < end; l++)
            sum = __fmaf_rn(p->a[i * p->a_row + l * p->a_step], p->b[l * p->b_step + j * p->b_column], sum);
        total = from <= begin ? sum : __fadd_rn(total, sum);
    }
    return p->bias ? __fadd_rn(total, p->bias[j]) : total;
}

KERNEL void product_kernel(size_t count, float *out, struct kernel_product p)
{
    size_t columns = p.column_end - p.column, index = INDEX;
    if (index < count)
        out[index] = element(&p, p.row + index / columns, p.column + index % columns);
}

static void product(const struct kernel_product *p, float *room)
{
    (void)room;
    size_t rows = p->row_end - p->row, columns = p->column_end - p->column;
    if (rows == 0 || columns == 0)
        return;
    Floats a(p->a, (p->row_end - 1) * p->a_row + (p->k - 1) * p->a_step + 1);
    Floats b(p->b, (p->k - 1) * p->b_step + (p->column_end - 1) * p->b_column + 1);
    Floats bias(p->bias, p->bias ? p->column_end : 0), out(NULL, rows * columns);
    struct kernel_product there = *p;
    there.a = a.at;
    there.b = b.at;
    there.bias = p->bias ? bias.at : NULL;
    LAUNCH(product_kernel, rows * columns, out.at, there);
    float *block = (float *)malloc(rows * columns * sizeof(float));
    CHECK(block);
    out.back(block);
    for (size_t i = 0; i < rows; i++)
        memcpy(p->out + (p->row + i) * p->n + p->column, block + i * columns, columns * sizeof(float));
    free(block);
}

KERNEL void column_sums_kernel(size_t count, float *out, const float *x, size_t m, size_t n, size_t column)
{
    size_t j = INDEX;
    if (j >= count)
        return;
    float total = 0;
    for (size_t from = 0; from < m; from += KERNEL_CHUNK) {
        float sum = 0;
        for (size_t i = from; i < from + KERNEL_CHUNK && i < m; i++)
            sum = __fadd_rn(sum, x[i * n + column + j]);
        total = from == 0 ? sum : __fadd_rn(total, sum);
    }
    out[j] = total;
}

static void column_sums(float *out, const float *x, size_t m, size_t n, size_t column, size_t column_end)
{
    if (column == column_end)
        return;
    Floats in(x, m * n), result(NULL, column_end - column);
    LAUNCH(column_sums_kernel, column_end - column, result.at, in.at, m, n, column);
    result.back(out + column);
}

/* --- element by element --- */

enum operation { RELU, RELU_BACK, ADD, GELU, GELU_BACK, EXP, LOG };

DEVICE float gelu_of(float x, float *slope)
{
    float square = __fmul_rn(x, x);
    float t = __fmul_rn(x, __fmaf_rn(0x1.2444f2p-4f, square, 0x1.988454p+0f));
    float e = exponential(__fsub_rn(0, fabsf(t))), r = __fdiv_rn(1, __fadd_rn(1, e)), q = __fmul_rn(e, r);
    float s = t > 0 ? r : q;
    *slope = __fmaf_rn(__fmul_rn(x, __fmaf_rn(0x1.b6676cp-3f, square, 0x1.988454p+0f)), __fmul_rn(r, q), s);
    return __fmul_rn(x, s);
}

KERNEL void element_kernel(size_t count, enum operation operation, float *a, const float *b)
{
    size_t i = INDEX;
    float slope;
    if (i >= count)
        return;
    switch (operation) {
    case RELU:
        a[i] = a[i] > 0 ? a[i] : 0;
        break;
    case RELU_BACK:
        a[i] = b[i] > 0 ? a[i] : 0;
        break;
    case ADD:
        a[i] = __fadd_rn(a[i], b[i]);
        break;
    case GELU:
        a[i] = gelu_of(a[i], &slope);
        break;
    case GELU_BACK:
        gelu_of(b[i], &slope);
        a[i] = __fmul_rn(a[i], slope);
        break;
    case EXP:
        a[i] = exponential(a[i]);
        break;
    case LOG:
        a[i] = logarithm(a[i]);
        break;
    }
}

/* out = operation(a, b), element by element. */
static void apply(enum operation operation, float *out, const float *a, const float *b, size_t count)
{
    Floats x(a, count), y(b, b ? count : 0);
    if (count > 0)
        LAUNCH(element_kernel, count, operation, x.at, y.at);
    x.back(out);
}

static void relu(float *x, size_t count)
{
    apply(RELU, x, x, NULL, count);
}

static void relu_back(float *gradient, const float *y, size_t count)
{
    apply(RELU_BACK, gradient, gradient, y, count);
}

static void add(float *out, const float *a, const float *b, size_t count)
{
    apply(ADD, out, a, b, count);
}

static void gelu(float *out, const float *x, size_t count)
{
    apply(GELU, out, x, NULL, count);
}

static void gelu_back(float *gradient, const float *x, size_t count)
{
    apply(GELU_BACK, gradient, gradient, x, count);
}

static void exponentials(float *x, size_t count)
{
    apply(EXP, x, x, NULL, count);
}

static void logarithms(float *x, size_t count)
{
    apply(LOG, x, x, NULL, count);
}

/* --- optimizers (section 7): `v` is NULL for SGD --- */

KERNEL void optimizer_kernel(size_t count, float *p, float *m, float *v, const float *gradient, struct kernel_rates r)
{
    size_t i = INDEX;
    if (i >= count)
        return;
    float g = __fmul_rn(gradient[i], r.shrink), direction;
    if (v) {
        float square = without_small(__fmul_rn(g, g));
        m[i] = without_small(__fmaf_rn(r.beta1, m[i], __fmul_rn(__fsub_rn(1, r.beta1), g)));
        v[i] = without_small(__fmaf_rn(r.beta2, v[i], __fmul_rn(__fsub_rn(1, r.beta2), square)));
        float unbias1 = __fdiv_rn(1, __fsub_rn(1, r.beta1_power)), unbias2 = __fdiv_rn(1, __fsub_rn(1, r.beta2_power));
        direction = __fdiv_rn(__fmul_rn(m[i], unbias1), __fadd_rn(__fsqrt_rn(__fmul_rn(v[i], unbias2)), r.epsilon));
    } else {
        m[i] = without_small(__fmaf_rn(r.beta1, m[i], g));
        direction = m[i];
    }
    float decayed = __fmaf_rn(-__fmul_rn(r.rate, r.weight_decay), p[i], p[i]);
    p[i] = __fmaf_rn(-r.rate, direction, decayed);
}

static void adamw(float *parameters, float *moment1, float *moment2, const float *gradient, size_t count,
                  const struct kernel_rates *rates)
{
    if (count == 0)
        return;
    Floats p(parameters, count), m(moment1, count), v(moment2, moment2 ? count : 0), g(gradient, count);
    LAUNCH(optimizer_kernel, count, p.at, m.at, moment2 ? v.at : NULL, g.at, *rates);
    p.back(parameters);
    m.back(moment1);
    if (moment2)
        v.back(moment2);
}

static void sgd(float *parameters, float *moment, const float *gradient, size_t count, const struct kernel_rates *rates)
{
    adamw(parameters, moment, NULL, gradient, count, rates);
}

/* --- a row a thread --- */

KERNEL void cross_entropy_kernel(size_t rows, float *loss, float *x, const uint16_t *labels, size_t classes, float scale)
{
    size_t row = INDEX;
    if (row >= rows)
        return;
    x += row * classes;
    float most = x[0], right = x[labels[row]];
    for (size_t j = 1; j < classes; j++)
        most = x[j] > most ? x[j] : most;
    float total = exponents(x, classes);
    loss[row] = __fsub_rn(logarithm(total), __fsub_rn(right, most));
    for (size_t j = 0; j < classes; j++)
        x[j] = __fmul_rn(__fsub_rn(__fdiv_rn(x[j], total), j == labels[row] ? 1.0f : 0.0f), scale);
}

static void cross_entropy(float *loss, float *gradient, const float *logits, const uint16_t *labels, size_t rows,
                          size_t classes, float scale)
{
    if (rows == 0)
        return;
    Floats x(logits, rows * classes), losses(NULL, rows);
    Mirror<uint16_t> right(labels, rows);
    LAUNCH(cross_entropy_kernel, rows, losses.at, x.at, right.at, classes, scale);
    x.back(gradient);
    losses.back(loss);
}

KERNEL void norm_kernel(size_t rows, float *x, struct kernel_moments *moments, const float *gain, const float *bias,
                        size_t n)
{
    size_t row = INDEX;
    if (row >= rows)
        return;
    x += row * n;
    float mean = __fdiv_rn(lanes(x, n, false), (float)n);
    for (size_t j = 0; j < n; j++)
        x[j] = __fsub_rn(x[j], mean);
    float variance = __fadd_rn(__fdiv_rn(lanes(x, n, true), (float)n), 0x1.4f8b58p-17f);
    float inverse = __fdiv_rn(1, __fsqrt_rn(variance));
    for (size_t j = 0; j < n; j++)
        x[j] = __fmaf_rn(__fmul_rn(x[j], inverse), gain[j], bias[j]);
    moments[row].mean = mean;
    moments[row].inverse = inverse;
}

static void norm(float *out, struct kernel_moments *moments, const float *x, const float *gain, const float *bias,
                 size_t rows, size_t n)
{
    if (rows == 0)
        return;
    Floats there(x, rows * n), gains(gain, n), biases(bias, n);
    Mirror<struct kernel_moments> kept(NULL, rows);
    LAUNCH(norm_kernel, rows, there.at, kept.at, gains.at, biases.at, n);
    there.back(out);
    kept.back(moments);
}

KERNEL void norm_back_kernel(size_t rows, float *out, float *weighted, const float *base, const float *g, const float *x,
                             const struct kernel_moments *moments, const float *gain, size_t n)
{
    size_t row = INDEX, at = row * n;
    if (row >= rows)
        return;
    float mean = moments[row].mean, inverse = moments[row].inverse;
    for (size_t j = at; j < at + n; j++)
        weighted[j] = __fmul_rn(g[j], __fmul_rn(__fsub_rn(x[j], mean), inverse));
    float flat = -__fdiv_rn(dot(g + at, gain, n), (float)n);
    float tilt = __fdiv_rn(dot(weighted + at, gain, n), (float)n);
    for (size_t j = at; j < at + n; j++) {
        float h = __fmul_rn(__fsub_rn(x[j], mean), inverse);
        float straight = __fmaf_rn(g[j], gain[j - at], flat);
        float d = __fmul_rn(__fsub_rn(straight, __fmul_rn(h, tilt)), inverse);
        out[j] = base ? __fadd_rn(base[j], d) : d;
    }
}

static void norm_back(float *out, float *weighted, const float *base, const float *gradient, const float *x,
                      const struct kernel_moments *moments, const float *gain, size_t rows, size_t n)
{
    if (rows == 0)
        return;
    Floats result(NULL, rows * n), product(NULL, rows * n), add_to(base, base ? rows * n : 0), g(gradient, rows * n),
        in(x, rows * n), gains(gain, n);
    Mirror<struct kernel_moments> known(moments, rows);
    LAUNCH(norm_back_kernel, rows, result.at, product.at, base ? add_to.at : NULL, g.at, in.at, known.at, gains.at, n);
    product.back(weighted);
    result.back(out);
}

/* --- attention (section 6.2): row i of [tokens][tokens] has i + 1 weights --- */

KERNEL void softmax_kernel(size_t tokens, float *weights, float scale)
{
    size_t i = INDEX;
    if (i >= tokens)
        return;
    float *row = weights + i * tokens;
    for (size_t j = 0; j <= i; j++)
        row[j] = __fmul_rn(row[j], scale);
    float total = exponents(row, i + 1);
    for (size_t j = 0; j <= i; j++)
        row[j] = __fdiv_rn(row[j], total);
}

KERNEL void softmax_back_kernel(size_t tokens, float *back, const float *weights, float scale)
{
    size_t i = INDEX;
    if (i >= tokens)
        return;
    float *row = back + i * tokens;
    const float *weight = weights + i * tokens;
    float mean = dot(weight, row, i + 1);
    for (size_t j = 0; j <= i; j++)
        row[j] = __fmul_rn(__fmul_rn(weight[j], __fsub_rn(row[j], mean)), scale);
}

/* out[i][j] = a[i] . b[j]. */
static void scores(float *out, const struct kernel_head *head, const float *a, size_t a_row, const float *b)
{
    struct kernel_product p = {};
    p.out = out;
    p.a = a;
    p.b = b;
    p.n = p.row_end = p.column_end = head->tokens;
    p.k = head->size;
    p.a_row = a_row;
    p.a_step = p.b_step = 1;
    p.b_column = head->stride;
    p.reach = KERNEL_SCORES;
    product(&p, NULL);
}

/* out[i] = sum of weights[i][k] * x[k] for k <= i, or of weights[k][i] * x[k] for k >= i. */
static void mixed(float *out, size_t out_row, const struct kernel_head *head, enum kernel_reach reach,
                  const float *weights, const float *x, size_t x_row)
{
    struct kernel_product p = {};
    p.out = out;
    p.a = weights;
    p.b = x;
    p.n = out_row;
    p.k = p.row_end = head->tokens;
    p.column_end = head->size;
    p.a_row = reach == KERNEL_UP_TO ? head->tokens : 1;
    p.a_step = reach == KERNEL_UP_TO ? 1 : head->tokens;
    p.b_step = x_row;
    p.b_column = 1;
    p.reach = reach;
    product(&p, NULL);
}

static void weigh(float *weights, const struct kernel_head *head)
{
    scores(weights, head, head->query, head->stride, head->key);
    Floats there(weights, head->tokens * head->tokens);
    LAUNCH(softmax_kernel, head->tokens, there.at, head->scale);
    there.back(weights);
}

static void attention(float *out, const struct kernel_head *head, float *room, float *pack)
{
    (void)pack;
    weigh(room, head);
    mixed(out, head->across, head, KERNEL_UP_TO, room, head->value, head->stride);
}

static void attention_back(float *query, float *key, float *value, const float *gradient, const struct kernel_head *head,
                           float *room, float *pack)
{
    (void)pack;
    size_t square = head->tokens * head->tokens;
    float *weights = room, *back = room + square;
    weigh(weights, head);
    mixed(value, head->stride, head, KERNEL_FROM, weights, gradient, head->across);
    scores(back, head, gradient, head->across, head->value);
    Floats there(back, square), known(weights, square);
    LAUNCH(softmax_back_kernel, head->tokens, there.at, known.at, head->scale);
    there.back(back);
    mixed(query, head->stride, head, KERNEL_UP_TO, back, head->key, head->stride);
    mixed(key, head->stride, head, KERNEL_FROM, back, head->query, head->stride);
}

extern "C" const struct kernel_table kernel_cuda_table = {
    product,   column_sums,    relu,          relu_back, add, gelu, gelu_back, norm,         norm_back,
    attention, attention_back, cross_entropy, adamw,     sgd, sum,  squares,   exponentials, logarithms,
};
