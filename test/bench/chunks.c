/* What it costs to fetch a blob by its chunks, every digest checked, on loopback: build/bench/chunks.json.
 *
 *     fetch      of 128 MiB from two nodes' stores at once into memory (tools/tenure/transfer.h), against the same bytes read from one file
 *                and sent through a plain TCP connection: ratio = TCP's time / ours; wanted: 0.5
 *     to a file  the same into a file, by way of the folder from which a killed fetch goes on, in the memory of a few chunks:
 *                `grown_kib` is what the process's largest size has grown by
 *
 * Both sides take turns; figures are medians, `ratio` is the median over the turns. Nodes and fetcher are processes of their own, as they
 * are in the field. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/merkle.h"
#include "net/blob.h"
#include "net/http.h"
#include "tools/sys/clock.h"
#include "tools/sys/file.h"
#include "tools/tenure/transfer.h"

#define OUTPUT "build/bench/chunks.json"
#define TURNS  9
#define NODES  2
#define CHUNKS 2048u
#define BYTES  ((size_t)CHUNKS * LIMIT_CHUNK_BYTES)

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double values[TURNS])
{
    qsort(values, TURNS, sizeof(double), ascending);
    return values[TURNS / 2];
}

static double now_s(void)
{
    return (double)clock_monotonic_us() * 1e-6;
}

/* A process of its own, which ends with this one. */
static pid_t start(void (*run)(int out, const void *self), int *in, const void *self)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        run(ends[1], self);
        _exit(0);
    }
    close(ends[1]);
    *in = ends[0];
    return child;
}

static uint16_t port_of(int in)
{
    uint16_t port;
    CHECK(read(in, &port, sizeof(port)) == sizeof(port));
    return port;
}

static void tell_port(int out, uint16_t port)
{
    CHECK(write(out, &port, sizeof(port)) == sizeof(port));
}

/* --- a node: what api_blob.c does --- */

static enum http_answer handle(void *self, const struct http_request *request,
                               struct http_response *response)
{
    bool is_chunk = !strncmp(request->path, "/v1/chunks/", 11);
    const struct digest *ids;
    struct arena arena;
    struct digest id;
    uint32_t count;

    arena_init(&arena, 4u << 20);
    CHECK(bytes_from_hex(id.bytes, DIGEST_SIZE, request->path + (is_chunk ? 11 : 10)));
    response->type = "application/octet-stream";
    if (is_chunk)
        CHECK(blob_open_chunk(self, &id, &response->file, &response->file_size) == ERR_NONE);
    else {
        CHECK(blob_get_manifest(&arena, self, &id, &ids, &count) == ERR_NONE);
        text_put(&response->body, bytes_of(ids, count * sizeof(*ids)));
    }
    arena_release(&arena);
    return HTTP_ANSWER;
}

static void run_node(int out, const void *path)
{
    struct http_options options = http_defaults();
    struct http_server *server;
    struct blob_store *store;
    struct fault fault;

    CHECK(blob_open(&store, path, UINT64_MAX, &fault) == ERR_NONE);
    options.listen = "127.0.0.1:0";
    options.handler = (struct http_handler){store, handle, NULL};
    CHECK(http_open(&server, &options, &fault) == ERR_NONE);
    tell_port(out, http_port(server));
    for (;;)
        pause();
}

/* --- plain TCP: a file, read and sent to whoever connects --- */

static void run_copy(int out, const void *path)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    uint8_t *buffer = malloc(LIMIT_CHUNK_BYTES);

    CHECK(buffer != NULL);
    CHECK(bind(listener, (struct sockaddr *)&address, size) == 0);
    CHECK(listen(listener, 1) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    tell_port(out, ntohs(address.sin_port));
    for (;;) {
        int to = accept(listener, NULL, NULL), from = open(path, O_RDONLY);
        ssize_t got;
        while ((got = read(from, buffer, LIMIT_CHUNK_BYTES)) > 0)
            for (ssize_t sent = 0; sent < got;) {
                ssize_t count = send(to, buffer + sent, (size_t)(got - sent), 0);
                CHECK(count > 0);
                sent += count;
            }
        close(from);
        close(to);
    }
}

/* Into memory that is new, as that of a fetch. */
static double copy_s(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    double start_s = now_s();
    uint8_t *room = malloc(BYTES);
    int in = socket(AF_INET, SOCK_STREAM, 0);
    size_t size = 0;
    ssize_t got;

    CHECK(room != NULL);
    CHECK(connect(in, (struct sockaddr *)&address, sizeof(address)) == 0);
    while ((got = recv(in, room + size, BYTES - size, 0)) > 0)
        size += (size_t)got;
    CHECK(size == BYTES);
    close(in);
    start_s = now_s() - start_s;
    free(room);
    return start_s;
}

/* --- both sides --- */

struct field {
    char folder[64], file[80], made[80];
    char stores[NODES][80], urls[NODES][64];
    struct client client;
    struct digest root;
    uint16_t port; /* of the plain copy */
    pid_t children[NODES + 1];
};

/* The same bytes in a file and in every node's store; the root goes to `out`. By a process of its own, so that its memory doesn't count. */
static void fill(int out, const void *self)
{
    const struct field *field = self;
    struct digest *ids = calloc(CHUNKS, sizeof(*ids));
    uint8_t *data = malloc(BYTES);
    uint64_t random = 1;
    struct digest root;
    struct fault fault;

    CHECK(ids != NULL);
    CHECK(data != NULL);
    for (size_t i = 0; i < BYTES; i += 8) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        memcpy(data + i, &random, 8);
    }
    for (uint32_t i = 0; i < CHUNKS; i++)
        ids[i] = merkle_leaf(data + (size_t)i * LIMIT_CHUNK_BYTES, LIMIT_CHUNK_BYTES);
    root = merkle_root(ids, CHUNKS);
    CHECK(file_write(field->file, bytes_of(data, BYTES), 0600, &fault) == ERR_NONE);
    for (int n = 0; n < NODES; n++) {
        struct blob_store *store;
        CHECK(blob_open(&store, field->stores[n], UINT64_MAX, &fault) == ERR_NONE);
        CHECK(blob_put_manifest(store, &root, ids, CHUNKS) == ERR_NONE);
        for (uint32_t i = 0; i < CHUNKS; i++)
            CHECK(blob_put_chunk(store, &ids[i],
                                 bytes_of(data + (size_t)i * LIMIT_CHUNK_BYTES,
                                          LIMIT_CHUNK_BYTES)) == ERR_NONE);
        blob_close(store);
    }
    free(data);
    free(ids);
    CHECK(write(out, &root, sizeof(root)) == sizeof(root));
}

static void field_init(struct field *field)
{
    const char *urls[NODES];
    struct fault fault;
    int in;

    strcpy(field->folder, "/tmp/tenure-chunks-XXXXXX");
    CHECK(mkdtemp(field->folder) != NULL);
    snprintf(field->file, sizeof(field->file), "%s/file", field->folder);
    snprintf(field->made, sizeof(field->made), "%s/made", field->folder);
    for (int i = 0; i < NODES; i++)
        snprintf(field->stores[i], sizeof(field->stores[i]), "%s/%d", field->folder, i);
    start(fill, &in, field);
    CHECK(read(in, &field->root, sizeof(field->root)) == sizeof(field->root));
    for (int i = 0; i < NODES; i++) {
        field->children[i] = start(run_node, &in, field->stores[i]);
        snprintf(field->urls[i], sizeof(field->urls[i]), "http://127.0.0.1:%u", port_of(in));
        urls[i] = field->urls[i];
    }
    field->children[NODES] = start(run_copy, &in, field->file);
    field->port = port_of(in);
    CHECK(client_init(&field->client, urls, NODES, &fault) == ERR_NONE);
}

static void field_release(struct field *field)
{
    struct fault fault;

    client_release(&field->client);
    for (int i = 0; i <= NODES; i++) {
        kill(field->children[i], SIGKILL);
        waitpid(field->children[i], NULL, 0);
    }
    CHECK(file_remove_tree(field->folder, &fault) == ERR_NONE);
}

static double fetch_s(struct field *field)
{
    struct transfer_blob blob;
    struct fault fault;
    double start_s = now_s();

    CHECK(transfer_fetch(&field->client, &blob, &field->root, UINT64_MAX, &fault) == ERR_NONE);
    start_s = now_s() - start_s;
    CHECK(blob.offsets[CHUNKS] == BYTES);
    transfer_release(&blob);
    return start_s;
}

static long size_kib(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static double fetch_file_s(struct field *field, long *grown_kib)
{
    long before = size_kib();
    double start_s = now_s();
    struct fault fault;
    uint64_t bytes;

    CHECK(transfer_fetch_file(&field->client, &bytes, field->made, &field->root, &fault) ==
          ERR_NONE);
    CHECK(bytes == BYTES);
    *grown_kib = size_kib() - before;
    return now_s() - start_s;
}

int main(void)
{
    double tcp[TURNS], fetch[TURNS], ratio[TURNS], file_s, tcp_s, ours_s;
    static struct field field;
    long grown_kib;
    FILE *out;

    field_init(&field);
    file_s = fetch_file_s(&field, &grown_kib);
    for (int i = 0; i < TURNS; i++) {
        tcp[i] = copy_s(field.port);
        fetch[i] = fetch_s(&field);
        ratio[i] = tcp[i] / fetch[i];
    }
    field_release(&field);
    tcp_s = median(tcp);
    ours_s = median(fetch);
    out = fopen(OUTPUT, "w");
    CHECK(out != NULL);
    fprintf(
        out,
        "[\n {\"measure\": \"fetch\", \"bytes\": %zu, \"chunks_mb_per_s\": %.0f, \"tcp_mb_per_s\": "
        "%.0f, \"ratio\": %.2f},\n"
        " {\"measure\": \"to a file\", \"chunks_mb_per_s\": %.0f, \"grown_kib\": %ld}\n]\n",
        BYTES, (double)BYTES / ours_s / 1e6, (double)BYTES / tcp_s / 1e6, median(ratio),
        (double)BYTES / file_s / 1e6, grown_kib);
    fclose(out);
    printf("chunks: %.0f MB/s, plain TCP %.0f MB/s, ratio %.2f; to a file %.0f MB/s, grown by %ld "
           "KiB\n",
           (double)BYTES / ours_s / 1e6, (double)BYTES / tcp_s / 1e6, median(ratio),
           (double)BYTES / file_s / 1e6, grown_kib);
    return 0;
}
