#include "tools/tenure/cmd.h"

#include "tools/tenure/agent.h"
#include "tools/tenure/agent_replay.h"
#include "tools/tenure/agent_work.h"

static const struct cli_option work_options[] = {
    AGENT_OPTIONS,
    {"checkpoints", "DIR",
     "folder of the states of segments in the making, from which a killed agent goes on (default: "
     "KEY.checkpoints, beside the key)",
     NULL},
    {"checkpoint-mib", "N", "how much that folder may hold; what goes is trained again if need be",
     "4096"},
    {"drill", "fake-end@ROUND",
     "cheat once in that round, to see that it is caught; costs the stake", NULL},
    {"plant", "PERCENT",
     "of the segments: plant false witnesses, which catch a replayer that was handed the trace and "
     "pay a share of its stake; keep the number while segments are under audit", "0"},
};

static const struct cli_option replay_options[] = {
    AGENT_OPTIONS,
    {"beacon", "FILE", "the replayer's chain of hashes (DIR/keys/replayer-N.beacon)", NULL},
};

static const struct cli_command commands[] = {
    {"work", "", 0, 0,
     "a provider's agent: train the segments that its offers were leased for, decline what can't "
     "be begun, until stopped",
     "  tenure work --key alice.key --node http://127.0.0.1:7100 --node http://127.0.0.1:7102",
     work_options, sizeof(work_options) / sizeof(work_options[0]), agent_work},
    {"replay", "", 0, 0,
     "a replayer's agent: replay, seal, open, vote, answer challenges and close rounds, until "
     "stopped",
     "  tenure replay --key replayer-0.key --beacon replayer-0.beacon --node http://127.0.0.1:7100",
     replay_options, sizeof(replay_options) / sizeof(replay_options[0]), agent_replay},
};

const struct cli_noun cmd_agent = {commands, sizeof(commands) / sizeof(commands[0])};
