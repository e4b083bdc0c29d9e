/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The HTTP server under clients that hold on to their connections. */
#include "http/http_server_io.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct http_server *server;

static void on_begin(void *context, struct http_exchange *x)
{
    (void)context;
    http_answer(x, 200, "text/plain", DS_SPAN("ok\n"));
}

static void turn(int ms)
{
    struct pollfd p = {.fd = http_server_fd(server), .events = POLLIN};
    (void)poll(&p, 1, ms);
    http_server_turn(server);
}

/* From 127.0.0.<last>. */
static int client(unsigned last)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000u + last)};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons(http_server_port(server))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* Is a request on fd answered? */
static bool answers(int fd)
{
    static const char REQUEST[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    char text[256];
    ssize_t n = -1;
    (void)send(fd, REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL);
    for (int i = 0; i < 200 && n < 0; i++) {
        turn(20);
        n = recv(fd, text, sizeof text, MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN)
            n = 0;
    }
    return n > 12 && memcmp(text, "HTTP/1.1 200", 12) == 0;
}

Test(http_server, one_address_cannot_take_all_connections)
{
    const struct http_server_options o = {.address = "127.0.0.1",
                                          .max_connections = 16,
                                          .max_per_address = 4,
                                          .handler = {.begin = on_begin}};
    struct ds_err err = {0};
    int idle[30], other;
    unsigned n = 0;
    cr_assert_eq(http_server_open(&o, &server, &err), 0, "%s", err.text);
    for (size_t i = 0; i < DS_COUNT(idle); i++) {
        idle[i] = client(2);
        turn(20);
    }
    other = client(3);
    cr_expect(answers(other), "somebody else is answered all the while");
    for (size_t i = 0; i < DS_COUNT(idle); i++) {
        n += answers(idle[i]);
        (void)close(idle[i]);
    }
    cr_expect_eq(n, 4, "%u", n);
    (void)close(other);
    http_server_close(server);
}
