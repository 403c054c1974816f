#include "base/status.h"

#include <stddef.h>

const char *
status_text(enum status st)
{
	switch (st) {
	case ST_OK:
		return "ok";
	case ST_NOMEM:
		return "out of memory";
	case ST_IO:
		return "input/output error";
	case ST_BUSY:
		return "busy, try again";
	case ST_TIMEOUT:
		return "timed out";
	case ST_TOOBIG:
		return "too large";
	case ST_FULL:
		return "the disk is full";
	case ST_MALFORMED:
		return "malformed";
	case ST_UNSUPPORTED:
		return "not supported";
	case ST_NOTFOUND:
		return "not found";
	case ST_EXISTS:
		return "exists already";
	case ST_DENIED:
		return "refused";
	case ST_CONFIG:
		return "wrong configuration";
	case ST_CORRUPT:
		return "damaged data";
	case ST_UNAVAILABLE:
		return "not available now";
	}
	return "unknown status";
}

enum status
status_worse(enum status a, enum status b)
{
	static const enum status order[] = { ST_NOMEM, ST_CONFIG,
		ST_UNAVAILABLE };
	size_t i;

	if (b == ST_OK)
		return a;
	for (i = 0; i < sizeof(order) / sizeof(order[0]) && a != ST_OK; i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return a == ST_OK ? b : a;
}
