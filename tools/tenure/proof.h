/* Facts of the ledger that can be checked offline: a value of the state (or its absence), its path in the state tree, the header whose
 * root it leads to, and the quorum of signatures that certifies the header.
 *
 *     value --path--> state root --in--> header --digest--> certificate --signatures--> validators --in--> genesis
 *
 * Who has the genesis record needs to trust no node. The file is the JSON that GET /v1/proof answers with. */
#ifndef TOOLS_TENURE_PROOF_H
#define TOOLS_TENURE_PROOF_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/text.h"
#include "tools/tenure/answer.h"

struct proof_fact {
    struct bytes key, value; /* value size 0: there is no such key */
    uint64_t height, time_ms;
    struct digest chain;
    uint32_t signatures, validators; /* of the certificate, of the set */
};

/* Checks all of it. `genesis` is the packed genesis record. What the fact borrows is in `arena`.
 * ERR_MALFORMED: no such file or record. ERR_MISMATCH: of another chain or set, or the parts contradict each other. ERR_SIGNATURE. */
MUST_USE enum err proof_check(struct arena *arena, struct proof_fact *fact,
                              const struct answer *file, struct bytes genesis, struct fault *fault);

/* A key as people write it ("job/1", "slot/1/0", "account/tnr1...", "supply"; see contracts/catalog.h) to its bytes, in `arena`.
 * ERR_USAGE names the kinds of keys, or what is wrong with this one. */
MUST_USE enum err proof_parse_key(struct arena *arena, struct bytes *key, const char *text,
                                  struct fault *fault);

#endif
