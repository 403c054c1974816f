/*
 * The contract of struct store_ops, case by case: every back end runs this
 * same list.
 */
#ifndef T_CONTRACT_STORE_H
#define T_CONTRACT_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "store/store.h"
#include "t/test.h"

struct db;

/* A back end under test. */
struct contract_store {
	/* A fresh place without any conversation. */
	void (*begin)(void);
	/* A handle on that place; may be asked for several times. */
	struct store *(*open)(void);
	/* The place is gone; all handles were closed. */
	void (*end)(void);
	/* Of the handle opened last, if it is local to one; else NULL. */
	struct db *(*db)(void);
};

/* Choose the back end, then run the tests. */
void contract_store_use(const struct contract_store *);

extern const struct test contract_store_tests[];
extern const size_t contract_store_tests_n;

#endif
