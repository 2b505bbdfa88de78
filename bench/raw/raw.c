/*
 * raw: how fast one UDP socket can be on this machine, without any library.
 *
 *   raw answer PORT           turns requests into responses and sends them back
 *   raw ask PORT WINDOW SECS  keeps WINDOW requests in flight, prints answers a second
 *
 * Both move up to 64 datagrams in a system call.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, SIZE = 2048 };

static uint8_t data[2][BATCH][SIZE]; /* received, to send */
static struct iovec iov[2][BATCH];
static struct mmsghdr msg[2][BATCH];
static struct sockaddr_in peer[BATCH];

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static int open_socket(void)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0), size = 8 << 20;
	if (s < 0) {
		perror("socket");
		exit(1);
	}
	setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	for (int k = 0; k < 2; k++)
		for (int i = 0; i < BATCH; i++) {
			iov[k][i] = (struct iovec){data[k][i], SIZE};
			msg[k][i].msg_hdr.msg_iov = &iov[k][i];
			msg[k][i].msg_hdr.msg_iovlen = 1;
		}
	return s;
}

/* skip returns the offset after the element at p[off], whose length is short. */
static int skip(const uint8_t *p, int off) { return off + 2 + p[off + 1]; }

static void answer(struct sockaddr_in *addr)
{
	int s = open_socket();
	if (bind(s, (struct sockaddr *)addr, sizeof *addr)) {
		perror("bind");
		exit(1);
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		for (int i = 0; i < BATCH; i++) {
			iov[0][i].iov_len = SIZE;
			msg[0][i].msg_hdr.msg_name = &peer[i];
			msg[0][i].msg_hdr.msg_namelen = sizeof peer[i];
		}
		int n = recvmmsg(s, msg[0], BATCH, MSG_WAITFORONE, NULL);
		for (int i = 0; i < n; i++) {
			uint8_t *p = data[0][i];
			int off = p[1] & 0x80 ? 2 + (p[1] & 0x7f) : 2;
			p[skip(p, skip(p, off))] = 0xa2; /* after version and community: the PDU */
			iov[0][i].iov_len = msg[0][i].msg_len;
		}
		for (int sent = 0; sent < n;) {
			int k = sendmmsg(s, msg[0] + sent, n - sent, 0);
			if (k <= 0)
				break;
			sent += k;
		}
	}
}

static void ask(struct sockaddr_in *addr, int window, double duration)
{
	/* SNMPv2c, "public", GetRequest of sysDescr.0; the request-id is at 17 */
	static const uint8_t get[] = {0x30, 41, 2, 1, 1, 4, 6, 'p', 'u', 'b', 'l', 'i', 'c', 0xa0, 28, 2, 4, 0x10, 0, 0, 0, 2, 1, 0, 2, 1,
				      0, 0x30, 14, 0x30, 12, 6, 8, 0x2b, 6, 1, 2, 1, 1, 1, 0, 5, 0};
	int s = open_socket();
	if (connect(s, (struct sockaddr *)addr, sizeof *addr)) {
		perror("connect");
		exit(1);
	}
	for (int i = 0; i < BATCH; i++) {
		memcpy(data[1][i], get, sizeof get);
		iov[1][i].iov_len = sizeof get;
	}
	uint32_t id = 0;
	long answered = 0, in_flight = 0;
	double start = seconds(), now = start;
	for (; now < start + duration; now = seconds()) {
		while (in_flight < window) {
			int n = window - in_flight < BATCH ? window - in_flight : BATCH;
			for (int i = 0; i < n; i++) {
				uint32_t be = htonl(++id & 0x7fffffff);
				memcpy(data[1][i] + 17, &be, 4);
			}
			int k = sendmmsg(s, msg[1], n, 0);
			if (k <= 0)
				break;
			in_flight += k;
		}
		struct pollfd ready = {s, POLLIN, 0};
		if (poll(&ready, 1, 200) == 0) {
			in_flight = 0; /* lost */
			continue;
		}
		int n = recvmmsg(s, msg[0], BATCH, MSG_DONTWAIT, NULL);
		if (n > 0) {
			answered += n;
			in_flight -= n;
		}
	}
	printf("%.0f\n", answered / (now - start));
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 1;
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (!strcmp(argv[1], "answer"))
		answer(&addr);
	if (!strcmp(argv[1], "ask") && argc == 5)
		ask(&addr, atoi(argv[3]), atof(argv[4]));
	return 0;
}
