/* What trainer/kernel_cuda.cu takes from CUDA, in plain C++ on the CPU: the "GPU" has memory of its own, and a launch runs its threads one
 * after the other. For compilers without CUDA, by -include. */
#ifndef TEST_OPERATORS_EMULATE_H
#define TEST_OPERATORS_EMULATE_H

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define DEVICE static inline
#define LAUNCH(kernel, count, ...)                                                                 \
    for (thread_index = 0; thread_index < (count); thread_index++)                                 \
    kernel(count, __VA_ARGS__)
#define KERNEL static
#define INDEX  thread_index
static size_t thread_index;
enum direction { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost };
static const int cudaSuccess = 0;

static int cudaMalloc(void **at, size_t size)
{
    *at = malloc(size);
    return *at ? 0 : 1;
}

static int cudaMemcpy(void *to, const void *from, size_t size, enum direction direction)
{
    (void)direction;
    memcpy(to, from, size);
    return 0;
}

static void cudaFree(void *at)
{
    free(at);
}

static inline float __fmaf_rn(float a, float b, float c)
{
    return fmaf(a, b, c);
}

static inline float __fadd_rn(float a, float b)
{
    return a + b;
}

static inline float __fsub_rn(float a, float b)
{
    return a - b;
}

static inline float __fmul_rn(float a, float b)
{
    return a * b;
}

static inline float __fdiv_rn(float a, float b)
{
    return a / b;
}

static inline float __fsqrt_rn(float a)
{
    return sqrtf(a);
}

static inline float __uint_as_float(unsigned bits)
{
    float x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

static inline unsigned __float_as_uint(float x)
{
    unsigned bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

#endif
