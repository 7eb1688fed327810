/* The labelled images that a job trains on or is judged by, read from the files of MNIST's kind that Debian's dataset packages install. */
#ifndef TOOLS_TENURE_IMAGES_H
#define TOOLS_TENURE_IMAGES_H

#include "trainer/dataset.h"

/* Where Debian's dataset-fashion-mnist has them. */
#define IMAGES_FOLDER "/usr/share/datasets/fashion-mnist"

/* Unpacked bytes of one file that are taken: ten times the training images. */
#define IMAGES_BYTES_MAX (512u << 20)

struct images {
    struct dataset data;
    uint8_t *pixels_file, *labels_file; /* unzipped; owned */
    struct bytes pixels, labels; /* the same, with their sizes: what a blob of the data holds */
};

/* Reads FOLDER/SPLIT-images-idx3-ubyte[.gz] and its labels; SPLIT is "train" or "t10k". Release with images_release.
 * ERR_NOT_FOUND names the file and the package that has it; ERR_IO; ERR_MALFORMED; ERR_LIMIT. */
MUST_USE enum err images_load(struct images *images, const char *folder, const char *split,
                              struct fault *fault);
void images_release(struct images *images);

#endif
