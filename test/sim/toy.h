/* The simplest ledger that consensus can order: a body is a list of numbers, and a state root the digest of all numbers so far.
 *
 * Signatures are toys too: a digest of (seat, digest), which the simulator makes only for the seat that signs. */
#ifndef TEST_SIM_TOY_H
#define TEST_SIM_TOY_H

#include "base/record.h"
#include "consensus/subject.h"
#include "consensus/verify.h"

/* Numbers in a block: few, so that blocks fill. */
#define TOY_BODY_MAX 8

/* Larger ones are invalid. */
#define TOY_NUMBER_MAX (1u << 20)

struct toy_body {
    uint64_t numbers[TOY_BODY_MAX];
    uint32_t count;
};

struct toy_header {
    uint64_t height, view, time_ms;
    uint8_t proposer;
    struct digest parent, set, next_set;
    struct digest body; /* toy_body_digest */
    struct digest root; /* toy_root of the parent's root and the body */
};

#define TOY_HEADER_BYTES 256

/* How a header is packed: for liars, who change what they like in it. */
const struct record *toy_description(void);

struct digest toy_body_digest(const struct toy_body *body);
struct digest toy_root(const struct digest *parent_root, const struct toy_body *body);

/* Returns the size. */
size_t toy_header_pack(uint8_t bytes[TOY_HEADER_BYTES], const struct toy_header *header);
bool toy_header_unpack(struct toy_header *header, struct bytes bytes);

/* A subject_read. */
bool toy_read(const void *self, struct consensus_block *block, struct bytes header);

/* Block 0 of a run. */
void toy_genesis(struct toy_header *header, const struct digest *set);

struct sign_signature toy_sign(struct seat seat, const struct digest *digest);

/* A verify_signature. */
bool toy_verify(const void *self, struct seat seat, const struct sign_public *key,
                const struct digest *digest, const struct sign_signature *signature);

#endif
