/* Makes transactions: takes the nonce from a node, signs, submits, and waits for the receipt.
 *
 *            submit                    in a block
 *     made ---------> pending ------------------------> committed (verdict 0 or a contract's no)
 *       |  refused       | last_height passed, or
 *       v                v another took its nonce
 *     refused          dropped          no outcome before the deadline: unknown
 *
 * The same signed bytes are sent again, to another node too, until one of them knows the outcome: a
 * transaction happens at most once. */
#ifndef TOOLS_TENURE_SENDER_H
#define TOOLS_TENURE_SENDER_H

#include "base/address.h"
#include "base/arena.h"
#include "ledger/tx.h"
#include "tools/tenure/client.h"

/* Blocks in which a transaction may be included, counted from the head: about a minute of full
 * load, an hour at rest. */
#define SENDER_HEIGHTS 600

struct sender {
    struct client *client;
    struct sign_secret secret;
    struct sign_public public;
    struct address address;
    struct digest chain;  /* genesis digest, asked for once */
    uint64_t nonce_known; /* above every nonce that this sender saw used */
};

struct sender_outcome {
    struct digest id;
    uint64_t height, index; /* of the block, and in it */
    uint16_t verdict;       /* 0: done */
    char name[64];          /* of the verdict, stable */
    char message[512];      /* its sentence */
    struct answer
        *receipt; /* the node's whole answer, with events; free with sender_outcome_release */
};

/* Takes the key and asks the node for the chain. ERR_IO when no node answers; the key is then not
 * kept. */
MUST_USE enum err sender_init(struct sender *sender, struct client *client,
                              const struct sign_secret *secret, struct fault *fault);
void sender_release(struct sender *sender);

/* Sends one transaction with these calls and waits `timeout_ms` for its receipt.
 * ERR_NONE: it is in a block; outcome->verdict says whether its calls were done. ERR_MISMATCH: a
 * node refused it, with its reason. ERR_NOT_NOW: no outcome in time (it may still come). ERR_IO: no
 * node answers. Release the outcome after ERR_NONE only. */
MUST_USE enum err sender_send(struct sender *sender, struct arena *arena,
                              struct sender_outcome *outcome, struct call *calls,
                              uint32_t call_count, uint64_t timeout_ms, struct fault *fault);
void sender_outcome_release(struct sender_outcome *outcome);

#endif
