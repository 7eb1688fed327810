/* A validator that lies to those who fetch its state: tenured, linked with this in the place of snapshot_cut. It changes the last leaf of each
 * chunk, and is honest otherwise. */
#include <string.h>

#include "ledger/snapshot.h"

enum err __real_snapshot_cut(struct arena *arena, struct history *history, struct bytes *packed,
                             struct height height, const struct digest *from, struct fault *fault);
enum err __wrap_snapshot_cut(struct arena *arena, struct history *history, struct bytes *packed,
                             struct height height, const struct digest *from, struct fault *fault);

enum err __wrap_snapshot_cut(struct arena *arena, struct history *history, struct bytes *packed,
                             struct height height, const struct digest *from, struct fault *fault)
{
    struct snapshot_chunk chunk;
    enum err err = __real_snapshot_cut(arena, history, packed, height, from, fault);
    if (err || record_unpack(arena, &snapshot_chunk_record, &chunk, *packed, NULL) ||
        chunk.leaf_count == 0)
        return err;
    chunk.leaves[chunk.leaf_count - 1].value = bytes_text("a lie");
    *packed = record_bytes(arena, &snapshot_chunk_record, &chunk);
    return ERR_NONE;
}
