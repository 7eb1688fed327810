/* Model files in the safetensors format (Hugging Face): u64 little-endian size of a JSON header,
 * the header, the tensors' bytes.
 *
 *     {"__metadata__":{"key":"text"},"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}
 *
 * The writer is canonical: tensors in the order given, no spaces but those that pad the header to a
 * multiple of 8, offsets without gaps. The reader is strict: it takes what other writers make
 * (spaces, any order of keys) but refuses duplicate names, escapes in strings, gaps, overlaps,
 * trailing bytes and sizes that don't follow from shape and type. */
#ifndef TRAINER_SAFETENSORS_H
#define TRAINER_SAFETENSORS_H

#include "base/bytes.h"
#include "base/error.h"

#define SAFETENSORS_RANK_MAX     4u
#define SAFETENSORS_TENSORS_MAX  1024u
#define SAFETENSORS_HEADER_BYTES (1u << 20) /* a header of 1,024 tensors needs an eighth */

enum safetensors_type { SAFETENSORS_F32, SAFETENSORS_I8, SAFETENSORS_U8 };

struct safetensors_tensor {
    struct bytes name; /* printable ASCII without " and \ ; 1..256 bytes */
    enum safetensors_type type;
    uint32_t rank;                        /* 0..SAFETENSORS_RANK_MAX */
    uint64_t shape[SAFETENSORS_RANK_MAX]; /* the product times the type's size is data.size */
    struct bytes data;                    /* little-endian values */
};

struct safetensors_note { /* one entry of __metadata__ */
    struct bytes key;
    struct bytes text; /* both as names */
};

/* Bytes of the file with these tensors and notes. Either list may be empty, `notes` then NULL. */
size_t safetensors_size(const struct safetensors_tensor *tensors, uint32_t count,
                        const struct safetensors_note *notes, uint32_t note_count);

/* Writes exactly that many bytes. Requires tensors and notes as described above, names unique. */
void safetensors_write(uint8_t *out, const struct safetensors_tensor *tensors, uint32_t count,
                       const struct safetensors_note *notes, uint32_t note_count);

/* Reads a file into tensors[max], which borrow from it, in the file's order of data; *count how
 * many. Any bytes are safe. ERR_LIMIT when there are more than `max`, or the header is over its
 * bound, ERR_MALFORMED for the rest, with the byte where it went wrong. On failure *count is
 * untouched. */
MUST_USE enum err safetensors_read(struct safetensors_tensor *tensors, uint32_t *count,
                                   uint32_t max, struct bytes file, struct fault *fault);

#endif
