/* Causes that are one change of one part: a table. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "codec/form.h"
#include "twilio/explain.h"

enum part { SCHEME, HOST, PORT, PATH, QUERY, BOTH, FRAGMENT, VALUES, TOKEN };

/*
 * A cause: the part of the request that Twilio had otherwise (BOTH: the query,
 * or it and the path), and how (NULL: it was absent), for which from and to say
 * more. {old} and {new} in words are what the part is here, and what it was.
 */
struct cause {
	enum part part;
	bool (*change)(
	    struct buf *, const char *, size_t len, const struct cause *);
	const char *from, *to;
	const char *words;
};

/* --- ways to change a text: appended to b; false: it cannot be ------------- */

static bool
set(struct buf *b, const char *s, size_t len, const struct cause *c)
{
	(void)s, (void)len;
	buf_puts(b, c->to);
	return true;
}

/* An absent part was there, but empty. */
static bool
begin(struct buf *b, const char *s, size_t len, const struct cause *c)
{
	(void)b, (void)len, (void)c;
	return s == NULL;
}

/* to in place of from at its beginning; at its end; everywhere. */
static bool
front(struct buf *b, const char *s, size_t len, const struct cause *c)
{
	const size_t n = strlen(c->from);

	if (len < n || strncasecmp(s, c->from, n) != 0)
		return false;
	buf_puts(b, c->to);
	buf_put(b, s + n, len - n);
	return true;
}

static bool
back(struct buf *b, const char *s, size_t len, const struct cause *c)
{
	const size_t n = strlen(c->from);

	if (len < n || memcmp(s + len - n, c->from, n) != 0)
		return false;
	buf_put(b, s, len - n);
	buf_puts(b, c->to);
	return true;
}

static bool
replace(struct buf *b, const char *s, size_t len, const struct cause *c)
{
	const size_t n = strlen(c->from);
	const char *end = s + len;

	while (s < end) {
		if ((size_t)(end - s) >= n && memcmp(s, c->from, n) == 0) {
			buf_puts(b, c->to);
			s += n;
		} else {
			buf_putc(b, *s++);
		}
	}
	return true;
}

/* Without the characters of from around it. */
static bool
trim(struct buf *b, const char *s, size_t len, const struct cause *c)
{
	const size_t n = strlen(c->from);

	for (; len > 0 && memchr(c->from, *s, n) != NULL; s++, len--)
		;
	for (; len > 0 && memchr(c->from, s[len - 1], n) != NULL; len--)
		;
	buf_put(b, s, len);
	return true;
}

static bool
lower(struct buf *b, const char *s, size_t len, const struct cause *c)
{
	(void)c;
	for (; len > 0; s++, len--)
		buf_putc(b, (char)tolower((unsigned char)*s));
	return true;
}

static bool
upper(struct buf *b, const char *s, size_t len, const struct cause *c)
{
	(void)c;
	for (; len > 0; s++, len--)
		buf_putc(b, (char)toupper((unsigned char)*s));
	return true;
}

/* A token is 32 hexadecimal digits. */
static bool
cut(struct buf *b, const char *s, size_t len, const struct cause *c)
{
	(void)c;
	buf_put(b, s, len < 32 ? len : 32);
	return true;
}

/* Each byte of from is an escape. */
static bool
escape(struct buf *b, const char *s, size_t len, const struct cause *c)
{
	for (; len > 0; s++, len--)
		if (*s != '\0' && strchr(c->from, *s) != NULL)
			url_put_escaped(b, *s);
		else
			buf_putc(b, *s);
	return true;
}

/* Each escape of a byte of from (NULL: of any) is that byte. */
static bool
unescape(struct buf *b, const char *s, size_t len, const struct cause *c)
{
	size_t i;
	int byte;

	for (i = 0; i < len; i++) {
		byte = url_hex_byte(s + i, s + len);
		if (byte >= 0 && c->from != NULL &&
		    (byte == '\0' || strchr(c->from, byte) == NULL))
			byte = -1;
		buf_putc(b, byte >= 0 ? (char)byte : s[i]);
		i += byte >= 0 ? 2 : 0;
	}
	return true;
}

/* Escapes in upper-case hex, or lower if from says so. */
static bool
hex(struct buf *b, const char *s, size_t len, const struct cause *c)
{
	size_t i, n;

	for (i = 0; i < len; i += n) {
		n = url_hex_byte(s + i, s + len) < 0 ? 1 : 3;
		if (n == 1)
			buf_putc(b, s[i]);
		else if (c->from != NULL)
			lower(b, s + i, n, c);
		else
			upper(b, s + i, n, c);
	}
	return true;
}

/* What a browser escapes in a query (url.spec.whatwg.org, special-query). */
static bool
browser(struct buf *b, const char *s, size_t len, const struct cause *c)
{
	(void)c;
	for (; len > 0; s++, len--)
		if (*s <= ' ' || *s > '~' || strchr("\"#<>'", *s) != NULL)
			url_put_escaped(b, *s);
		else
			buf_putc(b, *s);
	return true;
}

/* As a form has it, with "+" for a space, or "%20" if from says so. */
static bool
encode(struct buf *b, const char *s, size_t len, const struct cause *c)
{
	if (c->from == NULL)
		form_encode_value(b, s, len);
	else
		url_encode(b, s, len);
	return true;
}

/* Read as a form and written again. */
static bool
rewrite(struct buf *b, const char *s, size_t len, const struct cause *c)
{
	struct kv kv = KV_INIT;
	bool malformed;
	size_t i;

	if (form_parse(s, len, &kv, &malformed) != ST_OK)
		b->err = ST_NOMEM;
	for (i = 0; i < kv.n; i++) {
		if (i > 0)
			buf_putc(b, '&');
		encode(b, kv.pairs[i].name, kv.pairs[i].name_len, c);
		buf_putc(b, '=');
		encode(b, kv.pairs[i].value, kv.pairs[i].value_len, c);
	}
	kv_release(&kv);
	return true;
}

/* What is no valid UTF-8 is U+FFFD. */
static bool
valid_utf8(struct buf *b, const char *s, size_t len, const struct cause *c)
{
	size_t at, step;
	bool valid;

	(void)c;
	for (at = 0; at < len; at += step) {
		step = utf8_step(s + at, len - at, &valid);
		if (valid)
			buf_put(b, s + at, step);
		else
			buf_puts(b, UTF8_REPLACEMENT);
	}
	return true;
}

/* A path as a server gives it that tidies "//", "/./" and "/../". */
static bool
tidy(struct buf *b, const char *s, size_t len, const struct cause *c)
{
	const char *end = s + len, *stop;
	size_t n;

	(void)c;
	for (; s < end; s = stop) {
		stop = memchr(s + 1, '/', (size_t)(end - s) - 1);
		stop = stop == NULL ? end : stop;
		n = (size_t)(stop - s);
		if (n == 3 && memcmp(s, "/..", 3) == 0) {
			while (b->len > 0 && b->data[--b->len] != '/')
				;
		} else if ((n > 1 || stop == end) && !(n == 2 && s[1] == '.')) {
			buf_put(b, s, n);
		}
	}
	return true;
}

/* A path whose first segment stands twice: once in each of two settings. */
static bool
twice(struct buf *b, const char *s, size_t len, const struct cause *c)
{
	const char *second = len == 0 ? NULL : memchr(s + 1, '/', len - 1);

	(void)c;
	if (second == NULL)
		return false;
	buf_put(b, s, (size_t)(second - s));
	buf_put(b, s, len);
	return true;
}

/* --- the table ------------------------------------------------------------ */

#define SCHEME_WORDS \
	"scheme: the URL that Twilio called began with {new}://, not " \
	"{old}://; TLS probably ends at a proxy in front. Make " \
	"server.public_url begin with {new}://."
#define PREFIX_WORDS \
	"path: Twilio called the path {new}, whose beginning a proxy takes " \
	"off; write it at the end of server.public_url."
#define ENCODING(what) \
	"encoding: Twilio signed the URL with " what \
	"; what arrived here was encoded again on the way. Check the raw " \
	"bytes of the request, or write the URL in Twilio's console as it " \
	"arrives."
#define HOST_WORDS(what) \
	"host: Twilio called {new}, which differs by " what \
	"; write the host in server.public_url as it is in Twilio's console."
#define PORT_WORDS \
	"port: Twilio called port {new}, which is not in the URL here; add " \
	":{new} to the host in server.public_url."
#define VALUE(what) "value: the values were signed " what "."
#define RESERVED "!'()*,:;@$/?[]|"

static const struct cause first_causes[] = {
	{ SCHEME, set, NULL, "https", SCHEME_WORDS },
	{ SCHEME, set, NULL, "http", SCHEME_WORDS },
	{ SCHEME, set, NULL, "wss", SCHEME_WORDS },
	{ SCHEME, set, NULL, "ws", SCHEME_WORDS },
	{ FRAGMENT, NULL, NULL, NULL,
	    "fragment: what follows \"#\" is never sent nor signed; take it "
	    "off the URL." },
	{ PATH, back, "/", "",
	    "slash: Twilio called the URL without the \"/\" at the end of its "
	    "path; a server in front adds it." },
	{ PATH, back, "", "/",
	    "slash: Twilio called the URL with a \"/\" at the end of its path; "
	    "a server in front takes it off." },
	{ QUERY, NULL, NULL, NULL,
	    "query: Twilio signed the URL without \"?\" and what follows; "
	    "something in front adds it." },
	{ QUERY, begin, NULL, NULL,
	    "query: Twilio signed the URL with a \"?\" at its end, which got "
	    "lost on the way." },
};

static const struct cause last_causes[] = {
	{ PATH, tidy, NULL, NULL,
	    "path: Twilio signed the path without its \"//\", \"/./\" or "
	    "\"/../\"; write it so in server.public_url and in Twilio's "
	    "console." },
	{ PATH, front, "", "/", PREFIX_WORDS },
	{ PATH, front, "", "/twilio", PREFIX_WORDS },
	{ PATH, front, "", "/switchhook.fcgi", PREFIX_WORDS },
	{ PATH, front, "", "/cgi-bin/switchhook.fcgi", PREFIX_WORDS },
	{ PATH, twice, NULL, NULL, PREFIX_WORDS },
	{ BOTH, replace, "'", "%27", ENCODING("%27 for each quote (')") },
	{ BOTH, replace, "%27", "'",
	    ENCODING("a plain quote (') for each %27") },
	{ BOTH, replace, "+", "%20", ENCODING("%20 for each \"+\"") },
	{ BOTH, replace, "%20", "+", ENCODING("\"+\" for each %20") },
	{ BOTH, hex, NULL, NULL,
	    ENCODING("its percent-escapes in upper case") },
	{ BOTH, hex, "lower", NULL,
	    ENCODING("its percent-escapes in lower case") },
	{ BOTH, browser, NULL, NULL,
	    ENCODING("spaces, quotes and non-ASCII letters escaped, as a "
		     "browser does") },
	{ BOTH, escape, RESERVED, NULL,
	    ENCODING("punctuation like \":\" and \"@\" escaped") },
	{ BOTH, unescape, RESERVED, NULL,
	    ENCODING("punctuation like \":\" and \"@\" not escaped") },
	{ BOTH, unescape, NULL, NULL, ENCODING("no percent-escapes at all") },
	{ QUERY, rewrite, NULL, NULL,
	    ENCODING("its query rewritten by a form encoder") },
	{ QUERY, rewrite, "%20", NULL,
	    ENCODING("its query rewritten, all but letters, digits and -._~ "
		     "escaped") },
	{ HOST, lower, NULL, NULL, HOST_WORDS("the case of its letters") },
	{ HOST, front, "www.", "", HOST_WORDS("having no \"www.\"") },
	{ HOST, front, "", "www.", HOST_WORDS("its \"www.\"") },
	{ HOST, back, ".", "", HOST_WORDS("having no dot at its end") },
	{ HOST, back, "", ".", HOST_WORDS("the dot at its end") },
	{ PORT, set, NULL, "443", PORT_WORDS },
	{ PORT, set, NULL, "80", PORT_WORDS },
	{ PORT, set, NULL, "8443", PORT_WORDS },
	{ PORT, set, NULL, "8444", PORT_WORDS },
	{ PORT, set, NULL, "8080", PORT_WORDS },
};

static const struct cause value_causes[] = {
	{ VALUES, trim, " \t\r\n\v\f", NULL,
	    VALUE("trimmed; what arrived here has white space around some") },
	{ VALUES, replace, "\r\n", "\n",
	    VALUE("with LF line ends; here they are CRLF") },
	{ VALUES, replace, "\n", "\r\n",
	    VALUE("with CRLF line ends; here they are LF") },
	{ VALUES, replace, "+", " ",
	    VALUE("with a space for each \"+\": a \"+\" must be sent as "
		  "%2B") },
	{ VALUES, replace, " ", "+",
	    VALUE("with a \"+\" for each space: they were not decoded there, "
		  "or decoded twice here") },
	{ VALUES, unescape, NULL, NULL,
	    VALUE("with their percent-escapes decoded once more") },
	{ VALUES, encode, NULL, NULL,
	    VALUE("as they stand in the body, not decoded") },
	{ VALUES, encode, "%20", NULL,
	    VALUE("as they stand in the body (spaces as %20), not decoded") },
	{ VALUES, valid_utf8, NULL, NULL,
	    VALUE("with U+FFFD for what is not valid UTF-8") },
};

static const struct cause token_causes[] = {
	{ TOKEN, trim, " \t\r\n\"'", NULL,
	    "token: the token or secret fits without the white space, line end "
	    "or quotes around it; take them off in its setting." },
	{ TOKEN, lower, NULL, NULL,
	    "token: the token or secret fits in lower case; write it so in its "
	    "setting." },
	{ TOKEN, upper, NULL, NULL,
	    "token: the token or secret fits in upper case; write it so in its "
	    "setting." },
	{ TOKEN, cut, NULL, NULL,
	    "token: the token or secret fits when cut to 32 characters; "
	    "something stands behind it in its setting." },
	{ TOKEN, back, "", "\n",
	    "token: whoever signed this used the token or secret with a line "
	    "end after "
	    "it." },
	{ TOKEN, back, "", "\r\n",
	    "token: whoever signed this used the token with CRLF after it." },
	{ TOKEN, back, "", " ",
	    "token: whoever signed this used the token with a space after "
	    "it." },
};

/* --- the search ----------------------------------------------------------- */

static bool
try_url(struct search *s, const struct url *u)
{
	struct signature_input variant = s->input;
	struct buf text = BUF_INIT;
	bool fits;

	buf_printf(&text, "%.*s://%.*s", (int)u->scheme.len, u->scheme.data,
	    (int)u->host.len, u->host.data);
	if (u->port.data != NULL)
		buf_printf(&text, ":%.*s", (int)u->port.len, u->port.data);
	buf_put(&text, u->path.data, u->path.len);
	if (u->query.data != NULL)
		buf_printf(&text, "?%.*s", (int)u->query.len, u->query.data);
	if (u->fragment.data != NULL)
		buf_printf(
		    &text, "#%.*s", (int)u->fragment.len, u->fragment.data);
	if (text.err != ST_OK)
		s->st = text.err;
	variant.url = buf_str(&text);
	fits = search_try(s, &variant);
	buf_release(&text);
	return fits;
}

static struct url_part *
part_of(struct url *u, enum part part)
{
	switch (part) {
	case SCHEME:
		return &u->scheme;
	case HOST:
		return &u->host;
	case PORT:
		return &u->port;
	case PATH:
		return &u->path;
	case QUERY:
	case BOTH:
		return &u->query;
	case FRAGMENT:
		return &u->fragment;
	case VALUES:
	case TOKEN:
		break;
	}
	return NULL;
}

/* Change a part, whose text is then in *text. False: it is as it was. */
static bool
change_part(struct url_part *p, struct buf *text, const struct cause *c)
{
	const struct url_part was = *p;

	/* Only these two make a part that is absent. */
	if (was.data == NULL && c->change != set && c->change != begin)
		return false;
	*p = (struct url_part){ NULL, 0 };
	if (c->change == NULL)
		return true;
	if (!c->change(text, was.data, was.len, c))
		return false;
	*p = (struct url_part){ buf_str(text), text->len };
	return was.data == NULL || was.len != p->len ||
	    memcmp(was.data, p->data, p->len) != 0;
}

/* The words with what the part was and is. */
static void
tell(struct search *s, const char *words, const struct url_part *old,
    const struct url_part *new)
{
	const struct url_part *put;
	size_t n;

	for (; *words != '\0'; words += n) {
		put = strncmp(words, "{old}", 5) == 0 ? old
		    : strncmp(words, "{new}", 5) == 0 ? new
						      : NULL;
		n = put != NULL ? 5 : 1;
		if (put != NULL)
			buf_put(s->out, put->data, put->len);
		else
			buf_putc(s->out, *words);
	}
}

static bool
try_part(struct search *s, const struct cause *c)
{
	struct buf text = BUF_INIT, path = BUF_INIT;
	struct url u = s->url, was = s->url;
	struct url_part *part = part_of(&u, c->part);
	bool found;

	found = change_part(part, &text, c) && try_url(s, &u);
	if (!found && c->part == BOTH)
		found = change_part(&u.path, &path, c) && try_url(s, &u);
	if (found)
		tell(s, c->words, part_of(&was, c->part), part);
	if (text.err != ST_OK || path.err != ST_OK)
		s->st = ST_NOMEM;
	buf_release(&text);
	buf_release(&path);
	return found;
}

/* Every value changed, one after the other in text. */
static bool
try_values(struct search *s, const struct cause *c)
{
	struct buf text = BUF_INIT;
	struct kv form = KV_INIT;
	bool fits = false;
	size_t i, from;

	if (!search_copy_form(s, &form))
		goto out;
	for (i = 0; i < form.n; i++) {
		from = text.len;
		c->change(
		    &text, form.pairs[i].value, form.pairs[i].value_len, c);
		form.pairs[i].value_len = text.len - from;
	}
	/* The text stands still from here on. */
	for (i = 0, from = 0; i < form.n; from += form.pairs[i++].value_len)
		form.pairs[i].value = buf_str(&text) + from;
	if (text.err != ST_OK)
		s->st = text.err;
	fits = search_try_form(s, &form) && search_tell(s, "%s", c->words);
out:
	kv_release(&form);
	buf_release(&text);
	return fits;
}

static bool
try_token(struct search *s, const struct cause *c, const char *token)
{
	const char *const *const tokens = s->tokens;
	struct buf text = BUF_INIT;
	bool fits = false;

	if (*token != '\0' && c->change(&text, token, strlen(token), c)) {
		if (text.err != ST_OK)
			s->st = text.err;
		s->tokens = (const char *const[]){ buf_str(&text), NULL };
		fits = search_try(s, &s->input);
		s->tokens = tokens;
	}
	buf_wipe(&text);
	return fits && search_tell(s, "%s", c->words);
}

#define TRY_ALL(fn, s, causes) \
	try_all(fn, s, causes, sizeof(causes) / sizeof((causes)[0]))

static bool
try_all(bool (*fn)(struct search *, const struct cause *), struct search *s,
    const struct cause *causes, size_t n)
{
	const struct cause *c;

	for (c = causes; c < causes + n; c++)
		if (fn(s, c))
			return true;
	return false;
}

static bool
query_in_body(struct search *s)
{
	struct signature_input variant = s->input;
	struct buf url = BUF_INIT;
	bool found;

	if (s->input.form == NULL || s->url.query.data != NULL)
		return false;
	buf_printf(&url, "%s?", s->input.url);
	buf_put(&url, s->input.body, s->input.body_len);
	if (url.err != ST_OK)
		s->st = url.err;
	variant.url = buf_str(&url);
	variant.form = NULL;
	found = search_try(s, &variant) &&
	    search_tell(s,
		"query: Twilio sent these parameters in the query, not in "
		"the body; give them as part of the URL.");
	buf_release(&url);
	return found;
}

/* The path without its first segments, or without what follows them. */
static bool
path_longer(struct search *s)
{
	const char *from = s->url.path.data, *end = from + s->url.path.len;
	const char *rest = from;
	struct url u = s->url;
	int n;

	for (n = 0; n < 8 && rest < end; n++) {
		rest = memchr(rest + 1, '/', (size_t)(end - rest) - 1);
		if (rest == NULL)
			break;
		u.path = (struct url_part){ rest, (size_t)(end - rest) };
		if (try_url(s, &u))
			return search_tell(s,
			    "path: Twilio called the path without \"%.*s\" in "
			    "front; take that off server.public_url, or set "
			    "server.base_path right.",
			    (int)(rest - from), from);
		u.path = (struct url_part){ from, (size_t)(rest - from) };
		if (try_url(s, &u))
			return search_tell(s,
			    "path: Twilio called the path without the \"%.*s\" "
			    "at its end; the server in front adds it.",
			    (int)(end - rest), rest);
	}
	return false;
}

bool
explain_url(struct search *s)
{
	return TRY_ALL(try_part, s, first_causes) || query_in_body(s) ||
	    path_longer(s) || TRY_ALL(try_part, s, last_causes);
}

bool
explain_values(struct search *s)
{
	return TRY_ALL(try_values, s, value_causes);
}

bool
explain_token(struct search *s)
{
	const struct cause *c = token_causes;
	size_t i;

	for (; c < token_causes + sizeof(token_causes) / sizeof(*c); c++)
		for (i = 0; s->tokens[i] != NULL; i++)
			if (try_token(s, c, s->tokens[i]))
				return true;
	return false;
}
