/* The server over real sockets: what it answers, what it refuses, and that a wait takes no thread. */
#include "net/http.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "test/harness.h"
#include "test/pems.h"

static struct http_server *server;
static struct http_options options;
static atomic_uint asked, released;
static atomic_bool open_gate;
static atomic_ullong ticket;

/* More than what the sockets between client and server take. */
#define LARGE_FILE (64u << 20)

/* Echoes; "/gate" waits until the gate opens, "/large" answers too much. */
static enum http_answer handle(void *self, const struct http_request *request,
                               struct http_response *response)
{
    ck_assert_ptr_eq(self, &server);
    atomic_fetch_add(&asked, 1);
    if (strcmp(request->path, "/gate") == 0) {
        *request->state = &released;
        atomic_store(&ticket, request->ticket);
        response->wait_ms = (uint32_t)atoi(http_query(request, "ms"));
        if (!atomic_load(&open_gate) && !request->last)
            return HTTP_WAIT;
        text_add(&response->body, "%s", atomic_load(&open_gate) ? "open" : "over");
        return HTTP_ANSWER;
    }
    if (strcmp(request->path, "/large") == 0) {
        static const char block[65536];
        for (int i = 0; i <= 256; i++)
            text_put(&response->body, bytes_of(block, sizeof(block)));
        return HTTP_ANSWER;
    }
    if (strcmp(request->path, "/large-file") == 0) {
        response->file = memfd_create("large", MFD_CLOEXEC);
        response->file_size = LARGE_FILE;
        ck_assert_int_eq(ftruncate(response->file, LARGE_FILE), 0);
        return HTTP_ANSWER;
    }
    if (strcmp(request->path, "/file") == 0 || strcmp(request->path, "/no-file") == 0) {
        response->file = open("test/unit/test_http.c", O_RDONLY);
        response->file_size = 22;
        if (strcmp(request->path, "/no-file") == 0)
            http_error(response, 404, "not_found", "gone");
        return HTTP_ANSWER;
    }
    if (strcmp(request->path, "/error") == 0) {
        http_error(response, 404, "not_found", "there is no \"x\"");
        return HTTP_ANSWER;
    }
    const char *query = http_query(request, "q");
    text_add(&response->body, "%d %s %s q=%s ", (int)request->method, request->path,
             request->address, query == NULL ? "(none)" : query);
    text_put(&response->body, request->body);
    return HTTP_ANSWER;
}

static void release(void *self, void *state)
{
    (void)self;
    ck_assert_ptr_eq(state, &released);
    atomic_fetch_add(&released, 1);
}

static void world_prepare(void)
{
    options = http_defaults();
    options.listen = "127.0.0.1:0";
    options.handler.self = &server;
    options.handler.handle = handle;
    options.handler.release = release;
}

static void world_open(void)
{
    struct fault fault;
    enum err err = http_open(&server, &options, &fault);
    ck_assert_msg(err == ERR_NONE, "%s", fault.text);
}

static int client_open(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_port = htons(http_port(server)),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval patience = {20, 0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    return fd;
}

static void client_send(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Reads one response: its status; the body goes to `body`. 0 if the connection ends first. */
static int client_read(int fd, char body[512])
{
    char head[2048];
    size_t size = 0;
    body[0] = 0;
    while (size < sizeof(head) - 1) {
        if (recv(fd, head + size, 1, 0) != 1)
            return 0;
        head[++size] = 0;
        if (size >= 4 && strcmp(head + size - 4, "\r\n\r\n") == 0)
            break;
    }
    const char *length = strstr(head, "Content-Length: ");
    size_t count = length == NULL ? 0 : (size_t)atoi(length + 16);
    ck_assert_uint_lt(count, 512);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(recv(fd, body + i, 1, 0), 1);
    body[count] = 0;
    return atoi(head + 9);
}

static int client_ask(const char *text, char body[512])
{
    int fd = client_open();
    client_send(fd, text);
    int status = client_read(fd, body);
    close(fd);
    return status;
}

#define HEAD " HTTP/1.1\r\nHost: x\r\n"

START_TEST(requests_reach_the_handler_whole)
{
    char body[512];
    world_prepare();
    world_open();
    ck_assert_int_eq(client_ask("GET /a/b%20c?q=x%2By&r" HEAD "\r\n", body), 200);
    ck_assert_str_eq(body, "0 /a/b c 127.0.0.1 q=x+y ");
    ck_assert_int_eq(client_ask("POST /p?q" HEAD "Content-Length: 5\r\n\r\nhello", body), 200);
    ck_assert_str_eq(body, "1 /p 127.0.0.1 q= hello");
    ck_assert_int_eq(client_ask("PUT /p" HEAD "Transfer-Encoding: chunked\r\n\r\n"
                                "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
                                body),
                     200);
    ck_assert_str_eq(body, "2 /p 127.0.0.1 q=(none) abcde");
    ck_assert_int_eq(client_ask("GET /error" HEAD "\r\n", body), 404);
    ck_assert_str_eq(
        body, "{\"error\":{\"code\":\"not_found\",\"message\":\"there is no \\\"x\\\"\"}}\n");
    http_close(server);
}
END_TEST

START_TEST(one_connection_serves_many_requests)
{
    char body[512];
    world_prepare();
    world_open();
    int fd = client_open();
    for (int i = 0; i < 100; i++) {
        client_send(fd, "POST /p" HEAD "Content-Length: 2\r\n\r\nok");
        ck_assert_int_eq(client_read(fd, body), 200);
        ck_assert_str_eq(body, "1 /p 127.0.0.1 q=(none) ok");
    }
    ck_assert_uint_eq(http_usage(server).requests, 100);
    ck_assert_uint_eq(http_usage(server).connections, 1);
    close(fd);
    http_close(server);
}
END_TEST

static int open_files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

START_TEST(a_file_is_sent_in_place_of_a_body_and_closed)
{
    char body[512];
    world_prepare();
    world_open();
    int fd = client_open(), before = 0;
    for (int i = 0; i < 3; i++) {
        if (i == 1)
            before = open_files();
        client_send(fd, "GET /file" HEAD "\r\n");
        ck_assert_int_eq(client_read(fd, body), 200);
        ck_assert_str_eq(body, "/* The server over rea");
        client_send(fd, "GET /no-file" HEAD "\r\n");
        ck_assert_int_eq(client_read(fd, body), 404);
        ck_assert_str_eq(body, "{\"error\":{\"code\":\"not_found\",\"message\":\"gone\"}}\n");
    }
    ck_assert_int_eq(open_files(), before);
    close(fd);
    http_close(server);
}
END_TEST

static size_t resident_bytes(void)
{
    unsigned long all = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    ck_assert_int_eq(fscanf(file, "%lu %lu", &all, &resident), 2);
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

START_TEST(clients_that_take_no_file_cost_no_memory)
{
    int clients[32];
    char body[512];
    world_prepare();
    world_open();
    ck_assert_int_eq(client_ask("GET /file" HEAD "\r\n", body), 200);
    size_t before = resident_bytes();
    for (int i = 0; i < 32; i++) {
        char byte;
        clients[i] = client_open();
        client_send(clients[i], "GET /large-file" HEAD "\r\n");
        ck_assert_int_eq(recv(clients[i], &byte, 1, 0), 1); /* it has begun */
    }
    ck_assert_int_eq(client_ask("GET /file" HEAD "\r\n", body), 200);
    ck_assert_uint_lt(resident_bytes(), before + (32u << 20)); /* of 2 GiB that were asked for */
    for (int i = 0; i < 32; i++)
        close(clients[i]);
    http_close(server);
}
END_TEST

START_TEST(oversize_bodies_and_unknown_methods_never_reach_the_handler)
{
    char body[512], head[128];
    world_prepare();
    world_open();
    snprintf(head, sizeof(head), "POST /p" HEAD "Content-Length: %u\r\n\r\n", HTTP_BODY_MAX + 1);
    ck_assert_int_eq(client_ask(head, body), 413);
    ck_assert_ptr_nonnull(strstr(body, "\"body_too_large\""));

    /* The same, chunk by chunk, so that the size isn't told before. */
    int fd = client_open();
    char *block = malloc(65536);
    memset(block, 'x', 65536);
    client_send(fd, "POST /p" HEAD "Transfer-Encoding: chunked\r\n\r\n");
    for (uint32_t i = 0; i <= HTTP_BODY_MAX / 65536; i++) {
        client_send(fd, "10000\r\n");
        ck_assert_int_eq(send(fd, block, 65536, MSG_NOSIGNAL), 65536);
        client_send(fd, "\r\n");
    }
    client_send(fd, "0\r\n\r\n");
    ck_assert_int_eq(client_read(fd, body), 413);
    free(block);
    close(fd);

    ck_assert_int_eq(client_ask("DELETE /p" HEAD "\r\n", body), 405);
    ck_assert_uint_eq(atomic_load(&asked), 0);
    ck_assert_uint_eq(http_usage(server).refused, 3);
    ck_assert_int_eq(client_ask("GET /large" HEAD "\r\n", body), 500);
    ck_assert_ptr_nonnull(strstr(body, "\"answer_too_large\""));
    http_close(server);
}
END_TEST

START_TEST(malformed_requests_are_refused_and_the_server_goes_on)
{
    static const char *const bad[] = {
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        "GET\r\n\r\n",
        "POST /p" HEAD "Content-Length: -5\r\n\r\n",
        "POST /p" HEAD "Content-Length: 99999999999999999999999\r\n\r\n",
        "POST /p" HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    };
    char body[512];
    world_prepare();
    options.idle_ms = options.request_ms = 500;
    world_open();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_ne(client_ask(bad[i], body), 200);
    char *long_line = malloc(70000);
    memset(long_line, 'a', 69999);
    long_line[69999] = 0;
    memcpy(long_line, "GET /", 5);
    int fd = client_open();
    send(fd, long_line, 69999, MSG_NOSIGNAL);
    send(fd, HEAD "\r\n", strlen(HEAD) + 2, MSG_NOSIGNAL);
    int status = client_read(fd, body);
    ck_assert_msg(status == 414 || status == 431 || status == 0, "%d", status);
    close(fd);
    free(long_line);
    ck_assert_uint_eq(atomic_load(&asked), 0);
    ck_assert_int_eq(client_ask("GET /" HEAD "\r\n", body), 200);
    http_close(server);
}
END_TEST

START_TEST(clients_that_trickle_are_cut_off)
{
    world_prepare();
    options.idle_ms = 300;
    options.request_ms = 300;
    world_open();
    const char *const starts[] = {"GET /", "POST /p" HEAD "Content-Length: 1000\r\n\r\n", ""};
    for (int i = 0; i < 3; i++) {
        int fd = client_open();
        bool cut = false;
        client_send(fd, starts[i]);
        for (int byte = 0; byte < 60 && !cut; byte++) {
            char answer;
            usleep(50000);
            if (i < 2)
                send(fd, "a", 1, MSG_NOSIGNAL);
            cut = recv(fd, &answer, 1, MSG_DONTWAIT) == 0;
        }
        ck_assert_msg(cut, "%s", starts[i]);
        close(fd);
    }
    ck_assert_uint_eq(atomic_load(&asked), 0);
    http_close(server);
}
END_TEST

START_TEST(too_many_connections_from_one_address_cost_it_the_oldest_idle_one)
{
    char body[512];
    world_prepare();
    options.connections_address_max = 4;
    world_open();
    int fds[4];
    for (int i = 0; i < 4; i++) {
        fds[i] = client_open();
        client_send(fds[i], "GET /" HEAD "\r\n");
        ck_assert_int_eq(client_read(fds[i], body), 200);
    }
    int fd = client_open();
    client_send(fd, "GET /" HEAD "\r\n");
    ck_assert_int_eq(client_read(fd, body), 200);
    ck_assert_int_eq(recv(fds[0], body, 1, 0), 0); /* the oldest that asks for nothing has gone */
    client_send(fds[1], "GET /" HEAD "\r\n");
    ck_assert_int_eq(client_read(fds[1], body), 200);
    close(fd);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    http_close(server);
}
END_TEST

static void *gate_open(void *unused)
{
    (void)unused;
    usleep(200000);
    atomic_store(&open_gate, true);
    http_wake_all(server);
    return NULL;
}

START_TEST(waiting_requests_take_no_thread_and_are_woken)
{
    char body[512];
    int fds[50];
    pthread_t opener;
    world_prepare();
    options.threads = 1;
    world_open();
    for (int i = 0; i < 50; i++) {
        fds[i] = client_open();
        client_send(fds[i], "GET /gate?ms=20000" HEAD "\r\n");
    }
    while (http_usage(server).waiting < 50)
        usleep(1000);
    /* The one thread is free. */
    ck_assert_int_eq(client_ask("GET /" HEAD "\r\n", body), 200);
    ck_assert_int_eq(pthread_create(&opener, NULL, gate_open, NULL), 0);
    for (int i = 0; i < 50; i++) {
        ck_assert_int_eq(client_read(fds[i], body), 200);
        ck_assert_str_eq(body, "open");
        close(fds[i]);
    }
    pthread_join(opener, NULL);
    ck_assert_uint_eq(http_usage(server).waiting, 0);
    http_close(server);
    ck_assert_uint_eq(atomic_load(&released), 50);
}
END_TEST

START_TEST(a_wait_ends_in_time_and_one_ticket_wakes_one_request)
{
    char body[512];
    world_prepare();
    options.waiting_max = 2;
    world_open();
    ck_assert_int_eq(client_ask("GET /gate?ms=100" HEAD "\r\n", body), 200);
    ck_assert_str_eq(body, "over");
    ck_assert_uint_eq(atomic_load(&asked), 2);

    int first = client_open(), second = client_open();
    client_send(first, "GET /gate?ms=20000" HEAD "\r\n");
    while (http_usage(server).waiting < 1)
        usleep(1000);
    uint64_t of_first = atomic_load(&ticket);
    client_send(second, "GET /gate?ms=20000" HEAD "\r\n");
    while (http_usage(server).waiting < 2)
        usleep(1000);

    /* No room to rest any more: asked once more, with `last`. */
    ck_assert_int_eq(client_ask("GET /gate?ms=20000" HEAD "\r\n", body), 200);
    ck_assert_str_eq(body, "over");

    atomic_store(&asked, 0);
    atomic_store(&open_gate, true);
    http_wake(server, of_first);
    ck_assert_int_eq(client_read(first, body), 200);
    ck_assert_str_eq(body, "open");
    ck_assert_uint_eq(atomic_load(&asked), 1);
    ck_assert_uint_eq(http_usage(server).waiting, 1);

    /* Closing ends the other one too. */
    http_close(server);
    ck_assert_int_eq(client_read(second, body), 200);
    close(first);
    close(second);
    ck_assert_uint_eq(atomic_load(&released), 4);
}
END_TEST

START_TEST(addresses_that_cannot_be_served_are_told)
{
    struct fault fault;
    struct http_server *other;
    char address[32];
    world_prepare();
    options.listen = "0.0.0.0:0";
    ck_assert_int_eq(http_open(&other, &options, &fault), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(fault.text, "needs TLS"));
    options.listen = "localhost";
    ck_assert_int_eq(http_open(&other, &options, &fault), ERR_USAGE);
    ck_assert_str_eq(fault.text, "\"localhost\" is no address:port to serve the API on");
    options.listen = "127.0.0.1:0";
    world_open();
    snprintf(address, sizeof(address), "127.0.0.1:%u", http_port(server));
    options.listen = address;
    ck_assert_int_eq(http_open(&other, &options, &fault), ERR_IO);
    ck_assert_ptr_nonnull(strstr(fault.text, "another program listens on 127.0.0.1:"));
    options.listen = "127.0.0.1:0";
    options.certificate_pem = options.key_pem = options.authority_pem = "no pem";
    ck_assert_int_eq(http_open(&other, &options, &fault), ERR_USAGE);
    http_close(server);
}
END_TEST

/* --- TLS --- */

/* An address of this machine that isn't loopback, or 0. */
static uint32_t own_address(void)
{
    struct ifaddrs *all;
    uint32_t found = 0;
    ck_assert_int_eq(getifaddrs(&all), 0);
    for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
        if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_INET)
            continue;
        struct sockaddr_in sa;
        memcpy(&sa, i->ifa_addr, sizeof(sa));
        if (ntohl(sa.sin_addr.s_addr) >> 24 != 127)
            found = ntohl(sa.sin_addr.s_addr);
    }
    freeifaddrs(all);
    return found;
}

/* GET / over TLS with `own` as the client's certificate (NULL: none); the status, or 0. */
static int tls_ask(uint32_t address, const struct pems *own)
{
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons(http_port(server)), .sin_addr = {htonl(address)}};
    gnutls_certificate_credentials_t credentials;
    gnutls_session_t session;
    int fd = socket(AF_INET, SOCK_STREAM, 0), status = 0;
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    ck_assert_int_eq(gnutls_certificate_allocate_credentials(&credentials), 0);
    if (own != NULL) {
        gnutls_datum_t certificate = {(uint8_t *)(uintptr_t)own->certificate,
                                      (unsigned)strlen(own->certificate)};
        gnutls_datum_t key = {(uint8_t *)(uintptr_t)own->key, (unsigned)strlen(own->key)};
        ck_assert_int_eq(gnutls_certificate_set_x509_key_mem(credentials, &certificate, &key,
                                                             GNUTLS_X509_FMT_PEM),
                         0);
    }
    ck_assert_int_eq(gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT), 0);
    gnutls_set_default_priority(session);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_transport_set_int(session, fd);
    gnutls_handshake_set_timeout(session, 10000);
    if (gnutls_handshake(session) == 0) {
        char answer[64] = "";
        static const char request[] = "GET /" HEAD "Connection: close\r\n\r\n";
        gnutls_record_send(session, request, sizeof(request) - 1);
        if (gnutls_record_recv(session, answer, sizeof(answer) - 1) > 12)
            status = atoi(answer + 9);
    }
    gnutls_deinit(session);
    gnutls_certificate_free_credentials(credentials);
    close(fd);
    return status;
}

START_TEST(other_machines_need_a_certificate_of_the_consortium)
{
    struct pems authority, node, member, other, stranger;
    pems_make(&authority, NULL, "consortium");
    pems_make(&node, &authority, "node0");
    pems_make(&member, &authority, "member");
    pems_make(&other, NULL, "consortium");
    pems_make(&stranger, &other, "member");
    world_prepare();
    options.listen = "0.0.0.0:0";
    options.certificate_pem = node.certificate;
    options.key_pem = node.key;
    options.authority_pem = authority.certificate;
    world_open();
    ck_assert_int_eq(tls_ask(INADDR_LOOPBACK, NULL), 200);
    uint32_t address = own_address();
    if (address != 0) { /* a machine with a network */
        ck_assert_int_eq(tls_ask(address, NULL), 403);
        ck_assert_int_eq(tls_ask(address, &stranger), 403);
        ck_assert_int_eq(tls_ask(address, &member), 200);
    }
    http_close(server);
}
END_TEST

HARNESS_MAIN("http", requests_reach_the_handler_whole, one_connection_serves_many_requests,
             a_file_is_sent_in_place_of_a_body_and_closed, clients_that_take_no_file_cost_no_memory,
             oversize_bodies_and_unknown_methods_never_reach_the_handler,
             malformed_requests_are_refused_and_the_server_goes_on,
             clients_that_trickle_are_cut_off,
             too_many_connections_from_one_address_cost_it_the_oldest_idle_one,
             waiting_requests_take_no_thread_and_are_woken,
             a_wait_ends_in_time_and_one_ticket_wakes_one_request,
             addresses_that_cannot_be_served_are_told,
             other_machines_need_a_certificate_of_the_consortium)
