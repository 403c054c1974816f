/* switchhook call: a whole call, as Twilio would play it. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "config/config.h"
#include "ctl/caller.h"
#include "ctl/ctl.h"
#include "ctl/webhook.h"
#include "serve/app.h"

/* A call that goes round in circles ends here. */
#define STEPS_MAX 100

struct simulated_call {
	struct ctl *ctl;
	const struct config *config;
	const char *url; /* of the server; NULL: answered in process */
	const char *from, *to, *sid;
	struct caller caller;
	struct buf path; /* of the document that is played: our route */
	struct buf base; /* what stood before it in the URL as it was signed */
};

static enum status
add_form(
    struct simulated_call *c, const struct caller_next *next, struct webhook *w)
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
		{ "Digits", next->digits ? buf_str(&c->caller.digits) : NULL },
		{ "DialCallStatus", next->dialled ? "completed" : NULL },
	};
	enum status st = ST_OK;
	size_t i;

	for (i = 0; i < CTL_COUNT(form) && st == ST_OK; i++)
		st = webhook_add(c->ctl, w, form[i][0], form[i][1]);
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
note_base(struct simulated_call *c, const struct webhook_answer *answer)
{
	const struct buf *url = &answer->signed_url;
	size_t n = c->path.len;

	buf_reset(&c->base);
	if (url->len > n &&
	    memcmp(url->data + url->len - n, c->path.data, n) == 0)
		buf_put(&c->base, url->data, url->len - n);
	return c->base.err;
}

/* Post what the caller did to this route. CTL_DONE, or reported on err. */
static int
call_ask(struct simulated_call *c, const struct caller_next *next,
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
	code = ctl_end(c->ctl, st, "call");
	if (code == CTL_DONE)
		code = webhook_send(c->ctl, c->config,
		    c->url != NULL ? buf_str(&address) : NULL, &w, answer);
	if (code == CTL_DONE)
		code = ctl_end(c->ctl, note_base(c, answer), "call");
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
call_follow(struct simulated_call *c, const char *url)
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
call_step(
    struct simulated_call *c, struct caller_next *next, enum caller_end *end)
{
	struct webhook_answer answer = { 0 };
	char refusal[64];
	enum status st;
	int code;

	c->caller.step++;
	st = caller_tell(&c->caller, "POST", buf_str(&c->path));
	code = ctl_end(c->ctl, st, "call");
	if (code == CTL_DONE)
		code = call_ask(c, next, &answer);
	if (code == CTL_DONE && answer.code != 200) {
		snprintf(refusal, sizeof(refusal), "status %d", answer.code);
		st = caller_tell(&c->caller, "refused", refusal);
		*end = CALLER_FAILED;
	} else if (code == CTL_DONE) {
		st = caller_play(&c->caller, buf_str(&answer.body),
		    answer.body.len, end, next);
	}
	if (code == CTL_DONE)
		code = ctl_end(c->ctl, st, "call");
	webhook_answer_release(&answer);
	return code;
}

static int
call_walk(struct simulated_call *c)
{
	struct caller_next next = { .url = BUF_INIT };
	enum caller_end end = CALLER_POSTS;
	enum status st = ST_OK;
	int code = CTL_DONE;

	while (code == CTL_DONE && end == CALLER_POSTS &&
	    c->caller.step < STEPS_MAX) {
		code = call_step(c, &next, &end);
		if (code != CTL_DONE || end != CALLER_POSTS)
			break;
		st = call_follow(c, buf_str(&next.url));
		if (st == ST_NOTFOUND) {
			st = caller_tell(
			    &c->caller, "elsewhere", buf_str(&next.url));
			end = CALLER_CONNECTED;
		}
		code = ctl_end(c->ctl, st, "call");
	}
	if (code == CTL_DONE)
		code = ctl_end(c->ctl,
		    caller_tell(&c->caller, "end", end_name(end)), "call");
	if (code == CTL_DONE && (end == CALLER_FAILED || end == CALLER_POSTS))
		code = CTL_NO;
	buf_release(&next.url);
	return code;
}

int
ctl_call(struct ctl *ctl)
{
	const char *template = ctl_text(ctl, "template");
	const char *to = ctl_text(ctl, "to");
	char room[WEBHOOK_SID_MAX];
	struct simulated_call c = { .ctl = ctl,
		.url = ctl_text(ctl, "url"),
		.from = ctl_text(ctl, "from"),
		.to = to != NULL ? to : "+15005550006",
		.sid = webhook_sid(ctl, "CA", room),
		.caller = { .ctl = ctl, .keys = ctl_text(ctl, "digits") } };
	int code;

	if (c.sid == NULL)
		return CTL_FAILED;
	if (!str_is_sid(c.sid, "CA"))
		return ctl_say(ctl, CTL_USAGE,
		    "--sid: a CallSid is CA and 32 hexadecimal digits");
	/* With the configuration of the server, or with its own code. */
	code = c.url != NULL ? ctl_config(ctl) : ctl_app(ctl);
	if (code == CTL_DONE) {
		c.config = ctl->app != NULL ? ctl->app->config : ctl->config;
		buf_printf(&c.path, "/handle-incoming-call/%s",
		    template != NULL ? template : "gather");
		code = call_walk(&c);
	}
	buf_release(&c.path);
	buf_release(&c.base);
	caller_release(&c.caller);
	return code;
}
