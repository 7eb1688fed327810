#include "net/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Connections that wait to be accepted. */
#define ENDPOINT_BACKLOG 512

bool endpoint_parse(struct endpoint *endpoint, const char *text)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || strlen(colon + 1) - 1 > 4 ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1))
        return false;
    unsigned long port = strtoul(colon + 1, NULL, 10);
    bool six = text[0] == '[' && colon > text && colon[-1] == ']';
    size_t count = (size_t)(colon - text);
    char host[ENDPOINT_TEXT_SIZE];
    if (port > 65535 || count >= sizeof(host) + (six ? 2 : 0))
        return false;
    snprintf(host, sizeof(host), "%.*s", (int)count - (six ? 2 : 0), text + (six ? 1 : 0));

    memset(endpoint, 0, sizeof(*endpoint));
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)&endpoint->address;
    struct sockaddr_in6 *sixth = (struct sockaddr_in6 *)(void *)&endpoint->address;
    bool read;
    if (six) {
        sixth->sin6_family = AF_INET6;
        sixth->sin6_port = htons((uint16_t)port);
        endpoint->size = sizeof(*sixth);
        read = inet_pton(AF_INET6, host, &sixth->sin6_addr) == 1;
    } else {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        endpoint->size = sizeof(*four);
        read = inet_pton(AF_INET, host, &four->sin_addr) == 1;
    }
    endpoint->loopback = endpoint_text(host, (const struct sockaddr *)&endpoint->address);
    return read;
}

bool endpoint_has_port(const char *text)
{
    const char *port = strrchr(text, ':');
    if (port == NULL || port == text || strlen(port + 1) - 1 > 4 ||
        strspn(port + 1, "0123456789") != strlen(port + 1))
        return false;
    unsigned long number = strtoul(port + 1, NULL, 10);
    return number >= 1 && number <= 65535 && strpbrk(text, "/?#@ ") == NULL;
}

enum err endpoint_listen(int *fd, const struct endpoint *endpoint)
{
    int one = 1;
    *fd = socket(endpoint->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0)
        return ERR_IO;
    if (setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
        bind(*fd, (const struct sockaddr *)&endpoint->address, endpoint->size) == 0 &&
        listen(*fd, ENDPOINT_BACKLOG) == 0)
        return ERR_NONE;
    int error = errno;
    close(*fd);
    errno = error;
    return error == EADDRINUSE ? ERR_BUSY : ERR_IO;
}

enum err endpoint_serve(int *fd, const char *text, bool tls, struct fault *fault)
{
    struct endpoint endpoint;
    if (!endpoint_parse(&endpoint, text))
        return fault_set(fault, ERR_USAGE, "\"%s\" is no address:port to serve the API on", text);
    if (!endpoint.loopback && !tls)
        return fault_set(fault, ERR_USAGE,
                         "the API on %s needs TLS (certificate, key and CA); without it only "
                         "loopback can be served",
                         text);
    enum err err = endpoint_listen(fd, &endpoint);
    if (err == ERR_BUSY)
        return fault_set(fault, ERR_IO, "another program listens on %s already", text);
    if (err != ERR_NONE)
        return fault_set(fault, ERR_IO, "can't serve the API on %s: %s", text, strerror(errno));
    return ERR_NONE;
}

bool endpoint_text(char text[ENDPOINT_TEXT_SIZE], const struct sockaddr *address)
{
    text[0] = 0;
    if (address->sa_family == AF_INET) {
        struct sockaddr_in four;
        memcpy(&four, address, sizeof(four));
        inet_ntop(AF_INET, &four.sin_addr, text, ENDPOINT_TEXT_SIZE);
        return ntohl(four.sin_addr.s_addr) >> 24 == 127;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 six;
        memcpy(&six, address, sizeof(six));
        inet_ntop(AF_INET6, &six.sin6_addr, text, ENDPOINT_TEXT_SIZE);
        return IN6_IS_ADDR_LOOPBACK(&six.sin6_addr);
    }
    return false;
}
