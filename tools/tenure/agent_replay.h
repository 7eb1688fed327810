/* The replayer's agent: replays the segments it is assigned, seals and opens its answers, votes in disputes, answers challenges, closes
 * rounds, and reveals its beacon while sampled audits wait for it. */
#ifndef TOOLS_TENURE_AGENT_REPLAY_H
#define TOOLS_TENURE_AGENT_REPLAY_H

#include "tools/tenure/cli.h"

/* Runs until SIGTERM or SIGINT. ERR_MISMATCH when the key's account replays for no validator. */
MUST_USE enum err agent_replay(struct cli *cli);

#endif
