/* Conversations in the embedded database. */
#ifndef STORE_SQLITE_STORE_H
#define STORE_SQLITE_STORE_H

#include "store/store.h"

struct db;

/* ST_OK or ST_NOMEM. The db must outlive the store. */
enum status sqlite_store_open(struct db *, struct store **);

#endif
