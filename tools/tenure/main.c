/* tenure: the command of everybody who isn't a node. Each noun's commands are in cmd_NOUN.c. */
#include "tools/tenure/cmd.h"

int main(int argc, char **argv)
{
    const struct cli_noun nouns[] = {
        cmd_net,       cmd_key,  cmd_member, cmd_validator, cmd_credit,  cmd_offer, cmd_job,
        cmd_challenge, cmd_data, cmd_agent,  cmd_doctor,    cmd_explore, cmd_proof, cmd_call};

    return cli_main(nouns, sizeof(nouns) / sizeof(nouns[0]), argc, argv);
}
