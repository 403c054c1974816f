#include "codec/xml_declaration.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define WRITE_IT "write <?xml version=\"1.0\" encoding=\"UTF-8\"?>"

static const char *
skip_space(const char *s)
{
	return s + strspn(s, " \t\n\r");
}

/* Take one NAME="VALUE", after white space; false if it is not this one. */
static bool
take(const char **at, const char *name, const char **value, size_t *len)
{
	const char *s = skip_space(*at);
	char quote;

	if (s == *at || strncmp(s, name, strlen(name)) != 0)
		return false;
	s = skip_space(s + strlen(name));
	if (*s != '=')
		return false;
	quote = *(s = skip_space(s + 1));
	if (quote != '"' && quote != '\'')
		return false;
	*value = ++s;
	*len = strcspn(s, quote == '"' ? "\"<>" : "'<>");
	if (s[*len] != quote)
		return false;
	*at = s + *len + 1;
	return true;
}

enum status
xml_declaration(const char *text, size_t *end, const char **wrong)
{
	const char *at = text + strlen("<?xml"), *value;
	size_t len;

	*wrong = "the declaration is malformed; " WRITE_IT;
	if (!take(&at, "version", &value, &len))
		return ST_MALFORMED;
	if (len != 3 || memcmp(value, "1.0", 3) != 0) {
		*wrong = "only XML 1.0 is read; " WRITE_IT;
		return ST_UNSUPPORTED;
	}
	if (take(&at, "encoding", &value, &len) &&
	    (len != 5 || strncasecmp(value, "UTF-8", 5) != 0)) {
		*wrong = "only UTF-8 is read; save the file as UTF-8 and "
			 "say encoding=\"UTF-8\"";
		return ST_UNSUPPORTED;
	}
	if (take(&at, "standalone", &value, &len) &&
	    !(len == 3 && memcmp(value, "yes", 3) == 0) &&
	    !(len == 2 && memcmp(value, "no", 2) == 0))
		return ST_MALFORMED;
	at = skip_space(at);
	if (at[0] != '?' || at[1] != '>')
		return ST_MALFORMED;
	*end = (size_t)(at + 2 - text);
	return ST_OK;
}
