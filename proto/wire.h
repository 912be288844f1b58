/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.h - numbers and texts shared by both ends of the wire; the messages are in wire.proto.
 */
#ifndef MEWS_PROTO_WIRE_H
#define MEWS_PROTO_WIRE_H

#include "common/buf.h"
#include "common/macros.h"
#include "common/slice.h"
#include "proto/wire.pb-c.h"

#define WIRE_PROTOCOL    4 /* of this program; a sensor also delivers what older ones left */
#define WIRE_OLDEST      3 /* that a collector understands */
#define WIRE_NONCE_SIZE  32
#define WIRE_WINDOW      4          /* requests outstanding per connection */
#define WIRE_MESSAGE_MAX (1u << 20) /* bytes of one message, both ways */
#define WIRE_COLUMNS_MAX (8u << 20) /* bytes of a body before compression */
#define WIRE_EVENTS_MAX  65536      /* events of one body */
#define RECORDING_MAGIC  "MEWSREC3"

/* Drop.cause: why an event did not reach the collector. Append only. */
enum wire_drop {
	DROP_RING_FULL = 1,     /* no room in the kernel's ring */
	DROP_TOO_LONG = 2,      /* longer than EV_RECORD_MAX */
	DROP_FAULT = 3,         /* a needed read failed */
	DROP_SPOOL_FULL = 4,    /* the spool was full before the collector took it */
	DROP_LATE = 5,          /* not dropped: emitted out of order */
	DROP_BAD_RECORD = 6,    /* record_check() refused it */
	DROP_QUARANTINED = 7,   /* the collector refused its batch twice */
	DROP_MISSED = 8,        /* upper bound: the kernel did not run the program */
	DROP_SPOOL_DAMAGED = 9, /* its batch could not be read back from the disk */
	DROP_UNREAD = 10, /* an earlier sensor's rings had it, which this one cannot continue */
	DROP_CAUSES
};

/* SensorStats.blind, bits: parts of its node that a sensor cannot see. Append only. */
enum wire_blind {
	BLIND_IO_URING = 0x1, /* the kernel does not show operations of io_uring */
	BLIND_ENTER = 0x2,    /* a hook is silent on some CPU: at entries of system calls, ... */
	BLIND_EXIT = 0x4,
	BLIND_FORK = 0x8,
	BLIND_EXEC = 0x10,
	BLIND_END = 0x20, /* of threads */
	BLIND_RING = 0x40,
};
#define BLIND_BITS 7

/* Say in a sentence what is not seen; 'bit' is below 64. A bit of a newer sensor has a general
 * text. */
const char *wire_blind_text(unsigned bit);

/*
 * The text signed by a Proof: "mews-proof-1", nonce, node, cluster, collector name, each preceded
 * by its 32-bit big-endian length. The signature uses SHA-256 and the certificate's key (ECDSA or
 * RSA). Appends to 'out'; -ENOMEM.
 */
int wire_proof_text(struct slice nonce, struct slice node, struct slice cluster,
    struct slice collector, struct buf *out) MUST_CHECK;

#endif
