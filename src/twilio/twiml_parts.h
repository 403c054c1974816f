/* What a compiled template is made of; for twiml.c and twiml_compile.c. */
#ifndef TWILIO_TWIML_PARTS_H
#define TWILIO_TWIML_PARTS_H

#include <stdatomic.h>

#include "twilio/twiml.h"

/* Where a value stands, and so how it is escaped. */
enum twiml_where { TWIML_TEXT, TWIML_ATTR };

/* A run of literal bytes and the slot after it. */
struct twiml_part {
	size_t literal_len;
	size_t name; /* index into names */
	enum twiml_where where;
};

struct twiml {
	atomic_uint holders;
	struct buf literal; /* the runs one after the other, and the last one */
	struct twiml_part *parts;
	size_t parts_n, parts_cap;
	struct twiml_name *names;
	size_t names_n;
	struct buf warnings;
};

#endif
