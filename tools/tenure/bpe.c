#include "tools/tenure/bpe.h"

#include "base/check.h"
#include "tools/tenure/answer.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>

/* Twice as many places as tokens, so that a search is short. */
#define PLACES 131072u

#define TOKEN_BYTES_MAX 1024u
#define NONE            UINT32_MAX

/* The bytes that a token stands for. */
struct token {
    const uint8_t *at; /* in bpe.text; NULL: there is none with this number */
    uint32_t size;
};

/* Two neighbours and what they become. */
struct join {
    uint32_t pair; /* left number << 16 | right number */
    uint32_t rank; /* NONE: an empty place */
    uint16_t made;
};

struct bpe {
    uint8_t *text; /* all tokens, one behind the other */
    struct token tokens[65536];
    uint32_t symbols;
    uint32_t by_text[PLACES]; /* a token's number by its bytes; NONE: an empty place */
    struct join joins[PLACES];
    uint32_t join_count;
    uint16_t byte[256]; /* the tokens of single bytes */
};

/* --- the two files --- */

static uint32_t place_of(const uint8_t *at, uint32_t size)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (uint32_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * 16777619u;
    return hash % PLACES;
}

/* Where a token with these bytes is, or belongs. */
static uint32_t *by_text(struct bpe *bpe, const uint8_t *at, uint32_t size)
{
    for (uint32_t i = place_of(at, size);; i = (i + 1) % PLACES) {
        const struct token *token = bpe->by_text[i] == NONE ? NULL : &bpe->tokens[bpe->by_text[i]];
        if (!token || (token->size == size && !memcmp(token->at, at, size)))
            return &bpe->by_text[i];
    }
}

static struct join *by_pair(const struct bpe *bpe, uint32_t pair)
{
    uint32_t i = pair * 2654435761u % PLACES; /* Knuth's multiplier */

    while (bpe->joins[i].rank != NONE && bpe->joins[i].pair != pair)
        i = (i + 1) % PLACES;
    return (struct join *)&bpe->joins[i];
}

/* The byte that a character of the files stands for: itself if it is visible in Latin-1, else the n-th from U+0100 on is the n-th byte
 * that isn't. False if it stands for none. */
static bool read_byte(uint8_t *byte, uint32_t character)
{
    uint32_t n = character - 256;

    if ((character >= 33 && character <= 126) ||
        (character >= 161 && character <= 255 && character != 173))
        *byte = (uint8_t)character;
    else if (character >= 256 && n < 33)
        *byte = (uint8_t)n;
    else if (character >= 256 && n < 67)
        *byte = (uint8_t)(127 + n - 33);
    else if (n == 67)
        *byte = 173;
    else
        return false;
    return true;
}

/* The first character; its size, 0 when there is none that is well-formed. */
static size_t read_character(uint32_t *character, struct bytes text)
{
    size_t size = text.size ? bytes_utf8(text) : 0;

    if (!size)
        return 0;
    *character = size == 1 ? text.data[0] : text.data[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++)
        *character = *character << 6 | (text.data[i] & 0x3f);
    return size;
}

/* The bytes that a name in the files stands for. False when it stands for none, or more than `room`. */
static bool read_name(uint8_t *out, uint32_t *size, uint32_t room, struct bytes name)
{
    *size = 0;
    while (name.size) {
        uint32_t character = 0;
        size_t step = read_character(&character, name);
        if (!step || *size == room || !read_byte(&out[*size], character))
            return false;
        name = bytes_of(name.data + step, name.size - step);
        ++*size;
    }
    return *size > 0;
}

static enum err read_vocabulary(struct bpe *bpe, const struct answer *object, uint8_t *room,
                                struct fault *fault)
{
    const struct answer *value = NULL;
    const char *name;
    void *at = NULL;

    while ((name = answer_member(object, &at, &value))) {
        uint64_t number = answer_number(value, "");
        struct token token = {room, 0};
        uint32_t *place;
        if (number > UINT16_MAX || bpe->tokens[number].at || !answer_has(value, ""))
            return fault_set(fault, ERR_MALFORMED,
                             "vocabulary: \"%s\" has no number of its own below 65536", name);
        if (!read_name(room, &token.size, TOKEN_BYTES_MAX, bytes_text(name)))
            return fault_set(fault, ERR_MALFORMED, "vocabulary: \"%s\" is no token", name);
        place = by_text(bpe, room, token.size);
        if (*place != NONE)
            return fault_set(fault, ERR_MALFORMED, "vocabulary: \"%s\" stands twice", name);
        *place = (uint32_t)number;
        bpe->tokens[number] = token;
        room += token.size;
        if (number >= bpe->symbols)
            bpe->symbols = (uint32_t)number + 1;
    }
    for (uint32_t i = 0; i < 256; i++) {
        const uint8_t byte = (uint8_t)i;
        uint32_t number = *by_text(bpe, &byte, 1);
        if (number == NONE)
            return fault_set(fault, ERR_MALFORMED, "vocabulary: there is no token for byte %u", i);
        bpe->byte[i] = (uint16_t)number;
    }
    return ERR_NONE;
}

/* "LEFT RIGHT", which are tokens, as is what they make. */
static bool read_join(struct bpe *bpe, struct bytes line)
{
    uint8_t both[2 * TOKEN_BYTES_MAX];
    const uint8_t *space = memchr(line.data, ' ', line.size);
    uint32_t left_size, right_size, left, right, made;
    struct join *join;

    if (!space ||
        !read_name(both, &left_size, TOKEN_BYTES_MAX,
                   bytes_of(line.data, (size_t)(space - line.data))) ||
        !read_name(both + left_size, &right_size, TOKEN_BYTES_MAX,
                   bytes_of(space + 1, (size_t)(line.data + line.size - space - 1))))
        return false;
    left = *by_text(bpe, both, left_size);
    right = *by_text(bpe, both + left_size, right_size);
    made = *by_text(bpe, both, left_size + right_size);
    if (left == NONE || right == NONE || made == NONE)
        return false;
    join = by_pair(bpe, left << 16 | right);
    if (join->rank != NONE)
        return false;
    *join = (struct join){left << 16 | right, bpe->join_count++, (uint16_t)made};
    return true;
}

static enum err read_joins(struct bpe *bpe, struct bytes file, struct fault *fault)
{
    for (uint32_t number = 1; file.size; number++) {
        const uint8_t *end = memchr(file.data, '\n', file.size);
        struct bytes line = bytes_of(file.data, end ? (size_t)(end - file.data) : file.size);
        size_t step = line.size + (end != NULL);
        bool comment = number == 1 && line.size && line.data[0] == '#';
        if (line.size && line.data[line.size - 1] == '\r')
            line.size--;
        if (bpe->join_count == PLACES / 2)
            return fault_set(fault, ERR_LIMIT, "merges: more than %u of them", PLACES / 2);
        if (line.size && !comment && !read_join(bpe, line))
            return fault_set(fault, ERR_MALFORMED,
                             "merges: line %u is no new pair of two tokens that make a third",
                             number);
        file = bytes_of(file.data + step, file.size - step);
    }
    return ERR_NONE;
}

enum err bpe_new(struct bpe **out, struct bytes vocabulary, struct bytes merges,
                 struct fault *fault)
{
    struct bpe *bpe = calloc(1, sizeof(*bpe));
    struct answer *root = NULL;
    enum err err;

    CHECK(bpe != NULL);
    memset(bpe->by_text, 0xff, sizeof(bpe->by_text));
    for (uint32_t i = 0; i < PLACES; i++)
        bpe->joins[i].rank = NONE;
    /* A token is never longer than its name in the file, but a bad one is written before it is refused. */
    bpe->text = malloc(vocabulary.size + TOKEN_BYTES_MAX);
    CHECK(bpe->text != NULL);
    err = answer_parse(&root, vocabulary, fault);
    if (!err)
        err = read_vocabulary(bpe, root, bpe->text, fault);
    if (!err)
        err = read_joins(bpe, merges, fault);
    answer_free(root);
    if (err)
        bpe_free(bpe);
    else
        *out = bpe;
    return err;
}

void bpe_free(struct bpe *bpe)
{
    if (bpe)
        free(bpe->text);
    free(bpe);
}

uint32_t bpe_symbols(const struct bpe *bpe)
{
    return bpe->symbols;
}

bool bpe_find(uint32_t *token, struct bpe *bpe, const char *text)
{
    uint32_t found = *by_text(bpe, (const uint8_t *)text, (uint32_t)strlen(text));

    if (found != NONE)
        *token = found;
    return found != NONE;
}

/* --- words --- */

enum class { LETTER, NUMBER, SPACE, OTHER };

static enum class class_of(uint32_t character) {
    uint32_t category = U_GET_GC_MASK((UChar32)character);

    if (u_isUWhiteSpace((UChar32)character)) return SPACE;
    return category & U_GC_L_MASK   ? LETTER
           : category & U_GC_N_MASK ? NUMBER
                                    : OTHER;
}

/* 's 't 're 've 'm 'll 'd; 0 if the text begins with none of them. */
static size_t contraction(struct bytes text)
{
    static const char *const endings[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};

    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        size_t size = strlen(endings[i]);
        if (text.size >= size && !memcmp(text.data, endings[i], size))
            return size;
    }
    return 0;
}

enum err bpe_cut(size_t *size, struct bytes text, bool last, struct fault *fault)
{
    size_t at = 0, before = 0, step;
    uint32_t character = 0;
    enum class class = OTHER, next;

    *size = 0;
    if (!last && text.size < BPE_AHEAD)
        return ERR_NONE;
    if ((*size = contraction(text)))
        return ERR_NONE;
    /* `at` walks to the end of the run; `before` is where its last character begins. */
    for (;; at += step) {
        if (at > BPE_WORD_MAX)
            return fault_set(fault, ERR_LIMIT, "a word of more than %u bytes", BPE_WORD_MAX);
        if (!last && text.size - at < BPE_AHEAD)
            return ERR_NONE;
        if (at == text.size)
            break;
        step = read_character(&character, bytes_of(text.data + at, text.size - at));
        if (!step)
            return fault_set(fault, ERR_MALFORMED, "text that is no UTF-8");
        next = class_of(character);
        if (at == 0 || (at == 1 && text.data[0] == ' ' && next != SPACE))
            class = next;
        else if (next != class)
            break;
        before = at;
    }
    /* Of several spaces the last one belongs to the word behind them, or stands alone. */
    *size = class == SPACE && at < text.size && before > 0 ? before : at;
    return ERR_NONE;
}

size_t bpe_encode(const struct bpe *bpe, uint16_t *tokens, struct bytes word)
{
    size_t count = word.size;

    CHECK(word.size <= BPE_WORD_MAX);
    for (size_t i = 0; i < count; i++)
        tokens[i] = bpe->byte[word.data[i]];
    for (;;) {
        const struct join *best = NULL;
        size_t used = 0;
        for (size_t i = 0; i + 1 < count; i++) {
            const struct join *join = by_pair(bpe, (uint32_t)tokens[i] << 16 | tokens[i + 1]);
            if (join->rank != NONE && (!best || join->rank < best->rank))
                best = join;
        }
        if (!best)
            return count;
        for (size_t i = 0; i < count; used++) {
            bool meets = i + 1 < count && ((uint32_t)tokens[i] << 16 | tokens[i + 1]) == best->pair;
            tokens[used] = meets ? best->made : tokens[i];
            i += meets ? 2 : 1;
        }
        count = used;
    }
}
