// The client of bench/delivery.ts where there is a C compiler: light, so that the server is what is measured, and punctual.
// One thread, kept TLS connections, one request at a time on each. It begins when a line of its input says what to do:
//
//   max REQUESTS              as fast as answers come; prints seconds
//   paced REQUESTS PER_S      at even times, whether those before are answered or not; prints each one's microseconds, one
//                             a line, from when it was due
//
//   delivery-load PORT CERTIFICATE KEY AUTHORITY TARGET CONNECTIONS
//
// As root it runs at real-time priority (its parent's, where that has one), so that its timers are not late because of others.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ROOM 262144
#define MOST_CONNECTIONS 64

typedef struct {
  int fd;
  SSL *ssl;
  // Of the request under way: its number, or -1.
  long number;
  // Bytes of the answer read so far; how many it has, once its head is whole.
  size_t read;
  size_t whole;
  char *answer;
} Line;

static Line lines[MOST_CONNECTIONS];
static int idle[MOST_CONNECTIONS];
static int idle_count;
static char request[1024];
static int request_bytes;
static int poll_fd;

static void fail(const char *what) {
  fprintf(stderr, "delivery-load: %s\n", what);
  exit(1);
}

static double now_s(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void open_line(Line *line, SSL_CTX *context, int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  line->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(line->fd, (struct sockaddr *)&to, sizeof to) != 0) fail("cannot connect");
  int on = 1;
  setsockopt(line->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  line->ssl = SSL_new(context);
  SSL_set_fd(line->ssl, line->fd);
  if (SSL_connect(line->ssl) != 1) fail("the TLS handshake failed");
  fcntl(line->fd, F_SETFL, O_NONBLOCK);
  line->answer = malloc(ROOM);
  line->number = -1;
}

static void ask(Line *line, long number) {
  line->number = number;
  line->read = 0;
  line->whole = 0;
  if (SSL_write(line->ssl, request, request_bytes) != request_bytes) fail("a request was not taken");
}

// Whether the answer is whole.
static int take(Line *line) {
  for (;;) {
    int got = SSL_read(line->ssl, line->answer + line->read, (int)(ROOM - 1 - line->read));
    if (got <= 0) {
      if (SSL_get_error(line->ssl, got) != SSL_ERROR_WANT_READ) fail("the server has closed the connection");
      return 0;
    }
    line->read += (size_t)got;
    line->answer[line->read] = 0;
    if (line->number < 0) fail("bytes that nobody has asked for");
    if (line->whole == 0) {
      char *end = strstr(line->answer, "\r\n\r\n");
      if (end == NULL) continue;
      char *length = strcasestr(line->answer, "\r\ncontent-length: ");
      if (length == NULL || length > end) fail("an answer without a length");
      line->whole = (size_t)(end + 4 - line->answer) + strtoul(length + 18, NULL, 10);
      if (strncmp(line->answer + 9, "200", 3) != 0) fail(line->answer);
      if (line->whole >= ROOM) fail("an answer that is too long");
    }
    if (line->read > line->whole) fail("an answer longer than it says");
    if (line->read == line->whole) return 1;
  }
}

static void run(long requests, double per_s, double *due_to_answer_us) {
  struct epoll_event events[MOST_CONNECTIONS];
  long sent = 0;
  long answered = 0;
  double began = now_s();
  while (answered < requests) {
    while (sent < requests && idle_count > 0 && (per_s == 0 || began + (double)sent / per_s <= now_s()))
      ask(&lines[idle[--idle_count]], sent++);
    struct timespec wait = {.tv_sec = 1};
    if (per_s > 0 && sent < requests && idle_count > 0) {
      double left = began + (double)sent / per_s - now_s();
      wait = (struct timespec){.tv_nsec = left > 0 ? (long)(left * 1e9) % 1000000000 : 0};
    }
    int ready = epoll_pwait2(poll_fd, events, MOST_CONNECTIONS, &wait, NULL);
    for (int i = 0; i < ready; i++) {
      Line *line = &lines[events[i].data.u32];
      if (!take(line)) continue;
      if (due_to_answer_us != NULL)
        due_to_answer_us[line->number] = (now_s() - began - (double)line->number / per_s) * 1e6;
      line->number = -1;
      idle[idle_count++] = (int)events[i].data.u32;
      answered++;
    }
  }
}

int main(int count, char **words) {
  if (count != 7) fail("PORT CERTIFICATE KEY AUTHORITY TARGET CONNECTIONS");
  int connections = atoi(words[6]);
  if (connections < 1 || connections > MOST_CONNECTIONS) fail("1 to 64 connections");
  signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_TIMERSLACK, 1);
  struct sched_param priority = {.sched_priority = 1};
  if (sched_getscheduler(0) == SCHED_OTHER) sched_setscheduler(0, SCHED_RR, &priority);
  request_bytes = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n", words[5]);
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  if (SSL_CTX_use_certificate_chain_file(context, words[2]) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, words[3], SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_load_verify_locations(context, words[4], NULL) != 1)
    fail("a certificate or a key cannot be read");
  poll_fd = epoll_create1(0);
  for (int i = 0; i < connections; i++) {
    open_line(&lines[i], context, atoi(words[1]));
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (unsigned)i};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, lines[i].fd, &event);
    idle[idle_count++] = i;
  }
  char order[128];
  while (fgets(order, sizeof order, stdin) != NULL) {
    long requests = 0;
    double per_s = 0;
    if (sscanf(order, "max %ld", &requests) == 1 && requests > 0) {
      double began = now_s();
      run(requests, 0, NULL);
      printf("%.6f\n", now_s() - began);
    } else if (sscanf(order, "paced %ld %lf", &requests, &per_s) == 2 && requests > 0 && per_s > 0) {
      double *us = calloc((size_t)requests, sizeof *us);
      run(requests, per_s, us);
      for (long i = 0; i < requests; i++) printf("%.1f\n", us[i]);
      free(us);
    } else fail("max REQUESTS, or paced REQUESTS PER_S");
    fflush(stdout);
  }
  return 0;
}
