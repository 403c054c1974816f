/* What lives in the embedded database: its tables, and their upkeep. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "db/db.h"

/* For db_open. */
extern const struct db_schema store_schema;

#endif
