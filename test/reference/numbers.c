#include "test/reference/numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

float without_small(float x)
{
    return fabsf(x) < 0x1p-100f ? 0.0f : x;
}

void product(float *out, struct operand a, struct operand b, const float *bias, size_t m, size_t n, size_t k)
{
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            float total = 0;
            for (size_t from = 0; from < k; from += 256) {
                float sum = 0;
                for (size_t l = from; l < from + 256 && l < k; l++)
                    sum = fmaf(a.at[i * a.row + l * a.column], b.at[l * b.row + j * b.column], sum);
                total = from == 0 ? sum : total + sum;
            }
            out[i * n + j] = bias ? total + bias[j] : total;
        }
    }
}

float part(const float *a, size_t a_step, const float *b, size_t b_step, size_t first, size_t last)
{
    float total = 0;
    size_t l = first;
    while (l < last) {
        float sum = 0;
        bool is_first = l == first;
        do {
            sum = fmaf(a[l * a_step], b[l * b_step], sum);
            l++;
        } while (l < last && l % 256 != 0);
        total = is_first ? sum : total + sum;
    }
    return total;
}

/* The same sum of 16 lanes, of squares, products or numbers. */
static float lanes_of(const float *x, const float *y, size_t count)
{
    float lane[16] = {0};
    for (size_t i = 0; i < count; i++)
        lane[i % 16] = y ? fmaf(x[i], y[i], lane[i % 16]) : lane[i % 16] + x[i];
    for (size_t w = 8; w >= 1; w /= 2)
        for (size_t j = 0; j < w; j++)
            lane[j] = lane[j] + lane[j + w];
    return lane[0];
}

float dot(const float *x, const float *y, size_t count)
{
    return lanes_of(x, y, count);
}

float lanes(const float *x, size_t count, bool square)
{
    return lanes_of(x, square ? x : NULL, count);
}

float sum_long(const float *x, size_t count, bool square)
{
    size_t pieces = (count + 16383) / 16384;
    float *piece = malloc((pieces + 1) * sizeof(*piece));
    if (!piece)
        abort();
    for (size_t p = 0; p < pieces; p++) {
        size_t from = 16384 * p;
        piece[p] = lanes(x + from, count - from < 16384 ? count - from : 16384, square);
    }
    float total = lanes(piece, pieces, false);
    free(piece);
    return total;
}

float norm(const float *x, size_t count)
{
    return sqrtf(sum_long(x, count, true));
}

float exp_down(float x)
{
    if (isnan(x))
        return x;
    if (x < -87.0f)
        return 0;
    float t = fmaf(x, 0x1.715476p+0f, 0x1.8p23f);
    float n = t - 0x1.8p23f;
    float r = fmaf(n, -0x1.62e4p-1f, x);
    r = fmaf(n, -0x1.7f7d1cp-20f, r);
    float p = 0x1.6a2354p-10f;
    p = fmaf(p, r, 0x1.123a6cp-7f);
    p = fmaf(p, r, 0x1.5558f4p-5f);
    p = fmaf(p, r, 0x1.55549p-3f);
    p = fmaf(p, r, 0x1.fffffcp-2f);
    p = fmaf(p, r, 1);
    p = fmaf(p, r, 1);
    return ldexpf(p, (int)n);
}

float log_normal(float x)
{
    if (!isfinite(x) || x <= 0)
        return NAN; /* the segment ends with an error */
    const float c = 0x1.555556p-1f;
    int e;
    float m = frexpf(x, &e); /* 0.5 <= m < 1 */
    if (m < c) {
        m *= 2;
        e--;
    }
    float f = m - 1;
    float p = 0x1.afd26cp-4f;
    p = fmaf(p, f, 0x1.19b47cp-3f);
    p = fmaf(p, f, -0x1.715aep-3f);
    p = fmaf(p, f, 0x1.1fd604p-3f);
    p = fmaf(p, f, -0x1.4ba6c2p-3f);
    p = fmaf(p, f, 0x1.99bfe8p-3f);
    p = fmaf(p, f, -0x1.0026b4p-2f);
    p = fmaf(p, f, 0x1.55552cp-2f);
    p = fmaf(p, f, -0x1.ffffacp-2f);
    float low = fmaf(f * f, p, (float)e * 0x1.7f7d1cp-20f);
    return fmaf((float)e, 0x1.62e4p-1f, f + low);
}

static float slope(float square, float c)
{
    return fmaf(c, square, 0x1.988454p+0f);
}

/* logistic(t), and q = 1 - s or s: r times e. */
static float logistic(float t, float *rq)
{
    float e = exp_down(0 - fabsf(t));
    float r = 1 / (1 + e);
    float q = e * r;
    *rq = r * q;
    return t > 0 ? r : q;
}

float gelu(float x)
{
    float rq;
    return x * logistic(x * slope(x * x, 0x1.2444f2p-4f), &rq);
}

float gelu_back(float gradient, float x)
{
    float rq;
    float s = logistic(x * slope(x * x, 0x1.2444f2p-4f), &rq);
    return gradient * fmaf(x * slope(x * x, 0x1.b6676cp-3f), rq, s);
}

float half_cosine(float x)
{
    float y = x - 0.5f;
    float z = y * y;
    float p = -0x1.cc9b6p-8f;
    p = fmaf(p, z, 0x1.501408p-4f);
    p = fmaf(p, z, -0x1.32d12ep-1f);
    p = fmaf(p, z, 0x1.466bcp+1f);
    p = fmaf(p, z, -0x1.4abbcep+2f);
    p = fmaf(p, z, 0x1.921fb6p+1f);
    return fmaf(-0.5f, y * p, 0.5f);
}

static float largest(const float *x, size_t count)
{
    float most = x[0];
    for (size_t j = 1; j < count; j++)
        most = x[j] > most ? x[j] : most;
    return most;
}

void softmax(float *x, size_t count, float scale)
{
    for (size_t j = 0; j < count; j++)
        x[j] = x[j] * scale;
    float most = largest(x, count);
    for (size_t j = 0; j < count; j++)
        x[j] = exp_down(x[j] - most);
    float s = lanes(x, count, false);
    for (size_t j = 0; j < count; j++)
        x[j] = x[j] / s;
}

void cross_entropy(float *loss, float *gradient, const float *x, const uint32_t *labels, size_t rows, size_t classes,
                   size_t total)
{
    float scale = 1 / (float)total;
    for (size_t i = 0; i < rows; i++, x += classes, gradient += classes) {
        float most = largest(x, classes);
        for (size_t j = 0; j < classes; j++)
            gradient[j] = exp_down(x[j] - most);
        float s = lanes(gradient, classes, false);
        loss[i] = log_normal(s) - (x[labels[i]] - most);
        for (size_t j = 0; j < classes; j++)
            gradient[j] = (gradient[j] / s - (j == labels[i] ? 1.0f : 0.0f)) * scale;
    }
}

static uint32_t high(uint32_t a, uint32_t b)
{
    return (uint32_t)(((uint64_t)a * b) >> 32);
}

struct words philox(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint32_t k[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t x[4] = {(uint32_t)index, (uint32_t)(index >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)};
    for (int round = 0; round < 10; round++) {
        uint32_t y[4] = {high(0xcd9e8d57, x[2]) ^ x[1] ^ k[0], 0xcd9e8d57 * x[2],
                         high(0xd2511f53, x[0]) ^ x[3] ^ k[1], 0xd2511f53 * x[0]};
        memcpy(x, y, sizeof(x));
        k[0] += 0x9e3779b9;
        k[1] += 0xbb67ae85;
    }
    return (struct words){{x[0], x[1], x[2], x[3]}};
}

uint32_t below(uint64_t seed, uint64_t stream, uint64_t position, uint32_t bound)
{
    for (uint64_t attempt = 0;; attempt++) {
        struct words words = philox(seed, stream, position * 65536 + attempt);
        for (int i = 0; i < 4; i++)
            if (words.w[i] >= (UINT64_C(1) << 32) % bound)
                return words.w[i] % bound;
    }
}
