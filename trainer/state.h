/* The state of training and its commitment (DESIGN 8.2).
 *
 * There are two kinds. A *global* state is what a round starts from; a *segment* state is what one
 * worker's training goes through. Each is a header and a list of tensors that follow from the
 * program and the kind alone:
 *
 *     kind      tensors in canonical order (P: the program's parameters, in trainer/model.h's order)
 *     global    parameters f32[P], outer f32[P]
 *     segment   parameters f32[P], anchor f32[P], moment1 f32[P], moment2 f32[P] (AdamW only),
 *               residue f32[P], delta i8[P] or i4[P], exponents i8[ceil(P / 1024)]
 *
 * `outer` is the momentum of the outer step. `anchor` is the parameters the segment started from:
 * the last step's compression needs them, and so every interval can be replayed from its start
 * state alone. `delta` and `exponents` are zero until the end state, where they are the compressed
 * difference (trainer/delta.h) and `residue` is what it left over.
 *
 * Canonical bytes: chunk 0 is the packed header (state_header_record), which describes the tensors;
 * then each tensor's values, little-endian, cut into chunks of 64 KiB, the tensor's last one
 * shorter; a tensor starts a new chunk. A chunk's id is merkle_leaf(its bytes), and the state root
 * is merkle_root over the ids. */
#ifndef TRAINER_STATE_H
#define TRAINER_STATE_H

#include "base/limits.h"
#include "base/merkle.h"
#include "trainer/program.h"

/* Stored numbers, never renumbered. */
enum state_kind { STATE_GLOBAL = 1, STATE_SEGMENT = 2 };

/* Indexes of state.tensors, in canonical order. */
enum state_part {
    STATE_PARAMETERS,
    STATE_OUTER,
    STATE_ANCHOR,
    STATE_MOMENT1,
    STATE_MOMENT2,
    STATE_RESIDUE,
    STATE_DELTA,
    STATE_EXPONENTS,
    STATE_PARTS, /* how many there are */
};

struct state_tensor {
    void *data;     /* float or int8_t, 64-byte aligned; NULL if this kind has no such tensor */
    uint8_t type;   /* as in state_shape */
    uint32_t count; /* elements */
    size_t size;    /* bytes */
    uint64_t chunk; /* index of its first chunk, >= 1 */
};

struct state {
    enum state_kind kind;
    struct digest program;    /* digest of the program */
    struct digest data;       /* root of the data set */
    uint32_t round;           /* from 0 */
    uint16_t slot;            /* the worker's place in the round; global: 0 */
    uint32_t steps;           /* H of this segment; global: 0 */
    uint32_t step;            /* steps done, <= steps; also the data cursor */
    float beta1_power;        /* beta1^step as a running product; 1 at step 0 and when unused */
    float beta2_power;        /* likewise */
    uint32_t parameter_count; /* P */
    struct state_tensor tensors[STATE_PARTS];
    uint64_t chunk_count; /* >= 2 */
    struct digest *ids;   /* [chunk_count], of tensors that aren't stale; owned */
    uint32_t stale;       /* bit 1 << part: this tensor's ids must be computed anew */
    void *memory;         /* all tensors; owned */
};

/* A zeroed state of `kind` for a checked program: data root zero, round, slot and steps 0. Takes
 * its tensors and ids from the heap; release with state_release. ERR_LIMIT when there is no memory. */
MUST_USE enum err state_init(struct state *state, const struct program *program,
                             enum state_kind kind, struct fault *fault);
void state_release(struct state *state);

/* Makes a zeroed global state the one that round 0 starts from: the weights of the seed, no outer
 * momentum. */
void state_begin(struct state *state, const struct program *program, const struct digest *data);

/* Copies everything. Requires the same program and kind. */
void state_copy(struct state *to, const struct state *from);

/* Makes `to` equal to `from`, from which it differs at most in the tensors that are stale in `from`: those
 * alone are copied, and are stale in `to` from then on. */
void state_follow(struct state *to, const struct state *from);

/* The tensors' values, NULL where the kind has none. An int4 delta is bytes of two elements each. */
float *state_floats(const struct state *state, enum state_part part);
int8_t *state_bytes(const struct state *state, enum state_part part);

/* Says that a tensor was written, so that its chunks are hashed again. Whoever writes through
 * state_floats or state_bytes must say so. */
void state_changed(struct state *state, enum state_part part);

/* Chunk `index`. Chunk 0 is packed into `room`; the others borrow from the state and live until it
 * changes. Requires index < chunk_count. */
struct bytes state_chunk(const struct state *state, uint64_t index,
                         uint8_t room[LIMIT_CHUNK_BYTES]);

/* Fills ids[chunk_count]. Hashes stale tensors and chunk 0 only: about 0.7 ms a MiB. */
void state_chunk_ids(struct state *state, struct digest *ids);

/* The state root: as state_chunk_ids. */
struct digest state_root(struct state *state);

/* Fills a state that state_init made for this program from all its chunks, having checked every
 * byte: the chunks' root is `root` (ERR_MISMATCH), chunk 0 is canonical and describes a state of
 * this program and kind (ERR_MALFORMED, ERR_MISMATCH), sizes are exact, every float is finite, and,
 * in a global state or at step 0, no nonzero one is below 2^-100 in magnitude (NUMERICS.md, small
 * numbers) (ERR_MALFORMED). On failure the state is unspecified but may be loaded again or
 * released. */
MUST_USE enum err state_load(struct state *state, const struct digest *root,
                             const struct bytes *chunks, uint64_t count, struct fault *fault);

/* The number of chunks of a state of this kind, without making one. */
uint64_t state_chunk_count(const struct program *program, enum state_kind kind);

/* Chunk 0, described for tools that show it. */
struct state_shape {
    struct bytes name; /* "parameters", ... */
    uint8_t type;      /* 1: float32, 2: int8, 3: int4, two to a byte (trainer/delta.h) */
    uint32_t count;    /* elements */
};

struct state_header {
    uint8_t profile; /* PROGRAM_PROFILE */
    uint8_t kind;    /* enum state_kind */
    struct digest program;
    struct digest data;
    uint32_t round;
    uint16_t slot;
    uint32_t steps;
    uint32_t step;
    uint32_t beta1_power; /* binary32 bits */
    uint32_t beta2_power; /* binary32 bits */
    struct state_shape *tensors;
    uint32_t tensor_count;
};

extern const struct record state_header_record;

#endif
