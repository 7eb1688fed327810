#include "tools/tenure/cmd.h"

#include "base/check.h"
#include "base/merkle.h"
#include "tools/sys/file.h"
#include "tools/tenure/bpe.h"
#include "tools/tenure/desk.h"
#include "tools/tenure/transfer.h"
#include "trainer/tokens.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of one of the two files of a vocabulary; GPT-2's have a megabyte. */
#define VOCABULARY_BYTES_MAX (64u << 20)

/* Text that is looked at together: many words. */
#define ROOM_BYTES (1u << 20)

/* Bytes between two progress lines. */
#define PROGRESS_BYTES (16u << 20)

/* One run: text comes in and tokens go out, and neither is ever here as a whole. */
struct tokenizer {
    struct cli *cli;
    struct bpe *bpe; /* NULL: a token a byte */
    FILE *out;
    char out_path[FILE_PATH_SIZE]; /* beside the file that is made; renamed at the end */
    uint64_t bytes, count;
    uint16_t tokens[BPE_WORD_MAX];
    uint8_t text[ROOM_BYTES];
};

static enum err put(struct tokenizer *tokenizer, size_t count)
{
    uint8_t little[2 * BPE_WORD_MAX];

    tokenizer->count += count;
    if (tokenizer->count > TOKENS_COUNT_MAX)
        return fault_set(&tokenizer->cli->fault, ERR_LIMIT,
                         "more than %u tokens: make several files", TOKENS_COUNT_MAX);
    for (size_t i = 0; i < count; i++) {
        little[2 * i] = (uint8_t)tokenizer->tokens[i];
        little[2 * i + 1] = (uint8_t)(tokenizer->tokens[i] >> 8);
    }
    if (fwrite(little, 2, count, tokenizer->out) == count)
        return ERR_NONE;
    return fault_set(&tokenizer->cli->fault, ERR_IO, "%s: %s", tokenizer->out_path,
                     strerror(errno));
}

/* The first word's size; without a vocabulary any piece is one. 0: it isn't all here. */
static enum err cut(struct tokenizer *tokenizer, size_t *size, struct bytes text, bool last)
{
    if (tokenizer->bpe)
        return bpe_cut(size, text, last, &tokenizer->cli->fault);
    *size = text.size < BPE_WORD_MAX ? text.size : BPE_WORD_MAX;
    return ERR_NONE;
}

static size_t encode(struct tokenizer *tokenizer, struct bytes word)
{
    if (tokenizer->bpe)
        return bpe_encode(tokenizer->bpe, tokenizer->tokens, word);
    for (size_t i = 0; i < word.size; i++)
        tokenizer->tokens[i] = word.data[i];
    return word.size;
}

/* Turns what is complete into tokens; *left is the size of the rest, which is moved to the front. */
static enum err turn(struct tokenizer *tokenizer, size_t *left, bool last)
{
    struct bytes text = bytes_of(tokenizer->text, *left);
    enum err err = ERR_NONE;

    while (text.size && !err) {
        size_t size = 0;
        err = cut(tokenizer, &size, text, last);
        if (err || !size)
            break;
        err = put(tokenizer, encode(tokenizer, bytes_of(text.data, size)));
        tokenizer->bytes += size;
        text = bytes_of(text.data + size, text.size - size);
    }
    memmove(tokenizer->text, text.data, text.size);
    *left = text.size;
    return err;
}

static enum err read_text(struct tokenizer *tokenizer, const char *path)
{
    struct cli *cli = tokenizer->cli;
    FILE *in = fopen(path, "rb");
    uint64_t start = tokenizer->bytes, said = tokenizer->bytes;
    size_t left = 0, got = 1;
    enum err err = ERR_NONE;

    if (!in)
        return fault_set(&cli->fault, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path,
                         strerror(errno));
    while (!err && got) {
        got = fread(tokenizer->text + left, 1, ROOM_BYTES - left, in);
        left += got;
        if (ferror(in))
            err = fault_set(&cli->fault, ERR_IO, "%s: %s", path, strerror(errno));
        else if ((err = turn(tokenizer, &left, got == 0))) {
            struct fault why = cli->fault;
            fault_set(&cli->fault, err, "%s, byte %" PRIu64 ": %s", path, tokenizer->bytes - start,
                      why.text);
        }
        if (tokenizer->bytes - said >= PROGRESS_BYTES) {
            said = tokenizer->bytes;
            cli_progress(cli, "%s: %" PRIu64 " MiB, %" PRIu64 " tokens", path, (said - start) >> 20,
                         tokenizer->count);
        }
    }
    fclose(in);
    return err;
}

/* The header again, now with the count; then the file takes its name. */
static enum err finish(struct tokenizer *tokenizer, const char *path)
{
    struct fault *fault = &tokenizer->cli->fault;
    uint8_t header[TOKENS_HEADER_BYTES];

    if (tokenizer->count < 2)
        return fault_set(fault, ERR_LIMIT, "that makes %" PRIu64 " tokens; 2 are the least",
                         tokenizer->count);
    tokens_header(header, (uint32_t)tokenizer->count);
    if (fseek(tokenizer->out, 0, SEEK_SET) ||
        fwrite(header, 1, sizeof(header), tokenizer->out) != sizeof(header) ||
        fflush(tokenizer->out) || fsync(fileno(tokenizer->out)) ||
        rename(tokenizer->out_path, path))
        return fault_set(fault, ERR_IO, "%s: %s", path, strerror(errno));
    return file_sync_folder(path, fault);
}

static enum err make_file(struct tokenizer *tokenizer, const char *path)
{
    struct cli *cli = tokenizer->cli;
    uint8_t header[TOKENS_HEADER_BYTES] = {0};
    enum err err = ERR_NONE;

    if (snprintf(tokenizer->out_path, FILE_PATH_SIZE, "%s.part", path) >= FILE_PATH_SIZE)
        return fault_set(&cli->fault, ERR_LIMIT, "the file's name is too long: %s", path);
    tokenizer->out = fopen(tokenizer->out_path, "wb");
    if (!tokenizer->out)
        return fault_set(&cli->fault, ERR_IO, "%s: %s", tokenizer->out_path, strerror(errno));
    if (fwrite(header, 1, sizeof(header), tokenizer->out) != sizeof(header))
        err = fault_set(&cli->fault, ERR_IO, "%s: %s", tokenizer->out_path, strerror(errno));
    for (uint32_t i = 0; i < cli->word_count && !err; i++)
        err = read_text(tokenizer, cli->words[i]);
    cli_progress_end(cli);
    if (!err)
        err = finish(tokenizer, path);
    if (fclose(tokenizer->out) && !err)
        err = fault_set(&cli->fault, ERR_IO, "%s: %s", path, strerror(errno));
    if (err)
        unlink(tokenizer->out_path);
    return err;
}

/* The vocabulary, if there is one: both files or none. */
static enum err load_bpe(struct cli *cli, struct bpe **bpe)
{
    const char *paths[] = {cli_text(cli, "vocab"), cli_text(cli, "merges")};
    uint8_t *data[2] = {NULL, NULL};
    size_t size[2] = {0, 0};
    enum err err = ERR_NONE;

    *bpe = NULL;
    if (!paths[0] != !paths[1])
        return fault_set(&cli->fault, ERR_USAGE, "--vocab and --merges go together");
    if (!paths[0])
        return ERR_NONE;
    for (int i = 0; i < 2 && !err; i++)
        err = file_read(&data[i], &size[i], paths[i], VOCABULARY_BYTES_MAX, &cli->fault);
    if (!err)
        err = bpe_new(bpe, bytes_of(data[0], size[0]), bytes_of(data[1], size[1]), &cli->fault);
    free(data[0]);
    free(data[1]);
    return err;
}

/* The root of the data, by which jobs and nodes name them: over the file's chunks. */
static enum err root_of(struct digest *root, const char *path, struct fault *fault)
{
    FILE *in = fopen(path, "rb");
    uint8_t *chunk = malloc(LIMIT_CHUNK_BYTES);
    struct merkle merkle;
    enum err err = ERR_NONE;
    size_t size;

    CHECK(chunk != NULL);
    merkle_init(&merkle);
    while (in && (size = fread(chunk, 1, LIMIT_CHUNK_BYTES, in)) > 0) {
        struct digest leaf = merkle_leaf(chunk, size);
        merkle_add(&merkle, &leaf);
    }
    if (!in || ferror(in))
        err = fault_set(fault, ERR_IO, "%s: can't be read again", path);
    if (in)
        fclose(in);
    free(chunk);
    *root = merkle_end(&merkle);
    return err;
}

static enum err tell(struct tokenizer *tokenizer, const char *path)
{
    struct cli *cli = tokenizer->cli;
    uint32_t symbols = tokenizer->bpe ? bpe_symbols(tokenizer->bpe) : 256, end = 0;
    bool has_end = tokenizer->bpe && bpe_find(&end, tokenizer->bpe, "<|endoftext|>");
    char text[DIGEST_TEXT_SIZE];
    struct digest root;
    enum err err = root_of(&root, path, &cli->fault);

    if (err)
        return err;
    digest_text(text, &root);
    if (cli->json)
        printf("{\"file\":%s,\"bytes\":%" PRIu64 ",\"tokens\":%" PRIu64
               ",\"symbols\":%u,\"root\":\"%s\",\"end_of_text\":%s}\n",
               cli_quote(cli, path), tokenizer->bytes, tokenizer->count, symbols, text,
               has_end ? cli_format(cli, "%u", end) : "null");
    cli_say(cli, "%s: %" PRIu64 " tokens below %u from %" PRIu64 " bytes", path, tokenizer->count,
            symbols, tokenizer->bytes);
    cli_say(cli, "data root    %s", text);
    cli_say(cli, "end of text  %s", has_end ? cli_format(cli, "token %u", end) : "no token");
    return ERR_NONE;
}

static enum err run_tokenize(struct cli *cli)
{
    struct tokenizer *tokenizer = calloc(1, sizeof(*tokenizer));
    const char *path;
    enum err err = cli_need(&path, cli, "out");

    CHECK(tokenizer != NULL);
    tokenizer->cli = cli;
    if (!err)
        err = load_bpe(cli, &tokenizer->bpe);
    if (!err)
        err = make_file(tokenizer, path);
    if (!err)
        err = tell(tokenizer, path);
    bpe_free(tokenizer->bpe);
    free(tokenizer);
    return err;
}

static enum err run_fetch(struct cli *cli)
{
    struct digest root;
    const char *path;
    struct desk desk;
    uint64_t bytes;
    enum err err = desk_open_bulk(&desk, cli);

    if (!err)
        err = cli_need(&path, cli, "out");
    if (!err && !bytes_from_hex(root.bytes, DIGEST_SIZE, cli->words[0]))
        err = fault_set(&cli->fault, ERR_USAGE, "\"%s\" is no root of 64 hex digits", cli->words[0]);
    if (!err)
        err = transfer_fetch_file(&desk.client, &bytes, path, &root, &cli->fault);
    if (!err) {
        if (cli->json)
            printf("{\"file\":%s,\"bytes\":%" PRIu64 "}\n", cli_quote(cli, path), bytes);
        cli_say(cli, "%s: %" PRIu64 " bytes, each chunk checked", path, bytes);
    }
    desk_close(&desk);
    return err;
}

static const struct cli_option fetch_options[] = {
    {"out", "FILE", "where to write them", NULL},
    DESK_BULK_OPTIONS,
};

static const struct cli_option options[] = {
    {"out", "FILE",
     "where to write the tokens; train.bin and val.bin are the names that jobs look for", NULL},
    {"vocab", "FILE", "vocab.json of a GPT-2 vocabulary (default: a token is a byte)", NULL},
    {"merges", "FILE", "merges.txt of the same", NULL},
};

static const struct cli_command commands[] = {
    {"data tokenize", "TEXT [TEXT ...]", 1, CLI_WORDS_MAX,
     "turn text into a file of tokens that a gpt is trained on",
     "  tenure data tokenize book.txt --out data/train.bin\n"
     "  tenure data tokenize *.txt --vocab vocab.json --merges merges.txt --out data/train.bin",
     options, sizeof(options) / sizeof(options[0]), run_tokenize},
    {"data fetch", "ROOT", 1, 1,
     "fetch data or a state by its root, from all nodes at once; goes on where a killed one was",
     "  tenure data fetch 5a1d... --out train.bin --rate 20M", fetch_options,
     sizeof(fetch_options) / sizeof(fetch_options[0]), run_fetch},
};

const struct cli_noun cmd_data = {commands, sizeof(commands) / sizeof(commands[0])};
