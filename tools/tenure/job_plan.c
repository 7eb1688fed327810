#include "tools/tenure/job_plan.h"

#include "contracts/share.h"

#include <inttypes.h>

/* All slots together. */
struct plan {
    uint32_t cost_percent; /* what the audit replays, of the training's work */
    uint32_t caught_one,
        caught_half; /* in 1/10000: one interval made up, or half of them; in the slot where it is least likely */
};

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static struct plan plan_of(const struct jobs_job *job)
{
    struct plan plan = {.caught_one = 10000, .caught_half = 10000};
    uint64_t intervals = 0, replayed = 0;

    for (uint16_t w = 0; w < job->terms.workers; w++) {
        struct share share = share_of(job, w);
        uint32_t half = (share.intervals + 1) / 2, sample = job->terms.sample;
        plan.caught_one = least(plan.caught_one, job_terms_caught(share.intervals, sample, 1));
        plan.caught_half = least(plan.caught_half, job_terms_caught(share.intervals, sample, half));
        intervals += share.intervals;
        replayed += share.replayed;
    }
    plan.cost_percent = (uint32_t)(job->auditors * replayed * 100 / intervals);
    return plan;
}

static void print_json(struct cli *cli, const struct job_terms *terms,
                       const struct parameters *parameters, const char *waits)
{
    const struct jobs_job *job = &terms->job;
    struct plan plan = plan_of(job);
    char budget[AMOUNT_TEXT_SIZE], stake[AMOUNT_TEXT_SIZE], price[AMOUNT_TEXT_SIZE],
        deposit[AMOUNT_TEXT_SIZE];

    units_amount_text(deposit, &parameters->job_deposit);
    units_amount_text(budget, &job->terms.budget);
    printf("{\"parameters\":%u,\"work\":%" PRIu64
           ",\"segments\":%u,\"intervals\":%u,\"auditors\":%u,\"audit_cost_percent\":%u"
           ",\"caught_one_bp\":%u,\"caught_half_bp\":%u,\"segments_to_be_sure\":%u,\"shares\":[",
           program_parameter_count(&terms->program), job->work,
           job->terms.rounds * job->terms.workers, job->intervals, job->auditors, plan.cost_percent,
           plan.caught_one, plan.caught_half, job_terms_sure(plan.caught_one));
    for (uint16_t w = 0; w < job->terms.workers; w++) {
        struct share share = share_of(job, w);
        units_amount_text(stake, &share.stake);
        units_amount_text(price, &share.price_max);
        printf("%s{\"steps\":%u,\"intervals\":%u,\"replayed\":%u,\"work\":%" PRIu64
               ",\"price_max\":\"%s\",\"stake\":\"%s\"}",
               w ? "," : "", share.steps, share.intervals, share.replayed, share.work, price,
               stake);
    }
    printf("],\"budget\":\"%s\",\"deposit\":\"%s\",\"waits_for\":%s}\n", budget, deposit,
           waits ? cli_quote(cli, waits) : "null");
}

/* What follows from a slot's steps. */
static void print_share(const struct jobs_job *job, uint16_t slot)
{
    struct share share = share_of(job, slot);
    char stake[AMOUNT_TEXT_SIZE], price[AMOUNT_TEXT_SIZE];

    units_amount_text(stake, &share.stake);
    units_amount_text(price, &share.price_max);
    if (job->terms.share_count > 0)
        printf("slot %-12u %u steps of weight %u, %u intervals replayed; at most %s, staked %s\n",
               slot, share.steps, share.intervals, share.replayed, price, stake);
    else
        printf("a worker stakes   %s; a segment costs at most %s\n", stake, price);
}

void job_plan_print(struct cli *cli, const struct job_terms *terms,
                    const struct parameters *parameters, const char *waits)
{
    const struct jobs_job *job = &terms->job;
    struct plan plan = plan_of(job);
    char budget[AMOUNT_TEXT_SIZE], deposit[AMOUNT_TEXT_SIZE];

    if (cli->json) {
        print_json(cli, terms, parameters, waits);
        return;
    }
    units_amount_text(deposit, &parameters->job_deposit);
    units_amount_text(budget, &job->terms.budget);
    printf("model             %u parameters\n", program_parameter_count(&terms->program));
    printf("training          %u rounds of %u segments; a %ssegment is %u steps, %.2f * 10^9 "
           "multiply-adds\n",
           job->terms.rounds, job->terms.workers, job->terms.share_count > 0 ? "full " : "",
           job->steps, (double)job->work / 1e9);
    for (uint16_t w = 0; w < (job->terms.share_count > 0 ? job->terms.workers : 1); w++)
        print_share(job, w);
    printf("audit             %s%.0u of a segment's %u intervals, by %u replayers each: %u %% of "
           "the training's work\n",
           job->terms.sample ? "" : "all", job->terms.sample, job->intervals, job->auditors,
           plan.cost_percent);
    printf("a cheat is caught %u.%02u %% when one interval is made up, %u.%02u %% when half of "
           "them are\n",
           plan.caught_one / 100, plan.caught_one % 100, plan.caught_half / 100,
           plan.caught_half % 100);
    printf("to be 99.9 %% sure  %u segments, if one interval of each is made up\n",
           job_terms_sure(plan.caught_one));
    printf("budget in escrow  %s; what isn't spent comes back\n", budget);
    printf("deposit           %s times your open jobs, this one included; comes back at the end\n",
           deposit);
    if (waits)
        printf("it would wait for %s\n", waits);
}
