/* What came of the demo, read from the ledger when the job has ended: checked first, then told. */
#ifndef TOOLS_DEMO_OUTCOME_H
#define TOOLS_DEMO_OUTCOME_H

#include "tools/demo/cast.h"
#include "tools/demo/stage.h"
#include "tools/tenure/job_view.h"

struct outcome_member {
    char name[32];
    struct address address;
    struct amount balance;
};

#define OUTCOME_MEMBERS_MAX 32

struct outcome {
    struct job_view view;
    struct lookup_list items;   /* struct leases_item of lease 1, by number */
    struct lookup_list devices; /* struct offers_compute, by offer */
    struct lookup_list locks;   /* struct credits_lock */
    struct outcome_member members[OUTCOME_MEMBERS_MAX];
    uint32_t member_count;
    uint32_t accuracy_bp[CAST_ROUNDS + 1]; /* after 0..CAST_ROUNDS rounds */
    char loss[CAST_ROUNDS + 1][16];
};

/* Reads job, leases and accounts, fetches the model and measures it after every round. False, with a sentence, when that fails. */
bool outcome_read(struct stage *stage, struct outcome *outcome);

/* Checks payments, the cheat, supply, state roots and accuracy; each is a line. */
void outcome_check(struct stage *stage, const struct outcome *outcome);

/* The summary for somebody who sees it for the first time. */
void outcome_tell(struct stage *stage, const struct outcome *outcome);

/* The name of an account; its address when it has none. */
const char *outcome_name(struct stage *stage, const struct outcome *outcome,
                         const struct address *address);

#endif
