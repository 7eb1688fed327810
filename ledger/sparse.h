/* The state's sparse Merkle tree, in the form of ICS-23's SmtSpec, so that existing ICS-23
 * libraries can check its proofs.
 *
 *     position of a key   H(key), its bits from the most significant, 256 levels
 *     leaf                H(0x00 | H(key) | H(value))
 *     node                H(0x01 | left | right)
 *     empty subtree       32 zero bytes
 *     a lone leaf         rises to the highest node that is its own
 *
 * H is SHA-256. Four levels make a *page*: 15 nodes over 16 slots. A slot is empty, holds a lone
 * leaf, or names the page below it and the height that wrote it. Pages never change once written;
 * (place, height) names one for ever, so every kept height has its whole tree, proofs included, and
 * a cache of pages needs no invalidation. All here is pure: pages come from a reader callback. */
#ifndef LEDGER_SPARSE_H
#define LEDGER_SPARSE_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/record.h"
#include "ledger/sparse_page.h"

/* A tree: the root and where its page is. An empty tree has digest zero and no page. */
struct sparse_root {
    struct sparse_node
        top;         /* a lone leaf or none: everything stands in the root page all the same */
    uint64_t height; /* of the root page; unused when top is empty */
};

struct sparse_change {
    struct digest key;   /* H(key) */
    struct digest value; /* H(value); unused when deleted */
    bool deleted;
};

/* A page that an update has made. */
struct sparse_write {
    struct sparse_place place;
    const struct sparse_page *page;
};

struct sparse_writes {
    struct sparse_write *list; /* from the arena */
    size_t count;
    size_t room;
};

/* Where pages come from. The page is borrowed until the next call. ERR_CORRUPT when it is missing
 * or damaged. */
struct sparse_reader {
    void *self;
    enum err (*page)(void *self, const struct sparse_place *place, const struct sparse_page **page);
};

/* Sorts by key, ascending: what sparse_update requires. Keys must be different. */
void sparse_sort(struct sparse_change *changes, size_t count);

/* Applies `changes` (sorted) at `height` in one pass: every page on the way is read once and hashed
 * once, and only along the changed paths. *root becomes the new root; `writes` collects the new
 * pages (from `arena`). A change that changes nothing writes nothing. Deleting what isn't there is
 * such a change. Errors: the reader's, ERR_LIMIT when the arena is full; then *root is untouched.
 */
MUST_USE enum err sparse_update(struct arena *arena, struct sparse_root *root,
                                struct sparse_writes *writes, const struct sparse_change *changes,
                                size_t count, uint64_t height, const struct sparse_reader *reader);

/* --- proofs --- */

/* What is at the key's position: its own leaf (presence); nothing, or another key's lone leaf
 * (absence). */
enum sparse_end { SPARSE_END_SELF = 0, SPARSE_END_EMPTY = 1, SPARSE_END_OTHER = 2 };

struct sparse_proof {
    uint8_t end;               /* enum sparse_end */
    struct digest other_key;   /* SPARSE_END_OTHER: H(key) of the leaf found there; else zero */
    struct digest other_value; /* its H(value); else zero */
    struct digest *path;       /* siblings from the end upwards; the i-th of n is at depth n - i */
    uint32_t path_count;       /* <= LIMIT_SPARSE_PATH */
};

extern const struct record sparse_proof_record;

/* The proof for `key` (H(key)), path from `arena`. Errors as sparse_update. */
MUST_USE enum err sparse_prove(struct arena *arena, struct sparse_proof *proof,
                               const struct sparse_root *root, const struct digest *key,
                               const struct sparse_reader *reader);

/* The leaf at `key`: its H(value), or ERR_NOT_FOUND. */
MUST_USE enum err sparse_find(struct digest *value, const struct sparse_root *root,
                              const struct digest *key, const struct sparse_reader *reader);

/* True if the proof shows that `root` has exactly `value` at `key`. Needs no store; any proof is
 * safe to ask. */
bool sparse_has(const struct digest *root, struct bytes key, struct bytes value,
                const struct sparse_proof *proof);

/* True if the proof shows that `root` has nothing at `key`. */
bool sparse_lacks(const struct digest *root, struct bytes key, const struct sparse_proof *proof);

/* The same for a position, H(key), with H(value). */
bool sparse_has_at(const struct digest *root, const struct digest *position,
                   const struct digest *value, const struct sparse_proof *proof);
bool sparse_lacks_at(const struct digest *root, const struct digest *position,
                     const struct sparse_proof *proof);

/* The nearest leaf below `key` or above it, in the order of H(key); ERR_NOT_FOUND when there is none on that side. */
MUST_USE enum err sparse_beside(struct digest *beside, const struct sparse_root *root,
                                const struct digest *key, bool above,
                                const struct sparse_reader *reader);

/* Calls `each` with the leaves (H(key), H(value)) at `from` and above it, in order, until it gives anything but ERR_NONE, which is given
 * back. Pages on the way are checked against the digests above them. */
MUST_USE enum err sparse_walk(const struct sparse_root *root, const struct digest *from,
                              const struct sparse_reader *reader, void *self,
                              enum err (*each)(void *self, const struct digest *key,
                                               const struct digest *value));

/* Who hears what a later tree doesn't have any more; anything but ERR_NONE ends it and is given back. */
struct sparse_gone {
    void *self;
    enum err (*page)(void *self, const struct sparse_place *place);
    enum err (*leaf)(void *self, const struct digest *key); /* also one that has another value now */
};

/* Tells what `before` has and `after`, made from it by updates, hasn't: pages and leaves. Costs as much as what has changed. */
MUST_USE enum err sparse_differ(const struct sparse_root *before, const struct sparse_root *after,
                                const struct sparse_reader *reader, const struct sparse_gone *gone);

/* How many leaves the whole tree has, with every page checked against the digest above it. */
MUST_USE enum err sparse_count(uint64_t *leaves, const struct sparse_root *root,
                               const struct sparse_reader *reader);

#endif
