/* switchhook call: a whole call, as Twilio would play it. */
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "base/str.h"
#include "config/config.h"
#include "ctl/caller.h"
#include "ctl/ctl.h"
#include "ctl/webhook.h"

/* A call that goes round in circles ends here. */
#define STEPS_MAX 100

struct call {
	const struct ctl *ctl;
	const struct config *config;
	const struct app *app; /* answers in process; NULL: post to url */
	const char *url;
	const char *from, *to, *sid;
	struct caller caller;
	struct buf path; /* of the document that is played: our route */
	struct buf base; /* what stood before it in the URL as it was signed */
};

static enum status
add_form(struct call *c, const struct caller_next *next, struct webhook *w)
{
	const char *const form[][2] = {
		{ "AccountSid", c->config->twilio.account_sid },
		{ "ApiVersion", "2010-04-01" },
		{ "CallSid", c->sid },
		{ "CallStatus",
		    c->caller.step == 1 ? "ringing" : "in-progress" },
		{ "Called", c->to },
		{ "Caller", c->from },
		{ "Direction", "inbound" },
		{ "From", c->from },
		{ "To", c->to },
		{ next->digits ? "Digits" : NULL, buf_str(&c->caller.digits) },
		{ next->dialled ? "DialCallStatus" : NULL, "completed" },
	};
	enum status st = ST_OK;
	size_t i;

	for (i = 0; i < CTL_COUNT(form) && st == ST_OK; i++)
		if (form[i][0] != NULL)
			st = webhook_add(w, form[i][0], form[i][1]);
	return st;
}

/* Of where our routes begin: without a "/" at the end. */
static size_t
base_length(const char *base)
{
	size_t n = strlen(base);

	while (n > 0 && base[n - 1] == '/')
		n--;
	return n;
}

/* Action URLs begin as the URL did that they are the answer to. */
static enum status
note_base(struct call *c, const struct webhook_answer *answer)
{
	const struct buf *url =
	    answer->signed_url.len > 0 ? &answer->signed_url : &answer->url;
	size_t n = c->path.len;

	buf_reset(&c->base);
	if (url->len > n &&
	    memcmp(url->data + url->len - n, c->path.data, n) == 0)
		buf_put(&c->base, url->data, url->len - n);
	return c->base.err;
}

/* Post what the caller did to the present route. CTL_DONE, or told on err. */
static int
ask(struct call *c, const struct caller_next *next,
    struct webhook_answer *answer)
{
	struct webhook w = { .path = buf_str(&c->path) };
	struct buf address = BUF_INIT;
	enum status st;
	int code;

	st = add_form(c, next, &w);
	if (st == ST_OK && c->url != NULL)
		st = buf_printf(&address, "%.*s%s", (int)base_length(c->url),
		    c->url, w.path);
	if (st != ST_OK)
		code = ctl_fail(c->ctl, st, "call");
	else if (c->app != NULL)
		code = webhook_answer_here(c->ctl, c->app, &w, answer);
	else
		code = webhook_post(
		    c->ctl, c->config, buf_str(&address), &w, answer);
	if (code == CTL_DONE && note_base(c, answer) != ST_OK)
		code = ctl_fail(c->ctl, ST_NOMEM, "call");
	buf_release(&address);
	webhook_release(&w);
	return code;
}

/* The rest of a URL of ours behind where our routes begin, or NULL. */
static const char *
behind(const char *url, const char *base)
{
	size_t n = base == NULL ? 0 : base_length(base);

	return n > 0 && strncmp(url, base, n) == 0 && url[n] == '/' ? url + n
								    : NULL;
}

/*
 * The route of an action URL: absolute ones begin where we are reached, a
 * relative one is taken from the document's.
 */
static enum status
follow(struct call *c, const char *url)
{
	const char *const bases[] = { c->config->voice.webhook_api_url,
		buf_str(&c->base), c->config->server.public_url };
	const char *route = *url == '/' ? url : NULL;
	size_t i;

	if (*url == '\0')
		return ST_OK;
	for (i = 0; i < CTL_COUNT(bases) && route == NULL; i++)
		route = behind(url, bases[i]);
	if (route == NULL)
		return ST_NOTFOUND;
	buf_reset(&c->path);
	return buf_puts(&c->path, route);
}

static const char *
end_name(enum caller_end end)
{
	switch (end) {
	case CALLER_ENDED:
		return "the call is over";
	case CALLER_CONNECTED:
		return "the caller is connected";
	case CALLER_POSTS:
		return "the call goes round in circles";
	case CALLER_FAILED:
		break;
	}
	return "the call failed";
}

/* One document: ask for it, play it. */
static int
step(struct call *c, struct caller_next *next, enum caller_end *end)
{
	struct webhook_answer answer = { 0 };
	char refusal[64];
	enum status st;
	int code;

	c->caller.step++;
	st = caller_tell(&c->caller, "POST", buf_str(&c->path));
	code =
	    st == ST_OK ? ask(c, next, &answer) : ctl_fail(c->ctl, st, "call");
	if (code == CTL_DONE && answer.code != 200) {
		snprintf(refusal, sizeof(refusal), "status %d", answer.code);
		st = caller_tell(&c->caller, "refused", refusal);
		*end = CALLER_FAILED;
	} else if (code == CTL_DONE) {
		st = caller_play(&c->caller, buf_str(&answer.body),
		    answer.body.len, end, next);
	}
	if (code == CTL_DONE && st != ST_OK)
		code = ctl_fail(c->ctl, st, "call");
	webhook_answer_release(&answer);
	return code;
}

static int
walk(struct call *c)
{
	struct caller_next next = { .url = BUF_INIT };
	enum caller_end end = CALLER_POSTS;
	enum status st = ST_OK;
	int code = CTL_DONE;

	while (code == CTL_DONE && end == CALLER_POSTS &&
	    c->caller.step < STEPS_MAX) {
		code = step(c, &next, &end);
		if (code != CTL_DONE || end != CALLER_POSTS)
			break;
		st = follow(c, buf_str(&next.url));
		if (st == ST_NOTFOUND) {
			st = caller_tell(
			    &c->caller, "elsewhere", buf_str(&next.url));
			end = CALLER_CONNECTED;
		}
		if (st != ST_OK)
			code = ctl_fail(c->ctl, st, "call");
	}
	if (code == CTL_DONE) {
		st = caller_tell(&c->caller, "end", end_name(end));
		code = st == ST_OK ? CTL_DONE : ctl_fail(c->ctl, st, "call");
	}
	if (code == CTL_DONE && (end == CALLER_FAILED || end == CALLER_POSTS))
		code = CTL_NO;
	buf_release(&next.url);
	return code;
}

/* With the configuration of the server, or with the server's own code. */
static int
place(struct call *c, const char *template)
{
	struct config *config = NULL;
	struct app *app = NULL;
	int code;

	if (c->url == NULL)
		code = ctl_app(c->ctl, &app);
	else
		code = ctl_config(c->ctl, &config);
	if (code == CTL_DONE) {
		c->app = app;
		c->config = app != NULL ? app->config : config;
		buf_printf(&c->path, "/handle-incoming-call/%s", template);
		code = walk(c);
	}
	buf_release(&c->path);
	buf_release(&c->base);
	caller_release(&c->caller);
	app_close(app);
	config_free(config);
	return code;
}

int
ctl_call(const struct ctl *ctl, int argc, char **argv)
{
	struct call c = { .ctl = ctl,
		.to = "+15005550006",
		.caller = { .ctl = ctl, .rows = { ctl, 0 } } };
	const char *template = "gather";
	char sid[WEBHOOK_SID_MAX];
	const struct ctl_option opts[] = {
		ctl_needed(
		    "from", "NUMBER", &c.from, "the caller, +14155550100"),
		ctl_text("template", "NAME", &template,
		    "where the call begins (gather)"),
		ctl_text("digits", "KEYS,…", &c.caller.keys,
		    "what is keyed in, one part for each question; "
		    "without it you are asked"),
		ctl_text("to", "NUMBER", &c.to, "your number at Twilio"),
		ctl_text("sid", "SID", &c.sid, "CallSid (new)"),
		ctl_text("url", "URL", &c.url,
		    "the server, http://host:port; without it: in process"),
	};
	const struct ctl_syntax syntax = { "call", "",
		"Play a whole call as Twilio would: every request signed, "
		"every verb told,\nkeys posted to where the template says.",
		0, 0, opts, CTL_COUNT(opts) };
	int n, code;

	if (!ctl_parse(ctl, &syntax, argc, argv, &n, &code))
		return code;
	if (c.sid != NULL && !str_is_sid(c.sid, "CA"))
		return ctl_say(ctl, CTL_USAGE,
		    "--sid: a CallSid is CA and 32 hexadecimal digits");
	if (c.sid == NULL && webhook_sid("CA", sid) != ST_OK)
		return ctl_say(ctl, CTL_FAILED, "no randomness for a SID");
	if (c.sid == NULL)
		c.sid = sid;
	return place(&c, template);
}
