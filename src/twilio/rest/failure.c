#include "twilio/rest/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "codec/json.h"
#include "http/reply.h"
#include "twilio/rest/calls.h"

#define CODE_MAX 999999
#define RETRY_AFTER_MAX 86400

/* A longer message is no message of Twilio's; it is not shown, because a cut
 * one might end within a secret. */
#define MESSAGE_MAX 1024

void
failure_reset(struct calls_failure *f)
{
	*f = (struct calls_failure){ .retry_after_s = -1 };
}

void
failure_say(struct calls_failure *f, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(f->text, sizeof(f->text), format, ap);
	va_end(ap);
}

/* --- what Twilio says ---------------------------------------------------- */

static void
hide(char *text, const char *secret)
{
	size_t n = secret == NULL ? 0 : strlen(secret);
	char *at = text;

	while (n > 0 && (at = strstr(at, secret)) != NULL) {
		*at++ = '*';
		memmove(at, at + n - 1, strlen(at + n - 1) + 1);
	}
}

/* A query has numbers of callers in it. A question mark in a sentence has
 * nothing right behind it. */
static void
cut_queries(char *text)
{
	char *at = text;
	size_t n;

	while ((at = strchr(at, '?')) != NULL) {
		n = strcspn(++at, " \"'");
		memmove(at, at + n, strlen(at + n) + 1);
	}
}

static void
make_safe(char *text, const struct failure_secrets *secrets)
{
	unsigned char *c;

	hide(text, secrets->credentials);
	hide(text, secrets->secret);
	cut_queries(text);
	for (c = (unsigned char *)text; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

/* The error object, if there is one. */
static void
read_error(const struct buf *body, struct calls_failure *f,
    char message[static MESSAGE_MAX])
{
	struct json *error = NULL;
	const char *text;
	int64_t code;

	*message = '\0';
	if (json_parse(buf_str(body), body->len, &error) != ST_OK)
		return;
	if (json_member_int(error, "code", &code) == ST_OK && code >= 0 &&
	    code <= CODE_MAX)
		f->code = (int)code;
	if (json_member_text(error, "message", &text) == ST_OK &&
	    strlen(text) < MESSAGE_MAX)
		memcpy(message, text, strlen(text) + 1);
	json_free(error);
}

/* --- what it means ------------------------------------------------------- */

static enum status
status_of(const struct calls_failure *f)
{
	if (f->http == 200)
		return ST_OK;
	/* Any server says 404 when it is asked for the wrong address. */
	if (f->http == 404)
		return f->code != 0 ? ST_NOTFOUND : ST_MALFORMED;
	if (f->http == 429)
		return ST_BUSY;
	if (f->http >= 400 && f->http < 500)
		return ST_DENIED;
	return f->http >= 500 && f->http < 600 ? ST_UNAVAILABLE : ST_MALFORMED;
}

static const char *
advice(const struct calls_failure *f, enum status st)
{
	if (f->http == 401)
		return "; check twilio.account_sid with auth_token, or api_key "
		       "with api_secret";
	if (st == ST_MALFORMED)
		return "; is twilio.api_url right?";
	return "";
}

enum status
failure_judge(struct calls_failure *f, const struct http_reply *reply,
    const struct failure_secrets *secrets)
{
	char message[MESSAGE_MAX], code[24] = "";
	enum status st;
	uint64_t s;

	failure_reset(f);
	f->http = reply->code;
	if (reply->code == 200)
		return ST_OK;
	if (str_u64(http_reply_header(reply, "Retry-After"), RETRY_AFTER_MAX,
		&s) == ST_OK)
		f->retry_after_s = (int)s;
	read_error(&reply->body, f, message);
	make_safe(message, secrets);
	st = status_of(f);
	if (f->code != 0)
		snprintf(code, sizeof(code), ", code %d", f->code);
	/* The message last: it is what may be cut. */
	failure_say(f, "Twilio answers HTTP %d%s%s%s%s", f->http, code,
	    advice(f, st), *message == '\0' ? "" : ": ", message);
	return st;
}
