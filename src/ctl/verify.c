/* switchhook verify: is a signature right, and if not, why? */
#include <string.h>

#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/given.h"
#include "ctl/row.h"

/* What came out; the strings are static or in explanation. */
struct outcome {
	enum signature_verdict verdict;
	const char *token; /* "current", "previous" */
	const char *cause; /* NULL: not asked for */
	const char *words;
	struct buf explanation; /* "CAUSE: words", cut in two */
};

static void
check(const struct given *g, const char *signature, struct outcome *o)
{
	const char *const first[] = { g->tokens[0], NULL };

	o->verdict = signature_check(&g->input, g->tokens, signature, NULL);
	if (o->verdict == SIGNATURE_VALID && g->token_file == NULL)
		o->token = !g->previous ||
			signature_check(&g->input, first, signature, NULL) ==
			    SIGNATURE_VALID
		    ? "current"
		    : "previous";
}

static enum status
explain(const struct given *g, const char *signature, struct outcome *o)
{
	enum status e =
	    signature_explain(&g->input, g->tokens, signature, &o->explanation);
	char *colon;

	if (e != ST_OK && e != ST_NOTFOUND)
		return e;
	o->cause = buf_str(&o->explanation);
	if ((colon = strstr(o->explanation.data, ": ")) != NULL) {
		*colon = '\0';
		o->words = colon + 2;
	}
	return ST_OK;
}

static int
put(const struct ctl *ctl, const struct outcome *o)
{
	struct rows rows = { ctl, 0 };
	const bool valid = o->verdict == SIGNATURE_VALID;
	const struct cell cells[] = {
		cell_bool("valid", valid, 0),
		cell_text("verdict", signature_verdict_name(o->verdict), 0),
		cell_optional(cell_text("token", o->token, 0)),
		cell_optional(cell_text("cause", o->cause, 0)),
		cell_optional(cell_text("explanation", o->words, 0)),
	};

	if (ctl->json && rows_line(&rows, cells, CTL_COUNT(cells)) != ST_OK)
		return CTL_FAILED;
	if (ctl->json)
		return valid ? CTL_DONE : CTL_NO;
	fputs(signature_verdict_name(o->verdict), ctl->out);
	if (str_eq(o->token, "previous"))
		fputs(", with twilio.auth_token_previous", ctl->out);
	if (o->cause != NULL)
		fprintf(ctl->out, "\n%s: %s", o->cause, o->words);
	fputc('\n', ctl->out);
	return valid ? CTL_DONE : CTL_NO;
}

static int
verify(const struct ctl *ctl, struct given *g, const char *signature,
    bool explained)
{
	struct outcome o = { .explanation = BUF_INIT };
	enum status e = ST_OK;
	int code = given_read(ctl, g);

	if (code != CTL_DONE)
		return code;
	check(g, signature, &o);
	if (o.verdict == SIGNATURE_FAILED)
		e = ST_NOMEM;
	if (e == ST_OK && explained && o.verdict != SIGNATURE_VALID)
		e = explain(g, signature, &o);
	code = e == ST_OK ? put(ctl, &o) : ctl_fail(ctl, e, "verify");
	buf_release(&o.explanation);
	return code;
}

/* A GET has no body: what Twilio sends is in the URL. */
static bool
method_fits(const struct given *g, const char *method)
{
	if (str_eq(method, "GET"))
		return g->data == NULL && g->params.n == 0 && !g->json_body;
	return method == NULL || str_eq(method, "POST");
}

int
ctl_verify(const struct ctl *ctl, int argc, char **argv)
{
	struct given g = { .params = KV_INIT };
	const char *signature = NULL, *method = NULL;
	bool explained = false;
	const struct ctl_option opts[] = {
		ctl_needed("signature", "SIGNATURE", &signature,
		    "X-Twilio-Signature as it came"),
		ctl_flag("explain", &explained,
		    "look for the cause where it does not fit"),
		ctl_text("data", "BODY", &g.data,
		    "the body; @FILE: of a file; -: of standard input"),
		ctl_list("param", "NAME=VALUE", &g.params,
		    "one parameter of the form; as often as wanted"),
		ctl_text("content-type", "TYPE", &g.content_type,
		    "of the body; a form if not given"),
		ctl_flag("json-body", &g.json_body,
		    "the same as --content-type application/json"),
		ctl_text("method", "METHOD", &method,
		    "POST or GET, which has no body"),
		ctl_text("token-file", "FILE", &g.token_file,
		    "check with the token in this file (-: standard input)"),
	};
	const struct ctl_syntax syntax = { "verify", "URL",
		"Tell whether a signature belongs to a request to this URL, "
		"under\ntwilio.auth_token or twilio.auth_token_previous: exit "
		"status 0 if it\ndoes, 1 if not.",
		1, 1, opts, CTL_COUNT(opts) };
	int n, code;

	if (ctl_parse(ctl, &syntax, argc, argv, &n, &code)) {
		g.url = argv[1];
		code = method_fits(&g, method)
		    ? verify(ctl, &g, signature, explained)
		    : ctl_say(ctl, CTL_USAGE,
			  "--method is POST, or GET without a body");
	}
	given_release(&g);
	return code;
}
