#include "tools/tenure/transfer.h"

#include "base/check.h"
#include "base/limits.h"
#include "base/merkle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum err put(struct client *client, struct client_reply *reply, const char *kind,
                    const struct digest *id, struct bytes body, struct fault *fault)
{
    char path[96], text[DIGEST_TEXT_SIZE];
    enum err err;

    digest_text(text, id);
    snprintf(path, sizeof(path), "/v1/%s/%s", kind, text);
    err = client_call(client, reply, CLIENT_PUT, path, body, 0, fault);
    if (!err && reply->status >= 300)
        return client_refusal(client, reply, path, fault);
    return err;
}

static struct bytes chunk_of(const struct transfer_blob *blob, uint64_t index)
{
    return bytes_of(blob->data + blob->offsets[index],
                    blob->offsets[index + 1] - blob->offsets[index]);
}

/* Sends the manifest, then what the node says it misses. */
static enum err push_to_node(struct client *client, const struct digest *root,
                             const struct digest *ids, const struct transfer_blob *blob,
                             struct fault *fault)
{
    struct client_reply reply;
    struct answer *answer = NULL;
    enum err err =
        put(client, &reply, "blobs", root, bytes_of(ids, blob->chunk_count * sizeof(*ids)), fault);

    if (!err)
        err = answer_parse(&answer, reply.body, fault);
    for (uint32_t i = 0; !err && i < answer_count(answer, "missing"); i++) {
        uint64_t index = answer_number(answer_item(answer, "missing", i), "");
        if (index >= blob->chunk_count)
            err = fault_set(fault, ERR_MISMATCH, "%s misses chunk %llu of %u",
                            client->nodes[client->node_now], (unsigned long long)index,
                            blob->chunk_count);
        else
            err = put(client, &reply, "chunks", &ids[index], chunk_of(blob, index), fault);
    }
    answer_free(answer);
    return err;
}

static struct digest *chunk_ids(const struct transfer_blob *blob)
{
    struct digest *ids = malloc(blob->chunk_count * sizeof(*ids) + 1);

    CHECK(ids != NULL);
    for (uint32_t i = 0; i < blob->chunk_count; i++) {
        struct bytes chunk = chunk_of(blob, i);
        ids[i] = merkle_leaf(chunk.data, chunk.size);
    }
    return ids;
}

/* One node alone, without a second try: another node takes its place. */
static enum err push_to(struct client *client, uint32_t node, const struct digest *root,
                        const struct digest *ids, const struct transfer_blob *blob,
                        struct fault *fault)
{
    struct client alone = *client;
    enum err err;

    alone.nodes[0] = client->nodes[node];
    alone.node_count = 1;
    alone.node_now = 0;
    alone.patience_ms = 0;
    err = push_to_node(&alone, root, ids, blob, fault);
    client->body = alone.body; /* the buffer may have moved */
    client->unreachable = alone.unreachable;
    return err;
}

enum err transfer_push(struct client *client, struct digest *root, const struct transfer_blob *blob,
                       uint32_t copies, struct fault *fault)
{
    struct digest *ids = chunk_ids(blob);
    uint32_t done = 0, first = client->node_now;
    enum err err = ERR_NONE;

    *root = merkle_root(ids, blob->chunk_count);
    for (uint32_t i = 0; i < client->node_count && done < copies; i++) {
        err = push_to(client, (first + i) % client->node_count, root, ids, blob, fault);
        done += err == ERR_NONE;
    }
    free(ids);
    return done ? ERR_NONE : err;
}

static enum err get(struct client *client, struct client_reply *reply, const char *kind,
                    const struct digest *id, struct fault *fault)
{
    char path[96], text[DIGEST_TEXT_SIZE];
    enum err err;

    digest_text(text, id);
    snprintf(path, sizeof(path), "/v1/%s/%s", kind, text);
    err = client_call(client, reply, CLIENT_GET, path, bytes_of(NULL, 0), 0, fault);
    if (!err && reply->status != 200)
        err = client_refusal(client, reply, path, fault);
    return err;
}

static enum err fetch_manifest(struct client *client, struct digest **ids, uint32_t *count,
                               const struct digest *root, struct fault *fault)
{
    struct client_reply reply;
    struct digest found;
    enum err err = get(client, &reply, "blobs", root, fault);

    if (err)
        return err;
    if (reply.body.size % DIGEST_SIZE || reply.body.size / DIGEST_SIZE > TRANSFER_CHUNKS_MAX)
        return fault_set(fault, ERR_LIMIT, "a manifest of %zu bytes lists no 1 to %d chunks",
                         reply.body.size, TRANSFER_CHUNKS_MAX);
    *count = (uint32_t)(reply.body.size / DIGEST_SIZE);
    *ids = malloc(reply.body.size + 1);
    CHECK(*ids != NULL);
    memcpy(*ids, reply.body.data, reply.body.size);
    found = merkle_root(*ids, *count);
    if (digest_equal(&found, root))
        return ERR_NONE;
    free(*ids);
    *ids = NULL;
    return fault_set(fault, ERR_MISMATCH, "%s gave a manifest that is not the root's",
                     client->nodes[client->node_now]);
}

static enum err fetch_chunk(struct client *client, struct transfer_blob *blob, uint32_t index,
                            const struct digest *id, struct fault *fault)
{
    struct client_reply reply;
    struct digest found;
    uint64_t at = blob->offsets[index];
    enum err err = get(client, &reply, "chunks", id, fault);

    if (err)
        return err;
    found = merkle_leaf(reply.body.data, reply.body.size);
    if (!digest_equal(&found, id) || reply.body.size > LIMIT_CHUNK_BYTES)
        return fault_set(fault, ERR_MISMATCH, "%s gave a chunk that is not the one asked for",
                         client->nodes[client->node_now]);
    if (reply.body.size)
        memcpy(blob->data + at, reply.body.data, reply.body.size);
    blob->offsets[index + 1] = at + reply.body.size;
    return ERR_NONE;
}

/* What a node doesn't have, or gives wrongly, another may give. */
static bool another_may_help(struct client *client, enum err err)
{
    if (err != ERR_NOT_FOUND && err != ERR_MISMATCH && err != ERR_LIMIT)
        return false;
    client_next(client);
    return true;
}

enum err transfer_fetch(struct client *client, struct transfer_blob *blob,
                        const struct digest *root, struct fault *fault)
{
    struct transfer_blob made = {0};
    struct digest *ids = NULL;
    enum err err = ERR_NOT_FOUND;

    for (uint32_t tried = 0; tried < client->node_count; tried++) {
        err = fetch_manifest(client, &ids, &made.chunk_count, root, fault);
        if (!err || !another_may_help(client, err))
            break;
    }
    if (err)
        return err;
    made.data = malloc((size_t)made.chunk_count * LIMIT_CHUNK_BYTES + 1);
    made.offsets = calloc(made.chunk_count + 1u, sizeof(made.offsets[0]));
    CHECK(made.data != NULL);
    CHECK(made.offsets != NULL);
    for (uint32_t i = 0; i < made.chunk_count && !err; i++) {
        uint32_t tried = 1;
        while ((err = fetch_chunk(client, &made, i, &ids[i], fault)) &&
               tried++ < client->node_count)
            if (!another_may_help(client, err))
                break;
    }
    free(ids);
    if (err)
        transfer_release(&made);
    else
        *blob = made;
    return err;
}

void transfer_release(struct transfer_blob *blob)
{
    free(blob->data);
    free(blob->offsets);
    *blob = (struct transfer_blob){0};
}
