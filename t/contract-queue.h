/*
 * The contract of struct queue_ops, case by case: every back end runs this
 * same list. What a back end cannot do for reasons of its own it says in its
 * row; the cases that need it then assert nothing.
 */
#ifndef T_CONTRACT_QUEUE_H
#define T_CONTRACT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "store/queue.h"
#include "t/test.h"

struct db;

/* A back end under test. */
struct contract_queue {
	/* A fresh place, where every queue is empty. */
	void (*begin)(void);
	/* A handle on the queue "a" or "b" of that place; may be asked for
	 * several times, by several threads. */
	struct queue *(*open)(const char *name);
	/* The place is gone; all handles were closed. */
	void (*end)(void);
	/* The database, if it is local to one; NULL: it is not. */
	struct db *(*db)(void);
	/* Damage the body of the only item of "a"; NULL: cannot be done. */
	void (*damage)(void);

	size_t body_max; /* a longer body is ST_TOOBIG */
	bool ordered; /* equally due items leave in the order they came */
	bool grouped; /* and those of a group one after another */
	bool batches; /* several of a group can be taken and settled together */
	bool dedupes; /* a repeat of dedupe is taken once */
	bool binary; /* a body may be any bytes, NUL among them */
	bool peeks; /* can look without taking */
	bool redrives;

	/* What a remote queue may do otherwise. */
	bool ageless; /* it does not tell the age of the oldest */
	bool hidden_is_taken; /* released and not yet due counts as taken */
};

/* Choose the back end, then run the tests. */
void contract_queue_use(const struct contract_queue *);

/* Order within a group, on an empty queue that promises it. */
void contract_queue_groups(struct queue *);

extern const struct test contract_queue_tests[];
extern const size_t contract_queue_tests_n;

#endif
