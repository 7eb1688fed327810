/* The nouns of the command, each in its own file. */
#ifndef TOOLS_TENURE_CMD_H
#define TOOLS_TENURE_CMD_H

#include "tools/tenure/cli.h"

extern const struct cli_noun cmd_net;
extern const struct cli_noun cmd_key;
extern const struct cli_noun cmd_member;
extern const struct cli_noun cmd_validator;
extern const struct cli_noun cmd_credit;
extern const struct cli_noun cmd_offer;
extern const struct cli_noun cmd_job;
extern const struct cli_noun cmd_challenge;
extern const struct cli_noun cmd_data;
extern const struct cli_noun cmd_agent;
extern const struct cli_noun cmd_explore;
extern const struct cli_noun cmd_doctor;
extern const struct cli_noun cmd_proof;
extern const struct cli_noun cmd_call;

#endif
