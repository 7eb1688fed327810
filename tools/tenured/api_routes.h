/* The routes of the API, each a function that answers or rests; docs/openapi.json says what they
 * take and give. */
#ifndef TOOLS_TENURED_API_ROUTES_H
#define TOOLS_TENURED_API_ROUTES_H

#include "tools/tenured/api_ask.h"

/* --- api_submit.c: transactions on their way in --- */
enum http_answer api_submit_post(struct api_ask *ask);
void api_submit_done(struct api_batch *batch);

/* --- api_tx.c: what became of them --- */
enum http_answer api_tx_get(struct api_ask *ask);
enum http_answer api_tx_list(struct api_ask *ask);

/* Appends the members of a committed transaction: what it asked for and its receipt. */
enum err api_tx_members(struct api_ask *ask, struct bytes raw, const struct receipt *receipt,
                        struct height height, uint32_t index);

/* --- api_chain.c: blocks, events, proofs --- */
enum http_answer api_chain_blocks(struct api_ask *ask);
enum http_answer api_chain_block(struct api_ask *ask);
enum http_answer api_chain_events(struct api_ask *ask);
enum http_answer api_chain_proof(struct api_ask *ask);
enum http_answer api_chain_genesis(struct api_ask *ask);

/* --- api_state.c: state as it is, accounts, validators, money --- */
enum http_answer api_state_get(struct api_ask *ask);
enum http_answer api_state_accounts(struct api_ask *ask);
enum http_answer api_state_account(struct api_ask *ask);
enum http_answer api_state_validators(struct api_ask *ask);
enum http_answer api_state_parameters(struct api_ask *ask);
enum http_answer api_state_supply(struct api_ask *ask);

/* --- api_market.c: offers, leases, jobs --- */
enum http_answer api_market_offers(struct api_ask *ask);
enum http_answer api_market_offer(struct api_ask *ask);
enum http_answer api_market_leases(struct api_ask *ask);
enum http_answer api_market_lease(struct api_ask *ask);
enum http_answer api_market_jobs(struct api_ask *ask);
enum http_answer api_market_job(struct api_ask *ask);

/* --- api_blob.c: bulk data --- */
enum http_answer api_blob_get(struct api_ask *ask);
enum http_answer api_blob_put(struct api_ask *ask);
enum http_answer api_blob_get_chunk(struct api_ask *ask);
enum http_answer api_blob_put_chunk(struct api_ask *ask);

/* --- api_node.c: the node itself --- */
enum http_answer api_node_status(struct api_ask *ask);
enum http_answer api_node_health(struct api_ask *ask);
enum http_answer api_node_metrics(struct api_ask *ask);

#endif
