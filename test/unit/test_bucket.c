/* Against a stand-in, which computes every signature by itself (test/e2e/s3_stand_in). */
#include "net/bucket.h"

#include <string.h>

#include "base/bytes.h"
#include "test/unit/storage.h"

static char endpoint[64];
static struct fault fault;
static char listed[256];

static void on_name(void *self, const char *name, uint64_t size)
{
    (void)self;
    snprintf(listed + strlen(listed), sizeof(listed) - strlen(listed), "%s:%u ", name,
             (unsigned)size);
}

static void put(struct bucket *bucket, const char *name, const char *text)
{
    ck_assert_int_eq(bucket_put(bucket, name, bytes_text(text), &fault), ERR_NONE);
}

static void expect(struct bucket *bucket, const char *name, const char *text)
{
    uint8_t room[64];
    size_t size;

    ck_assert_int_eq(bucket_get(bucket, name, room, sizeof(room), &size, &fault), ERR_NONE);
    ck_assert_uint_eq(size, strlen(text));
    ck_assert_int_eq(memcmp(room, text, size), 0);
}

static void refused(struct bucket *bucket, enum err err, const char *sentence)
{
    uint8_t room[64];
    size_t size = 0;

    ck_assert_int_eq(bucket_get(bucket, "name", room, sizeof(room), &size, &fault), err);
    ck_assert_str_eq(fault.text, sentence);
    ck_assert_uint_eq(size, 0);
    bucket_close(bucket);
}

START_TEST(what_was_put_comes_back)
{
    storage_start(endpoint);
    struct bucket *bucket = storage_open(endpoint, "s3://chunks/states/of-1");
    put(bucket, "name", "content");
    expect(bucket, "name", "content");
    put(bucket, "name", "another");
    expect(bucket, "name", "another");
    bucket_close(bucket);
    bucket = storage_open(endpoint, "s3://chunks");
    expect(bucket, "states/of-1/name", "another");
    bucket_close(bucket);
}
END_TEST

START_TEST(listing_goes_over_all_pages_and_keeps_to_the_prefix)
{
    storage_start(endpoint);
    struct bucket *bucket = storage_open(endpoint, "s3://chunks/a");
    struct bucket *other = storage_open(endpoint, "s3://chunks/ab");
    put(other, "x", "1");
    ck_assert_int_eq(bucket_list(bucket, NULL, on_name, &fault), ERR_NONE);
    ck_assert_str_eq(listed, "");
    for (char letter[] = "a"; letter[0] < 'h'; letter[0]++)
        put(bucket, letter, "content");
    ck_assert_int_eq(bucket_list(bucket, NULL, on_name, &fault), ERR_NONE);
    ck_assert_str_eq(listed, "a:7 b:7 c:7 d:7 e:7 f:7 g:7 ");
    bucket_close(bucket);
    bucket_close(other);
}
END_TEST

START_TEST(object_larger_than_the_room_is_refused)
{
    uint8_t room[4];
    size_t size;

    storage_start(endpoint);
    struct bucket *bucket = storage_open(endpoint, "s3://chunks/");
    put(bucket, "name", "12345");
    ck_assert_int_eq(bucket_get(bucket, "name", room, sizeof(room), &size, &fault), ERR_LIMIT);
    bucket_close(bucket);
}
END_TEST

START_TEST(refusals_are_named_in_the_storage_s_words)
{
    struct bucket_options options = {
        .place = "s3://chunks", .endpoint = endpoint, .key_id = STORAGE_KEY_ID, .secret = "wrong"};
    struct bucket *bucket;

    storage_start(endpoint);
    ck_assert_int_eq(bucket_open(&bucket, &options, &fault), ERR_NONE);
    refused(bucket, ERR_USAGE, "s3://chunks answers with status 403: SignatureDoesNotMatch");
    options.key_id = "nobody";
    ck_assert_int_eq(bucket_open(&bucket, &options, &fault), ERR_NONE);
    refused(bucket, ERR_USAGE, "s3://chunks answers with status 403: InvalidAccessKeyId");
    refused(storage_open(endpoint, "s3://none"), ERR_USAGE,
            "s3://none answers with status 404: NoSuchBucket");
    refused(storage_open(endpoint, "s3://chunks"), ERR_NOT_FOUND,
            "s3://chunks answers with status 404: NoSuchKey");
}
END_TEST

START_TEST(busy_storage_is_asked_again_and_one_that_is_down_is_named)
{
    storage_start(endpoint);
    struct bucket *bucket = storage_open(endpoint, "s3://chunks/busy");
    put(bucket, "name", "content");
    expect(bucket, "name", "content");
    bucket_close(bucket);
    refused(storage_open(endpoint, "s3://chunks/down"), ERR_IO,
            "s3://chunks/down answers with status 503: SlowDown");
}
END_TEST

START_TEST(body_that_is_cut_short_is_no_body)
{
    storage_start(endpoint);
    struct bucket *bucket = storage_open(endpoint, "s3://chunks/torn");
    put(bucket, "name", "content");
    refused(bucket, ERR_IO, "s3://chunks/torn: transfer closed with 4 bytes remaining to read");
}
END_TEST

START_TEST(storage_that_is_away_is_named)
{
    refused(storage_open("http://127.0.0.1:1", "s3://chunks"), ERR_IO,
            "s3://chunks: Failed to connect to 127.0.0.1 port 1 after 0 ms: Couldn't connect to "
            "server");
}
END_TEST

static void no_place(const char *place, const char *at, const char *key, const char *sentence)
{
    struct bucket_options options = {
        .place = place, .endpoint = at, .key_id = key, .secret = STORAGE_SECRET};
    struct bucket *bucket = NULL;

    ck_assert_int_eq(bucket_open(&bucket, &options, &fault), ERR_USAGE);
    ck_assert_ptr_null(bucket);
    ck_assert_str_eq(fault.text, sentence);
}

START_TEST(what_is_no_place_is_refused)
{
    no_place("s3:/bucket", NULL, "K", "\"s3:/bucket\" is no place such as s3://bucket/prefix");
    no_place("s3://", NULL, "K", "\"s3://\" is no place such as s3://bucket/prefix");
    no_place("s3://a b", NULL, "K", "\"s3://a b\" is no place such as s3://bucket/prefix");
    no_place("s3://b", "host:1", "K", "\"host:1\" is no endpoint such as https://host:port");
    no_place("s3://b", NULL, NULL,
             "s3://b needs a key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
}
END_TEST

HARNESS_MAIN("bucket", what_was_put_comes_back, listing_goes_over_all_pages_and_keeps_to_the_prefix,
             object_larger_than_the_room_is_refused, refusals_are_named_in_the_storage_s_words,
             busy_storage_is_asked_again_and_one_that_is_down_is_named,
             body_that_is_cut_short_is_no_body, storage_that_is_away_is_named,
             what_is_no_place_is_refused)
