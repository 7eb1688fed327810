#include "test/sim/toy.h"

#include <string.h>

static const struct record_field toy_fields[] = {
    RECORD_UINT(struct toy_header, height),
    RECORD_UINT(struct toy_header, view),
    RECORD_UINT(struct toy_header, time_ms),
    RECORD_UINT(struct toy_header, proposer),
    RECORD_FIXED(struct toy_header, parent, RECORD_AS_HEX),
    RECORD_FIXED(struct toy_header, set, RECORD_AS_HEX),
    RECORD_FIXED(struct toy_header, next_set, RECORD_AS_HEX),
    RECORD_FIXED(struct toy_header, body, RECORD_AS_HEX),
    RECORD_FIXED(struct toy_header, root, RECORD_AS_HEX),
};

static const struct record toy_header_record = RECORD(struct toy_header, "toy header", toy_fields);

const struct record *toy_description(void)
{
    return &toy_header_record;
}

struct digest toy_body_digest(const struct toy_body *body)
{
    return digest_of(body->numbers, body->count * sizeof(body->numbers[0]));
}

struct digest toy_root(const struct digest *parent_root, const struct toy_body *body)
{
    struct digest_stream stream;
    digest_init(&stream);
    digest_add(&stream, parent_root->bytes, DIGEST_SIZE);
    digest_add(&stream, body->numbers, body->count * sizeof(body->numbers[0]));
    return digest_end(&stream);
}

size_t toy_header_pack(uint8_t bytes[TOY_HEADER_BYTES], const struct toy_header *header)
{
    struct pack_writer writer;
    pack_init(&writer, bytes, TOY_HEADER_BYTES);
    record_pack(&writer, &toy_header_record, header);
    return writer.used;
}

bool toy_header_unpack(struct toy_header *header, struct bytes bytes)
{
    return record_unpack(NULL, &toy_header_record, header, bytes, NULL) == ERR_NONE;
}

bool toy_read(const void *self, struct consensus_block *block, struct bytes header)
{
    (void)self;
    struct toy_header toy;
    if (!toy_header_unpack(&toy, header))
        return false;
    *block = (struct consensus_block){
        .height = {toy.height},
        .view = {toy.view},
        .proposer = {toy.proposer},
        .time_ms = toy.time_ms,
        .digest = digest_of(header.data, header.size),
        .parent = toy.parent,
        .set = toy.set,
        .next_set = toy.next_set,
    };
    return true;
}

void toy_genesis(struct toy_header *header, const struct digest *set)
{
    const struct toy_body none = {.count = 0};
    *header = (struct toy_header){.set = *set, .next_set = *set, .body = toy_body_digest(&none)};
    header->root = toy_root(&digest_zero, &none);
}

struct sign_signature toy_sign(struct seat seat, const struct digest *digest)
{
    struct digest_stream stream;
    digest_init(&stream);
    digest_add(&stream, &seat.n, 1);
    digest_add(&stream, digest->bytes, DIGEST_SIZE);
    struct digest half = digest_end(&stream);

    struct sign_signature signature;
    memcpy(signature.bytes, half.bytes, DIGEST_SIZE);
    memcpy(signature.bytes + DIGEST_SIZE, half.bytes, DIGEST_SIZE);
    return signature;
}

bool toy_verify(const void *self, struct seat seat, const struct sign_public *key,
                const struct digest *digest, const struct sign_signature *signature)
{
    (void)self;
    (void)key;
    struct sign_signature wanted = toy_sign(seat, digest);
    return memcmp(wanted.bytes, signature->bytes, sizeof(wanted.bytes)) == 0;
}
