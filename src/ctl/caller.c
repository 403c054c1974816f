#include "ctl/caller.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "codec/xml.h"
#include "ctl/row.h"

/* What Twilio takes from one Gather without a finishOnKey. */
#define KEYS_MAX 64

/* Of standard input, when it is no terminal. */
#define SILENCE_MS 1000

/* Playing one document. */
struct play {
	struct caller *caller;
	struct caller_next *next;
	enum caller_end end;
	bool over; /* a verb sent the call elsewhere, or ended it */
};

void
caller_release(struct caller *c)
{
	buf_release(&c->digits);
}

enum status
caller_tell(struct caller *c, const char *verb, const char *text)
{
	struct cell cells[] = {
		cell_int("step", c->step, 4),
		cell_text("verb", verb, 20),
		cell_text("text", text, 0),
	};

	return row_line(c->ctl, cells, CTL_COUNT(cells));
}

static const char *
attr(const struct xml_node *n, const char *name)
{
	size_t i;

	for (i = 0; i < n->attrs_n; i++)
		if (strcmp(n->attrs[i].name, name) == 0)
			return n->attrs[i].value;
	return NULL;
}

/* All text below a node, as a voice would read it: white space is one space. */
static void
put_words(const struct xml_node *n, struct buf *out)
{
	size_t i;

	for (; n != NULL; n = n->next) {
		for (i = 0; n->kind == XML_TEXT && i < n->text_len; i++) {
			if (strchr(" \t\r\n", n->text[i]) == NULL)
				buf_putc(out, n->text[i]);
			else if (out->len > 0 && out->data[out->len - 1] != ' ')
				buf_putc(out, ' ');
		}
		put_words(n->child, out);
	}
}

static enum status
tell_words(struct play *p, const struct xml_node *n)
{
	struct buf words = BUF_INIT;
	enum status st;

	put_words(n->child, &words);
	while (words.len > 0 && words.data[words.len - 1] == ' ')
		words.data[--words.len] = '\0';
	st = words.err;
	if (st == ST_OK)
		st = caller_tell(p->caller, n->name, buf_str(&words));
	buf_release(&words);
	return st;
}

/* A verb without text: its attributes are what there is to show. */
static enum status
tell_attrs(struct play *p, const struct xml_node *n)
{
	struct buf text = BUF_INIT;
	enum status st;
	size_t i;

	for (i = 0; i < n->attrs_n; i++)
		buf_printf(&text, "%s%s=%s", i == 0 ? "" : " ",
		    n->attrs[i].name, n->attrs[i].value);
	st = text.err;
	if (st == ST_OK)
		st = caller_tell(p->caller, n->name, buf_str(&text));
	buf_release(&text);
	return st;
}

static enum status
go_on_at(struct play *p, const char *url)
{
	p->over = true;
	p->end = CALLER_POSTS;
	buf_reset(&p->next->url);
	return buf_puts(&p->next->url, url == NULL ? "" : url);
}

static enum status
end_with(struct play *p, enum caller_end end)
{
	p->over = true;
	p->end = end;
	return ST_OK;
}

/* A line of what the operator types, or of what is piped in; nobody waits for
 * a pipe that is silent. */
static void
read_keys(struct caller *c, char keys[static KEYS_MAX + 1])
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	bool terminal = isatty(STDIN_FILENO);
	size_t n = 0;
	char key;

	if (terminal)
		fputs("keys, then Enter: ", c->ctl->err);
	while ((terminal || poll(&p, 1, SILENCE_MS) > 0) &&
	    read(STDIN_FILENO, &key, 1) == 1 && key != '\n')
		if (n < KEYS_MAX)
			keys[n++] = key;
	keys[n] = '\0';
}

/* The next of --digits, or of standard input. */
static void
key_in(struct caller *c, char keys[static KEYS_MAX + 1])
{
	size_t n;

	keys[0] = '\0';
	if (c->keys != NULL) {
		n = strcspn(c->keys, ",");
		memcpy(keys, c->keys, n > KEYS_MAX ? KEYS_MAX : n);
		keys[n > KEYS_MAX ? KEYS_MAX : n] = '\0';
		c->keys += n + (c->keys[n] == ',');
	} else {
		read_keys(c, keys);
	}
}

/* What Twilio makes of the keys: up to numDigits, or to finishOnKey. */
static enum status
take_digits(struct caller *c, const struct xml_node *gather)
{
	const char *finish = attr(gather, "finishOnKey");
	const char *number = attr(gather, "numDigits");
	char keys[KEYS_MAX + 1];
	uint64_t max = KEYS_MAX;
	size_t n;

	key_in(c, keys);
	if (finish == NULL)
		finish = "#";
	if (number != NULL)
		str_u64(number, KEYS_MAX, &max);
	n = strcspn(keys, finish);
	buf_reset(&c->digits);
	return buf_put(&c->digits, keys, n < max ? n : max);
}

static enum status play_verbs(struct play *, const struct xml_node *);

static enum status
play_gather(struct play *p, const struct xml_node *n)
{
	const char *empty = attr(n, "actionOnEmptyResult");
	struct caller *c = p->caller;
	enum status st;

	if ((st = play_verbs(p, n->child)) != ST_OK ||
	    (st = take_digits(c, n)) != ST_OK)
		return st;
	st = caller_tell(c, "keys",
	    c->digits.len > 0 ? buf_str(&c->digits) : "nothing pressed");
	if (st != ST_OK || (c->digits.len == 0 && !str_eq(empty, "true")))
		return st;
	p->next->digits = true;
	return go_on_at(p, attr(n, "action"));
}

static enum status
play_dial(struct play *p, const struct xml_node *n)
{
	const char *action = attr(n, "action");
	enum status st = tell_words(p, n);

	if (st != ST_OK || action == NULL)
		return st == ST_OK ? end_with(p, CALLER_CONNECTED) : st;
	p->next->dialled = true;
	return go_on_at(p, action);
}

static enum status
play_connect(struct play *p, const struct xml_node *n)
{
	const struct xml_node *child;
	enum status st = caller_tell(p->caller, n->name, NULL);

	for (child = n->child; st == ST_OK && child != NULL;
	     child = child->next)
		if (child->kind == XML_ELEMENT)
			st = tell_attrs(p, child);
	return st == ST_OK ? end_with(p, CALLER_CONNECTED) : st;
}

static enum status
play_redirect(struct play *p, const struct xml_node *n)
{
	struct buf url = BUF_INIT;
	enum status st = tell_words(p, n);

	put_words(n->child, &url);
	if (st == ST_OK)
		st = go_on_at(p, buf_str(&url));
	buf_release(&url);
	return st;
}

static enum status
play_end(struct play *p, const struct xml_node *n)
{
	enum status st = tell_attrs(p, n);

	return st == ST_OK ? end_with(p, CALLER_ENDED) : st;
}

static enum status
play_unknown(struct play *p, const struct xml_node *n)
{
	struct buf name = BUF_INIT;
	enum status st;

	st = buf_printf(&name, "<%s>", n->name);
	if (st == ST_OK)
		st = caller_tell(
		    p->caller, buf_str(&name), "not played by this command");
	buf_release(&name);
	return st;
}

static const struct {
	const char *name;
	enum status (*play)(struct play *, const struct xml_node *);
} verbs[] = {
	{ "Say", tell_words },
	{ "Play", tell_words },
	{ "Pause", tell_attrs },
	{ "Gather", play_gather },
	{ "Dial", play_dial },
	{ "Connect", play_connect },
	{ "Redirect", play_redirect },
	{ "Hangup", play_end },
	{ "Reject", play_end },
	{ "Leave", play_end },
};

static enum status
play_verb(struct play *p, const struct xml_node *n)
{
	size_t i;

	for (i = 0; i < CTL_COUNT(verbs); i++)
		if (strcmp(verbs[i].name, n->name) == 0)
			return verbs[i].play(p, n);
	return play_unknown(p, n);
}

static enum status
play_verbs(struct play *p, const struct xml_node *n)
{
	enum status st = ST_OK;

	for (; n != NULL && st == ST_OK && !p->over; n = n->next)
		if (n->kind == XML_ELEMENT)
			st = play_verb(p, n);
	return st;
}

enum status
caller_play(struct caller *c, const char *twiml, size_t len,
    enum caller_end *end, struct caller_next *next)
{
	struct play p = { .caller = c, .next = next, .end = CALLER_ENDED };
	struct xml_error error;
	struct xml *xml;
	enum status st;

	next->digits = next->dialled = false;
	st = xml_parse(&xml, twiml, len, &error);
	if (st == ST_NOMEM)
		return st;
	if (st != ST_OK || strcmp(xml_root(xml)->name, "Response") != 0) {
		*end = CALLER_FAILED;
		st = caller_tell(c, "no TwiML",
		    st != ST_OK ? error.text : "the root is no Response");
		xml_free(xml);
		return st;
	}
	st = play_verbs(&p, xml_root(xml)->child);
	*end = p.end;
	xml_free(xml);
	return st;
}
