#include "tools/tenure/planting.h"

#include "contracts/claim.h"

static const char tag[] = "tenure/planting/1";

bool planting_is_planted(const struct planting *planting, const struct jobs_segment *segment)
{
    struct digest nonce = agent_nonce(planting->agent, tag, segment), choice;

    choice = digest_of(nonce.bytes, DIGEST_SIZE); /* the nonce itself will be public */
    return bytes_get_u64(choice.bytes) % 100 < planting->percent;
}

void planting_show(const struct planting *planting, const struct jobs_segment *segment,
                   const struct trace_leaf *leaves, uint32_t count, struct trace_leaf *shown)
{
    const struct sender *sender = &planting->agent->desk.sender;
    bool is_planted = planting_is_planted(planting, segment) &&
                      !trace_is_diverged(&leaves[count - 1]);
    struct digest nonce = agent_nonce(planting->agent, tag, segment);

    for (uint32_t i = 0; i < count; i++) {
        struct jobs_answer truth = {.interval = (uint16_t)(i - 1), .leaf = leaves[i]};
        shown[i] = i > 0 && is_planted
                       ? claim_plant(&sender->chain, &sender->address, segment, &truth, &nonce)
                       : leaves[i];
    }
}

struct jobs_claim planting_claim(const struct planting *planting,
                                 const struct jobs_segment *segment,
                                 const struct trace_leaf *leaves, uint32_t count,
                                 struct jobs_answer *truths)
{
    for (uint16_t i = 0; i + 1u < count; i++)
        truths[i] = (struct jobs_answer){.interval = i, .leaf = leaves[i + 1]};
    return (struct jobs_claim){.segment = *segment,
                               .truths = truths,
                               .truth_count = count - 1,
                               .nonce = agent_nonce(planting->agent, tag, segment)};
}
