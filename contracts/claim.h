/* Claims, and planted leaves: how a replayer that doesn't replay is caught (DESIGN 8.5).
 *
 * Leaves are digests, and a witness needs the work; so who seals without replaying has got the leaf from its worker, or has seen it (the
 * last one is open, and so is a served one). Against that any worker may *plant*: in leaves of its trace, the first one excepted, it puts
 * in place of the witness
 *
 *     SHA-256("tenure/plant/1" | chain | worker's address | job u64 | round u32 | slot u16 | attempt u16 | interval u16 |
 *             state root | witness | nonce 32)                                        interval: the one that the leaf ends
 *
 * Nobody can tell one from a witness without replaying. State roots stay true, so what is trained, served and averaged is as good as ever.
 * When the answers are open, the slot is CLAIMING: the worker has the last word, and opens what it planted. The trace then has the true
 * leaves, and its root is theirs; the claim is public, so a challenger finds the leaves in commitment and claim.
 *
 *     who answered         becomes        and then
 *     a planted leaf       DISPUTED       the vote decides on the first of them; outvoted it loses its stake and its fee, isn't chosen
 *                                         in this job again, and the worker is among those who share what it lost
 *     the true leaf        SEALED         it opens again, and agrees
 *     anything else        as it was
 *
 * Who plants: whoever works and likes to; it costs a digest a leaf. Who is paid for it: the planter, when it catches somebody. So to be handed
 * a trace is worth nothing: who hands out a planted one gains more.
 * What a planter can't do: frame an honest replayer. Planting says of the own trace that it was false; if f + 1 replayers find that it was
 * true, or neither, then it is the worker who is convicted (FRAUD). A plant that isn't opened is a lie like any other.
 *
 * A worker that planted nothing claims all the same, so that nobody learns from its silence, and is paid at once; who says nothing in
 * answer_ms is paid then. A replayer that sees the claim before it has opened may keep its seal shut: that costs as much as being mute. */
#ifndef CONTRACTS_CLAIM_H
#define CONTRACTS_CLAIM_H

#include "contracts/jobs.h"

/* The leaf as it is committed when interval `truth` is planted: its state root, and the hash above as witness. */
struct trace_leaf claim_plant(const struct digest *chain, const struct address *worker,
                              const struct jobs_segment *segment, const struct jobs_answer *truth,
                              const struct digest *nonce);

/* Method of contracts/jobs.h. */
enum verdict claim_make(const struct catalog_run *run, const void *args);

#endif
