/* Byte-pair encoding as GPT-2's (Sennrich et al., 2016; Radford et al., 2019): text to numbers below 65,536.
 *
 * Text is cut into words by GPT-2's pattern
 *
 *     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 *
 * and each word, as a list of bytes, is joined pair by pair, the pair of the lowest rank first. The two files are those that go with
 * the model: `vocab.json`, an object from token to number, and `merges.txt`, a pair a line in the order of rank. In both a byte
 * that is no visible character stands as another one (0x20 as U+0120), as GPT-2's authors chose. */
#ifndef TOOLS_TENURE_BPE_H
#define TOOLS_TENURE_BPE_H

#include "base/bytes.h"
#include "base/error.h"

/* The longest word: joining takes the square of its length. */
#define BPE_WORD_MAX 16384u

/* More than the longest character, so that a word's end is surely seen. */
#define BPE_AHEAD 4u

struct bpe;

/* Takes the two files' bytes; keeps no pointer. Free with bpe_free. ERR_MALFORMED or ERR_LIMIT with the token or line. */
MUST_USE enum err bpe_new(struct bpe **bpe, struct bytes vocabulary, struct bytes merges,
                          struct fault *fault);
void bpe_free(struct bpe *bpe);

/* How many numbers there are: every token is below. */
uint32_t bpe_symbols(const struct bpe *bpe);

/* The number of the token that is written so, such as "<|endoftext|>", which no text is turned into. False if there is none. */
bool bpe_find(uint32_t *token, struct bpe *bpe, const char *text);

/* The size of the first word, or 0 when that depends on text behind `text`, which can't be with `last`. Text that is no UTF-8:
 * ERR_MALFORMED; a word over BPE_WORD_MAX: ERR_LIMIT. Requires text.size > 0. */
MUST_USE enum err bpe_cut(size_t *size, struct bytes text, bool last, struct fault *fault);

/* Writes a word's tokens, at most word.size, and gives their count. Requires word.size <= BPE_WORD_MAX. */
size_t bpe_encode(const struct bpe *bpe, uint16_t *tokens, struct bytes word);

#endif
