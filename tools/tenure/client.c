#include "tools/tenure/client.h"

#include "base/check.h"
#include "tools/sys/clock.h"

#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The pause after a round of silent nodes: doubles from the first to the last. */
#define PAUSE_FIRST_MS 50
#define PAUSE_LAST_MS  1000

enum err client_init(struct client *client, const char *const nodes[], uint32_t node_count,
                     struct fault *fault)
{
    memset(client, 0, sizeof(*client));
    text_init(&client->body, CLIENT_ANSWER_BYTES);
    client->request_ms = CLIENT_REQUEST_MS;
    client->patience_ms = CLIENT_PATIENCE_MS;
    if (node_count == 0)
        return fault_set(fault, ERR_USAGE,
                         "which node? Give --node http://HOST:PORT or set TENURE_NODE");
    if (node_count > CLIENT_NODES_MAX)
        return fault_set(fault, ERR_USAGE, "more than %d nodes", CLIENT_NODES_MAX);
    for (uint32_t i = 0; i < node_count; i++) {
        const char *host = strstr(nodes[i], "://");
        if ((strncmp(nodes[i], "http://", 7) && strncmp(nodes[i], "https://", 8)) || !host[3] ||
            strchr(host + 3, '/'))
            return fault_set(fault, ERR_USAGE,
                             "node \"%s\" is no URL such as http://127.0.0.1:7001", nodes[i]);
        client->nodes[i] = nodes[i];
    }
    client->node_count = node_count;
    client->handle = curl_easy_init();
    CHECK(client->handle != NULL);
    return ERR_NONE;
}

void client_release(struct client *client)
{
    if (client->handle)
        curl_easy_cleanup(client->handle);
    text_release(&client->body);
    client->handle = NULL;
}

static size_t on_body(char *data, size_t size, size_t count, void *self)
{
    struct client *client = self;

    text_put(&client->body, bytes_of(data, size * count));
    return client->body.failed ? 0 : size * count;
}

struct upload {
    struct bytes rest;
};

static size_t on_upload(char *out, size_t size, size_t count, void *self)
{
    struct upload *upload = self;
    size_t take = size * count < upload->rest.size ? size * count : upload->rest.size;

    if (take)
        memcpy(out, upload->rest.data, take);
    upload->rest = bytes_of(upload->rest.data + take, upload->rest.size - take);
    return take;
}

static int on_progress(void *self, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct client *client = self;

    (void)a, (void)b, (void)c, (void)d;
    return client->stop && *client->stop;
}

static void set_method(CURL *handle, enum client_method method, struct upload *upload)
{
    switch (method) {
    case CLIENT_GET:
        curl_easy_setopt(handle, CURLOPT_HTTPGET, 1L);
        break;
    case CLIENT_POST:
        curl_easy_setopt(handle, CURLOPT_POST, 1L);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS,
                         upload->rest.data ? (const char *)upload->rest.data : "");
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)upload->rest.size);
        break;
    case CLIENT_PUT:
        curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(handle, CURLOPT_READFUNCTION, on_upload);
        curl_easy_setopt(handle, CURLOPT_READDATA, upload);
        curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, (curl_off_t)upload->rest.size);
        break;
    }
}

void client_equip(const struct client *client, void *handle)
{
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, 2000L);
    if (client->authority)
        curl_easy_setopt(handle, CURLOPT_CAINFO, client->authority);
    if (client->certificate)
        curl_easy_setopt(handle, CURLOPT_SSLCERT, client->certificate);
    if (client->certificate_key)
        curl_easy_setopt(handle, CURLOPT_SSLKEY, client->certificate_key);
}

/* Asks one node. False when it didn't answer; `why` says so. */
static bool ask(struct client *client, struct client_reply *reply, enum client_method method,
                const char *path, struct bytes body, uint64_t wait_ms, char why[CURL_ERROR_SIZE])
{
    CURL *handle = client->handle;
    struct upload upload = {body};
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/octet-stream");
    char url[CLIENT_URL_SIZE];
    long status = 0;
    CURLcode code;

    headers = curl_slist_append(headers, "Expect:");
    snprintf(url, sizeof(url), "%s%s", client->nodes[client->node_now], path);
    text_clear(&client->body);
    why[0] = 0;
    curl_easy_reset(handle);
    curl_easy_setopt(handle, CURLOPT_URL, url);
    client_equip(client, handle);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)(client->request_ms + wait_ms));
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, client);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, client);
    set_method(handle, method, &upload);
    code = curl_easy_perform(handle);
    curl_slist_free_all(headers);
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    if (code && !why[0])
        snprintf(why, CURL_ERROR_SIZE, "%s", curl_easy_strerror(code));
    if (!code && (status >= 500 || status == 429))
        snprintf(why, CURL_ERROR_SIZE, "status %ld: %.200s", status, text_string(&client->body));
    if (code || status >= 500 || status == 429)
        return client->body.failed;
    *reply =
        (struct client_reply){(uint32_t)status, bytes_of(client->body.data, client->body.size)};
    return true;
}

void client_next(struct client *client)
{
    client->node_now = (client->node_now + 1) % client->node_count;
}

enum err client_call(struct client *client, struct client_reply *reply, enum client_method method,
                     const char *path, struct bytes upload, uint64_t wait_ms, struct fault *fault)
{
    uint64_t start_ms = clock_monotonic_ms(), pause_ms = PAUSE_FIRST_MS;
    char why[CURL_ERROR_SIZE];

    if (strlen(path) + strlen(client->nodes[client->node_now]) >= CLIENT_URL_SIZE)
        return fault_set(fault, ERR_LIMIT, "a request of %zu characters is too long", strlen(path));
    client->unreachable = false;
    for (uint32_t tried = 1;; tried++) {
        if (ask(client, reply, method, path, upload, wait_ms, why)) {
            if (client->body.failed)
                return fault_set(fault, ERR_LIMIT, "%s%s answered with more than %u bytes",
                                 client->nodes[client->node_now], path, CLIENT_ANSWER_BYTES);
            return ERR_NONE;
        }
        client_next(client);
        if (client->stop && *client->stop)
            break;
        if (tried % client->node_count)
            continue;
        if (clock_monotonic_ms() - start_ms >= client->patience_ms)
            break;
        clock_sleep_ms(pause_ms);
        pause_ms = pause_ms * 2 < PAUSE_LAST_MS ? pause_ms * 2 : PAUSE_LAST_MS;
    }
    client->unreachable = true;
    if (client->node_count > 1)
        return fault_set(
            fault, ERR_IO, "none of %u nodes answers; the last, %s: %s", client->node_count,
            client->nodes[(client->node_now + client->node_count - 1) % client->node_count], why);
    return fault_set(fault, ERR_IO, "%s does not answer: %s", client->nodes[0], why);
}

enum err client_refusal(const struct client *client, const struct client_reply *reply,
                        const char *path, struct fault *fault)
{
    enum err err = reply->status == 404 ? ERR_NOT_FOUND : ERR_MISMATCH;
    struct answer *root = NULL;
    struct fault parse;

    if (answer_parse(&root, reply->body, &parse) == ERR_NONE &&
        answer_text(root, "error.message")[0])
        (void)fault_set(fault, err, "%s (%s)", answer_text(root, "error.message"),
                        answer_text(root, "error.code"));
    else
        (void)fault_set(fault, err, "%s%s answered with status %u", client->nodes[client->node_now],
                        path, reply->status);
    answer_free(root);
    return err;
}

enum err client_get(struct client *client, struct answer **root, struct fault *fault,
                    const char *format, ...)
{
    char path[CLIENT_URL_SIZE];
    struct client_reply reply;
    enum err err;
    va_list list;

    va_start(list, format);
    vsnprintf(path, sizeof(path), format, list);
    va_end(list);
    err = client_call(client, &reply, CLIENT_GET, path, bytes_of(NULL, 0), 0, fault);
    if (err)
        return err;
    if (reply.status != 200)
        return client_refusal(client, &reply, path, fault);
    return answer_parse(root, reply.body, fault);
}
