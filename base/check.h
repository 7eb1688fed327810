/* Assertions that stay on in every build.
 *
 * CHECK states a fact that only a bug of ours can break. Nothing that a peer, a client or a disk says may reach a
 * CHECK before it was verified. Two facts, two CHECKs. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            check_failed(#condition, __FILE__, __LINE__);                                          \
    } while (0)

/* Defined by each program: says where, and stops the process. Never returns. */
_Noreturn void check_failed(const char *condition, const char *file, int line);

#endif
