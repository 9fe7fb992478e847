/*
 * carry: DNS messages over UDP and TCP (RFC 1035 section 4.2, RFC 7766), each within a time limit: a server that sends
 * a byte now and then holds nobody for longer. Uses poll, as file numbers may be above what select can take.
 */
#pragma once

#include <sys/socket.h>

#include "base/arena.h"

/* A server by its numeric address. */
struct carry_server {
    struct sockaddr_storage address;
    socklen_t size;
    char text[72]; /* for people: "127.0.0.1:53", "[::1]:53" */
};

enum { CARRY_WHY = 96, CARRY_MAX_BYTES = 65535 };

/* HOST: a numeric address, IPv6 without brackets, with a zone ("%eth0") if it needs one. False when it is none. */
MUST_CHECK bool carry_server_of(const char *host, uint16_t port, struct carry_server *ret);

/*
 * Sends one datagram from a port of its own and waits until UNTIL_MS (of clock_steady_ms) for one that FITS; others
 * are ignored, for anybody may have sent them. False with WHY, for people, when none came.
 */
MUST_CHECK bool carry_udp(const struct carry_server *server, struct str message, int64_t until_ms,
                          bool (*fits)(void *arg, struct str message), void *arg, struct arena *arena, struct str *ret,
                          char why[CARRY_WHY]);

/* A connection; the caller closes it with carry_close. -1 with WHY when there is none by UNTIL_MS. */
MUST_CHECK int carry_connect(const struct carry_server *server, int64_t until_ms, char why[CARRY_WHY]);
/* Messages of at most CARRY_MAX_BYTES. False with WHY: the connection is of no more use. */
MUST_CHECK bool carry_send(int fd, struct str message, int64_t until_ms, char why[CARRY_WHY]);
MUST_CHECK bool carry_receive(int fd, int64_t until_ms, struct arena *arena, struct str *ret, char why[CARRY_WHY]);
/* -1 is fine. */
void carry_close(int fd);
