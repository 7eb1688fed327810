#include "test/reference/course.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn static void refuse(const char *what, const char *word)
{
    fprintf(stderr, "course: %s: %s\n", what, word);
    exit(2);
}

static uint32_t list_read(uint32_t *out, uint32_t count_max, const char *text)
{
    uint32_t count = 0;
    char *end = (char *)text;
    for (;;) {
        if (count == count_max)
            refuse("too many numbers", text);
        out[count++] = (uint32_t)strtoul(end, &end, 10);
        if (*end == 0)
            return count;
        if (*end++ != ',')
            refuse("numbers with commas, please", text);
    }
}

static float float_read(const char *text)
{
    char *end;
    float value = strtof(text, &end);
    if (end == text || *end)
        refuse("this is no number", text);
    return value;
}

static uint64_t number_read(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (end == text || *end)
        refuse("this is no number", text);
    return value;
}

static bool word_is_float(struct course *course, const char *name, const char *value)
{
    const struct {
        const char *name;
        float *to;
    } floats[] = {
        {"rate", &course->rate},
        {"beta1", &course->beta1},
        {"beta2", &course->beta2},
        {"epsilon", &course->epsilon},
        {"weight_decay", &course->weight_decay},
        {"outer_rate", &course->outer_rate},
        {"outer_momentum", &course->outer_momentum},
        {"rate_last", &course->gpt.rate_last},
        {"clip", &course->gpt.clip},
    };
    for (size_t i = 0; i < sizeof(floats) / sizeof(floats[0]); i++) {
        if (strcmp(name, floats[i].name) == 0) {
            *floats[i].to = float_read(value);
            return true;
        }
    }
    return false;
}

static bool word_is_count(struct course *course, const char *name, const char *value)
{
    const struct {
        const char *name;
        uint32_t *to;
    } counts[] = {
        {"batch", &course->batch},   {"steps", &course->steps},     {"interval", &course->interval},
        {"rounds", &course->rounds}, {"samples", &course->samples}, {"threads", &course->threads},
        {"warm_up", &course->gpt.warm_up}, {"decay", &course->gpt.decay},   {"dropout", &course->gpt.dropout},
        {"bits", &course->bits},
    };
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        if (strcmp(name, counts[i].name) == 0) {
            *counts[i].to = (uint32_t)number_read(value);
            return true;
        }
    }
    return false;
}

static void tokens_read(struct course *course, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file || !(course->images = malloc(1u << 20)))
        refuse("can't be read", path);
    course->image_size = fread(course->images, 1, 1u << 20, file);
    course->samples = (uint32_t)(course->image_size < 1024 ? 0 : (course->image_size - 1024) / 2);
    fclose(file);
}

static void word_read(struct course *course, char *word)
{
    char *value = strchr(word, '=');
    if (!value)
        refuse("this is no NAME=VALUE", word);
    *value++ = 0;
    if (strcmp(word, "layers") == 0)
        course->layer_count = list_read(course->layers, COURSE_LAYERS_MAX, value);
    else if (strcmp(word, "slots") == 0)
        course->slot_count = list_read(course->slots, COURSE_SLOTS_MAX, value);
    else if (strcmp(word, "gpt") == 0)
        course->is_gpt = list_read(&course->gpt.blocks, 6, value) == 6;
    else if (strcmp(word, "tokens") == 0)
        tokens_read(course, value);
    else if (strcmp(word, "seed") == 0)
        course->seed = number_read(value);
    else if (strcmp(word, "kernel") == 0)
        course->kernel = value;
    else if (strcmp(word, "optimizer") == 0)
        course->optimizer = strcmp(value, "adamw") == 0 ? COURSE_ADAMW : COURSE_SGD;
    else if (!word_is_float(course, word, value) && !word_is_count(course, word, value))
        refuse("no course has this", word);
}

/* SplitMix64 (Steele, Lea and Flood, 2014): the data is to be the same everywhere, and no more. */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static void *allocate(size_t size)
{
    void *memory = calloc(1, size);
    if (!memory)
        refuse("no memory", "data set");
    return memory;
}

/* Noise, brighter where the label says, and dark in every fifth feature: a weight there never sees a gradient. */
static void data_make(struct course *course)
{
    uint32_t features = course->layers[0];
    uint32_t classes = course->layers[course->layer_count - 1];
    uint64_t random = course->seed ^ 0x5bd1e995;
    course->image_size = 16 + (size_t)course->samples * features;
    course->images = allocate(course->image_size);
    bytes_put_u32(course->images, 0x803);
    bytes_put_u32(course->images + 4, course->samples);
    bytes_put_u32(course->images + 8, 1);
    bytes_put_u32(course->images + 12, features);
    course->label_size = 8 + course->samples;
    course->labels = allocate(course->label_size);
    bytes_put_u32(course->labels, 0x801);
    bytes_put_u32(course->labels + 4, course->samples);
    for (uint32_t i = 0; i < course->samples; i++) {
        uint8_t label = (uint8_t)(next(&random) % (classes < 256 ? classes : 256));
        uint8_t *row = course->images + 16 + (size_t)i * features;
        course->labels[8 + i] = label;
        for (uint32_t j = 0; j < features; j++) {
            uint8_t noise = (uint8_t)(next(&random) & 127);
            if (j % 5 != 4)
                row[j] = (uint8_t)(noise + (j % classes == label ? 128 : 0));
        }
    }
}

static void little_put(uint8_t *out, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        out[i] = (uint8_t)(value >> 8 * i);
}

/* A file of tokens: each follows from the one before, or is any. */
static void tokens_make(struct course *course)
{
    uint64_t random = course->seed ^ 0x5bd1e995;
    uint32_t token = 1;
    course->image_size = 1024 + 2 * (size_t)course->samples;
    course->images = allocate(course->image_size);
    little_put(course->images, 20240520, 4);
    little_put(course->images + 4, 1, 4);
    little_put(course->images + 8, course->samples, 4);
    for (uint32_t i = 0; i < course->samples; i++) {
        uint64_t dice = next(&random);
        token = (dice & 3 ? token * 3 + 1 : (uint32_t)(dice >> 32)) % course->gpt.symbols;
        little_put(course->images + 1024 + 2 * (size_t)i, token, 2);
    }
}

uint32_t course_token(const struct course *course, uint32_t index)
{
    const uint8_t *at = course->images + 1024 + 2 * (size_t)index;
    return at[0] | (uint32_t)at[1] << 8;
}

void course_init(struct course *course, int count, char **words)
{
    *course = (struct course){
        .layers = {10, 4},
        .layer_count = 2,
        .batch = 4,
        .optimizer = COURSE_ADAMW,
        .rate = 0x1p-8f,
        .outer_rate = 0.75f,
        .outer_momentum = 0.875f,
        .beta1 = 0.9f,
        .steps = 10,
        .interval = 5,
        .bits = 8,
        .seed = 1,
        .rounds = 1,
        .samples = 64,
        .kernel = "",
        .threads = 1,
    };
    for (int i = 0; i < count; i++)
        word_read(course, words[i]);
    if (course->optimizer == COURSE_ADAMW) {
        course->beta2 = course->beta2 != 0 ? course->beta2 : 0.999f;
        course->epsilon = course->epsilon != 0 ? course->epsilon : 0x1p-27f;
    }
    if (course->slot_count == 0)
        course->slots[course->slot_count++] = course->steps;
    if (course->layer_count < 2 || course->layers[0] == 0 || course->samples == 0)
        refuse("too small", "layers or samples");
    if (course->is_gpt && (course->gpt.symbols == 0 || course->samples <= course->gpt.context))
        refuse("too small", "symbols or samples");
    if (!course->images)
        (course->is_gpt ? tokens_make : data_make)(course);
}

void course_release(struct course *course)
{
    free(course->images);
    free(course->labels);
}

void course_print_start(uint32_t round, const struct digest *root)
{
    char text[DIGEST_TEXT_SIZE];
    digest_text(text, root);
    printf("round %u start %s\n", round, text);
}

void course_print_leaf(uint32_t round, uint32_t slot, uint32_t leaf, const struct digest *root,
                       const struct digest *witness)
{
    char root_text[DIGEST_TEXT_SIZE];
    char witness_text[DIGEST_TEXT_SIZE];
    digest_text(root_text, root);
    digest_text(witness_text, witness);
    printf("round %u slot %u leaf %u %s %s\n", round, slot, leaf, root_text, witness_text);
}

void course_print_trace(uint32_t round, uint32_t slot, const struct digest *root)
{
    char text[DIGEST_TEXT_SIZE];
    digest_text(text, root);
    printf("round %u slot %u trace %s\n", round, slot, text);
}

void course_print_divergence(uint32_t round, uint32_t slot, uint32_t steps)
{
    printf("round %u slot %u diverges after %u steps\n", round, slot, steps);
}

void course_print_end(const struct digest *root)
{
    char text[DIGEST_TEXT_SIZE];
    digest_text(text, root);
    printf("end %s\n", text);
}
