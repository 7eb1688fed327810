#include "tools/tenured/api_routes.h"

static enum http_answer refuse_blob(struct api_ask *ask, enum err err, const char *what)
{
    if (err == ERR_MISMATCH)
        return api_ask_refuse(ask, 409, "wrong_content", "the content is not what the path names");
    if (err == ERR_LIMIT)
        return api_ask_refuse(ask, 413, "wrong_size", what);
    if (err == ERR_NOT_FOUND)
        return api_ask_refuse(ask, 404, "not_found", what);
    if (err == ERR_CORRUPT)
        return api_ask_refuse(ask, 404, "was_corrupt",
                              "the file was damaged and is removed; push it again");
    return api_ask_refuse(ask, 507, "storage", "the blob store could not read or write");
}

static enum http_answer tell_bytes(struct api_ask *ask, struct bytes bytes)
{
    ask->response->type = "application/octet-stream";
    text_put(ask->out, bytes);
    return HTTP_ANSWER;
}

enum http_answer api_blob_get(struct api_ask *ask)
{
    struct digest root;
    const struct digest *ids;
    uint32_t count;
    if (!api_ask_word_digest(ask, &root))
        return HTTP_ANSWER;
    enum err err = blob_get_manifest(&ask->arena, ask->api->node.blobs, &root, &ids, &count);
    if (err != ERR_NONE)
        return refuse_blob(ask, err, "there is no such blob here");
    return tell_bytes(ask, bytes_of(ids, (size_t)count * DIGEST_SIZE));
}

/* Keeps the manifest and tells which of its chunks aren't here. */
enum http_answer api_blob_put(struct api_ask *ask)
{
    struct digest root;
    struct bytes body = ask->request->body;
    uint32_t count = (uint32_t)(body.size / DIGEST_SIZE);
    if (!api_ask_word_digest(ask, &root))
        return HTTP_ANSWER;
    if (body.size % DIGEST_SIZE != 0)
        return api_ask_refuse(ask, 400, "malformed_manifest", "a manifest is 32 bytes a chunk");
    const struct digest *ids = (const struct digest *)body.data;
    enum err err = blob_put_manifest(ask->api->node.blobs, &root, ids, count);
    if (err != ERR_NONE)
        return refuse_blob(ask, err, "a manifest has 1 to 65536 chunks");
    uint32_t *missing = arena_array(&ask->arena, count, sizeof(*missing));
    if (missing == NULL)
        return refuse_blob(ask, ERR_IO, "");
    count = blob_missing(ask->api->node.blobs, missing, ids, count);
    text_add(ask->out, "{\"missing\":[");
    for (uint32_t i = 0; i < count; i++)
        text_add(ask->out, i == 0 ? "%u" : ",%u", missing[i]);
    text_add(ask->out, "]}\n");
    return HTTP_ANSWER;
}

/* Sent as it lies in the folder, unless the client asks for a check: one that has got a wrong chunk does, and so the damage is found. */
enum http_answer api_blob_get_chunk(struct api_ask *ask)
{
    struct digest id;
    struct bytes chunk;
    if (!api_ask_word_digest(ask, &id))
        return HTTP_ANSWER;
    struct http_response *response = ask->response;
    if (http_query(ask->request, "check") == NULL &&
        blob_open_chunk(ask->api->node.blobs, &id, &response->file, &response->file_size) ==
            ERR_NONE) {
        response->type = "application/octet-stream";
        return HTTP_ANSWER;
    }
    enum err err = blob_get_chunk(&ask->arena, ask->api->node.blobs, &id, &chunk);
    return err == ERR_NONE ? tell_bytes(ask, chunk)
                           : refuse_blob(ask, err, "there is no such chunk here");
}

enum http_answer api_blob_put_chunk(struct api_ask *ask)
{
    struct digest id;
    if (!api_ask_word_digest(ask, &id))
        return HTTP_ANSWER;
    enum err err = blob_put_chunk(ask->api->node.blobs, &id, ask->request->body);
    if (err != ERR_NONE)
        return refuse_blob(ask, err, "a chunk has 1 to 65536 bytes");
    text_add(ask->out, "{\"stored\":true}\n");
    return HTTP_ANSWER;
}
