/* What lives in the embedded database: its tables, and their upkeep. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "store/db.h"

/* The product's own; db_open takes it unless told otherwise. */
extern const struct db_schema store_schema;

#endif
