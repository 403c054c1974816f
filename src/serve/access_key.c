#include "serve/access_key.h"

#include "serve/exchange.h"

bool
access_key_pass(struct exchange *x)
{
	exchange_error(x, 403,
	    "Closed: write access keys under [access_keys] in the "
	    "configuration");
	return false;
}
