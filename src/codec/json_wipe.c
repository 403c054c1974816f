#include "codec/json_wipe.h"

#include <string.h>

#include "codec/crypt.h"

void
json_wipe(const struct json *v)
{
	const char *text;

	if (v == NULL)
		return;
	if (json_text(v, &text) == ST_OK)
		crypt_wipe((char *)text, strlen(text));
	if (json_kind(v) != JSON_ARRAY && json_kind(v) != JSON_OBJECT)
		return;
	/* No deeper than JSON_DEPTH_MAX. */
	for (v = json_first(v); v != NULL; v = json_next(v))
		json_wipe(v);
}
