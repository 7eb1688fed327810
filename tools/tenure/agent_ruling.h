/* The replayer's part in challenges (contracts/challenge.h): replays what is challenged from the segment's start, and answers. */
#ifndef TOOLS_TENURE_AGENT_RULING_H
#define TOOLS_TENURE_AGENT_RULING_H

#include "tools/tenure/agent.h"

/* Answers every open challenge that this seat hasn't answered. What fails is in the log, and is tried again in the next pass. */
void agent_ruling_pass(struct agent *agent, uint8_t seat);

#endif
