/* What went wrong outside: a disk, a peer, bytes. Our own bugs are CHECK's (base/check.h), and a contract's "no" is a
 * verdict (contracts/), never one of these. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#define MUST_USE __attribute__((warn_unused_result))

/* 0 is success. Stored nowhere and sent nowhere, so values may be added anywhere. */
enum err {
    ERR_NONE = 0,
    ERR_MALFORMED, /* bytes that are no canonical record: truncated, longer form, wrong type, trailing bytes */
    ERR_LIMIT,     /* over a bound of base/limits.h or of the caller's memory */
    ERR_SIGNATURE, /* a key or signature that is invalid, or not by whom it claims */
    ERR_IO,        /* the operating system refused */
    ERR_NOT_FOUND, /* there is no such thing here */
    ERR_CORRUPT,   /* stored bytes that contradict their own digest or index: stop, never go on with it */
    ERR_MISMATCH,  /* well-formed, but of another chain, version, root or owner */
    ERR_BUSY,      /* a queue or quota is full; later it may go through */
    ERR_NOT_NOW,   /* not possible now: closed, not started, already done */
    ERR_USAGE,     /* a person's input: an option, a configuration line, a file name */
};

#define FAULT_TEXT_SIZE 256

/* An error with a sentence: what was wrong, where (file and line, height, key), and what to do.
 * Owned by the caller; a function that returns ERR_NONE leaves it as it was. */
struct fault {
    enum err code;
    char text[FAULT_TEXT_SIZE]; /* zero-terminated, cut when it is too long */
};

/* Fills `fault` (which may be NULL) and gives `code` back, so that a failing function can `return fault_set(...)`.
 * `format` is printf's; no floating point, so that the sentence depends on no locale. */
enum err fault_set(struct fault *fault, enum err code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A short lower-case word for `code`, such as "malformed". Never NULL. */
const char *err_name(enum err code);

#endif
