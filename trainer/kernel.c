/* Chooses an instruction set, cuts work into parts for threads, and guards the floating-point control of each. */
#include "trainer/kernel.h"

#include "base/check.h"
#include "trainer/kernel_table.h"

#include <stdlib.h>
#include <string.h>

#ifdef __aarch64__
/* FPCR after reset: to nearest even, no traps, subnormals neither flushed nor read as zero. Flags are in another register. */
#define CONTROL       0u
#define CONTROL_FLAGS 0u
#else
#include <xmmintrin.h>

/* MXCSR after reset: to nearest even, all traps masked, subnormals neither flushed nor read as zero. Its lowest six bits are sticky
 * flags. */
#define CONTROL       0x1f80u
#define CONTROL_FLAGS 0x3fu
#endif

/* Below this much for each a second thread costs more than it saves: waking it takes some microseconds. */
#define ELEMENTS_A_PART   16384u
#define MULTIPLIES_A_PART 262144u

static uint32_t control(void)
{
#ifdef __aarch64__
    uint64_t value;
    __asm__ volatile("mrs %0, fpcr" : "=r"(value));
    return (uint32_t)value;
#else
    return _mm_getcsr();
#endif
}

void kernel_control_restore(uint32_t before)
{
#ifdef __aarch64__
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)before));
#else
    _mm_setcsr(before);
#endif
}

uint32_t kernel_control_set(void)
{
    uint32_t before = control();
    kernel_control_restore(CONTROL);
    CHECK((control() & ~CONTROL_FLAGS) == CONTROL);
    return before;
}

/* --- which --- */

static const char *const names[KERNEL_KINDS] = {"scalar", "avx2", "avx512", "neon"};

const char *kernel_name(enum kernel_kind kind)
{
    return names[kind];
}

bool kernel_parse(enum kernel_kind *kind, const char *name)
{
    for (int i = 0; i < KERNEL_KINDS; i++)
        if (strcmp(name, names[i]) == 0) {
            *kind = (enum kernel_kind)i;
            return true;
        }
    return false;
}

#ifdef __aarch64__
bool kernel_is_supported(enum kernel_kind kind)
{
    return kind == KERNEL_SCALAR || kind == KERNEL_NEON;
}

static const struct kernel_table *table_of(enum kernel_kind kind)
{
    return kind == KERNEL_NEON ? &kernel_neon_table : &kernel_scalar_table;
}
#else
bool kernel_is_supported(enum kernel_kind kind)
{
    __builtin_cpu_init();
    bool fma = __builtin_cpu_supports("avx") && __builtin_cpu_supports("fma");
    switch (kind) {
    case KERNEL_SCALAR:
        return fma;
    case KERNEL_AVX2:
        return fma && __builtin_cpu_supports("avx2");
    case KERNEL_AVX512: /* the four that the file is compiled for */
        return fma && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    case KERNEL_NEON:
        return false;
    }
    return false;
}

static const struct kernel_table *table_of(enum kernel_kind kind)
{
    switch (kind) {
    case KERNEL_SCALAR:
        return &kernel_scalar_table;
    case KERNEL_AVX2:
        return &kernel_avx2_table;
    case KERNEL_AVX512:
        return &kernel_avx512_table;
    case KERNEL_NEON:
        return NULL;
    }
    return NULL;
}
#endif

bool kernel_best(enum kernel_kind *kind)
{
    for (int i = KERNEL_KINDS - 1; i >= 0; i--)
        if (kernel_is_supported((enum kernel_kind)i)) {
            *kind = (enum kernel_kind)i;
            return true;
        }
    return false;
}

/* A room for packing a thread, then one float a piece of a long sum. */
enum err kernel_init(struct kernel *kernel, enum kernel_kind kind,
                     const struct kernel_parallel *parallel, struct fault *fault)
{
    if (!kernel_is_supported(kind))
        return fault_set(fault, ERR_USAGE, "this CPU can't run the %s kernel", kernel_name(kind));
    uint32_t threads = parallel ? parallel->threads : 1;
    CHECK(threads >= 1);
    CHECK(threads <= KERNEL_THREADS_MAX);
    size_t floats = (size_t)threads * KERNEL_ROOM + KERNEL_PIECE;
    void *memory = aligned_alloc(64, floats * sizeof(float));
    if (!memory)
        return fault_set(fault, ERR_LIMIT, "no memory for the kernel's %zu bytes",
                         floats * sizeof(float));
    *kernel = (struct kernel){.kind = kind, .table = table_of(kind), .memory = memory};
    if (parallel)
        kernel->parallel = *parallel;
    kernel->parallel.threads = threads;
    return ERR_NONE;
}

void kernel_release(struct kernel *kernel)
{
    free(kernel->memory);
    *kernel = (struct kernel){0};
}

float *kernel_room(const struct kernel *kernel, uint32_t index)
{
    return (float *)kernel->memory + (size_t)index * KERNEL_ROOM;
}

/* --- parts --- */

struct guarded {
    void (*body)(void *work, uint32_t index);
    void *work;
};

static void guarded_part(void *self, uint32_t index)
{
    const struct guarded *guarded = self;
    uint32_t before = kernel_control_set();
    guarded->body(guarded->work, index);
    kernel_control_restore(before);
}

void kernel_each(struct kernel *kernel, uint32_t count, void (*body)(void *work, uint32_t index),
                 void *work)
{
    struct guarded guarded = {body, work};
    if (count > 1 && kernel->parallel.each)
        kernel->parallel.each(kernel->parallel.self, count, guarded_part, &guarded);
    else
        for (uint32_t i = 0; i < count; i++)
            guarded_part(&guarded, i);
}

size_t kernel_cut(size_t count, size_t unit, uint32_t parts, uint32_t index)
{
    size_t units = (count + unit - 1) / unit;
    size_t at = units * index / parts * unit;
    return at < count ? at : count;
}

uint32_t kernel_parts(const struct kernel *kernel, size_t count, size_t each_at_least)
{
    size_t parts = count / each_at_least;
    if (parts > kernel->parallel.threads)
        parts = kernel->parallel.threads;
    return parts > 0 ? (uint32_t)parts : 1;
}

/* --- products --- */

struct product_work {
    struct kernel *kernel;
    struct kernel_product whole;
    size_t m;
    uint32_t row_parts;
    uint32_t column_parts;
};

static void product_part(void *self, uint32_t index)
{
    const struct product_work *work = self;
    uint32_t row = index / work->column_parts, column = index % work->column_parts;
    struct kernel_product part = work->whole;
    part.row = kernel_cut(work->m, 8, work->row_parts, row);
    part.row_end = kernel_cut(work->m, 8, work->row_parts, row + 1);
    part.column = kernel_cut(part.n, KERNEL_LANES, work->column_parts, column);
    part.column_end = kernel_cut(part.n, KERNEL_LANES, work->column_parts, column + 1);
    work->kernel->table->product(&part, kernel_room(work->kernel, index));
}

/* Columns are cut first, since each part packs its own columns of b; rows when there are more threads than columns. */
static void product(struct kernel *kernel, const struct kernel_product *whole, size_t m)
{
    CHECK(m >= 1);
    CHECK(whole->n >= 1);
    CHECK(whole->k >= 1);
    struct product_work work = {.kernel = kernel, .whole = *whole, .m = m};
    uint32_t parts = kernel_parts(kernel, m * whole->n * whole->k, MULTIPLIES_A_PART);
    work.column_parts = kernel_parts(kernel, whole->n, 2 * KERNEL_LANES);
    if (work.column_parts > parts)
        work.column_parts = parts;
    work.row_parts = parts / work.column_parts;
    kernel_each(kernel, work.row_parts * work.column_parts, product_part, &work);
}

void kernel_gemm_nn(struct kernel *kernel, float *out, const float *a, const float *b,
                    const float *bias, size_t m, size_t n, size_t k)
{
    struct kernel_product whole = {.out = out, .a = a, .b = b, .bias = bias, .n = n, .k = k};
    whole.a_row = k;
    whole.a_step = 1;
    whole.b_step = n;
    whole.b_column = 1;
    product(kernel, &whole, m);
}

void kernel_gemm_nt(struct kernel *kernel, float *out, const float *a, const float *b,
                    const float *bias, size_t m, size_t n, size_t k)
{
    struct kernel_product whole = {.out = out, .a = a, .b = b, .bias = bias, .n = n, .k = k};
    whole.a_row = k;
    whole.a_step = 1;
    whole.b_step = 1;
    whole.b_column = k;
    product(kernel, &whole, m);
}

void kernel_gemm_tn(struct kernel *kernel, float *out, const float *a, const float *b,
                    const float *bias, size_t m, size_t n, size_t k)
{
    struct kernel_product whole = {.out = out, .a = a, .b = b, .bias = bias, .n = n, .k = k};
    whole.a_row = 1;
    whole.a_step = m;
    whole.b_step = n;
    whole.b_column = 1;
    product(kernel, &whole, m);
}

/* --- ranges of elements --- */

/* The arguments of any operator below; each reads those it knows. */
struct range_work {
    const struct kernel_table *table;
    float *out;
    float *loss;
    float *moment1;
    float *moment2;
    const float *in;
    const float *in2;
    const uint16_t *labels;
    const struct kernel_rates *rates;
    size_t count;
    size_t rows;
    size_t classes;
    float scale;
    uint32_t parts;
};

static void column_sums_part(void *self, uint32_t index)
{
    const struct range_work *work = self;
    size_t from = kernel_cut(work->count, KERNEL_LANES, work->parts, index);
    size_t end = kernel_cut(work->count, KERNEL_LANES, work->parts, index + 1);
    work->table->column_sums(work->out, work->in, work->rows, work->count, from, end);
}

void kernel_column_sums(struct kernel *kernel, float *out, const float *x, size_t m, size_t n)
{
    uint32_t parts = kernel_parts(kernel, m * n, ELEMENTS_A_PART);
    struct range_work work = {
        .table = kernel->table, .out = out, .in = x, .rows = m, .count = n, .parts = parts};
    kernel_each(kernel, parts, column_sums_part, &work);
}

static void add_part(void *self, uint32_t index)
{
    const struct range_work *work = self;
    size_t from = kernel_cut(work->count, KERNEL_LANES, work->parts, index);
    size_t end = kernel_cut(work->count, KERNEL_LANES, work->parts, index + 1);
    work->table->add(work->out + from, work->in + from, work->in2 + from, end - from);
}

void kernel_add(struct kernel *kernel, float *out, const float *a, const float *b, size_t count)
{
    uint32_t parts = kernel_parts(kernel, count, ELEMENTS_A_PART);
    struct range_work work = {
        .table = kernel->table, .out = out, .in = a, .in2 = b, .count = count, .parts = parts};
    kernel_each(kernel, parts, add_part, &work);
}

static void gelu_part(void *self, uint32_t index)
{
    const struct range_work *work = self;
    size_t from = kernel_cut(work->count, KERNEL_LANES, work->parts, index);
    size_t end = kernel_cut(work->count, KERNEL_LANES, work->parts, index + 1);
    work->table->gelu(work->out + from, work->in + from, end - from);
}

void kernel_gelu(struct kernel *kernel, float *out, const float *x, size_t count)
{
    uint32_t parts = kernel_parts(kernel, count, ELEMENTS_A_PART);
    struct range_work work = {
        .table = kernel->table, .out = out, .in = x, .count = count, .parts = parts};
    kernel_each(kernel, parts, gelu_part, &work);
}

static void gelu_back_part(void *self, uint32_t index)
{
    const struct range_work *work = self;
    size_t from = kernel_cut(work->count, KERNEL_LANES, work->parts, index);
    size_t end = kernel_cut(work->count, KERNEL_LANES, work->parts, index + 1);
    work->table->gelu_back(work->out + from, work->in + from, end - from);
}

void kernel_gelu_back(struct kernel *kernel, float *gradient, const float *x, size_t count)
{
    uint32_t parts = kernel_parts(kernel, count, ELEMENTS_A_PART);
    struct range_work work = {
        .table = kernel->table, .out = gradient, .in = x, .count = count, .parts = parts};
    kernel_each(kernel, parts, gelu_back_part, &work);
}

static void relu_part(void *self, uint32_t index)
{
    const struct range_work *work = self;
    size_t from = kernel_cut(work->count, KERNEL_LANES, work->parts, index);
    size_t end = kernel_cut(work->count, KERNEL_LANES, work->parts, index + 1);
    if (work->in)
        work->table->relu_back(work->out + from, work->in + from, end - from);
    else
        work->table->relu(work->out + from, end - from);
}

void kernel_relu(struct kernel *kernel, float *x, size_t count)
{
    uint32_t parts = kernel_parts(kernel, count, ELEMENTS_A_PART);
    struct range_work work = {.table = kernel->table, .out = x, .count = count, .parts = parts};
    kernel_each(kernel, parts, relu_part, &work);
}

void kernel_relu_back(struct kernel *kernel, float *gradient, const float *y, size_t count)
{
    uint32_t parts = kernel_parts(kernel, count, ELEMENTS_A_PART);
    struct range_work work = {
        .table = kernel->table, .out = gradient, .in = y, .count = count, .parts = parts};
    kernel_each(kernel, parts, relu_part, &work);
}

static void cross_entropy_part(void *self, uint32_t index)
{
    const struct range_work *work = self;
    size_t from = kernel_cut(work->rows, 1, work->parts, index),
           end = kernel_cut(work->rows, 1, work->parts, index + 1);
    size_t at = from * work->classes;
    work->table->cross_entropy(work->loss + from, work->out + at, work->in + at,
                               work->labels + from, end - from, work->classes, work->scale);
}

void kernel_cross_entropy(struct kernel *kernel, float *loss, float *gradient, const float *logits,
                          const uint16_t *labels, size_t rows, size_t classes, size_t total)
{
    CHECK(rows >= 1);
    CHECK(total >= rows);
    uint32_t parts = kernel_parts(kernel, rows * classes, ELEMENTS_A_PART);
    struct range_work work = {
        .table = kernel->table,
        .out = gradient,
        .loss = loss,
        .in = logits,
        .labels = labels,
        .rows = rows,
        .classes = classes,
        .scale = 1.0f / (float)total,
        .parts = parts,
    };
    kernel_each(kernel, parts, cross_entropy_part, &work);
}

static void optimizer_part(void *self, uint32_t index)
{
    const struct range_work *work = self;
    size_t from = kernel_cut(work->count, KERNEL_LANES, work->parts, index);
    size_t count = kernel_cut(work->count, KERNEL_LANES, work->parts, index + 1) - from;
    if (work->moment2)
        work->table->adamw(work->out + from, work->moment1 + from, work->moment2 + from,
                           work->in + from, count, work->rates);
    else
        work->table->sgd(work->out + from, work->moment1 + from, work->in + from, count,
                         work->rates);
}

static void optimize(struct kernel *kernel, struct range_work *work)
{
    work->table = kernel->table;
    work->parts = kernel_parts(kernel, work->count, ELEMENTS_A_PART);
    kernel_each(kernel, work->parts, optimizer_part, work);
}

void kernel_adamw(struct kernel *kernel, float *parameters, float *moment1, float *moment2,
                  const float *gradient, size_t count, const struct kernel_rates *rates)
{
    struct range_work work = {
        .out = parameters,
        .moment1 = moment1,
        .moment2 = moment2,
        .in = gradient,
        .rates = rates,
        .count = count,
    };
    optimize(kernel, &work);
}

void kernel_sgd(struct kernel *kernel, float *parameters, float *moment, const float *gradient,
                size_t count, const struct kernel_rates *rates)
{
    struct range_work work = {
        .out = parameters, .moment1 = moment, .in = gradient, .rates = rates, .count = count};
    optimize(kernel, &work);
}

/* --- sums --- */

struct sum_work {
    float (*piece)(const float *x, size_t count);
    const float *x;
    float *pieces;
    size_t count;
    uint32_t parts;
    const struct kernel_table *table;
    float total;
};

static void sum_part(void *self, uint32_t index)
{
    struct sum_work *work = self;
    size_t from = kernel_cut(work->count, KERNEL_PIECE, work->parts, index);
    size_t end = kernel_cut(work->count, KERNEL_PIECE, work->parts, index + 1);
    for (; from < end; from += KERNEL_PIECE) {
        size_t left = end - from;
        work->pieces[from / KERNEL_PIECE] =
            work->piece(work->x + from, left < KERNEL_PIECE ? left : KERNEL_PIECE);
    }
}

static void sum_total(void *self, uint32_t index)
{
    (void)index;
    struct sum_work *work = self;
    work->total = work->table->sum(work->pieces, (work->count + KERNEL_PIECE - 1) / KERNEL_PIECE);
}

static float sum_by(struct kernel *kernel, float (*piece)(const float *x, size_t count),
                    const float *x, size_t count)
{
    CHECK(count <= (size_t)KERNEL_PIECE * KERNEL_PIECE);
    struct sum_work work = {.piece = piece, .x = x, .count = count, .table = kernel->table};
    work.pieces = kernel_room(kernel, kernel->parallel.threads);
    work.parts = kernel_parts(kernel, count, 4 * KERNEL_PIECE);
    kernel_each(kernel, work.parts, sum_part, &work);
    kernel_each(kernel, 1, sum_total, &work);
    return work.total;
}

float kernel_sum(struct kernel *kernel, const float *x, size_t count)
{
    return sum_by(kernel, kernel->table->sum, x, count);
}

float kernel_norm(struct kernel *kernel, const float *x, size_t count)
{
    uint32_t before = kernel_control_set();
    float norm = __builtin_sqrtf(sum_by(kernel, kernel->table->squares, x, count));
    kernel_control_restore(before);
    return norm;
}
