/* One cause of explain.h: the same URL, its bytes encoded in another way. */
#include "twilio/explain.h"

#include <ctype.h>
#include <string.h>

#include "codec/form.h"

/* Servers, browsers and URL libraries each have some of these habits. */
void
explain_unescape(struct buf *b, const char *s, size_t len)
{
	size_t i;
	int byte;

	for (i = 0; i < len; i++) {
		byte = url_hex_byte(s + i, s + len);
		buf_putc(b, byte >= 0 ? (char)byte : s[i]);
		i += byte >= 0 ? 2 : 0;
	}
}

/* Each byte in the set becomes an escape. */
static void
escape_those(struct buf *b, const char *s, size_t len, const char *set)
{
	for (; len > 0; s++, len--) {
		if (*s != '\0' && strchr(set, *s) != NULL)
			url_put_escaped(b, *s);
		else
			buf_putc(b, *s);
	}
}

/* Each escape of a byte in the set becomes the byte. */
static void
unescape_those(struct buf *b, const char *s, size_t len, const char *set)
{
	size_t i;
	int byte;

	for (i = 0; i < len; i++) {
		byte = url_hex_byte(s + i, s + len);
		if (byte > 0 && strchr(set, byte) != NULL) {
			buf_putc(b, (char)byte);
			i += 2;
		} else {
			buf_putc(b, s[i]);
		}
	}
}

static void
quote_escaped(struct buf *b, const char *s, size_t len)
{
	escape_those(b, s, len, "'");
}

static void
quote_raw(struct buf *b, const char *s, size_t len)
{
	unescape_those(b, s, len, "'");
}

static void
reserved_escaped(struct buf *b, const char *s, size_t len)
{
	escape_those(b, s, len, "!'()*,:;@$/?[]|");
}

static void
reserved_raw(struct buf *b, const char *s, size_t len)
{
	unescape_those(b, s, len, "!'()*,:;@$/?[]|");
}

static void
hex_cased(struct buf *b, const char *s, size_t len, int (*to)(int))
{
	size_t i;

	for (i = 0; i < len; i++) {
		buf_putc(b, s[i]);
		if (url_hex_byte(s + i, s + len) < 0)
			continue;
		buf_putc(b, (char)to((unsigned char)s[++i]));
		buf_putc(b, (char)to((unsigned char)s[++i]));
	}
}

static void
hex_upper(struct buf *b, const char *s, size_t len)
{
	hex_cased(b, s, len, toupper);
}

static void
hex_lower(struct buf *b, const char *s, size_t len)
{
	hex_cased(b, s, len, tolower);
}

static void
space_escaped(struct buf *b, const char *s, size_t len)
{
	for (; len > 0; s++, len--)
		*s == '+' ? buf_puts(b, "%20") : buf_putc(b, *s);
}

static void
space_plus(struct buf *b, const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (url_hex_byte(s + i, s + len) == ' ') {
			buf_putc(b, '+');
			i += 2;
		} else {
			buf_putc(b, s[i]);
		}
	}
}

/* What a browser escapes in a query (url.spec.whatwg.org, special-query). */
static void
as_browser(struct buf *b, const char *s, size_t len)
{
	unsigned char c;

	for (; len > 0; s++, len--) {
		c = (unsigned char)*s;
		if (c <= ' ' || c > '~' || strchr("\"#<>'", c) != NULL)
			url_put_escaped(b, *s);
		else
			buf_putc(b, *s);
	}
}

/* Read as a form and written again, with put for names and values. */
static void
as_form(struct buf *b, const char *s, size_t len,
    enum status (*put)(struct buf *, const char *, size_t))
{
	struct kv kv = KV_INIT;
	bool malformed;
	size_t i;

	if (form_parse(s, len, &kv, &malformed) == ST_NOMEM)
		b->err = ST_NOMEM;
	for (i = 0; i < kv.n; i++) {
		if (i > 0)
			buf_putc(b, '&');
		put(b, kv.pairs[i].name, kv.pairs[i].name_len);
		buf_putc(b, '=');
		put(b, kv.pairs[i].value, kv.pairs[i].value_len);
	}
	kv_release(&kv);
}

static void
as_form_plus(struct buf *b, const char *s, size_t len)
{
	as_form(b, s, len, form_encode_value);
}

static void
as_form_percent(struct buf *b, const char *s, size_t len)
{
	as_form(b, s, len, url_encode);
}

struct habit {
	text_fn *fn;
	const char *what; /* how Twilio had it, to end "signed the URL with" */
};

static const struct habit habits[] = {
	{ quote_escaped, "%27 for each quote (')" },
	{ quote_raw, "a plain quote (') for each %27" },
	{ space_escaped, "%20 for each \"+\"" },
	{ space_plus, "\"+\" for each %20" },
	{ hex_upper, "its percent-escapes in upper case" },
	{ hex_lower, "its percent-escapes in lower case" },
	{ as_browser,
	    "spaces, quotes and non-ASCII letters escaped, as a "
	    "browser does" },
	{ reserved_escaped, "punctuation like \":\" and \"@\" escaped" },
	{ reserved_raw, "punctuation like \":\" and \"@\" not escaped" },
	{ explain_unescape, "no percent-escapes at all" },
	{ as_form_plus, "its query written anew by a form encoder" },
	{ as_form_percent,
	    "its query written anew, all but letters, digits "
	    "and -._~ escaped" },
};

/* The habit on the query alone, and on path and query. */
static bool
try_habit(struct search *s, const struct habit *habit)
{
	struct buf path = BUF_INIT, query = BUF_INIT;
	struct url u = s->url;
	bool found;

	if (u.query.data != NULL) {
		habit->fn(&query, u.query.data, u.query.len);
		u.query = (struct url_part){ buf_str(&query), query.len };
	}
	found = search_try_url(s, &u);
	if (!found && habit->fn != as_form_plus &&
	    habit->fn != as_form_percent) {
		habit->fn(&path, u.path.data, u.path.len);
		u.path = (struct url_part){ buf_str(&path), path.len };
		found = search_try_url(s, &u);
	}
	if (path.err != ST_OK || query.err != ST_OK)
		s->st = ST_NOMEM;
	buf_release(&path);
	buf_release(&query);
	return found;
}

bool
explain_encoding(struct search *s)
{
	size_t i;

	for (i = 0; i < sizeof(habits) / sizeof(habits[0]); i++)
		if (try_habit(s, &habits[i]))
			return search_tell(s,
			    "encoding: Twilio signed the URL with %s; what "
			    "arrived here was written anew on the way. Check "
			    "the raw bytes of the request, or write the URL "
			    "in Twilio's console as it arrives.",
			    habits[i].what);
	return false;
}
