// The driver as a process of its own.
//   divert-broker unix:PATH|tcp:PORT script|NAMESPACE
// Prints "ready" when it serves; ends with its standard input.
#define _GNU_SOURCE
#include "divert.h"
#include "nfqueue.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_on(const char *where)
{
    int descriptor = -1;
    if (strncmp(where, "unix:", 5) == 0) {
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        snprintf(at.sun_path, sizeof at.sun_path, "%s", where + 5);
        descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (bind(descriptor, (struct sockaddr *)&at, sizeof at) != 0)
            return -1;
    } else if (strncmp(where, "tcp:", 4) == 0) {
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(where + 4)), .sin_addr = { htonl(INADDR_LOOPBACK) } };
        descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (bind(descriptor, (struct sockaddr *)&at, sizeof at) != 0)
            return -1;
    }
    return descriptor >= 0 && listen(descriptor, 128) == 0 ? descriptor : -1;
}

int main(int count, char **arguments)
{
    if (count != 3) {
        fprintf(stderr, "usage: divert-broker unix:PATH|tcp:PORT script|NAMESPACE\n");
        return 1;
    }
    switches_from_environment();
    int listener = listen_on(arguments[1]);
    if (listener < 0) {
        perror(arguments[1]);
        return 1;
    }
    const struct source *source = NULL;
    if (strcmp(arguments[2], "script") == 0) {
        script_host();
    } else {
        int space = open(arguments[2], O_RDONLY | O_CLOEXEC);
        if (space < 0 || setns(space, CLONE_NEWNET) != 0) {
            perror(arguments[2]);
            return 1;
        }
        source = nfqueue_open();
    }
    struct sockaddr_in at = { 0 };
    socklen_t length = sizeof at;
    getsockname(listener, (struct sockaddr *)&at, &length);
    if (at.sin_family == AF_INET)
        printf("ready %d\n", ntohs(at.sin_port));
    else
        printf("ready\n");
    fflush(stdout);
    broker_serve(listener, STDIN_FILENO, source);
    return 0;
}
