#include "test/reference/descent.h"

#include "test/reference/numbers.h"
#include "test/reference/perceptron.h"
#include "test/reference/transformer.h"

#include <math.h>

static float rate_of(const struct course *course, uint32_t round, uint32_t step)
{
    uint64_t t = (uint64_t)round * course->steps + step;
    uint32_t warm_up = course->gpt.warm_up, decay = course->gpt.decay;
    float last = course->gpt.rate_last;
    if (!course->is_gpt)
        return course->rate;
    if (t < warm_up)
        return course->rate * ((float)(t + 1) / (float)(warm_up + 1));
    if (decay == 0)
        return course->rate;
    if (t >= decay)
        return last;
    return fmaf(half_cosine((float)(t - warm_up) / (float)(decay - warm_up)), course->rate - last, last);
}

/* One tensor, or all of them, from element `at` on. */
struct range {
    size_t at;
    size_t count;
    float weight_decay;
};

static void sgd(const struct course *course, const struct descent *d, size_t i, float rate, float decayed, float g)
{
    d->moment1[i] = without_small(fmaf(course->beta1, d->moment1[i], g));
    d->parameters[i] = fmaf(-rate, d->moment1[i], decayed);
}

static void adamw(const struct course *course, const struct descent *d, size_t i, float rate, float decayed, float g)
{
    float *m = &d->moment1[i], *v = &d->moment2[i];
    *m = without_small(fmaf(course->beta1, *m, (1 - course->beta1) * g));
    *v = without_small(fmaf(course->beta2, *v, (1 - course->beta2) * without_small(g * g)));
    float direction = (*m * (1 / (1 - d->power[0]))) / (sqrtf(*v * (1 / (1 - d->power[1]))) + course->epsilon);
    d->parameters[i] = fmaf(-rate, direction, decayed);
}

static void range_step(const struct course *course, const struct descent *d, struct range range, float rate,
                       const float *gradient, float shrink)
{
    for (size_t i = range.at; i < range.at + range.count; i++) {
        float p = d->parameters[i];
        float decayed = fmaf(-(rate * range.weight_decay), p, p);
        if (course->optimizer == COURSE_ADAMW)
            adamw(course, d, i, rate, decayed, gradient[i] * shrink);
        else
            sgd(course, d, i, rate, decayed, gradient[i] * shrink);
    }
}

void descent_step(const struct course *course, const struct descent *d, uint32_t round, uint32_t step,
                  const float *gradient, float norm)
{
    float rate = rate_of(course, round, step);
    float clip = course->gpt.clip;
    float shrink = clip > 0 && norm > clip ? clip / norm : 1;
    if (course->optimizer == COURSE_ADAMW) {
        d->power[0] = without_small(d->power[0] * course->beta1);
        d->power[1] = without_small(d->power[1] * course->beta2);
    }
    if (!course->is_gpt) {
        range_step(course, d, (struct range){0, perceptron_count(course), course->weight_decay}, rate, gradient, 1);
        return;
    }
    struct place places[TRANSFORMER_TENSORS_MAX];
    for (uint32_t i = 0, count = transformer_places(course, places); i < count; i++) {
        size_t columns = places[i].columns;
        float weight_decay = columns ? course->weight_decay : 0;
        struct range range = {places[i].at, places[i].rows * (columns ? columns : 1), weight_decay};
        range_step(course, d, range, rate, gradient, shrink);
    }
}
