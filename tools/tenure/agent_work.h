/* The provider's agent: trains the segments that its account is leased for, commits them, and serves what audits draw. What it can't
 * begin, because data or states can't be had, it declines in time (jobs.decline), which costs nothing.
 * It keeps the states that its segments go through (checkpoint.h): killed at any point and started again, it goes on from the last one with
 * the same bits, and only states that an audit draws ever travel.
 *
 * DRILL: `fake-end@ROUND` makes the agent cheat once, in its first segment of that round: it trains half of it, makes up the rest of
 * the trace and commits that. It is for operators who want to see that it is caught; the account loses its stake. */
#ifndef TOOLS_TENURE_AGENT_WORK_H
#define TOOLS_TENURE_AGENT_WORK_H

#include "tools/tenure/cli.h"

/* Runs until SIGTERM or SIGINT. */
MUST_USE enum err agent_work(struct cli *cli);

/* The round of a drill's text. False, and *round untouched, unless it is "fake-end@" and a number. */
bool agent_work_parse_drill(uint32_t *round, const char *text);

#endif
