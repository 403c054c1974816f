/*
 * Conversations: who a sender is and whether people have taken over. A port:
 * each back end fills struct store_ops, and its handle embeds struct store
 * first. Chosen by the scheme of whatsapp.conversations ("sqlite:",
 * "dynamodb:NAME").
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Strings are "" or NULL where the conversation has no such value. */
struct conversation {
	char *id; /* unique */
	char *tel; /* the sender, see sender.h */
	char *thread_id;
	char *company_id;
	char *project_id;
	bool handoff; /* handoff_to_human */
	int64_t created_us; /* newest wins; equal times: the later added */
	bool opted_out; /* the sender said STOP, and not START since */
};

void conversation_release(struct conversation *);

/* What is to change of one: NULL stays as it is, "" takes the value away. */
struct conversation_change {
	const char *tel; /* not "" */
	const char *thread_id;
	const char *company_id;
	const char *project_id;
	const bool *handoff;
	const bool *opted_out;
};

struct store;

/* Gets each row; its strings live for the call. Not ST_OK ends the walk. */
typedef enum status store_row_fn(const struct conversation *, void *arg);

struct store_ops {
	/* The newest of that sender, or ST_NOTFOUND. The caller releases it. */
	enum status (*newest)(
	    struct store *, const char *tel, struct conversation *);
	/* By id, or ST_NOTFOUND. The caller releases it. */
	enum status (*get)(
	    struct store *, const char *id, struct conversation *);
	/* ST_EXISTS if the id is taken; the first stays as it was.
	 * ST_MALFORMED without an id or a tel. */
	enum status (*add)(struct store *, const struct conversation *);
	/* ST_NOTFOUND if there is no such id, ST_MALFORMED if tel is "". */
	enum status (*set)(
	    struct store *, const char *id, const struct conversation_change *);
	/* ST_NOTFOUND if there is no such id. */
	enum status (*remove)(struct store *, const char *id);
	/* Newest first, of one sender or (tel NULL) of all, at most limit. */
	enum status (*list)(struct store *, const char *tel, size_t limit,
	    store_row_fn *, void *arg);
	void (*close)(struct store *);
};

struct store {
	const struct store_ops *ops;
};

#endif
