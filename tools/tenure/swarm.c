#include "tools/tenure/swarm.h"

#include "base/check.h"
#include "base/limits.h"
#include "base/merkle.h"
#include "tools/sys/clock.h"
#include "tools/sys/queue.h"
#include "tools/sys/thread.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Between two looks at time and at client->stop. */
#define LOOK_MS 100

enum want { WANTED, ASKED, TAKEN };

/* One request at a time, on its own handle. */
struct line {
    CURL *handle;
    uint32_t node;
    bool is_open;
    bool is_second;      /* its chunk came wrong, and is asked for with a check */
    bool is_checking;    /* all has come: the checker has it, while open */
    bool is_too_large;   /* it got more than a chunk */
    uint32_t at;         /* of order->wanted, while open */
    uint64_t start_us;   /* while open */
    uint64_t took_us;    /* until all had come */
    size_t size;         /* what has come into room */
    uint8_t *room;       /* LIMIT_CHUNK_BYTES: a slot, or owned */
    struct digest found; /* the checker's answer */
    char why[CURL_ERROR_SIZE];
};

struct source {
    uint64_t heard_us; /* when it gave something last, or we began */
    uint64_t until_us; /* paused until then */
    uint64_t pause_ms; /* the next pause */
    uint32_t cursor;   /* where it looks for the next chunk */
    uint32_t seen;     /* swarm->changes when it found none; 0: not yet */
    uint32_t given;    /* chunks */
    uint64_t given_us; /* time that those took */
};

struct swarm {
    struct client *client;
    struct swarm_order *order;
    CURLM *multi;
    struct line *lines; /* SWARM_DEPTH for each node */
    uint32_t line_count;
    struct source sources[CLIENT_NODES_MAX];
    enum want *states;   /* of each that is wanted */
    uint64_t *lacks;     /* bit i: node i said that it doesn't have it */
    uint32_t left, open; /* not taken yet; lines that are open */
    uint32_t changes;    /* grows when a chunk is wanted again */
    uint64_t slow;       /* nodes that were dropped for slowness alone */
    bool patient;        /* slow ones are all that is left: nobody is too slow now */
    struct fault last;   /* why the last node was dropped */
    struct thread checker;
    struct queue unchecked, checked; /* lines, on their way to the checker and back */
};

/* --- dropping --- */

void swarm_drop(struct client *client, uint64_t *dropped, uint32_t node, const char *why)
{
    char sentence[FAULT_TEXT_SIZE];

    *dropped |= (uint64_t)1 << node;
    snprintf(sentence, sizeof(sentence), "%s %s: it is not asked for the rest", client->nodes[node],
             why);
    if (client->warn)
        client->warn(client->watcher, sentence);
}

static bool is_dropped(const struct swarm *swarm, uint32_t node)
{
    return swarm->order->dropped >> node & 1;
}

static void close_line(struct swarm *swarm, struct line *line)
{
    curl_multi_remove_handle(swarm->multi, line->handle);
    throttle_refund(&swarm->client->throttle, LIMIT_CHUNK_BYTES - line->size);
    line->is_open = line->is_checking = false;
    swarm->open--;
}

/* Ends a request whose chunk did not come; another node may be asked for it. */
static void give_back(struct swarm *swarm, struct line *line)
{
    close_line(swarm, line);
    swarm->states[line->at] = WANTED;
    swarm->changes++;
}

static void drop(struct swarm *swarm, uint32_t node, enum err err, const char *why)
{
    swarm_drop(swarm->client, &swarm->order->dropped, node, why);
    (void)fault_set(&swarm->last, err, "%s %s", swarm->client->nodes[node], why);
    for (uint32_t i = 0; i < swarm->line_count; i++)
        if (swarm->lines[i].is_open && swarm->lines[i].node == node &&
            !swarm->lines[i].is_checking) /* it may be right all the same */
            give_back(swarm, &swarm->lines[i]);
}

/* A node that is away or busy now. */
static void pause_node(struct swarm *swarm, uint32_t node, const char *why, uint64_t now_us)
{
    struct source *source = &swarm->sources[node];
    char sentence[FAULT_TEXT_SIZE + 32];

    if (source->until_us > now_us)
        return; /* its other requests fail with the first one */
    if (now_us - source->heard_us >= swarm->client->patience_ms * 1000) {
        snprintf(sentence, sizeof(sentence), "does not answer (%s)", why);
        drop(swarm, node, ERR_IO, sentence);
        return;
    }
    source->until_us = now_us + source->pause_ms * 1000;
    source->pause_ms =
        source->pause_ms * 2 < SWARM_PAUSE_MAX_MS ? source->pause_ms * 2 : SWARM_PAUSE_MAX_MS;
}

static bool is_slow(const struct swarm *swarm, const struct line *line, uint64_t now_us)
{
    const struct source *source = &swarm->sources[line->node];
    uint64_t given = 0, given_us = 0;

    for (uint32_t i = 0; i < swarm->client->node_count; i++)
        if (i != line->node && !is_dropped(swarm, i)) {
            given += swarm->sources[i].given;
            given_us += swarm->sources[i].given_us;
        }
    return given && source->until_us < now_us &&
           now_us - line->start_us > SWARM_SLOW * (given_us / given) + SWARM_SLOW_MS * 1000;
}

static void drop_slow(struct swarm *swarm, uint64_t now_us)
{
    for (uint32_t i = 0; i < swarm->line_count && !swarm->patient; i++)
        if (swarm->lines[i].is_open && is_slow(swarm, &swarm->lines[i], now_us)) {
            swarm->slow |= (uint64_t)1 << swarm->lines[i].node;
            drop(swarm, swarm->lines[i].node, ERR_IO, "is much slower than the others");
        }
}

/* --- asking --- */

static size_t on_bytes(char *data, size_t size, size_t count, void *self)
{
    struct line *line = self;

    line->is_too_large = size * count > LIMIT_CHUNK_BYTES - line->size;
    if (line->is_too_large)
        return 0;
    memcpy(line->room + line->size, data, size * count);
    line->size += size * count;
    return size * count;
}

/* The next chunk that the node may have. */
static bool pick(struct swarm *swarm, uint32_t node, uint32_t *at)
{
    struct source *source = &swarm->sources[node];
    uint32_t count = swarm->order->count;

    if (source->seen == swarm->changes)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        *at = (source->cursor + i) % count;
        if (swarm->states[*at] == WANTED && !(swarm->lacks[*at] >> node & 1)) {
            source->cursor = *at + 1;
            return true;
        }
    }
    source->seen = swarm->changes;
    return false;
}

static void ask(struct swarm *swarm, struct line *line, uint32_t at, bool is_second,
                uint64_t now_us)
{
    const struct swarm_order *order = swarm->order;
    char url[CLIENT_URL_SIZE], text[DIGEST_TEXT_SIZE];

    digest_text(text, &order->ids[order->wanted[at]]);
    snprintf(url, sizeof(url), "%s/v1/chunks/%s%s", swarm->client->nodes[line->node], text,
             is_second ? "?check=1" : "");
    if (order->slots)
        line->room = order->slots + (size_t)order->wanted[at] * LIMIT_CHUNK_BYTES;
    curl_easy_setopt(line->handle, CURLOPT_URL, url);
    line->is_open = true;
    line->is_second = is_second;
    line->is_too_large = false;
    line->at = at;
    line->start_us = now_us;
    line->size = 0;
    line->why[0] = 0;
    swarm->states[at] = ASKED;
    swarm->open++;
    throttle_spend(&swarm->client->throttle, LIMIT_CHUNK_BYTES, now_us);
    CHECK(curl_multi_add_handle(swarm->multi, line->handle) == CURLM_OK);
}

/* Gives every idle line of a node that may be asked its next chunk. */
static void ask_all(struct swarm *swarm, uint64_t now_us)
{
    for (uint32_t i = 0; i < swarm->line_count; i++) {
        struct line *line = &swarm->lines[i];
        uint32_t at;
        if (line->is_open || is_dropped(swarm, line->node) ||
            swarm->sources[line->node].until_us > now_us)
            continue;
        if (throttle_wait_us(&swarm->client->throttle, now_us))
            return;
        if (pick(swarm, line->node, &at))
            ask(swarm, line, at, false, now_us);
    }
}

/* --- answers --- */

static void run_checker(void *self)
{
    struct swarm *swarm = self;
    void *value;

    while (queue_pop(&swarm->unchecked, &value, 1, QUEUE_FOREVER)) {
        struct line *line = value;
        line->found = merkle_leaf(line->room, line->size);
        CHECK(queue_push(&swarm->checked, line, 0, 0) == ERR_NONE); /* it has room for all lines */
        curl_multi_wakeup(swarm->multi);
    }
}

/* All of a chunk is here: that it is the one is checked before anything else is done with it. */
static void check(struct swarm *swarm, struct line *line, uint64_t now_us)
{
    line->is_checking = true;
    line->took_us = now_us - line->start_us;
    CHECK(queue_push(&swarm->unchecked, line, 0, 0) == ERR_NONE);
}

static void on_wrong(struct swarm *swarm, struct line *line, uint64_t now_us)
{
    bool is_second = line->is_second;
    uint32_t at = line->at;

    give_back(swarm, line);
    if (is_dropped(swarm, line->node))
        return;
    if (is_second)
        drop(swarm, line->node, ERR_MISMATCH, "gave a chunk that is not the one asked for");
    else
        ask(swarm, line, at, true, now_us);
}

static enum err on_checked(struct swarm *swarm, struct line *line, uint64_t now_us,
                           struct fault *fault)
{
    struct swarm_order *order = swarm->order;
    struct source *source = &swarm->sources[line->node];
    uint32_t index = order->wanted[line->at];

    if (!digest_equal(&line->found, &order->ids[index])) {
        on_wrong(swarm, line, now_us);
        return ERR_NONE;
    }
    close_line(swarm, line);
    swarm->states[line->at] = TAKEN;
    swarm->left--;
    source->heard_us = now_us;
    source->pause_ms = SWARM_PAUSE_MS;
    source->given++;
    source->given_us += line->took_us;
    return order->take(order->self, index, bytes_of(line->room, line->size), fault);
}

static void on_answer(struct swarm *swarm, struct line *line, CURLcode code, uint64_t now_us)
{
    char why[FAULT_TEXT_SIZE];
    long status = 0;

    curl_easy_getinfo(line->handle, CURLINFO_RESPONSE_CODE, &status);
    if (!code && status == 200) {
        check(swarm, line, now_us);
        return;
    }
    if (!code)
        snprintf(why, sizeof(why), "answers with status %ld", status);
    else
        snprintf(why, sizeof(why), "%s", line->why[0] ? line->why : curl_easy_strerror(code));
    if (code == CURLE_OPERATION_TIMEDOUT)
        drop(swarm, line->node, ERR_IO, "has stalled");
    else if (line->is_too_large)
        drop(swarm, line->node, ERR_MISMATCH, "gave more than a chunk has");
    else if (!code && status != 404 && status != 429 && status < 500)
        drop(swarm, line->node, ERR_MISMATCH, why);
    else {
        give_back(swarm, line);
        if (!code && status == 404)
            swarm->lacks[line->at] |= (uint64_t)1 << line->node;
        else
            pause_node(swarm, line->node, why, now_us);
    }
}

static enum err take_answers(struct swarm *swarm, struct fault *fault)
{
    enum err err = ERR_NONE;
    CURLMsg *message;
    void *value;
    int more;

    while ((message = curl_multi_info_read(swarm->multi, &more))) {
        struct line *line;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &line);
        if (line->is_open)
            on_answer(swarm, line, code, clock_monotonic_us());
    }
    while (!err && queue_pop(&swarm->checked, &value, 1, 0))
        err = on_checked(swarm, value, clock_monotonic_us(), fault);
    return err;
}

/* --- the fetch --- */

static void open_lines(struct swarm *swarm)
{
    struct client *client = swarm->client;

    swarm->line_count = client->node_count * SWARM_DEPTH;
    swarm->lines = calloc(swarm->line_count, sizeof(*swarm->lines));
    CHECK(swarm->lines != NULL);
    for (uint32_t i = 0; i < swarm->line_count; i++) {
        struct line *line = &swarm->lines[i];
        line->node = i % client->node_count;
        if (!swarm->order->slots) {
            line->room = malloc(LIMIT_CHUNK_BYTES);
            CHECK(line->room != NULL);
        }
        line->handle = curl_easy_init();
        CHECK(line->handle != NULL);
        client_equip(client, line->handle);
        curl_easy_setopt(line->handle, CURLOPT_TIMEOUT_MS, (long)client->request_ms);
        curl_easy_setopt(line->handle, CURLOPT_ERRORBUFFER, line->why);
        curl_easy_setopt(line->handle, CURLOPT_WRITEFUNCTION, on_bytes);
        curl_easy_setopt(line->handle, CURLOPT_WRITEDATA, line);
        curl_easy_setopt(line->handle, CURLOPT_PRIVATE, line);
        curl_easy_setopt(line->handle, CURLOPT_BUFFERSIZE, (long)LIMIT_CHUNK_BYTES);
    }
}

static enum err open_swarm(struct swarm *swarm, struct client *client, struct swarm_order *order,
                           struct fault *fault)
{
    uint64_t now_us = clock_monotonic_us();

    *swarm = (struct swarm){.client = client, .order = order, .left = order->count, .changes = 1};
    swarm->multi = curl_multi_init();
    swarm->states = calloc(order->count + 1u, sizeof(*swarm->states));
    swarm->lacks = calloc(order->count + 1u, sizeof(*swarm->lacks));
    CHECK(swarm->multi != NULL);
    CHECK(swarm->states != NULL);
    CHECK(swarm->lacks != NULL);
    for (uint32_t i = 0; i < client->node_count; i++)
        swarm->sources[i] =
            (struct source){.heard_us = now_us,
                            .pause_ms = SWARM_PAUSE_MS,
                            .cursor = (uint32_t)((uint64_t)i * order->count / client->node_count)};
    open_lines(swarm);
    CHECK(queue_init(&swarm->unchecked, swarm->line_count, 0) == ERR_NONE);
    CHECK(queue_init(&swarm->checked, swarm->line_count, 0) == ERR_NONE);
    if (thread_start(&swarm->checker, "checker", run_checker, swarm))
        return fault_set(fault, ERR_IO, "the system has no thread to check chunks");
    return ERR_NONE;
}

static void close_swarm(struct swarm *swarm)
{
    void *value;

    queue_close(&swarm->unchecked);
    thread_join(&swarm->checker);
    while (queue_pop(&swarm->checked, &value, 1, 0))
        continue; /* the fetch has failed */
    queue_release(&swarm->unchecked);
    queue_release(&swarm->checked);
    for (uint32_t i = 0; i < swarm->line_count; i++) {
        if (swarm->lines[i].is_open)
            close_line(swarm, &swarm->lines[i]);
        curl_easy_cleanup(swarm->lines[i].handle);
        if (!swarm->order->slots)
            free(swarm->lines[i].room);
    }
    curl_multi_cleanup(swarm->multi);
    free(swarm->lines);
    free(swarm->states);
    free(swarm->lacks);
}

/* Nothing is under way and nobody will be asked: slow nodes are asked after all; without any, it is over. */
static enum err give_up(struct swarm *swarm, struct fault *fault)
{
    struct client *client = swarm->client;
    uint32_t at = 0;

    if (swarm->slow) {
        swarm->order->dropped &= ~swarm->slow;
        swarm->slow = 0;
        swarm->patient = true;
        return ERR_NONE;
    }
    while (swarm->states[at] == TAKEN)
        at++;
    for (uint32_t i = 0; i < client->node_count; i++)
        if (!is_dropped(swarm, i))
            return fault_set(fault, ERR_NOT_FOUND, "no node has chunk %u; %u of %u are missing",
                             swarm->order->wanted[at], swarm->left, swarm->order->count);
    client->unreachable = swarm->last.code == ERR_IO;
    return fault_set(fault, swarm->last.code ? swarm->last.code : ERR_IO,
                     "no node is left to fetch from; the last: %s", swarm->last.text);
}

/* When something changes at the latest without an answer; 0: never. */
static int next_look_ms(const struct swarm *swarm, uint64_t now_us)
{
    uint64_t wait_us = throttle_wait_us(&swarm->client->throttle, now_us);

    for (uint32_t i = 0; i < swarm->client->node_count; i++)
        if (!is_dropped(swarm, i) && swarm->sources[i].until_us > now_us &&
            (!wait_us || swarm->sources[i].until_us - now_us < wait_us))
            wait_us = swarm->sources[i].until_us - now_us;
    if (!wait_us)
        return swarm->open ? LOOK_MS : 0;
    return wait_us / 1000 < LOOK_MS ? (int)(wait_us / 1000) + 1 : LOOK_MS;
}

enum err swarm_fetch(struct client *client, struct swarm_order *order, struct fault *fault)
{
    struct swarm swarm;
    enum err err;
    int running;

    client->unreachable = false;
    err = open_swarm(&swarm, client, order, fault);
    while (swarm.left && !err) {
        ask_all(&swarm, clock_monotonic_us());
        CHECK(curl_multi_perform(swarm.multi, &running) == CURLM_OK);
        err = take_answers(&swarm, fault);
        if (err || !swarm.left)
            break;
        drop_slow(&swarm, clock_monotonic_us());
        ask_all(&swarm, clock_monotonic_us());
        int wait_ms = next_look_ms(&swarm, clock_monotonic_us());
        if (!wait_ms)
            err = give_up(&swarm, fault);
        else
            curl_multi_poll(swarm.multi, NULL, 0, wait_ms, NULL);
        if (!err && client->stop && *client->stop)
            err = fault_set(fault, ERR_NOT_NOW, "asked to stop");
    }
    close_swarm(&swarm);
    return err;
}
