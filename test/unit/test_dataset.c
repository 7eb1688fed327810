#include "trainer/dataset.h"

#include "test/unit/sample.h"

static struct sample s;

static void expect(size_t images_size, size_t labels_size, enum err want, const char *sentence)
{
    struct dataset data = {.count = 77};
    struct fault fault = {0};
    enum err err = dataset_init(&data, bytes_of(s.images, images_size),
                                bytes_of(s.labels, labels_size), &fault);
    ck_assert_int_eq(err, want);
    ck_assert_str_eq(fault.text, sentence);
    if (err)
        ck_assert_uint_eq(data.count, 77);
}

START_TEST(well_formed_files_are_read)
{
    struct dataset data;
    sample_files(&s);
    ck_assert_int_eq(dataset_init(&data, bytes_of(s.images, sizeof(s.images)),
                                  bytes_of(s.labels, sizeof(s.labels)), NULL),
                     ERR_NONE);
    ck_assert_uint_eq(data.count, SAMPLE_COUNT);
    ck_assert_uint_eq(data.features, SAMPLE_FEATURES);
    ck_assert_uint_eq(data.classes, 3);
    float out[SAMPLE_FEATURES];
    ck_assert_uint_eq(dataset_read(&data, 5, out), 2);
    for (uint32_t i = 0; i < SAMPLE_FEATURES; i++)
        ck_assert(out[i] == (float)s.images[16 + 5 * SAMPLE_FEATURES + i] / 255);
}
END_TEST

START_TEST(malformed_files_are_refused_with_a_sentence)
{
    size_t images = sizeof(s.images), labels = sizeof(s.labels);
    sample_files(&s);
    expect(15, labels, ERR_MALFORMED, "images: no IDX file of unsigned bytes in three dimensions");
    expect(0, labels, ERR_MALFORMED, "images: no IDX file of unsigned bytes in three dimensions");
    expect(images - 1, labels, ERR_MALFORMED,
           "images: 2063 bytes, not the 2064 that its header tells");
    expect(images, 7, ERR_MALFORMED, "labels: no IDX file of unsigned bytes in one dimension");
    expect(images, labels - 1, ERR_MALFORMED, "labels: 71 bytes, not the 72 that its header tells");
    s.images[3] = 4;
    expect(images, labels, ERR_MALFORMED,
           "images: no IDX file of unsigned bytes in three dimensions");
    sample_files(&s);
    s.labels[2] = 9;
    expect(images, labels, ERR_MALFORMED, "labels: no IDX file of unsigned bytes in one dimension");
    sample_files(&s);
    bytes_put_u32(s.labels + 4, SAMPLE_COUNT - 1);
    expect(images, labels - 1, ERR_MISMATCH, "labels: 63 for 64 images");
}
END_TEST

START_TEST(claims_beyond_the_bounds_are_refused)
{
    sample_files(&s);
    bytes_put_u32(s.images + 4, 0);
    expect(16, sizeof(s.labels), ERR_MALFORMED,
           "images: 0 samples of 32 bytes; 1 to 16777216 of 1 to 16384 are possible");
    bytes_put_u32(s.images + 4, 1);
    bytes_put_u32(s.images + 8, UINT32_MAX);
    bytes_put_u32(s.images + 12, UINT32_MAX);
    expect(sizeof(s.images), sizeof(s.labels), ERR_MALFORMED,
           "images: 1 samples of 18446744065119617025 bytes; 1 to 16777216 of 1 to 16384 are "
           "possible");
    bytes_put_u32(s.images + 8, 0);
    expect(16, sizeof(s.labels), ERR_MALFORMED,
           "images: 1 samples of 0 bytes; 1 to 16777216 of 1 to 16384 are possible");
}
END_TEST

/* Images of three chunks and labels of one, so that a chunk boundary falls between the two files. */
START_TEST(the_root_is_that_of_the_chunks_of_both_files)
{
    enum { COUNT = 150, FEATURES = 1000 };
    size_t images_size = 16 + COUNT * FEATURES;
    uint8_t *images = calloc(1, images_size), labels[8 + COUNT] = {0};
    ck_assert_ptr_nonnull(images);
    bytes_put_u32(images, 0x803);
    bytes_put_u32(images + 4, COUNT);
    bytes_put_u32(images + 8, 1);
    bytes_put_u32(images + 12, FEATURES);
    bytes_put_u32(labels, 0x801);
    bytes_put_u32(labels + 4, COUNT);
    struct bytes a = bytes_of(images, images_size), b = bytes_of(labels, sizeof(labels));
    struct digest ids[4] = {merkle_leaf(images, 65536), merkle_leaf(images + 65536, 65536),
                            merkle_leaf(images + 131072, images_size - 131072),
                            merkle_leaf(labels, sizeof(labels))};
    struct digest want = merkle_root(ids, 4);
    struct dataset data;
    ck_assert_int_eq(dataset_init(&data, a, b, NULL), ERR_NONE);
    ck_assert(digest_equal(&data.root, &want));
    ck_assert_uint_eq(dataset_chunk_count(a, b), 4);
    ck_assert(bytes_equal(dataset_chunk(a, b, 2), bytes_of(images + 131072, images_size - 131072)));
    ck_assert(bytes_equal(dataset_chunk(a, b, 3), b));
    free(images);
}
END_TEST

START_TEST(samples_follow_from_seed_round_slot_step_and_row)
{
    struct dataset data = {.count = 60000};
    uint32_t base = dataset_sample(&data, 1, 2, 3, 4, 5);
    ck_assert_uint_eq(base, 52794); /* known answer */
    ck_assert_uint_eq(dataset_sample(&data, 1, 2, 3, 4, 5), base);
    ck_assert_uint_ne(dataset_sample(&data, 2, 2, 3, 4, 5), base);
    ck_assert_uint_ne(dataset_sample(&data, 1, 3, 3, 4, 5), base);
    ck_assert_uint_ne(dataset_sample(&data, 1, 2, 4, 4, 5), base);
    ck_assert_uint_ne(dataset_sample(&data, 1, 2, 3, 5, 5), base);
    ck_assert_uint_ne(dataset_sample(&data, 1, 2, 3, 4, 6), base);
}
END_TEST

HARNESS_MAIN("dataset", well_formed_files_are_read, malformed_files_are_refused_with_a_sentence,
             claims_beyond_the_bounds_are_refused, the_root_is_that_of_the_chunks_of_both_files,
             samples_follow_from_seed_round_slot_step_and_row)
