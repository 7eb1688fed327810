#include "tools/tenured/court.h"

#include <stdio.h>
#include <unistd.h>

#include "tools/sys/electorate.h"
#include "tools/sys/log.h"
#include "tools/tenured/node.h"
#include "tools/tenured/wire.h"

/* What consensus/evidence.h asks for, and a packed set: its own, so that the answer depends on nothing else. */
#define COURT_ARENA_BYTES (4 * LIMIT_TX_BYTES + (1u << 17))

static bool court_read(struct digest *set, struct bytes evidence)
{
    struct arena arena;
    arena_init(&arena, COURT_ARENA_BYTES);
    bool is = evidence_set(&arena, set, evidence) == ERR_NONE;
    arena_release(&arena);
    return is;
}

static bool court_find(struct contracts_finding *out, const struct digest *chain,
                       const struct validator_set *set, struct bytes evidence)
{
    struct arena arena;
    struct committee committee;
    struct evidence_finding finding;
    struct verify_context context = {.chain = *chain,
                                     .committee = &committee,
                                     .read = wire_read_header,
                                     .signature = verify_ecdsa};
    arena_init(&arena, COURT_ARENA_BYTES);
    electorate_committee(&committee, &arena, set);
    bool proves = evidence_check(&arena, &context, &finding, evidence, NULL) == ERR_NONE;
    arena_release(&arena);
    if (proves)
        *out = (struct contracts_finding){.kind = (uint8_t)finding.kind,
                                          .place = finding.seat.n,
                                          .height = finding.height.n,
                                          .view = finding.view.n};
    return proves;
}

const struct contracts_judge court_judge = {court_read, court_find};

void court_accuse(struct node *node, const struct action_accuse *accuse)
{
    charges_note(&node->executor.charges, node, accuse);
    char folder[FILE_PATH_SIZE], path[FILE_PATH_SIZE], name[64];
    struct fault fault = {0};
    snprintf(name, sizeof(name), "%llu-%u-%d", (unsigned long long)node->roster->since,
             accuse->seat.n, (int)accuse->kind);
    enum err err = file_join(folder, node->settings.data, "evidence", &fault);
    if (!err)
        err = file_make_folder(folder, 0700, &fault);
    if (!err)
        err = file_join(path, folder, name, &fault);
    if (!err && access(path, F_OK) != 0)
        err = file_write(path, accuse->evidence, 0600, &fault);
    if (err) {
        log_event(LOG_LEVEL_ERROR, "evidence", "can't be kept: %s", fault.text);
        return;
    }
    log_event(LOG_LEVEL_ERROR, "evidence",
              "%s signed what no correct validator signs (%s): validators with an account submit it, any "
              "member can: tenure validator accuse %s",
              node->roster->names[accuse->seat.n], evidence_name(accuse->kind), path);
}
