/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redactor.h - secrets in the arguments and the environment of a record, before it joins a batch.
 *
 * So they are in no batch, no file of the spool, no recording, and nothing that the collector makes
 * of it. Belongs to the loop thread; one for all nodes of the process. No allocation per record.
 */
#ifndef MEWS_SENSOR_REDACTOR_H
#define MEWS_SENSOR_REDACTOR_H

#include "common/diag.h"
#include "proto/redact.h"
#include "proto/schema.h"
#include <stdint.h>

struct redactor;

/* 'v': the configured patterns, as redact_new(). -EINVAL and *d; -ENOMEM. */
int redactor_new(const char *const *v, size_t n, struct redactor **ret, struct diag *d) MUST_CHECK;
void redactor_free(struct redactor *r);

/* Records changed so far. NULL: 0. */
uint64_t redactor_count(const struct redactor *r);

/* The record with its secrets replaced and EVF_REDACTED set; 'rec' itself if it has none. Valid
 * until the next call. For records that redactor_looks_at(). */
const struct ev_hdr *redactor_record(struct redactor *r, const struct ev_hdr *rec);

/* Only these events carry arguments or an environment. */
static inline bool
redactor_looks_at(uint16_t type)
{
	switch (type) {
	case EV_EXECVE:
	case EV_EXECVEAT:
	case EV_CLONE:
	case EV_CLONE3:
	case EV_FORK:
	case EV_VFORK:
	case EV_TASK:
	case EV_CONTAINER_INFO:
		return true;
	default:
		return false;
	}
}

#endif
