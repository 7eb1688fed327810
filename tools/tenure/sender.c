#include "tools/tenure/sender.h"

#include "tools/sys/clock.h"
#include "tools/sys/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long a node is asked to hold a request for an outcome: short enough to notice a node that
 * lost it. */
#define WAIT_MS 2000

/* Between two tries to submit to a node that has no room. */
#define AGAIN_MS 150

enum err sender_init(struct sender *sender, struct client *client, const struct sign_secret *secret,
                     struct fault *fault)
{
    struct answer *root = NULL;
    struct sign_public public;
    struct digest chain;
    enum err err;

    if (!sign_public_of(&public, secret))
        return fault_set(fault, ERR_MALFORMED, "the key file holds no valid secret key");
    err = client_get(client, &root, fault, "/v1/status");
    if (err)
        return err;
    if (!bytes_from_hex(chain.bytes, sizeof(chain.bytes), answer_text(root, "chain")))
        err = fault_set(fault, ERR_MALFORMED, "the node's status names no chain");
    answer_free(root);
    if (err)
        return err;
    *sender =
        (struct sender){.client = client, .secret = *secret, .public = public, .chain = chain};
    sender->address = address_of(&public);
    return ERR_NONE;
}

void sender_release(struct sender *sender)
{
    sign_secret_clear(&sender->secret);
}

static enum err ask_nonce(struct sender *sender, uint64_t *nonce, struct fault *fault)
{
    char text[ADDRESS_TEXT_SIZE];
    struct answer *root = NULL;
    enum err err;

    address_text(text, &sender->address);
    err = client_get(sender->client, &root, fault, "/v1/accounts/%s", text);
    if (err == ERR_NOT_FOUND)
        return fault_set(
            fault, ERR_NOT_FOUND,
            "the chain has no account %s: let an operator add its key (tenure member add)", text);
    if (err)
        return err;
    *nonce = answer_number(root, "nonce");
    if (*nonce < sender->nonce_known)
        *nonce = sender->nonce_known; /* this node is behind the one that told us of our last
                                         transaction */
    answer_free(root);
    return ERR_NONE;
}

static enum err ask_height(struct sender *sender, uint64_t *height, struct fault *fault)
{
    struct answer *root = NULL;
    enum err err = client_get(sender->client, &root, fault, "/v1/status");

    if (err)
        return err;
    *height = answer_number(root, "height");
    answer_free(root);
    return ERR_NONE;
}

/* What a node did with the bytes. */
enum submitted {
    SUBMITTED_TAKEN, /* they are pending there, now or before */
    SUBMITTED_LATER, /* no room now, or another transaction with this nonce is pending */
    SUBMITTED_USED,  /* the nonce is used: by them, which the outcome will tell, or by another */
};

static enum err read_submitted(enum submitted *submitted, const struct answer *root,
                               struct fault *fault)
{
    const struct answer *result = answer_item(root, "results", 0),
                        *error = answer_at(result, "error");
    const char *code;

    if (!error || !answer_has(error, ""))
        error = answer_at(root, "error");
    code = answer_text(error, "code");
    if (answer_number(root, "accepted") == 1 || !strcmp(code, "known"))
        *submitted = SUBMITTED_TAKEN;
    else if (!strcmp(code, "nonce_used"))
        *submitted = SUBMITTED_USED;
    else if (!strcmp(code, "nonce_taken") || !strcmp(code, "pool_full") ||
             !strcmp(code, "account_full"))
        *submitted = SUBMITTED_LATER;
    else
        return fault_set(fault, ERR_MISMATCH, "the node refused the transaction: %s (%s)",
                         answer_text(error, "message"), code);
    return ERR_NONE;
}

static enum err submit(struct sender *sender, enum submitted *submitted, const struct tx *tx,
                       struct fault *fault)
{
    uint8_t framed[4 + LIMIT_TX_BYTES];
    struct client_reply reply;
    struct answer *root = NULL;
    enum err err;

    bytes_put_u32(framed, (uint32_t)tx->raw.size);
    memcpy(framed + 4, tx->raw.data, tx->raw.size);
    err = client_call(sender->client, &reply, CLIENT_POST, "/v1/transactions",
                      bytes_of(framed, 4 + tx->raw.size), 0, fault);
    if (!err)
        err = answer_parse(&root, reply.body, fault);
    if (!err)
        err = read_submitted(submitted, root, fault);
    answer_free(root);
    return err;
}

static void outcome_read(struct sender_outcome *outcome, struct answer *root,
                         const struct digest *id)
{
    *outcome = (struct sender_outcome){.id = *id, .receipt = root};
    outcome->height = answer_number(root, "height");
    outcome->index = answer_number(root, "index");
    outcome->verdict = (uint16_t)answer_number(root, "verdict");
    snprintf(outcome->name, sizeof(outcome->name), "%s", answer_text(root, "verdict_name"));
    snprintf(outcome->message, sizeof(outcome->message), "%s", answer_text(root, "message"));
}

/* ERR_NONE: committed. ERR_NOT_NOW: pending. ERR_NOT_FOUND: this node doesn't know it, or had no room to keep it.
 * ERR_MISMATCH: expired. ERR_BUSY: another used its nonce. */
static enum err ask_outcome(struct sender *sender, struct sender_outcome *outcome,
                            const struct digest *id, uint64_t wait_ms, struct fault *fault)
{
    char text[DIGEST_TEXT_SIZE], path[160];
    struct client_reply reply;
    struct answer *root = NULL;
    const char *status;
    enum err err;

    digest_text(text, id);
    snprintf(path, sizeof(path), "/v1/transactions/%s?wait_ms=%llu", text,
             (unsigned long long)wait_ms);
    err = client_call(sender->client, &reply, CLIENT_GET, path, bytes_of(NULL, 0), wait_ms, fault);
    if (err)
        return err;
    if (reply.status == 404)
        return ERR_NOT_FOUND;
    if (reply.status != 200)
        return client_refusal(sender->client, &reply, path, fault);
    err = answer_parse(&root, reply.body, fault);
    if (err)
        return err;
    status = answer_text(root, "status");
    if (!strcmp(status, "committed")) {
        outcome_read(outcome, root, id);
        return ERR_NONE;
    }
    if (!strcmp(answer_text(root, "reason"), "replaced"))
        err = fault_set(fault, ERR_BUSY, "another transaction of this account used the nonce");
    else if (!strcmp(status, "pending"))
        err = ERR_NOT_NOW;
    else if (!strcmp(status, "expired"))
        err = fault_set(fault, ERR_MISMATCH,
                        "the transaction expired before a block included it: %s", text);
    else
        err = ERR_NOT_FOUND;
    answer_free(root);
    return err;
}

static enum err make(struct sender *sender, struct arena *arena, struct tx *tx, struct call *calls,
                     uint32_t call_count, struct fault *fault)
{
    struct tx_body body = {
        .version = TX_VERSION, .chain = sender->chain, .sender = sender->public, .calls = calls};
    enum err err = ask_nonce(sender, &body.nonce, fault);

    if (!err)
        err = ask_height(sender, &body.last_height, fault);
    if (err)
        return err;
    body.last_height += SENDER_HEIGHTS;
    body.salt = (uint32_t)random_u64();
    body.call_count = call_count;
    if (!tx_make(arena, tx, &body, &sender->secret))
        return fault_set(fault, ERR_LIMIT, "the transaction is over %d bytes", LIMIT_TX_BYTES);
    return ERR_NONE;
}

/* Has another transaction used the nonce? One node is asked for the account first and for the transaction then: when the account's
 * committed nonce is past ours there, whatever used it is among the transactions that node can tell of.
 * ERR_BUSY: another did. ERR_NONE: ours did. ERR_NOT_NOW: not known yet. */
static enum err ask_rival(struct sender *sender, struct sender_outcome *outcome,
                          const struct tx *tx, struct fault *fault)
{
    uint32_t node = sender->client->node_now;
    char text[ADDRESS_TEXT_SIZE];
    struct answer *root = NULL;

    address_text(text, &sender->address);
    enum err err = client_get(sender->client, &root, fault, "/v1/accounts/%s", text);
    if (err)
        return err;
    bool past = answer_number(root, "nonce") > tx->body.nonce;
    answer_free(root);
    if (!past || node != sender->client->node_now)
        return ERR_NOT_NOW;
    err = ask_outcome(sender, outcome, &tx->id, 0, fault);
    if (node != sender->client->node_now)
        return err ? ERR_NOT_NOW : ERR_NONE;
    if (err == ERR_NOT_FOUND || err == ERR_NOT_NOW || err == ERR_BUSY)
        return fault_set(fault, ERR_BUSY, "another transaction of this account used nonce %llu",
                         (unsigned long long)tx->body.nonce);
    return err;
}

/* Submits and asks in turn until a node knows the outcome. ERR_BUSY when another transaction has used the nonce: this one can't be
 * included any more. */
static enum err follow(struct sender *sender, struct sender_outcome *outcome, const struct tx *tx,
                       uint64_t until_ms, struct fault *fault)
{
    enum submitted submitted = SUBMITTED_LATER;
    bool submit_again = true, ever_taken = false;

    for (;;) {
        uint64_t wait_ms = clock_monotonic_ms() + WAIT_MS < until_ms ? WAIT_MS : 100;
        enum err err;
        if (submit_again && (err = submit(sender, &submitted, tx, fault)))
            return err;
        ever_taken = ever_taken || submitted == SUBMITTED_TAKEN;
        bool used = submitted == SUBMITTED_USED;
        err = ask_outcome(sender, outcome, &tx->id, used ? 0 : wait_ms, fault);
        submit_again = err == ERR_NOT_FOUND;
        if (err == ERR_BUSY || (err == ERR_NOT_FOUND && used))
            err = ask_rival(sender, outcome, tx, fault);
        if (err != ERR_NOT_NOW && err != ERR_NOT_FOUND)
            return err;
        if (clock_monotonic_ms() >= until_ms)
            return fault_set(fault, ERR_NOT_NOW, "no outcome yet; it may still come. %s",
                             ever_taken ? "Look later with \"tenure explore tx\""
                                        : "No node had room for it");
        if (submit_again) {
            client_next(sender->client);
            clock_sleep_ms(AGAIN_MS);
        }
    }
}

enum err sender_send(struct sender *sender, struct arena *arena, struct sender_outcome *outcome,
                     struct call *calls, uint32_t call_count, uint64_t timeout_ms,
                     struct fault *fault)
{
    uint64_t until_ms = clock_monotonic_ms() + timeout_ms;
    struct tx tx;
    enum err err;

    do {
        err = make(sender, arena, &tx, calls, call_count, fault);
        if (!err)
            err = follow(sender, outcome, &tx, until_ms, fault);
        if ((!err || err == ERR_BUSY) && tx.body.nonce >= sender->nonce_known)
            sender->nonce_known = tx.body.nonce + 1;
    } while (err == ERR_BUSY && clock_monotonic_ms() < until_ms);
    return err;
}

void sender_outcome_release(struct sender_outcome *outcome)
{
    answer_free(outcome->receipt);
    outcome->receipt = NULL;
}
