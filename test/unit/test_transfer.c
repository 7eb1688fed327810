#include "tools/tenure/transfer.h"

#include "base/limits.h"
#include "base/merkle.h"
#include "net/blob.h"
#include "net/http.h"
#include "test/harness.h"
#include "tools/sys/clock.h"
#include "tools/sys/file.h"
#include "tools/tenure/swarm.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHUNKS 96
#define SIZE   1000

enum manner {
    HONEST,
    HAS_NOTHING,
    HAS_EVEN_ONES,
    HAS_ROT,
    LIES,
    TOO_LARGE,
    SILENT,
    IS_BUSY,
    IS_FULL
};

/* A node's blob routes over what this process keeps in memory. */
struct fake {
    struct http_server *server;
    char url[64];
    uint8_t manifest[CHUNKS * DIGEST_SIZE];
    size_t manifest_size;
    uint8_t chunks[CHUNKS][SIZE];
    size_t sizes[CHUNKS];
    uint32_t stored;    /* chunks that were put */
    bool looked;        /* at chunk 5, which has rotted: it is not there any more */
    atomic_uint asked;  /* chunks that were asked for */
    enum manner manner; /* with chunks that it is asked for */
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

static enum http_answer misbehave(struct fake *fake, struct http_response *response)
{
    uint32_t size = fake->manner == TOO_LARGE ? LIMIT_CHUNK_BYTES + 1 : 3;

    if (fake->manner == SILENT) {
        response->wait_ms = 30000;
        return HTTP_WAIT;
    }
    if (fake->manner == IS_BUSY)
        http_error(response, 503, "busy", "not now");
    for (uint32_t i = 0; i < size && fake->manner != IS_BUSY; i++)
        text_add(&response->body, "x");
    return HTTP_ANSWER;
}

/* Sends chunk 5 as it is, until it is asked to look at it. */
static bool is_there(struct fake *fake, uint32_t index, bool check)
{
    if (fake->manner == HAS_ROT && index == 5)
        fake->looked |= check;
    return !(fake->manner == HAS_EVEN_ONES && index % 2) && !(fake->looked && index == 5);
}

static enum http_answer give_chunk(struct fake *fake, const struct digest *wanted, bool check,
                                   struct http_response *response)
{
    fake->asked++;
    if (fake->manner >= LIES)
        return misbehave(fake, response);
    for (uint32_t i = 0; i < fake->stored && fake->manner != HAS_NOTHING; i++) {
        struct digest id = id_of(fake, i);
        if (!digest_equal(&id, wanted) || !is_there(fake, i, check))
            continue;
        text_put(&response->body, bytes_of(fake->chunks[i], fake->sizes[i]));
        if (fake->manner == HAS_ROT && i == 5)
            response->body.data[7] ^= 1;
        return HTTP_ANSWER;
    }
    http_error(response, 404, "not_found", "no such chunk");
    return HTTP_ANSWER;
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

    if (request->method == HTTP_PUT && fake->manner == SILENT)
        return misbehave(fake, response);
    if (request->method == HTTP_PUT && fake->manner == IS_FULL)
        http_error(response, 507, "storage", "its disk is full");
    else if (!bytes_from_hex(id.bytes, sizeof(id.bytes), request->path + (is_chunk ? 11 : 10)))
        http_error(response, 400, "bad_request", "no digest");
    else if (request->method == HTTP_PUT && is_chunk)
        put_chunk(fake, request);
    else if (request->method == HTTP_PUT)
        put_manifest(fake, request, response);
    else if (is_chunk)
        return give_chunk(fake, &id, http_query(request, "check") != NULL, response);
    else if (fake->manifest_size && fake->manner != HAS_NOTHING)
        text_put(&response->body, bytes_of(fake->manifest, fake->manifest_size));
    else
        http_error(response, 404, "not_found", "no such blob");
    return HTTP_ANSWER;
}

static struct fake nodes[4];
static struct client client;
static struct fault fault;
static uint8_t data[CHUNKS * SIZE];
static uint64_t offsets[CHUNKS + 1];
static struct transfer_blob blob = {data, offsets, CHUNKS};
static char warnings[1024];

static void on_warning(void *self, const char *sentence)
{
    (void)self;
    strncat(warnings, sentence, sizeof(warnings) - strlen(warnings) - 1);
}

/* A blob of chunks of different sizes. */
static void start(uint32_t node_count, uint32_t chunk_count)
{
    const char *urls[4];

    for (uint32_t i = 0; i < node_count; i++) {
        struct http_options options = http_defaults();
        options.listen = "127.0.0.1:0";
        options.handler = (struct http_handler){&nodes[i], handle, NULL};
        ck_assert_int_eq(http_open(&nodes[i].server, &options, &fault), ERR_NONE);
        snprintf(nodes[i].url, sizeof(nodes[i].url), "http://127.0.0.1:%u",
                 http_port(nodes[i].server));
        urls[i] = nodes[i].url;
    }
    blob.chunk_count = chunk_count;
    for (uint32_t i = 0; i < chunk_count; i++)
        offsets[i + 1] = offsets[i] + SIZE - i % 7;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + i / 256);
    ck_assert_int_eq(client_init(&client, urls, node_count, &fault), ERR_NONE);
    client.warn = on_warning;
}

static struct digest push(uint32_t copies)
{
    struct digest root;

    ck_assert_int_eq(transfer_push(&client, &root, &blob, copies, &fault), ERR_NONE);
    return root;
}

static void fetch(const struct digest *root)
{
    struct transfer_blob found;

    ck_assert_int_eq(transfer_fetch(&client, &found, root, blob.chunk_count, &fault), ERR_NONE);
    ck_assert_uint_eq(found.chunk_count, blob.chunk_count);
    ck_assert_int_eq(memcmp(found.offsets, offsets, (blob.chunk_count + 1) * sizeof(offsets[0])),
                     0);
    ck_assert_int_eq(memcmp(found.data, data, offsets[blob.chunk_count]), 0);
    transfer_release(&found);
}

static void must_fail(const struct digest *root, enum err err)
{
    struct transfer_blob found;

    ck_assert_int_eq(transfer_fetch(&client, &found, root, TRANSFER_CHUNKS_MAX, &fault), err);
}

/* That the node, and no other, was dropped, and why. */
static void must_name(const struct fake *fake, const char *why)
{
    char sentence[256];

    snprintf(sentence, sizeof(sentence), "%s %s: it is not asked for the rest", fake->url, why);
    ck_assert_str_eq(warnings, sentence);
}

START_TEST(what_was_pushed_comes_back)
{
    struct digest root;

    start(2, 3);
    root = push(1);
    ck_assert_uint_eq(nodes[0].stored, 3);
    ck_assert_uint_eq(nodes[1].stored, 0);
    fetch(&root);
    ck_assert_str_eq(warnings, "");
}
END_TEST

START_TEST(more_chunks_than_were_asked_for_are_not_fetched)
{
    struct transfer_blob found;
    struct digest root;

    start(1, 3);
    root = push(1);
    ck_assert_int_eq(transfer_fetch(&client, &found, &root, 2, &fault), ERR_MALFORMED);
    ck_assert_str_eq(fault.text, "the blob has 3 chunks; what is named has at most 2");
}
END_TEST

START_TEST(what_a_node_has_does_not_travel_again)
{
    start(2, 3);
    push(2);
    ck_assert_uint_eq(nodes[1].stored, 3);
    push(2);
    ck_assert_uint_eq(nodes[0].stored, 3);
    ck_assert_uint_eq(nodes[1].stored, 3);
}
END_TEST

START_TEST(equal_chunks_travel_once)
{
    struct digest root;

    start(1, 40);
    memset(data + offsets[7], 0, SIZE);
    for (uint32_t i = 14; i < 35; i += 7) /* chunks of one size */
        memset(data + offsets[i], 0, SIZE);
    root = push(1);
    ck_assert_uint_eq(nodes[0].stored, 37);
    fetch(&root);
    ck_assert_uint_eq(nodes[0].asked, 37);
}
END_TEST

START_TEST(all_nodes_give_and_no_chunk_comes_twice)
{
    struct digest root;
    uint32_t asked = 0;

    start(4, CHUNKS);
    root = push(4);
    fetch(&root);
    for (int i = 0; i < 4; i++) {
        ck_assert_uint_gt(nodes[i].asked, 0);
        asked += nodes[i].asked;
    }
    ck_assert_uint_eq(asked, CHUNKS);
}
END_TEST

START_TEST(node_that_lies_is_dropped_and_named)
{
    struct digest root;

    start(2, CHUNKS);
    root = push(2);
    nodes[0].manner = LIES;
    fetch(&root);
    must_name(&nodes[0], "gave a chunk that is not the one asked for");
    ck_assert_uint_le(nodes[0].asked, 2 * SWARM_DEPTH);
    nodes[1].manner = LIES;
    must_fail(&root, ERR_MISMATCH);
    ck_assert(!client.unreachable);
}
END_TEST

START_TEST(node_whose_disk_rots_is_asked_to_look_and_is_not_dropped)
{
    struct digest root;

    start(2, CHUNKS);
    root = push(2);
    nodes[0].manner = nodes[1].manner = HAS_ROT;
    nodes[1].looked = true;
    must_fail(&root, ERR_NOT_FOUND);
    ck_assert(nodes[0].looked);
    nodes[1].manner = HONEST;
    nodes[0].looked = nodes[1].looked = false;
    nodes[0].manner = HAS_ROT;
    fetch(&root);
    ck_assert_str_eq(warnings, "");
}
END_TEST

START_TEST(node_that_gives_too_much_is_dropped_and_named)
{
    struct digest root;

    start(2, CHUNKS);
    root = push(2);
    nodes[0].manner = TOO_LARGE;
    fetch(&root);
    must_name(&nodes[0], "gave more than a chunk has");
}
END_TEST

START_TEST(node_that_stalls_is_dropped_and_named)
{
    struct digest root;

    start(2, 2);
    root = push(2);
    nodes[0].manner = nodes[1].manner = SILENT;
    client.request_ms = 200;
    must_fail(&root, ERR_IO);
    ck_assert(strstr(warnings, "has stalled: it is not asked for the rest") != NULL);
    ck_assert(client.unreachable);
}
END_TEST

START_TEST(node_that_is_slower_than_the_others_is_dropped_and_named)
{
    struct digest root;

    start(2, CHUNKS);
    root = push(2);
    nodes[1].manner = SILENT;
    client.request_ms = 20000;
    fetch(&root);
    must_name(&nodes[1], "is much slower than the others");
    ck_assert_uint_le(nodes[1].asked, SWARM_DEPTH);
}
END_TEST

START_TEST(node_that_is_busy_is_asked_again_and_then_dropped)
{
    struct digest root;

    start(1, 3);
    root = push(1);
    nodes[0].manner = IS_BUSY;
    client.patience_ms = 300;
    must_fail(&root, ERR_IO);
    must_name(&nodes[0], "does not answer (answers with status 503)");
    ck_assert_uint_gt(nodes[0].asked, 3);
}
END_TEST

START_TEST(false_manifest_is_refused)
{
    struct digest root;

    start(2, 3);
    root = push(2);
    nodes[0].manifest[0] ^= 1;
    fetch(&root);
    must_name(&nodes[0], "gave a manifest that is not the root's");
    ck_assert_uint_eq(nodes[0].asked, 0);
    nodes[1].manifest_size -= DIGEST_SIZE;
    must_fail(&root, ERR_MISMATCH);
    nodes[0].manifest_size -= 1;
    nodes[1].manifest_size -= 1;
    must_fail(&root, ERR_LIMIT);
}
END_TEST

START_TEST(what_no_node_has_alone_comes_from_all)
{
    struct digest root;

    start(2, CHUNKS);
    root = push(2);
    nodes[0].manner = HAS_EVEN_ONES;
    fetch(&root);
    nodes[1].manner = HAS_NOTHING;
    must_fail(&root, ERR_NOT_FOUND);
    nodes[0].manner = HAS_NOTHING;
    must_fail(&root, ERR_NOT_FOUND);
    ck_assert(!client.unreachable);
    ck_assert_str_eq(warnings, "");
}
END_TEST

START_TEST(silent_node_is_passed_over)
{
    struct digest root;

    start(2, 3);
    root = push(2);
    http_close(nodes[0].server);
    fetch(&root);
    push(2);
    http_close(nodes[1].server);
    client.patience_ms = 300;
    must_fail(&root, ERR_IO);
    ck_assert(client.unreachable);
}
END_TEST

START_TEST(node_that_blocks_an_upload_is_passed_over)
{
    struct digest root;

    start(2, 3);
    client.request_ms = 200;
    nodes[0].manner = SILENT;
    push(1);
    ck_assert_uint_eq(nodes[1].stored, 3);
    nodes[1].manner = SILENT;
    ck_assert_int_eq(transfer_push(&client, &root, &blob, 1, &fault), ERR_IO);
    ck_assert_ptr_nonnull(strstr(fault.text, "does not answer: Operation timed out"));
    ck_assert_ptr_nonnull(strstr(fault.text, nodes[1].url));
}
END_TEST

START_TEST(node_whose_disk_is_full_is_passed_over_and_says_so)
{
    struct digest root;

    start(2, 3);
    nodes[0].manner = IS_FULL;
    push(1);
    ck_assert_uint_eq(nodes[1].stored, 3);
    nodes[1].manner = IS_FULL;
    ck_assert_int_eq(transfer_push(&client, &root, &blob, 1, &fault), ERR_IO);
    ck_assert_ptr_nonnull(strstr(fault.text, "does not answer: status 507: "));
    ck_assert_ptr_nonnull(strstr(fault.text, "its disk is full"));
}
END_TEST

static char folder[] = "/tmp/tenure-transfer-XXXXXX";

/* How many chunks a folder keeps that was left by a process that is gone. */
static uint32_t kept(const char *path)
{
    struct blob_store *store;
    uint32_t count;

    ck_assert_int_eq(blob_open(&store, path, UINT64_MAX, &fault), ERR_NONE);
    count = (uint32_t)blob_usage(store).files - 1; /* one is the manifest */
    blob_close(store);
    return count;
}

static void must_hold(const char *path)
{
    uint8_t *found;
    size_t size;

    ck_assert_int_eq(file_read(&found, &size, path, sizeof(data), &fault), ERR_NONE);
    ck_assert_uint_eq(size, offsets[blob.chunk_count]);
    ck_assert_int_eq(memcmp(found, data, size), 0);
    free(found);
}

START_TEST(killed_fetch_goes_on_and_no_checked_chunk_comes_twice)
{
    char path[64], part[80];
    struct digest root;
    uint64_t bytes;
    uint32_t before;
    pid_t child;

    harness_folder(folder);
    snprintf(path, sizeof(path), "%s/blob", folder);
    snprintf(part, sizeof(part), "%s.part", path);
    start(2, CHUNKS);
    root = push(2);
    child = fork();
    if (!child) {
        client.throttle.rate = 2000000; /* so that the end is far */
        _exit(transfer_fetch_file(&client, &bytes, path, &root, &fault));
    }
    while (nodes[0].asked + nodes[1].asked < CHUNKS / 3)
        clock_sleep_ms(1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    before = kept(part);
    ck_assert_uint_gt(before, 0);
    ck_assert_uint_lt(before, CHUNKS);
    nodes[0].asked = nodes[1].asked = 0;
    ck_assert_int_eq(transfer_fetch_file(&client, &bytes, path, &root, &fault), ERR_NONE);
    ck_assert_uint_eq(nodes[0].asked + nodes[1].asked, CHUNKS - before);
    ck_assert_uint_eq(bytes, offsets[CHUNKS]);
    must_hold(path);
    ck_assert(!file_exists(part));
}
END_TEST

START_TEST(fetch_to_a_full_disk_says_so_and_goes_on_when_there_is_room)
{
    struct rlimit all, none;
    struct digest root;
    char path[64];
    uint64_t bytes;

    harness_folder(folder);
    snprintf(path, sizeof(path), "%s/blob", folder);
    start(2, CHUNKS);
    root = push(2);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &all);
    none = all;
    none.rlim_cur = SIZE / 2;
    setrlimit(RLIMIT_FSIZE, &none);
    ck_assert_int_eq(transfer_fetch_file(&client, &bytes, path, &root, &fault), ERR_IO);
    ck_assert_str_eq(fault.text, "what was fetched can't be written: is the disk full?");
    ck_assert(!file_exists(path));
    setrlimit(RLIMIT_FSIZE, &all);
    ck_assert_int_eq(transfer_fetch_file(&client, &bytes, path, &root, &fault), ERR_NONE);
    must_hold(path);
}
END_TEST

START_TEST(what_the_cache_has_is_not_asked_for)
{
    struct digest root;
    int lock, other;

    harness_folder(folder);
    start(2, CHUNKS);
    ck_assert_int_eq(transfer_cache(&client.cache, &lock, folder, 8u << 20, &fault), ERR_NONE);
    ck_assert_int_eq(transfer_cache(&client.cache, &other, folder, 8u << 20, &fault), ERR_BUSY);
    root = push(2);
    fetch(&root);
    nodes[0].asked = nodes[1].asked = 0;
    fetch(&root);
    ck_assert_uint_eq(nodes[0].asked + nodes[1].asked, 0);

    data[5] ^= 1; /* another blob, which shares all chunks but one */
    nodes[0].stored = nodes[1].stored = 0;
    root = push(2);
    fetch(&root);
    ck_assert_uint_eq(nodes[0].asked + nodes[1].asked, 1);
    blob_close(client.cache);
    close(lock);
}
END_TEST

START_TEST(rate_is_kept)
{
    struct digest root;
    uint64_t start_ms;

    start(2, CHUNKS);
    root = push(2);
    start_ms = clock_monotonic_ms();
    client.throttle.rate = 400000;
    fetch(&root);
    ck_assert_uint_ge(clock_monotonic_ms() - start_ms,
                      (CHUNKS - 2 * SWARM_DEPTH) * (SIZE - 6) / 400);
    start_ms = clock_monotonic_ms();
    nodes[0].stored = 0;
    push(1);
    ck_assert_uint_ge(clock_monotonic_ms() - start_ms, (CHUNKS - 1) * (SIZE - 6) / 400);
}
END_TEST

HARNESS_MAIN("transfer", what_was_pushed_comes_back,
             more_chunks_than_were_asked_for_are_not_fetched, what_a_node_has_does_not_travel_again,
             equal_chunks_travel_once, all_nodes_give_and_no_chunk_comes_twice,
             node_that_lies_is_dropped_and_named,
             node_whose_disk_rots_is_asked_to_look_and_is_not_dropped,
             node_that_gives_too_much_is_dropped_and_named, node_that_stalls_is_dropped_and_named,
             node_that_is_slower_than_the_others_is_dropped_and_named,
             node_that_is_busy_is_asked_again_and_then_dropped, false_manifest_is_refused,
             what_no_node_has_alone_comes_from_all, silent_node_is_passed_over,
             node_that_blocks_an_upload_is_passed_over,
             node_whose_disk_is_full_is_passed_over_and_says_so,
             fetch_to_a_full_disk_says_so_and_goes_on_when_there_is_room,
             killed_fetch_goes_on_and_no_checked_chunk_comes_twice,
             what_the_cache_has_is_not_asked_for, rate_is_kept)
