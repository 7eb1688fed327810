/* Every bound that more than one folder relies on, each with its reason. A bound of one folder stands in its own headers. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* 64, so that a set of validators is one u64. */
#define LIMIT_VALIDATORS 64

/* A transaction: one RocksDB block and several hundred of them in a frame; the largest call (a segment's commitment with its
 * proofs, or a replayer's openings of 64 intervals) needs about 12 KiB. */
#define LIMIT_TX_BYTES 32768

/* Calls in one transaction: what an offer, its deposit and its proof need, with room. */
#define LIMIT_TX_CALLS 16

/* A block's body: a quarter of a second on a 100 Mbit/s line. */
#define LIMIT_BLOCK_BYTES (4u << 20)

/* Transactions in a block: what four validators on two cores verify in about two seconds. */
#define LIMIT_BLOCK_TXS 8192

/* One frame between validators: a body and its envelope. */
#define LIMIT_FRAME_BYTES (LIMIT_BLOCK_BYTES + (1u << 20))

/* Nesting of records: the deepest description is 6. */
#define LIMIT_RECORD_DEPTH 12

/* Path of a proof in a list of up to 2^32 leaves, of a sparse tree of 256 levels. */
#define LIMIT_MERKLE_PATH 64
#define LIMIT_SPARSE_PATH 256

/* A unit of transfer and proof of bulk data (DESIGN 8.2). */
#define LIMIT_CHUNK_BYTES 65536

/* A state key and a state value: keys are short paths; the largest value is a job with its slots. */
#define LIMIT_KEY_BYTES 128
#define LIMIT_VALUE_BYTES 65536

/* Text that a person writes into a record: a name, a site, a licence. */
#define LIMIT_TEXT_BYTES 128

#endif
