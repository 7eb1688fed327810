#include "tools/tenured/api_routes.h"

static void refuse(struct api_ask *ask, enum err err, const char *what)
{
    if (err == ERR_MISMATCH)
        api_ask_refuse(ask, 409, "wrong_content", "the content is not what the path names");
    else if (err == ERR_LIMIT)
        api_ask_refuse(ask, 413, "wrong_size", what);
    else if (err == ERR_NOT_FOUND)
        api_ask_refuse(ask, 404, "not_found", what);
    else if (err == ERR_CORRUPT)
        api_ask_refuse(ask, 404, "was_corrupt",
                       "the file was damaged and is removed; push it again");
    else if (err == ERR_BUSY)
        api_ask_refuse(ask, 503, "busy", "object storage has all it can do; try again");
    else
        api_ask_refuse(ask, 507, "storage",
                       "the blob store can't read or write: its disk is full or failed, or "
                       "object storage is away; this node's log says more");
}

/* Has the store do it for the digest in the path. False when that is all for now: *answer is a refusal, or to wait. */
static bool run(struct api_ask *ask, enum http_answer *answer, struct bytes *found,
                enum api_errand_kind kind, const char *what)
{
    struct api_errand_result result;
    struct digest id;
    *answer = HTTP_ANSWER;
    if (!api_ask_word_digest(ask, &id))
        return false;
    if (!api_errand_run(&ask->api->errands, &result, kind, &id, ask->request)) {
        ask->response->wait_ms = HTTP_WAIT_MS_MAX;
        *answer = HTTP_WAIT;
        return false;
    }
    *found = result.found;
    if (result.err != ERR_NONE)
        refuse(ask, result.err, what);
    return result.err == ERR_NONE;
}

static enum http_answer get(struct api_ask *ask, enum api_errand_kind kind, const char *what)
{
    enum http_answer answer;
    struct bytes found;
    if (!run(ask, &answer, &found, kind, what))
        return answer;
    ask->response->type = "application/octet-stream";
    text_put(ask->out, found);
    return answer;
}

enum http_answer api_blob_get(struct api_ask *ask)
{
    return get(ask, API_GET_BLOB, "there is no such blob here");
}

/* Keeps the manifest and tells which of its chunks aren't here. */
enum http_answer api_blob_put(struct api_ask *ask)
{
    struct bytes body = ask->request->body, none;
    uint32_t count = (uint32_t)(body.size / DIGEST_SIZE);
    enum http_answer answer;
    if (body.size % DIGEST_SIZE != 0)
        return api_ask_refuse(ask, 400, "malformed_manifest", "a manifest is 32 bytes a chunk");
    if (!run(ask, &answer, &none, API_PUT_BLOB, "a manifest has 1 to 65536 chunks"))
        return answer;
    uint32_t *missing = arena_array(&ask->arena, count, sizeof(*missing));
    if (missing == NULL) {
        refuse(ask, ERR_IO, "");
        return answer;
    }
    count = blob_missing(ask->api->node.blobs, missing, (const struct digest *)body.data, count);
    text_add(ask->out, "{\"missing\":[");
    for (uint32_t i = 0; i < count; i++)
        text_add(ask->out, i == 0 ? "%u" : ",%u", missing[i]);
    text_add(ask->out, "]}\n");
    return answer;
}

/* Sent as it lies in the folder, unless the client asks for a check: one that has got a wrong chunk does, and so the damage is found. */
enum http_answer api_blob_get_chunk(struct api_ask *ask)
{
    struct http_response *response = ask->response;
    struct digest id;
    if (!api_ask_word_digest(ask, &id))
        return HTTP_ANSWER;
    if (*ask->request->state == NULL && http_query(ask->request, "check") == NULL &&
        blob_open_chunk(ask->api->node.blobs, &id, &response->file, &response->file_size) ==
            ERR_NONE) {
        response->type = "application/octet-stream";
        return HTTP_ANSWER;
    }
    return get(ask, API_GET_CHUNK, "there is no such chunk here");
}

enum http_answer api_blob_put_chunk(struct api_ask *ask)
{
    enum http_answer answer;
    struct bytes none;
    if (run(ask, &answer, &none, API_PUT_CHUNK, "a chunk has 1 to 65536 bytes"))
        text_add(ask->out, "{\"stored\":true}\n");
    return answer;
}
