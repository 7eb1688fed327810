/* What leaves a node of a cluster for others: over the links, and as its liar's wrapper would have it. */
#ifndef TEST_SIM_MAIL_H
#define TEST_SIM_MAIL_H

#include "test/sim/conductor.h"

/* To one node. */
void mail_to_node(struct cluster *cluster, uint8_t from, uint8_t to, enum conductor_happening kind,
                  uint64_t a, struct bytes data);

/* To whom a member's key belongs: both of its nodes, if it has two. */
void mail_to_member(struct cluster *cluster, uint8_t from, uint8_t to,
                    enum conductor_happening kind, uint64_t a, struct bytes data);

/* To who has this seat in the set that the sender knows; to nobody if it is vacant, or there is none. */
void mail_to_seat(struct cluster *cluster, uint8_t from, struct seat to,
                  enum conductor_happening kind, uint64_t a, struct bytes data);

/* A message of the core to these seats, but itself. */
void mail_message(struct cluster *cluster, uint8_t from, uint64_t seats, struct bytes message);

/* A STATUS also goes to who sits in no seat: to candidates, and to those that were removed. */
void mail_status(struct cluster *cluster, uint8_t from, struct bytes message);

/* The body of a proposal, which goes before it. */
void mail_body(struct cluster *cluster, uint8_t from, const struct action_sign *proposal);

/* Asks one of the seats that have them for blocks; or a node that may be in a later set than this one knows, unless it asked one shortly
 * before, or knows what it lacks. */
void mail_want(struct cluster *cluster, uint8_t from, const struct action_catch_up *want);
void mail_guess(struct cluster *cluster, uint8_t from, uint8_t to,
                const struct consensus_summary *summary);

/* A copy in the sender's arena, with one byte changed. */
struct bytes mail_spoiled(struct cluster *cluster, uint8_t from, struct bytes bytes);

#endif
