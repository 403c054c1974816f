/* Causes of explain.h: nearly the right token. */
#include "twilio/explain.h"

#include <ctype.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What a file, a shell or a form may have put around it. */
static void
bare(struct buf *b, const char *s, size_t len)
{
	static const char around[] = " \t\r\n\"'";

	for (; len > 0 && strchr(around, *s) != NULL; s++, len--)
		;
	for (; len > 0 && strchr(around, s[len - 1]) != NULL; len--)
		;
	buf_put(b, s, len);
}

static void
lower(struct buf *b, const char *s, size_t len)
{
	for (; len > 0; s++, len--)
		buf_putc(b, (char)tolower((unsigned char)*s));
}

static void
upper(struct buf *b, const char *s, size_t len)
{
	for (; len > 0; s++, len--)
		buf_putc(b, (char)toupper((unsigned char)*s));
}

static void
cut_short(struct buf *b, const char *s, size_t len)
{
	buf_put(b, s, len > 32 ? 32 : len); /* a token is 32 hex digits */
}

static void
with_lf(struct buf *b, const char *s, size_t len)
{
	buf_put(b, s, len);
	buf_putc(b, '\n');
}

static void
with_crlf(struct buf *b, const char *s, size_t len)
{
	buf_put(b, s, len);
	buf_puts(b, "\r\n");
}

static void
with_space(struct buf *b, const char *s, size_t len)
{
	buf_put(b, s, len);
	buf_putc(b, ' ');
}

struct change {
	text_fn *fn;
	const char *what;
};

static const struct change changes[] = {
	{ bare,
	    "the token fits without the white space, line end or quotes "
	    "around it; take them off twilio.auth_token" },
	{ lower,
	    "the token fits in lower case; write it so in "
	    "twilio.auth_token" },
	{ upper,
	    "the token fits in upper case; write it so in "
	    "twilio.auth_token" },
	{ cut_short,
	    "the token fits when cut to 32 characters; something "
	    "stands behind it in twilio.auth_token" },
	{ with_lf,
	    "whoever signed this used the token with a line end after "
	    "it" },
	{ with_crlf, "whoever signed this used the token with CRLF after it" },
	{ with_space,
	    "whoever signed this used the token with a space after "
	    "it" },
};

static bool
try_change(struct search *s, const char *token, text_fn *fn)
{
	const char *tokens[2] = { NULL, NULL };
	struct buf text = BUF_INIT;
	bool fits;

	fn(&text, token, strlen(token));
	if (text.err != ST_OK)
		s->st = text.err;
	tokens[0] = buf_str(&text);
	fits = search_try_tokens(s, tokens);
	buf_wipe(&text);
	return fits;
}

bool
explain_token(struct search *s)
{
	size_t i, t;

	for (t = 0; s->tokens[t] != NULL; t++)
		for (i = 0; i < COUNT(changes); i++)
			if (s->tokens[t][0] != '\0' &&
			    try_change(s, s->tokens[t], changes[i].fn))
				return search_tell(
				    s, "token: %s.", changes[i].what);
	return false;
}
