#include "net/bucket.h"

#include <curl/curl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/digest.h"

#define URL_SIZE 4096

/* A page of a listing: a thousand names of at most a kilobyte, each with some words around it. */
#define PAGE_BYTES (4u << 20)

/* Connections kept for the next call. */
#define IDLE_MAX 16

struct bucket {
    char url[1024];    /* endpoint/bucket */
    char prefix[1024]; /* "" or ending in a slash */
    char place[1024];  /* for people */
    char signer[128];
    char user[512]; /* KEY:SECRET */
    void *self;
    void (*warn)(void *self, const char *sentence);
    pthread_mutex_t mutex; /* guards the idle ones */
    CURL *idle[IDLE_MAX];
    uint32_t idle_count;
};

/* One request and what came of it. */
struct call {
    struct bucket *bucket;
    CURL *handle; /* during a try */
    const char *method;
    const char *url;
    struct bytes upload; /* of PUT */
    uint8_t *room;
    size_t room_size, size; /* what has come */
    bool is_too_large;
    long status;
    char why[CURL_ERROR_SIZE];
};

/* --- opening --- */

static bool is_plain(const char *text)
{
    return text[strspn(text,
                       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/")] == 0;
}

/* s3://bucket/prefix into the parts of a URL. */
static enum err take_place(struct bucket *bucket, const struct bucket_options *options,
                           struct fault *fault)
{
    const char *region = options->region && options->region[0] ? options->region : "us-east-1";
    const char *place = options->place, *slash;
    size_t size;
    char aws[160];

    if (strncmp(place, "s3://", 5) || strlen(place) >= sizeof(bucket->place) ||
        !is_plain(place + 5) || place[5] == 0 || place[5] == '/')
        return fault_set(fault, ERR_USAGE, "\"%s\" is no place such as s3://bucket/prefix", place);
    snprintf(aws, sizeof(aws), "https://s3.%.100s.amazonaws.com", region);
    slash = strchr(place + 5, '/');
    size = slash ? (size_t)(slash - place - 5) : strlen(place + 5);
    snprintf(bucket->place, sizeof(bucket->place), "%s", place);
    if (snprintf(bucket->url, sizeof(bucket->url), "%s/%.*s",
                 options->endpoint && options->endpoint[0] ? options->endpoint : aws, (int)size,
                 place + 5) >= (int)sizeof(bucket->url) ||
        (strncmp(bucket->url, "http://", 7) && strncmp(bucket->url, "https://", 8)))
        return fault_set(fault, ERR_USAGE, "\"%s\" is no endpoint such as https://host:port",
                         options->endpoint ? options->endpoint : "");
    if (slash && slash[1])
        snprintf(bucket->prefix, sizeof(bucket->prefix), "%s%s", slash + 1,
                 slash[strlen(slash) - 1] == '/' ? "" : "/");
    if (snprintf(bucket->signer, sizeof(bucket->signer), "aws:amz:%s:s3", region) >=
        (int)sizeof(bucket->signer))
        return fault_set(fault, ERR_USAGE, "the region's name is too long");
    return ERR_NONE;
}

enum err bucket_open(struct bucket **out, const struct bucket_options *options, struct fault *fault)
{
    struct bucket *bucket = calloc(1, sizeof(*bucket));
    enum err err;

    CHECK(bucket != NULL);
    pthread_mutex_init(&bucket->mutex, NULL);
    bucket->self = options->self;
    bucket->warn = options->warn;
    err = take_place(bucket, options, fault);
    if (!err &&
        (!options->key_id || !options->key_id[0] || !options->secret || !options->secret[0]))
        err = fault_set(fault, ERR_USAGE,
                        "%s needs a key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
                        options->place);
    if (!err && snprintf(bucket->user, sizeof(bucket->user), "%s:%s", options->key_id,
                         options->secret) >= (int)sizeof(bucket->user))
        err = fault_set(fault, ERR_USAGE, "the key of %s is too long", options->place);
    if (err) {
        bucket_close(bucket);
        return err;
    }
    *out = bucket;
    return ERR_NONE;
}

void bucket_close(struct bucket *bucket)
{
    if (!bucket)
        return;
    for (uint32_t i = 0; i < bucket->idle_count; i++)
        curl_easy_cleanup(bucket->idle[i]);
    pthread_mutex_destroy(&bucket->mutex);
    explicit_bzero(bucket->user, sizeof(bucket->user));
    free(bucket);
}

/* --- one try --- */

static CURL *take_handle(struct bucket *bucket)
{
    CURL *handle = NULL;

    pthread_mutex_lock(&bucket->mutex);
    if (bucket->idle_count)
        handle = bucket->idle[--bucket->idle_count];
    pthread_mutex_unlock(&bucket->mutex);
    if (!handle)
        handle = curl_easy_init();
    CHECK(handle != NULL);
    return handle;
}

static void give_handle(struct bucket *bucket, CURL *handle)
{
    bool kept = false;

    pthread_mutex_lock(&bucket->mutex);
    if (bucket->idle_count < IDLE_MAX) {
        bucket->idle[bucket->idle_count++] = handle;
        kept = true;
    }
    pthread_mutex_unlock(&bucket->mutex);
    if (!kept)
        curl_easy_cleanup(handle);
}

static size_t on_body(char *data, size_t size, size_t count, void *self)
{
    struct call *call = self;
    size_t take = size * count, room = call->room_size - call->size;

    curl_easy_getinfo(call->handle, CURLINFO_RESPONSE_CODE, &call->status);
    call->is_too_large = take > room && call->status == 200;
    if (call->is_too_large)
        return 0;
    take = take < room ? take : room;
    memcpy(call->room + call->size, data, take);
    call->size += take;
    return size * count; /* of an error's text the beginning is enough */
}

/* The body's digest, which S3 wants as a header and libcurl 7.88 doesn't make; it signs it with the others. */
static struct curl_slist *headers_of(const struct call *call)
{
    struct digest digest = digest_of(call->upload.data, call->upload.size);
    char header[32 + DIGEST_TEXT_SIZE], text[DIGEST_TEXT_SIZE];
    struct curl_slist *headers;

    digest_text(text, &digest);
    snprintf(header, sizeof(header), "x-amz-content-sha256: %s", text);
    headers = curl_slist_append(NULL, header);
    if (call->upload.size)
        headers = curl_slist_append(headers, "Content-Type: application/octet-stream");
    CHECK(headers != NULL);
    return headers;
}

/* Once. False when it is worth another try. The body is sent as POSTFIELDS, so that libcurl signs its digest. */
static bool try_once(struct call *call)
{
    CURL *handle = call->handle = take_handle(call->bucket);
    struct curl_slist *headers = headers_of(call);
    CURLcode code;

    call->size = 0;
    call->status = 0;
    call->why[0] = 0;
    curl_easy_reset(handle);
    curl_easy_setopt(handle, CURLOPT_URL, call->url);
    curl_easy_setopt(handle, CURLOPT_AWS_SIGV4, call->bucket->signer);
    curl_easy_setopt(handle, CURLOPT_USERPWD, call->bucket->user);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)BUCKET_REQUEST_MS);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, call->why);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    if (call->upload.size) {
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, call->upload.data);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->upload.size);
        curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, call->method);
    }
    code = curl_easy_perform(handle);
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &call->status);
    curl_slist_free_all(headers);
    give_handle(call->bucket, handle);
    if (code && !call->is_too_large) {
        if (!call->why[0])
            snprintf(call->why, sizeof(call->why), "%s", curl_easy_strerror(code));
        call->status = 0;
        return false;
    }
    return call->status < 500 && call->status != 429;
}

/* The text between <tag> and </tag>, from *at on, which moves behind it. NULL when there is none. */
static const char *element(const char **at, const char *tag, int *size)
{
    char open[64], shut[64];
    const char *from, *to;

    snprintf(open, sizeof(open), "<%s>", tag);
    snprintf(shut, sizeof(shut), "</%s>", tag);
    from = strstr(*at, open);
    to = from ? strstr(from, shut) : NULL;
    if (!to)
        return NULL;
    from += strlen(open);
    *size = (int)(to - from);
    *at = to + strlen(shut);
    return from;
}

/* What a person must know: the server's own code, such as NoSuchBucket, when it gave one. */
static enum err refusal(const struct call *call, enum err err, struct fault *fault)
{
    char body[1024];
    const char *at = body, *code;
    int size = 0;

    snprintf(body, sizeof(body), "%.*s", (int)(call->size < 1000 ? call->size : 1000),
             (const char *)call->room);
    code = element(&at, "Code", &size);
    if (!call->status)
        return fault_set(fault, err, "%s: %s", call->bucket->place, call->why);
    return fault_set(fault, err, "%s answers with status %ld%s%.*s", call->bucket->place,
                     call->status, code ? ": " : "", size, code ? code : "");
}

/* A whole request with its tries. Room must take an error's text too. */
static enum err perform(struct call *call, struct fault *fault)
{
    int pause_ms = BUCKET_PAUSE_MS;
    struct fault why;
    enum err err;

    for (uint32_t tries = 1; !try_once(call) && tries < BUCKET_TRIES; tries++) {
        poll(NULL, 0, pause_ms);
        pause_ms *= 2;
    }
    if (call->status == 200 && !call->is_too_large)
        return ERR_NONE;
    if (call->status == 200)
        err = fault_set(&why, ERR_LIMIT, "%s: %s is larger than it may be", call->bucket->place,
                        call->url);
    else if (!call->status || call->status >= 500 || call->status == 429)
        err = refusal(call, ERR_IO, &why);
    else
        err = refusal(call, ERR_USAGE, &why);
    if (call->status == 404 && !strstr(why.text, "NoSuchBucket"))
        err = why.code = ERR_NOT_FOUND;
    else if (call->bucket->warn)
        call->bucket->warn(call->bucket->self, why.text);
    if (fault)
        *fault = why;
    return err;
}

/* --- objects --- */

enum err bucket_put(struct bucket *bucket, const char *name, struct bytes data, struct fault *fault)
{
    uint8_t answer[1024];
    char url[URL_SIZE];
    struct call call = {.bucket = bucket,
                        .method = "PUT",
                        .url = url,
                        .upload = data,
                        .room = answer,
                        .room_size = sizeof(answer)};

    CHECK(data.size > 0);
    snprintf(url, sizeof(url), "%s/%s%s", bucket->url, bucket->prefix, name);
    return perform(&call, fault);
}

enum err bucket_get(struct bucket *bucket, const char *name, uint8_t *room, size_t room_size,
                    size_t *size, struct fault *fault)
{
    char url[URL_SIZE];
    struct call call = {
        .bucket = bucket, .method = "GET", .url = url, .room = room, .room_size = room_size};
    enum err err;

    snprintf(url, sizeof(url), "%s/%s%s", bucket->url, bucket->prefix, name);
    err = perform(&call, fault);
    if (!err)
        *size = call.size;
    return err;
}

/* One page of a listing: its objects to `each`; the token of the next page, "" for none. */
static enum err take_page(const struct bucket *bucket, const char *page, char token[URL_SIZE / 2],
                          void *self, void (*each)(void *self, const char *name, uint64_t size),
                          struct fault *fault)
{
    const char *at = page, *text;
    size_t skip = strlen(bucket->prefix);
    int size;

    if (!strstr(page, "<ListBucketResult"))
        return fault_set(fault, ERR_MALFORMED, "%s: the answer is no listing", bucket->place);
    while ((text = element(&at, "Key", &size))) {
        char name[1025];
        const char *number = element(&at, "Size", &(int){0});
        if ((size_t)size <= skip || size > 1024 || !number)
            return fault_set(fault, ERR_MALFORMED, "%s: the listing is malformed", bucket->place);
        snprintf(name, sizeof(name), "%.*s", size - (int)skip, text + skip);
        each(self, name, strtoull(number, NULL, 10));
    }
    at = page;
    text = element(&at, "NextContinuationToken", &size);
    if (text && size >= URL_SIZE / 2)
        return fault_set(fault, ERR_MALFORMED, "%s: the listing's token is too long",
                         bucket->place);
    snprintf(token, URL_SIZE / 2, "%.*s", text ? size : 0, text ? text : "");
    return ERR_NONE;
}

/* The query in the order of its names, escaped: what is signed is what is sent. */
static void page_url(char url[URL_SIZE], const struct bucket *bucket, const char *token)
{
    char *prefix = curl_easy_escape(NULL, bucket->prefix, 0);
    char *next = curl_easy_escape(NULL, token, 0);

    CHECK(prefix != NULL);
    CHECK(next != NULL);
    snprintf(url, URL_SIZE, "%s?%s%s%slist-type=2&prefix=%s", bucket->url,
             token[0] ? "continuation-token=" : "", next, token[0] ? "&" : "", prefix);
    curl_free(prefix);
    curl_free(next);
}

enum err bucket_list(struct bucket *bucket, void *self,
                     void (*each)(void *self, const char *name, uint64_t size), struct fault *fault)
{
    char url[URL_SIZE], token[URL_SIZE / 2] = "";
    uint8_t *page = malloc(PAGE_BYTES + 1);
    enum err err;

    CHECK(page != NULL);
    do {
        struct call call = {
            .bucket = bucket, .method = "GET", .url = url, .room = page, .room_size = PAGE_BYTES};
        page_url(url, bucket, token);
        err = perform(&call, fault);
        page[call.size] = 0;
        if (!err)
            err = take_page(bucket, (const char *)page, token, self, each, fault);
    } while (!err && token[0]);
    free(page);
    return err;
}
