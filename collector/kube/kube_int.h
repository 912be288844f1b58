/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube_int.h - shared by kube.c, kube_feed.c and kube_line.c: a cluster and its feeds.
 *
 * A feed keeps one kind of object up to date: a list, page by page, then watches. All of it belongs
 * to the cluster's thread, except what is said to be any thread's.
 */
#ifndef MEWS_COLLECTOR_KUBE_KUBE_INT_H
#define MEWS_COLLECTOR_KUBE_KUBE_INT_H

#include "collector/kube/kube.h"
#include "collector/kube/kube_server.h"
#include "common/counter.h"
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
	PAGE_OBJECTS = 200,  /* asked for in one page of a list */
	PAGE_MAX = 32 << 20, /* bytes of a page: a larger one is asked for in halves */
	LINE_MAX_ = 8 << 20, /* bytes of a line of a watch */
	ERROR_MAX = 4096,    /* bytes kept of an error's body */
	WATCH_S = 60,        /* a watch ends after this, and at most half as much again */
	LIST_S = 60,         /* for a page to arrive */
	BACKOFF_MAX_S = 30,  /* between two attempts */
	DENIED_S = 60,       /* between two attempts of what is not allowed */
	STALE_S = 10,        /* trouble that lasts this long is blindness */
	VERSION_MAX = 64,    /* a resourceVersion with its NUL */
};

enum feed_step { FEED_REST, FEED_LIST, FEED_WATCH };

/* Why a request ended, beyond what curl says. */
enum feed_end { END_NONE, END_EXPIRED, END_TOO_LARGE, END_NONSENSE, END_ERROR };

struct feed {
	struct kube *kube;
	enum kube_kind kind;
	enum feed_step step;
	CURL *easy;
	struct curl_slist *headers;
	char error[CURL_ERROR_SIZE];
	char version[VERSION_MAX]; /* watch from here on; "": list first */
	char *more;                /* the list continues with this; NULL: from its begin */
	struct buf in;             /* the page, or a line under way */
	unsigned page;             /* objects to ask for */
	enum feed_end end;
	uint64_t due;     /* monotonic ns: when the next request begins */
	uint64_t began;   /* of the present one */
	unsigned fails;   /* one after the other */
	uint64_t failing; /* monotonic ns since when; 0: it works */
	bool listed;      /* once */
	_Atomic bool denied;
};

struct kube {
	/* The configuration. */
	bool enabled, insecure;
	const char *cluster, *kubeconfig, *context;
	uint64_t memory, wait_ms;
	/* The rest is the thread's. */
	struct kube_store *store; /* readers: any thread */
	struct feed feeds[KUBE_KINDS];
	CURLM *multi;
	pthread_t thread;
	bool running;
	_Atomic bool stopping;
	uint64_t seed;
	uint64_t told;          /* trouble was logged, monotonic ns; 0: all is well */
	_Atomic uint64_t since; /* of the trouble, monotonic ns; 0: none. Any thread */
	_Atomic bool synced;
	counter lists, watches, changes, errors, expired;
	pthread_mutex_t lock; /* guards: */
	char trouble[256];
};

/* ---- kube_feed.c ---- */

/* Begin the next request of a feed that rests, if it is due. */
void feed_start(struct feed *f, uint64_t now);
/* Call it every second: a watch that has gone on for that long works. */
void feed_tick(struct feed *f, uint64_t now);
/* Its request has ended. */
void feed_done(struct feed *f, CURLcode code, uint64_t now);
void feed_fini(struct feed *f);

/* ---- kube_line.c ---- */

/* Take a page of a list. 0; -EBADMSG: it is none; -ENOMEM. */
int feed_page(struct feed *f, uint64_t now) MUST_CHECK;
/* Take a line of a watch; what ends the watch is in f->end. */
void feed_line(struct feed *f, struct slice line, uint64_t now);

#endif
