/* The data that a job trains on or is judged by, of either kind, from a folder or from the nodes:
 *
 *     FOLDER/train.bin, FOLDER/val.bin     tokens, as `tenure data tokenize` writes them
 *     FOLDER/train-images-idx3-ubyte.gz    and its like: images (tools/tenure/images.h)
 *
 * A folder with token files is taken for tokens. At the nodes a data set is a blob with the data root as its root, so what comes from
 * there needs no trust. */
#ifndef TOOLS_TENURE_CORPUS_H
#define TOOLS_TENURE_CORPUS_H

#include "tools/tenure/images.h"
#include "tools/tenure/transfer.h"
#include "trainer/tokens.h"

enum corpus_split { CORPUS_TRAINING, CORPUS_HELD_OUT };

/* All zero: nothing is loaded. */
struct corpus {
    struct dataset data;       /* borrows from one of the following */
    struct images images;      /* from files of images */
    uint8_t *tokens;           /* from a file of tokens; owned */
    struct transfer_blob blob; /* from the nodes */
};

/* Reads a folder. Release with corpus_release. Errors of images_load; ERR_MALFORMED for another file of tokens. */
MUST_USE enum err corpus_load(struct corpus *corpus, const char *folder, enum corpus_split split,
                              struct fault *fault);

/* Fetches the data with this root from the nodes. Release with corpus_release. Errors of transfer_fetch; ERR_MALFORMED when the blob
 * is no data. */
MUST_USE enum err corpus_fetch(struct corpus *corpus, struct client *client,
                               const struct digest *root, struct fault *fault);

/* Sends loaded data to all nodes that answer, for agents that lack them. Errors of transfer_push. */
MUST_USE enum err corpus_push(const struct corpus *corpus, struct client *client,
                              struct fault *fault);

void corpus_release(struct corpus *corpus);

#endif
