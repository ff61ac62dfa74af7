/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagram sockets of UDP over IPv4. Addresses are in network order, ports are not. Every
 * descriptor is non-blocking.
 */
#ifndef PYR_NATIVE_DATAGRAM_H
#define PYR_NATIVE_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <pyrite/status.h>

#define PYR__DATAGRAM_MAX       1201 /* what is longer arrives cut, with this size */
#define PYR__DATAGRAM_TEXT_SIZE 24

typedef struct pyr__datagram {
	uint32_t from;
	uint16_t from_port;
	uint32_t local; /* the address of this machine that it came to, if need be by broadcast */
	size_t size;
	uint8_t data[PYR__DATAGRAM_MAX];
} pyr__datagram;

/* A socket that may broadcast, at a port that the kernel chooses. */
pyr_status pyr__datagram_open(int *ret_fd, pyr_error *err);

/* One at this port, 0: any free one. address 0: every one; only so it gets broadcasts. */
pyr_status pyr__datagram_listen(
	uint32_t address, uint16_t port, int *ret_fd, uint16_t *ret_port, pyr_error *err);

/* False when there is none. */
bool pyr__datagram_receive(int fd, pyr__datagram *datagram);

/* Blocks until there is one, but for no longer. */
void pyr__datagram_wait(int fd, int64_t timeout_us);

void pyr__datagram_close(int fd);

/* 0 or an errno. */
int pyr__datagram_send(int fd, uint32_t to, uint16_t port, const void *data, size_t size);

/* Answers from the address that the datagram came to. */
void pyr__datagram_answer(int fd, const pyr__datagram *datagram, const void *data, size_t size);

/*
 * Where all that are near can be reached: the broadcast addresses of this machine's networks, at
 * most max, and behind them the machine itself. max is at least 1.
 */
size_t pyr__datagram_everybody(uint32_t *ret_addresses, size_t max);

bool pyr__datagram_is_loopback(uint32_t address);

/* "10.0.0.7:9790" */
void pyr__datagram_text(uint32_t address, uint16_t port, char buf[PYR__DATAGRAM_TEXT_SIZE]);

#endif
