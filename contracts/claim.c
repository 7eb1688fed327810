#include "contracts/claim.h"

#include "base/merkle.h"
#include "contracts/attempt.h"
#include "contracts/audit.h"
#include "contracts/path.h"

struct trace_leaf claim_plant(const struct digest *chain, const struct address *worker,
                              const struct jobs_segment *segment, const struct jobs_answer *truth,
                              const struct digest *nonce)
{
    static const char tag[] = "tenure/plant/1";
    struct digest_stream stream;
    uint8_t be[18];
    bytes_put_u64(be, segment->job);
    bytes_put_u32(be + 8, segment->round);
    bytes_put_u16(be + 12, segment->slot);
    bytes_put_u16(be + 14, segment->attempt);
    bytes_put_u16(be + 16, truth->interval);
    digest_init(&stream);
    digest_add(&stream, tag, sizeof(tag) - 1);
    digest_add(&stream, chain->bytes, DIGEST_SIZE);
    digest_add(&stream, worker->bytes, ADDRESS_SIZE);
    digest_add(&stream, be, sizeof(be));
    digest_add(&stream, truth->leaf.state_root.bytes, DIGEST_SIZE);
    digest_add(&stream, truth->leaf.witness.bytes, DIGEST_SIZE);
    digest_add(&stream, nonce->bytes, DIGEST_SIZE);
    return (struct trace_leaf){truth->leaf.state_root, digest_end(&stream)};
}

/* Puts the true leaves into the trace, and says in `planted` what was there. WRONG_INTERVALS, WRONG_SEAL. */
static enum verdict open_plants(const struct attempt *attempt, const struct jobs_claim *args,
                                struct jobs_trace *trace, struct jobs_answer *planted)
{
    for (uint32_t i = 0; i < args->truth_count; i++) {
        const struct jobs_answer *truth = &args->truths[i];
        bool is_ascending = i == 0 || args->truths[i - 1].interval < truth->interval;
        if (!is_ascending || truth->interval + 1u >= trace->leaf_count)
            return VERDICT_WRONG_INTERVALS;
        planted[i].interval = truth->interval;
        planted[i].leaf = claim_plant(&attempt->run->context->chain, attempt->run->sender,
                                      &args->segment, truth, &args->nonce);
        struct digest *leaf = &trace->leaves[truth->interval + 1],
                      committed = trace_leaf_digest(&planted[i].leaf);
        if (!digest_equal(&committed, leaf))
            return VERDICT_WRONG_SEAL;
        *leaf = trace_leaf_digest(&truth->leaf);
    }
    return VERDICT_OK;
}

enum verdict claim_make(const struct catalog_run *run, const void *in)
{
    const struct jobs_claim *args = in;
    struct attempt attempt;
    struct jobs_trace trace;
    enum verdict verdict = attempt_find(&attempt, run, &args->segment, 1u << JOBS_SLOT_CLAIMING);
    if (verdict != VERDICT_OK)
        return verdict;
    if (!attempt_is_worker(&attempt))
        return VERDICT_NOT_WORKER;
    struct path path = path_part("trace/", attempt.id, attempt.number);
    if (!view_load(run->view, path_key(&path), &jobs_trace_record, &trace))
        return VERDICT_NOT_FOUND;
    struct jobs_answer planted[JOBS_INTERVALS_MAX];
    if (attempt.slot.diverged && args->truth_count > 0)
        return VERDICT_WRONG_INTERVALS;
    verdict = open_plants(&attempt, args, &trace, planted);
    if (verdict != VERDICT_OK)
        return verdict;

    attempt.slot.claimed = true;
    attempt.slot.planted = args->truth_count > 0;
    if (attempt.slot.planted) {
        view_save(run->view, path_key(&path), &jobs_trace_record, &trace);
        attempt.slot.trace_root = merkle_root(trace.leaves, trace.leaf_count);
        audit_reassess(&attempt, planted, args->truths, args->truth_count);
    }
    attempt_emit(&attempt, EVENT_SEGMENT_CLAIMED, LEASES_OPEN, &units_zero);
    audit_proceed(&attempt);
    return VERDICT_OK;
}
