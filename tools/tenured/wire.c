#include "tools/tenured/wire.h"

#include "consensus/bounds.h"
#include "ledger/snapshot.h"

static const struct record_field wire_body_fields[] = {
    RECORD_BYTES(struct wire_body, header, BOUNDS_HEADER_BYTES),
    RECORD_BYTES(struct wire_body, body, LIMIT_BLOCK_BYTES),
};
const struct record wire_body_record = RECORD(struct wire_body, "body", wire_body_fields);

static const struct record_field wire_want_body_fields[] = {
    RECORD_FIXED(struct wire_want_body, digest, RECORD_AS_HEX),
};
const struct record wire_want_body_record =
    RECORD(struct wire_want_body, "wanted body", wire_want_body_fields);

static const struct record_field wire_want_blocks_fields[] = {
    RECORD_UINT_MAX(struct wire_want_blocks, from, BOUNDS_HEIGHT_MAX),
    RECORD_UINT_MAX(struct wire_want_blocks, to, BOUNDS_HEIGHT_MAX),
};
const struct record wire_want_blocks_record =
    RECORD(struct wire_want_blocks, "wanted blocks", wire_want_blocks_fields);

/* A DECIDED message: header, certificate, heads. */
#define DECIDED_BYTES (BOUNDS_HEADER_BYTES + BOUNDS_CERTIFICATE_BYTES(BOUNDS_QUORUM) + 64)

static const struct record_field wire_block_fields[] = {
    RECORD_BYTES(struct wire_block, decided, DECIDED_BYTES),
    RECORD_BYTES(struct wire_block, body, LIMIT_BLOCK_BYTES),
};
const struct record wire_block_record =
    RECORD(struct wire_block, "decided block", wire_block_fields);

static const struct record_field wire_want_snapshot_fields[] = {
    RECORD_UINT_MAX(struct wire_want_snapshot, height, BOUNDS_HEIGHT_MAX),
};
const struct record wire_want_snapshot_record =
    RECORD(struct wire_want_snapshot, "wanted snapshot", wire_want_snapshot_fields);

static const struct record_field wire_snapshot_fields[] = {
    RECORD_UINT_MAX(struct wire_snapshot, start, BOUNDS_HEIGHT_MAX),
    RECORD_BYTES(struct wire_snapshot, decided, DECIDED_BYTES),
};
const struct record wire_snapshot_record =
    RECORD(struct wire_snapshot, "snapshot", wire_snapshot_fields);

static const struct record_field wire_want_chunk_fields[] = {
    RECORD_UINT_MAX(struct wire_want_chunk, height, BOUNDS_HEIGHT_MAX),
    RECORD_FIXED(struct wire_want_chunk, from, RECORD_AS_HEX),
};
const struct record wire_want_chunk_record =
    RECORD(struct wire_want_chunk, "wanted chunk", wire_want_chunk_fields);

static const struct record_field wire_chunk_fields[] = {
    RECORD_UINT_MAX(struct wire_chunk, height, BOUNDS_HEIGHT_MAX),
    RECORD_FIXED(struct wire_chunk, from, RECORD_AS_HEX),
    RECORD_BYTES(struct wire_chunk, chunk, SNAPSHOT_PACKED_BYTES),
};
const struct record wire_chunk_record = RECORD(struct wire_chunk, "chunk", wire_chunk_fields);

static const struct record_field wire_want_boundary_fields[] = {
    RECORD_UINT_MAX(struct wire_want_boundary, above, BOUNDS_HEIGHT_MAX),
};
const struct record wire_want_boundary_record =
    RECORD(struct wire_want_boundary, "wanted boundary", wire_want_boundary_fields);

/* A seat, a key and their heads, for each member. */
#define SET_BYTES (LIMIT_VALIDATORS * (SIGN_PUBLIC_SIZE + 8) + 64)

static const struct record_field wire_boundary_fields[] = {
    RECORD_BYTES(struct wire_boundary, decided, DECIDED_BYTES),
    RECORD_BYTES(struct wire_boundary, set, SET_BYTES),
};
const struct record wire_boundary_record =
    RECORD(struct wire_boundary, "boundary", wire_boundary_fields);

bool wire_read_header(const void *self, struct consensus_block *block, struct bytes raw)
{
    (void)self;
    struct block_header header;
    if (block_header_unpack(&header, raw, NULL))
        return false;
    *block = (struct consensus_block){
        .height = {header.height},
        .view = {header.view},
        .proposer = {header.proposer},
        .time_ms = header.time_ms,
        .digest = digest_of(raw.data, raw.size),
        .parent = header.parent,
        .set = header.set_digest,
        .next_set = header.next_set_digest,
    };
    return true;
}
