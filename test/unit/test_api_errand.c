/* Errands of requests over a real server, with storage that answers, that has stopped, and that is away. */
#include "tools/tenured/api_errand.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/merkle.h"
#include "test/unit/storage.h"
#include "tools/tenured/api_ask.h"

#define WAITING 20 /* more than the server has threads, and than the storage's have */

static char endpoint[64], folder[64];
static struct bucket *bucket;
static struct blob_store *blobs;
static struct http_server *server;
static struct api_errands errands;
static struct fault fault;
static pid_t storage;
static const struct digest unknown = {{7}};

/* "/at-once", or an errand: "/chunk" and "/blob" that nobody has. */
static enum http_answer handle(void *self, const struct http_request *request,
                               struct http_response *response)
{
    struct api_errand_result result = {0};
    (void)self;
    if (strcmp(request->path, "/at-once") != 0 &&
        !api_errand_run(&errands, &result,
                        strcmp(request->path, "/blob") == 0 ? API_GET_BLOB : API_GET_CHUNK,
                        &unknown, request)) {
        response->wait_ms = HTTP_WAIT_MS_MAX;
        return HTTP_WAIT;
    }
    if (result.err == ERR_BUSY)
        http_error(response, 503, "busy", "not now");
    else if (result.err != ERR_NONE)
        http_error(response, result.err == ERR_NOT_FOUND ? 404 : 507, "failed", "failed");
    return HTTP_ANSWER;
}

static void release(void *self, void *state)
{
    struct api_held *held = state;
    (void)self;
    held->let_go(held);
}

static void world_open(bool has_bucket)
{
    struct http_options options = http_defaults();

    snprintf(folder, sizeof(folder), "/tmp/test_api_errand.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(blob_open(&blobs, folder, 8u << 20, &fault), ERR_NONE);
    if (has_bucket) {
        storage = storage_start(endpoint);
        bucket = storage_open(endpoint, "s3://chunks");
        ck_assert_int_eq(blob_attach(blobs, bucket, 100, &fault), ERR_NONE);
    }
    ck_assert_int_eq(api_errand_start(&errands, blobs, &server, &fault), ERR_NONE);
    options.listen = "127.0.0.1:0";
    options.handler = (struct http_handler){NULL, handle, release};
    ck_assert_int_eq(http_open(&server, &options, &fault), ERR_NONE);
}

static void world_close(void)
{
    char command[96];

    api_errand_stop(&errands);
    http_close(server);
    api_errand_release(&errands);
    ck_assert_uint_eq(errands.count, 0);
    ck_assert_uint_eq(errands.bytes, 0);
    blob_close(blobs);
    bucket_close(bucket);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static int ask(const char *path)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_port = htons(http_port(server)),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    char text[128];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int size = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);

    ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    ck_assert_int_eq(send(fd, text, (size_t)size, MSG_NOSIGNAL), size);
    return fd;
}

/* The status; `comes_again` when the client is told after how long to come again. */
static int answer(int fd, bool *comes_again)
{
    char text[1024] = "";

    ck_assert_int_gt(recv(fd, text, sizeof(text) - 1, 0), 12);
    close(fd);
    *comes_again = strstr(text, "Retry-After: 1\r\n") != NULL;
    return atoi(text + 9);
}

static int status(const char *path)
{
    bool comes_again;
    return answer(ask(path), &comes_again);
}

START_TEST(without_storage_an_errand_is_done_at_once)
{
    world_open(false);
    ck_assert_int_eq(status("/chunk"), 404);
    ck_assert_int_eq(status("/blob"), 404);
    world_close();
}
END_TEST

START_TEST(storage_that_stands_still_holds_up_no_other_request)
{
    int waiting[WAITING];
    bool comes_again;

    world_open(true);
    ck_assert_int_eq(status("/chunk"), 404);
    kill(storage, SIGSTOP);
    for (int i = 0; i < WAITING; i++)
        waiting[i] = ask("/chunk");
    for (int i = 0; i < WAITING; i++)
        ck_assert_int_eq(status("/at-once"), 200);
    kill(storage, SIGCONT);
    for (int i = 0; i < WAITING; i++)
        ck_assert_int_eq(answer(waiting[i], &comes_again), 404);
    world_close();
}
END_TEST

START_TEST(more_than_the_bound_is_refused_with_a_time_to_come_again)
{
    int waiting[WAITING], refused = 0, failed = 0;
    bool comes_again;

    world_open(true);
    kill(storage, SIGSTOP);
    for (int i = 0; i < WAITING; i++)
        waiting[i] = ask("/blob");
    ck_assert_int_eq(answer(waiting[WAITING - 1], &comes_again), 503);
    ck_assert(comes_again);
    ck_assert_uint_le(errands.bytes, API_ERRAND_BYTES_MAX);
    kill(storage, SIGKILL);
    for (int i = 0; i < WAITING - 1; i++) {
        int code = answer(waiting[i], &comes_again);
        refused += code == 503;
        failed += code == 507;
    }
    ck_assert_int_eq(refused + failed, WAITING - 1);
    ck_assert_int_ge(failed, API_ERRAND_THREADS);
    world_close();
}
END_TEST

START_TEST(what_waits_is_answered_when_the_node_stops)
{
    int waiting[2 * API_ERRAND_THREADS];
    bool comes_again;

    world_open(true);
    kill(storage, SIGSTOP);
    for (int i = 0; i < 2 * API_ERRAND_THREADS; i++)
        waiting[i] = ask("/chunk");
    while (errands.count < 2 * API_ERRAND_THREADS)
        usleep(1000);
    kill(storage, SIGKILL);
    api_errand_stop(&errands);
    for (int i = 0; i < 2 * API_ERRAND_THREADS; i++)
        ck_assert_int_ge(answer(waiting[i], &comes_again), 503);
    ck_assert_int_eq(status("/chunk"), 503);
    world_close();
}
END_TEST

HARNESS_MAIN("api_errand", without_storage_an_errand_is_done_at_once,
             storage_that_stands_still_holds_up_no_other_request,
             more_than_the_bound_is_refused_with_a_time_to_come_again,
             what_waits_is_answered_when_the_node_stops)
