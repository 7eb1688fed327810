/* What the provider's and the replayer's agents share: a pass over the jobs that haven't ended, at each block. What takes no time is done as
 * the pass comes by; of the rest the piece that is due first is worked on (tools/tenure/agenda.h), and between its intervals passes go on, so
 * that no short window is missed for a long training. A job that can't be read or worked on keeps no other from its pass.
 *
 * An agent keeps nothing that it couldn't compute again: what to do follows from the ledger, states are functions of the ledger's roots,
 * and a replayer's nonces of its key. So it may be killed at any moment and started again; the ledger takes each step once. */
#ifndef TOOLS_TENURE_AGENT_H
#define TOOLS_TENURE_AGENT_H

#include "contracts/jobs.h"
#include "contracts/parameters.h"
#include "tools/tenure/agenda.h"
#include "tools/tenure/desk.h"
#include "tools/tenure/workshop.h"

/* Jobs whose program and data are kept ready: those that are worked on, and the one that a pass looks at. One more pushes out one that
 * isn't ready yet, or else the one used longest ago. */
#define AGENT_SHOPS_MAX (AGENDA_DEPTH + 1)

/* How many nodes get each state: of four, one may be faulty and another away, and the third has it. An honest worker whose state nobody
 * has would be taken for one that withholds it. */
#define AGENT_COPIES 3

/* One job's answers from the nodes in one pass: its audits and slots, with room. */
#define AGENT_ARENA_BYTES (64u << 20)

/* A job made ready: what was submitted never changes. */
struct agent_shop {
    uint64_t job;  /* 0: empty */
    uint64_t used; /* pass in which it was used last */
    struct arena arena;
    struct jobs_job terms;
    struct workshop workshop;
    struct state global;       /* of the round that is worked on */
    struct digest global_root; /* of `global`; zero: none */
    bool shared;               /* the nodes have its data from us, for replayers */
};

/* A job as it stood when this pass came to it; in the pass's arena. */
struct agent_job {
    uint64_t number;
    struct agent_shop *shop;
    struct jobs_progress progress;
    struct jobs_slot **slots; /* by slot */
    uint32_t slot_count;
};

/* Calls that were refused lately: those of one round's slots. */
#define AGENT_REFUSED_MAX JOBS_WORKERS_MAX

struct agent_refused {
    struct digest call; /* SHA-256 of its arguments */
    uint64_t until_ms;  /* of the monotonic clock: not sent again before */
};

/* What one kind of agent does. */
struct agent_part {
    void *self;
    /* Looks at a job that hasn't ended. Long work is done only when agent_take says so. */
    void (*act)(void *self, const struct agent_job *job);
    /* The same for what belongs to no such job; may be NULL. */
    void (*rest)(void *self);
};

struct agent {
    struct cli *cli;
    struct desk desk;
    struct arena arena; /* of one job in one pass */
    struct arena spare[AGENDA_DEPTH]; /* of the passes inside long work */
    struct agent_part part;
    struct agenda agenda;
    uint64_t looked_ms; /* monotonic clock: when the last block was asked for */
    struct parameters parameters; /* as of the last pass */
    const char *data_folder;
    enum kernel_kind kernel;
    uint32_t threads;         /* of the arithmetic */
    uint64_t height, time_ms; /* the last block seen */
    uint64_t pass;
    struct agent_refused refused[AGENT_REFUSED_MAX];
    uint32_t refused_next;
    bool woken; /* something was done: look again without waiting for the next block */
    struct agent_shop shops[AGENT_SHOPS_MAX];
};

/* Options that both agents have. */
#define AGENT_OPTIONS                                                                              \
    DESK_BULK_OPTIONS,                                                                             \
    {"data", "DIR", "folder of training data; what isn't there is fetched from the nodes", IMAGES_FOLDER},                                 \
        {"kernel", "NAME",                                                                         \
         "scalar, avx2, avx512 or neon; all give the same bits (default: the fastest)", NULL},      \
    {                                                                                              \
        "threads", "N", "of the arithmetic; the bits are the same for any number", "1"             \
    }

/* Opens key and nodes, takes the options. From here on SIGTERM and SIGINT ask the agent to stop. Release with agent_close, also after an
 * error. */
MUST_USE enum err agent_open(struct agent *agent, struct cli *cli);
void agent_close(struct agent *agent);

/* Plays the part at each block, until the agent is asked to stop. */
MUST_USE enum err agent_run(struct agent *agent, const struct agent_part *part);

/* True when this piece of long work is to be done now, by the caller. Else the part is asked again when its turn has come. */
bool agent_take(struct agent *agent, const struct agenda_task *task);

/* True inside of long work. */
bool agent_is_busy(const struct agent *agent);

/* What long work calls between two intervals, outside of any call to the nodes: if there is a new block, a pass runs in here.
 * ERR_NOT_NOW when the work should end: the agent was asked to stop, or the time for it is over. */
MUST_USE enum err agent_breathe(struct agent *agent, struct fault *fault);

/* True once the agent was asked to stop. */
bool agent_is_stopping(const struct agent *agent);

/* What the next block's time will be at least: our clock's, unless the last block is ahead of it. On a chain at rest the last block is old. */
uint64_t agent_now_ms(const struct agent *agent);

/* Makes the job's program and data ready, and the global state of its current round. ERR_NOT_NOW when slots and progress were read on
 * two sides of a round's close: the next pass reads them again. */
MUST_USE enum err agent_prepare(struct agent *agent, const struct agent_job *job,
                                struct fault *fault);

/* The start state of the segment that `slot` is at, checked against the ledger's start root. Initialised here, after agent_prepare.
 * ERR_MISMATCH when they differ. */
MUST_USE enum err agent_start_state(struct agent *agent, const struct agent_job *job, uint16_t slot,
                                    struct state *start, struct fault *fault);

/* The job as it stood at an attempt that is over: agent_prepare and agent_start_state give what that segment started from. In the pass's
 * arena. ERR_NOT_FOUND. */
MUST_USE enum err agent_past(struct agent *agent, struct agent_job *job,
                             const struct jobs_segment *segment, struct fault *fault);

enum agent_sent {
    AGENT_UNSENT, /* or what came of it isn't known */
    AGENT_REFUSED, /* normal where others were faster */
    AGENT_DONE,
};

/* Sends one call of the jobs, challenges or beacon contract and waits for its receipt. What came of it is in the log too, where `what`
 * names it. */
enum agent_sent agent_send(struct agent *agent, const char *what, uint8_t contract, uint8_t method,
                const void *args);

/* All values below word/job, in key order, in the pass's arena. */
MUST_USE enum err agent_list(struct agent *agent, const char *word, uint64_t job,
                             const struct record *record, struct lookup_list *list,
                             struct fault *fault);

/* A function of the key, the tag and the segment: nobody else can guess it, and after a restart it is the same. */
struct digest agent_nonce(const struct agent *agent, const char *tag,
                          const struct jobs_segment *segment);

/* The work that the slot asks for now. */
struct agenda_task agent_task(const struct agent_job *job, uint16_t slot, bool brief);

struct jobs_segment agent_segment(const struct agent_job *job, uint16_t slot);
bool agent_same_segment(const struct jobs_segment *a, const struct jobs_segment *b);

#endif
