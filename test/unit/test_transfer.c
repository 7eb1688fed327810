#include "tools/tenure/transfer.h"

#include "base/merkle.h"
#include "net/http.h"
#include "test/harness.h"

#include <stdio.h>
#include <string.h>

/* A node's blob routes over what this process keeps in memory. */
struct fake {
    struct http_server *server;
    char url[64];
    uint8_t manifest[1024];
    size_t manifest_size;
    uint8_t chunks[4][1000];
    size_t sizes[4];
    uint32_t stored; /* chunks that were put */
    uint32_t asked;  /* chunks that were asked for */
    bool lies;       /* gives other bytes than the chunk's */
    bool is_empty;   /* has nothing, whatever was put */
};

static struct digest id_of(const struct fake *fake, uint32_t index)
{
    return merkle_leaf(fake->chunks[index], fake->sizes[index]);
}

static void put_chunk(struct fake *fake, const struct http_request *request)
{
    memcpy(fake->chunks[fake->stored], request->body.data, request->body.size);
    fake->sizes[fake->stored++] = request->body.size;
}

static void give_chunk(struct fake *fake, const struct digest *wanted,
                       struct http_response *response)
{
    fake->asked++;
    for (uint32_t i = 0; i < fake->stored && !fake->is_empty; i++) {
        struct digest id = id_of(fake, i);
        if (!digest_equal(&id, wanted))
            continue;
        text_put(&response->body, bytes_of(fake->chunks[fake->lies ? 3 : i], fake->sizes[i]));
        return;
    }
    http_error(response, 404, "not_found", "no such chunk");
}

/* Missing are all chunks that weren't put yet. */
static void put_manifest(struct fake *fake, const struct http_request *request,
                         struct http_response *response)
{
    uint32_t wanted = (uint32_t)(request->body.size / DIGEST_SIZE);

    memcpy(fake->manifest, request->body.data, request->body.size);
    fake->manifest_size = request->body.size;
    text_add(&response->body, "{\"missing\":[");
    for (uint32_t i = fake->stored; i < wanted; i++)
        text_add(&response->body, "%s%u", i > fake->stored ? "," : "", i);
    text_add(&response->body, "]}");
}

static enum http_answer handle(void *self, const struct http_request *request,
                               struct http_response *response)
{
    struct fake *fake = self;
    bool is_chunk = !strncmp(request->path, "/v1/chunks/", 11);
    struct digest id;

    if (!bytes_from_hex(id.bytes, sizeof(id.bytes), request->path + (is_chunk ? 11 : 10)))
        http_error(response, 400, "bad_request", "no digest");
    else if (request->method == HTTP_PUT && is_chunk)
        put_chunk(fake, request);
    else if (request->method == HTTP_PUT)
        put_manifest(fake, request, response);
    else if (is_chunk)
        give_chunk(fake, &id, response);
    else if (fake->manifest_size && !fake->is_empty)
        text_put(&response->body, bytes_of(fake->manifest, fake->manifest_size));
    else
        http_error(response, 404, "not_found", "no such blob");
    return HTTP_ANSWER;
}

static struct fake nodes[2];
static struct client client;
static struct fault fault;
static uint8_t data[2000];
static uint64_t offsets[] = {0, 700, 1500, 2000};
static const struct transfer_blob blob = {data, offsets, 3};

static void start(void)
{
    const char *urls[2];

    for (int i = 0; i < 2; i++) {
        struct http_options options = http_defaults();
        options.listen = "127.0.0.1:0";
        options.handler = (struct http_handler){&nodes[i], handle, NULL};
        ck_assert_int_eq(http_open(&nodes[i].server, &options, &fault), ERR_NONE);
        snprintf(nodes[i].url, sizeof(nodes[i].url), "http://127.0.0.1:%u",
                 http_port(nodes[i].server));
        urls[i] = nodes[i].url;
    }
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + i / 256);
    ck_assert_int_eq(client_init(&client, urls, 2, &fault), ERR_NONE);
}

static struct digest push(uint32_t copies)
{
    struct digest root;

    ck_assert_int_eq(transfer_push(&client, &root, &blob, copies, &fault), ERR_NONE);
    return root;
}

START_TEST(what_was_pushed_comes_back)
{
    struct transfer_blob found;
    struct digest root;

    start();
    root = push(1);
    ck_assert_uint_eq(nodes[0].stored, 3);
    ck_assert_uint_eq(nodes[1].stored, 0);
    ck_assert_int_eq(transfer_fetch(&client, &found, &root, &fault), ERR_NONE);
    ck_assert_uint_eq(found.chunk_count, 3);
    ck_assert_uint_eq(found.offsets[3], sizeof(data));
    ck_assert_int_eq(memcmp(found.data, data, sizeof(data)), 0);
    transfer_release(&found);
}
END_TEST

START_TEST(what_a_node_has_does_not_travel_again)
{
    start();
    push(2);
    ck_assert_uint_eq(nodes[1].stored, 3);
    push(2);
    ck_assert_uint_eq(nodes[0].stored, 3);
    ck_assert_uint_eq(nodes[1].stored, 3);
}
END_TEST

START_TEST(false_chunk_is_asked_for_at_another_node)
{
    struct transfer_blob found;
    struct digest root;

    start();
    root = push(2);
    nodes[0].lies = true;
    ck_assert_int_eq(transfer_fetch(&client, &found, &root, &fault), ERR_NONE);
    ck_assert_int_eq(memcmp(found.data, data, sizeof(data)), 0);
    ck_assert_uint_eq(nodes[1].asked, 3);
    transfer_release(&found);
    nodes[1].lies = true;
    ck_assert_int_eq(transfer_fetch(&client, &found, &root, &fault), ERR_MISMATCH);
}
END_TEST

START_TEST(false_manifest_is_refused)
{
    struct transfer_blob found;
    struct digest root;

    start();
    root = push(2);
    nodes[0].manifest[0] ^= 1;
    nodes[1].manifest_size -= DIGEST_SIZE;
    ck_assert_int_eq(transfer_fetch(&client, &found, &root, &fault), ERR_MISMATCH);
    nodes[1].manifest_size -= 1;
    ck_assert_int_eq(transfer_fetch(&client, &found, &root, &fault), ERR_LIMIT);
}
END_TEST

START_TEST(blob_that_nobody_has_is_not_found)
{
    struct transfer_blob found;
    struct digest root;

    start();
    root = push(2);
    nodes[0].is_empty = true;
    ck_assert_int_eq(transfer_fetch(&client, &found, &root, &fault), ERR_NONE);
    transfer_release(&found);
    nodes[1].is_empty = true;
    ck_assert_int_eq(transfer_fetch(&client, &found, &root, &fault), ERR_NOT_FOUND);
    ck_assert(!client.unreachable);
}
END_TEST

START_TEST(silent_node_is_passed_over)
{
    struct transfer_blob found;
    struct digest root;

    start();
    root = push(2);
    http_close(nodes[0].server);
    ck_assert_int_eq(transfer_fetch(&client, &found, &root, &fault), ERR_NONE);
    transfer_release(&found);
    push(2);
    http_close(nodes[1].server);
    ck_assert_int_eq(transfer_fetch(&client, &found, &root, &fault), ERR_IO);
    ck_assert(client.unreachable);
}
END_TEST

HARNESS_MAIN("transfer", what_was_pushed_comes_back, what_a_node_has_does_not_travel_again,
             false_chunk_is_asked_for_at_another_node, false_manifest_is_refused,
             blob_that_nobody_has_is_not_found, silent_node_is_passed_over)
