#include "test/sim/coverage.h"

static const char *const names[COVERAGE_ITEMS] = {
    "blocks",         "views entered",     "suspicions",         "catch-ups",
    "refused",        "conflicts",         "accusations",        "lies",
    "crashes",        "power cuts",        "blackouts",          "torn logs",
    "rotten records", "muted starts",      "partitions",         "clogged links",
    "slow disks",     "full pools",        "boundaries crossed", "seats vacated",
    "retired",        "states taken over",
};

void coverage_add(struct coverage *sum, const struct coverage *more)
{
    for (int i = 0; i < COVERAGE_ITEMS; i++)
        sum->counts[i] += more->counts[i];
    for (int i = 0; i < LIAR_TRICK_COUNT; i++)
        sum->tricks[i] += more->tricks[i];
    for (int i = 1; i <= EVIDENCE_KIND_MAX; i++)
        sum->proofs[i] += more->proofs[i];
}

void coverage_print(const struct coverage *coverage, FILE *out)
{
    fputs("covered:", out);
    for (int i = 0; i < COVERAGE_ITEMS; i++)
        fprintf(out, "%s %llu %s", i ? "," : "", (unsigned long long)coverage->counts[i], names[i]);
    fputs("\nruns with liars:", out);
    for (int i = 0; i < LIAR_TRICK_COUNT; i++)
        fprintf(out, "%s %llu %s", i ? "," : "", (unsigned long long)coverage->tricks[i],
                liar_trick_name((enum liar_trick)(1 << i)));
    fputs("\nevidence, against liars only:", out);
    for (int i = 1; i <= EVIDENCE_KIND_MAX; i++)
        fprintf(out, "%s %llu %s", i > 1 ? "," : "", (unsigned long long)coverage->proofs[i],
                evidence_name((enum evidence_kind)i));
    fputc('\n', out);
}
