/* An address and port to listen on, in numbers, and clients' addresses as text. */
#ifndef NET_ENDPOINT_H
#define NET_ENDPOINT_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/error.h"

/* An IPv6 address in text, and the zero. */
#define ENDPOINT_TEXT_SIZE 46

struct endpoint {
    struct sockaddr_storage address;
    socklen_t size;
    bool loopback; /* 127.0.0.0/8 or ::1 */
};

/* Reads "127.0.0.1:80" or "[::1]:80"; port 0 means any that is free. False, and *endpoint
 * unspecified, for anything else. */
bool endpoint_parse(struct endpoint *endpoint, const char *text);

/* True for "host:port" with a port of 1..65535 and a host, name or number, that a URL can hold. */
bool endpoint_has_port(const char *text);

/* A TCP socket that listens there, in *fd. ERR_BUSY: the port is in use; ERR_IO: errno says why. */
MUST_USE enum err endpoint_listen(int *fd, const struct endpoint *endpoint);

/* Both of the above for the API, with a sentence: without TLS it is for loopback only. ERR_USAGE, ERR_IO. */
MUST_USE enum err endpoint_serve(int *fd, const char *text, bool tls, struct fault *fault);

/* Writes the address without its port; "" for a family that is no IP. True if it is on loopback. */
bool endpoint_text(char text[ENDPOINT_TEXT_SIZE], const struct sockaddr *address);

#endif
