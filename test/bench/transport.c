/* What moving bytes costs, on loopback in one process: build/bench/transport.json.
 *
 *     records_per_s      records of 200 bytes between two validators: TLS, handshake's MAC, packed into frames
 *     record_cpu_us      processor time of both ends for one of them
 *     bulk_mb_per_s      records of 4 MiB on the bulk lane
 *     tcp_mb_per_s       the same bytes through a plain TCP connection, the ceiling; `ratio` is bulk / tcp
 *     http_per_s         small GETs over 4 connections that are kept open
 *     chunks_mb_per_s    chunks of 64 KiB, put over HTTP into a blob store, checked and written
 *
 * Medians of five. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/merkle.h"
#include "net/blob.h"
#include "net/frame.h"
#include "net/http.h"
#include "net/peer.h"
#include "tools/sys/certificate.h"

#define OUTPUT    "build/bench/transport.json"
#define RUNS      5
#define RECORDS   100000
#define VOTE_SIZE 200
#define BULKS     24
#define BULK_SIZE (4u << 20)
#define CLIENTS   4
#define GETS      2500 /* a client */
#define CHUNKS    500  /* a client */

static double now_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static double cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double values[RUNS])
{
    qsort(values, RUNS, sizeof(double), ascending);
    return values[RUNS / 2];
}

/* --- two validators --- */

static struct sign_secret secrets[2];
static atomic_ullong received_count;
static atomic_uint open_count;

static bool sign(void *self, struct sign_signature *signature, const struct digest *digest)
{
    *signature = sign_make(self, digest);
    return true;
}

static bool received(void *self, struct place from, enum peer_lane lane, uint8_t tag,
                     struct bytes body)
{
    (void)self, (void)from, (void)lane, (void)tag, (void)body;
    atomic_fetch_add(&received_count, 1);
    return true;
}

static void connected(void *self, struct place place, enum peer_lane lane)
{
    (void)self, (void)place, (void)lane;
    atomic_fetch_add(&open_count, 1);
}

static void disconnected(void *self, struct place place, enum peer_lane lane, const char *why)
{
    (void)self, (void)place, (void)lane, (void)why;
}

static void refused(void *self, const char *address, const char *why)
{
    (void)self;
    fprintf(stderr, "transport: refused %s: %s\n", address, why);
}

static void peers_open(struct peer_net *nets[2])
{
    static struct certificate authority, own[2];
    struct peer_member members[2] = {{.name = "a", .address = "127.0.0.1:17391"},
                                     {.name = "b", .address = "127.0.0.1:17392"}};
    struct fault fault;
    CHECK(certificate_authority(&authority, "bench", 1, &fault) == ERR_NONE);
    for (int i = 0; i < 2; i++) {
        memset(&secrets[i], i + 1, sizeof(secrets[i]));
        CHECK(sign_public_of(&members[i].public, &secrets[i]));
        CHECK(certificate_issue(&own[i], &authority, members[i].name, NULL, 0, 1, &fault) ==
              ERR_NONE);
    }
    for (int i = 0; i < 2; i++) {
        struct peer_options options = {
            .public = members[i].public,
            .listen = members[i].address,
            .authority_pem = authority.pem,
            .certificate_pem = own[i].pem,
            .key_pem = own[i].key,
            .owner = {&secrets[i], sign, received, connected, disconnected, refused},
        };
        enum err err = peer_open(&nets[i], &options, &fault);
        if (err == ERR_NONE)
            err = peer_admit(nets[i], (struct place){1 - (uint8_t)i}, &members[1 - i], &fault);
        if (err != ERR_NONE)
            fprintf(stderr, "transport: %s\n", fault.text);
        CHECK(err == ERR_NONE);
    }
    while (atomic_load(&open_count) < 4)
        usleep(1000);
}

/* Seconds until `count` records of `size` bytes have arrived. */
static double pour(struct peer_net *net, enum peer_lane lane, uint32_t count, const uint8_t *data,
                   size_t size)
{
    double start = now_s();
    atomic_store(&received_count, 0);
    for (uint32_t i = 0; i < count; i++) {
        enum err err;
        while ((err = peer_send(net, (struct place){1}, lane, 1, bytes_of(data, size))) == ERR_BUSY)
            usleep(100);
        CHECK(err == ERR_NONE);
    }
    while (atomic_load(&received_count) < count)
        usleep(100);
    return now_s() - start;
}

/* --- plain TCP --- */

static int connect_to(uint16_t port)
{
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0);
    return fd;
}

static void *drain(void *arg)
{
    static uint8_t buffer[65536];
    int *fd = arg;
    uint64_t left = (uint64_t)BULKS * BULK_SIZE;
    while (left > 0) {
        ssize_t count = recv(*fd, buffer, sizeof(buffer), 0);
        CHECK(count > 0);
        left -= (uint64_t)count;
    }
    return NULL;
}

static double copy_by_tcp(const uint8_t *data)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(sa);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(listener, (struct sockaddr *)&sa, size) == 0);
    CHECK(listen(listener, 1) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&sa, &size) == 0);
    int out = connect_to(ntohs(sa.sin_port)), in = accept(listener, NULL, NULL);
    pthread_t thread;
    double start = now_s();
    CHECK(pthread_create(&thread, NULL, drain, &in) == 0);
    for (int i = 0; i < BULKS; i++)
        for (size_t at = 0; at < BULK_SIZE;) {
            ssize_t count = send(out, data + at, BULK_SIZE - at, 0);
            CHECK(count > 0);
            at += (size_t)count;
        }
    pthread_join(thread, NULL);
    double seconds = now_s() - start;
    close(in);
    close(out);
    close(listener);
    return seconds;
}

/* --- HTTP --- */

static enum http_answer handle(void *self, const struct http_request *request,
                               struct http_response *response)
{
    struct digest id;
    if (request->method == HTTP_PUT) {
        CHECK(bytes_from_hex(id.bytes, DIGEST_SIZE, request->path + 1));
        CHECK(blob_put_chunk(self, &id, request->body) == ERR_NONE);
    }
    text_add(&response->body, "{\"stored\":true}\n");
    return HTTP_ANSWER;
}

struct client {
    uint16_t port;
    bool puts;
    uint32_t run, number;
};

static void must_send(int fd, const void *data, size_t size)
{
    CHECK(send(fd, data, size, 0) == (ssize_t)size);
}

static void must_answer(int fd)
{
    char head[1024];
    size_t size = 0;
    do {
        ssize_t count = recv(fd, head + size, sizeof(head) - 1 - size, 0);
        CHECK(count > 0);
        size += (size_t)count;
        head[size] = 0;
    } while (strstr(head, "true}\n") == NULL);
    CHECK(strncmp(head, "HTTP/1.1 200", 12) == 0);
}

static void *ask(void *arg)
{
    const struct client *client = arg;
    int fd = connect_to(client->port);
    static const char get[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    uint8_t *chunk = calloc(1, LIMIT_CHUNK_BYTES);
    CHECK(chunk != NULL);
    for (uint32_t i = 0; i < (client->puts ? CHUNKS : GETS); i++) {
        if (client->puts) {
            char id_text[DIGEST_TEXT_SIZE], head[256];
            bytes_put_u32(chunk, i);
            bytes_put_u32(chunk + 4, client->number);
            bytes_put_u32(chunk + 8, client->run);
            struct digest id = merkle_leaf(chunk, LIMIT_CHUNK_BYTES);
            digest_text(id_text, &id);
            int size = snprintf(head, sizeof(head),
                                "PUT /%s HTTP/1.1\r\nHost: x\r\nContent-Length: %u\r\n\r\n",
                                id_text, LIMIT_CHUNK_BYTES);
            must_send(fd, head, (size_t)size);
            must_send(fd, chunk, LIMIT_CHUNK_BYTES);
        } else {
            must_send(fd, get, sizeof(get) - 1);
        }
        must_answer(fd);
    }
    free(chunk);
    close(fd);
    return NULL;
}

static double ask_all(uint16_t port, bool puts, uint32_t run)
{
    pthread_t threads[CLIENTS];
    struct client clients[CLIENTS];
    double start = now_s();
    for (uint32_t i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){port, puts, run, i};
        CHECK(pthread_create(&threads[i], NULL, ask, &clients[i]) == 0);
    }
    for (uint32_t i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
    return now_s() - start;
}

static void bench_http(double *per_s, double *chunks)
{
    char folder[] = "build/bench/transport-XXXXXX", command[64];
    struct blob_store *store;
    struct http_server *server;
    double gets[RUNS], puts[RUNS];
    CHECK(mkdtemp(folder) != NULL);
    CHECK(blob_open(&store, folder, 64u << 20, NULL) == ERR_NONE);
    struct http_options options = http_defaults();
    options.listen = "127.0.0.1:0";
    options.handler.self = store;
    options.handler.handle = handle;
    CHECK(http_open(&server, &options, NULL) == ERR_NONE);
    for (uint32_t run = 0; run < RUNS; run++) {
        gets[run] = CLIENTS * GETS / ask_all(http_port(server), false, run);
        puts[run] = CLIENTS * CHUNKS * (double)LIMIT_CHUNK_BYTES * 1e-6 /
                    ask_all(http_port(server), true, run);
    }
    http_close(server);
    blob_close(store);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    CHECK(system(command) == 0);
    *per_s = median(gets);
    *chunks = median(puts);
}

int main(void)
{
    struct peer_net *nets[2];
    double records[RUNS], cpu[RUNS], bulk[RUNS], tcp[RUNS], http, chunks;
    uint8_t *data = calloc(1, BULK_SIZE);
    CHECK(data != NULL);
    peers_open(nets);
    for (int run = 0; run < RUNS; run++) {
        double before = cpu_s();
        records[run] = RECORDS / pour(nets[0], PEER_VOTES, RECORDS, data, VOTE_SIZE);
        cpu[run] = (cpu_s() - before) * 1e6 / RECORDS;
        double bytes = (double)BULKS * BULK_SIZE;
        bulk[run] = bytes * 1e-6 / pour(nets[0], PEER_BULK, BULKS, data, BULK_SIZE);
        tcp[run] = bytes * 1e-6 / copy_by_tcp(data);
    }
    peer_close(nets[0]);
    peer_close(nets[1]);
    free(data);
    bench_http(&http, &chunks);

    double bulk_rate = median(bulk), tcp_rate = median(tcp);
    FILE *out = fopen(OUTPUT, "w");
    CHECK(out != NULL);
    fprintf(out,
            "{\"records_per_s\": %.0f, \"record_cpu_us\": %.2f, \"bulk_mb_per_s\": %.0f, "
            "\"tcp_mb_per_s\": %.0f, \"ratio\": %.2f, \"http_per_s\": %.0f, "
            "\"chunks_mb_per_s\": %.0f}\n",
            median(records), median(cpu), bulk_rate, tcp_rate, bulk_rate / tcp_rate, http, chunks);
    CHECK(fclose(out) == 0);
    printf("transport: %.0f records/s, bulk %.0f MB/s (%.2f of TCP), %.0f HTTP/s, chunks %.0f "
           "MB/s\n",
           median(records), bulk_rate, bulk_rate / tcp_rate, http, chunks);
    return 0;
}
