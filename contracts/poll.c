#include "contracts/poll.h"

#include "base/check.h"
#include "contracts/amount.h"
#include "contracts/members.h"
#include "contracts/settlement.h"
#include "contracts/validator.h"

bool poll_is_unavailable(const struct trace_leaf *leaf)
{
    return digest_is_zero(&leaf->state_root) && digest_is_zero(&leaf->witness);
}

struct digest poll_leaf(const struct trace_leaf *leaf)
{
    return poll_is_unavailable(leaf) ? digest_zero : trace_leaf_digest(leaf);
}

/* --- votes --- */

static struct path vote_path(const struct poll *poll, uint8_t seat)
{
    struct path path = poll->votes;
    path_u8(&path, seat);
    return path;
}

static struct credits_place stake_place(const struct poll *poll, uint8_t seat)
{
    struct credits_place place = poll->stakes;
    place.part += seat;
    return place;
}

bool poll_get(const struct poll *poll, uint8_t seat, struct jobs_vote *vote)
{
    struct path path = vote_path(poll, seat);
    return view_load(poll->run->view, path_key(&path), &jobs_vote_record, vote);
}

void poll_put(const struct poll *poll, uint8_t seat, const struct jobs_vote *vote)
{
    struct path path = vote_path(poll, seat);
    view_save(poll->run->view, path_key(&path), &jobs_vote_record, vote);
}

static void drop(const struct poll *poll, uint8_t seat)
{
    struct path path = vote_path(poll, seat);
    credits_unlock(poll->run, stake_place(poll, seat));
    view_delete(poll->run->view, path_key(&path));
}

enum verdict poll_cast(const struct poll *poll, uint8_t seat, const struct jobs_vote *vote,
                       bool is_staked)
{
    struct jobs_vote before;
    if (poll_get(poll, seat, &before)) {
        if (address_equal(&before.replayer, &vote->replayer))
            return VERDICT_ALREADY_DONE;
        drop(poll, seat);
    }
    if (!is_staked)
        credits_pledge(poll->run, stake_place(poll, seat), &vote->replayer,
                       &poll->parameters->replay_stake);
    poll_put(poll, seat, vote);
    return VERDICT_OK;
}

void poll_close(const struct poll *poll)
{
    struct jobs_vote vote;
    for (uint8_t seat = 0; seat < poll->seats; seat++)
        if (poll_get(poll, seat, &vote))
            drop(poll, seat);
}

/* --- deciding --- */

void poll_read(const struct poll *poll, struct poll_ballot ballots[LIMIT_VALIDATORS])
{
    struct jobs_vote vote;
    for (uint8_t seat = 0; seat < poll->seats; seat++) {
        ballots[seat] = (struct poll_ballot){.is_there = false};
        if (poll_get(poll, seat, &vote) &&
            validator_sits(poll->run->view, (struct seat){seat}, &vote.replayer))
            ballots[seat] = (struct poll_ballot){true, poll_leaf(&vote.answer.leaf), vote.replayer};
    }
}

/* Everybody whose ballot is `leaf`; how many. */
static uint32_t collect(const struct poll *poll, const struct poll_ballot *ballots,
                        const struct digest *leaf, struct address winners[LIMIT_VALIDATORS])
{
    uint32_t count = 0;
    for (uint8_t seat = 0; seat < poll->seats; seat++)
        if (ballots[seat].is_there && digest_equal(&ballots[seat].leaf, leaf))
            winners[count++] = ballots[seat].replayer;
    return count;
}

/* The answer behind the leaf's digest, from whoever cast it. */
static void find_answer(const struct poll *poll, struct poll_decision *decision)
{
    struct jobs_vote vote;
    decision->answer = (struct jobs_answer){.interval = 0};
    for (uint8_t seat = 0; seat < poll->seats; seat++) {
        if (!poll_get(poll, seat, &vote))
            continue;
        struct digest leaf = poll_leaf(&vote.answer.leaf);
        decision->answer.interval = vote.answer.interval;
        if (digest_equal(&leaf, &decision->leaf)) {
            decision->answer = vote.answer;
            return;
        }
    }
}

bool poll_decide(const struct poll *poll, const struct poll_ballot ballots[LIMIT_VALIDATORS],
                 struct poll_decision *decision)
{
    uint32_t needed = validator_faulty(poll->validators) + 1;
    for (uint8_t seat = 0; seat < poll->seats; seat++) {
        if (!ballots[seat].is_there)
            continue;
        decision->leaf = ballots[seat].leaf;
        decision->winner_count = collect(poll, ballots, &decision->leaf, decision->winners);
        if (decision->winner_count >= needed) {
            find_answer(poll, decision);
            return true;
        }
    }
    return false;
}

/* --- fines --- */

uint8_t poll_penalty(const struct poll *poll, const struct digest *leaf)
{
    return digest_is_zero(leaf) ? poll->parameters->slash_mute : 100;
}

void poll_outvote(const struct poll *poll, uint8_t seat, const struct digest *leaf,
                  const struct poll_decision *decision)
{
    struct amount stake = credits_locked(poll->run->view, stake_place(poll, seat));
    (void)settlement_split(poll->run, poll->parameters, stake_place(poll, seat), &stake,
                           poll_penalty(poll, leaf), decision->winners, decision->winner_count);
}

void poll_fine_absent(const struct poll *poll, uint8_t seat)
{
    struct validator validator;
    struct amount fine;
    if (!validator_get(poll->run->view, (struct seat){seat}, &validator) || validator.vacant ||
        !members_is(poll->run->view, &validator.replayer, MEMBERS_ROLE_REPLAYER))
        return;
    CHECK(amount_share(&fine, &poll->parameters->replay_stake, poll->parameters->slash_mute, 100));
    credits_pledge(poll->run, stake_place(poll, seat), &validator.replayer, &fine);
    (void)credits_forfeit(poll->run, stake_place(poll, seat), &fine);
}
