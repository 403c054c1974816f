/* switchhook sign: the signature that Twilio would send. */
#include <string.h>

#include "base/str.h"
#include "codec/crypt.h"
#include "codec/url.h"
#include "ctl/ctl.h"
#include "ctl/given.h"
#include "ctl/row.h"

/*
 * What is no form is covered by its hash in the query: put it there, as Twilio
 * does, unless it is there.
 */
static enum status
add_hash(const struct given *g, struct buf *url)
{
	const struct crypt_piece body = { g->input.body, g->input.body_len };
	char hex[CRYPT_SHA256_HEX_MAX];
	enum status e;

	buf_puts(url, g->url);
	if (!given_needs_hash(g) || strstr(g->url, "bodySHA256=") != NULL)
		return url->err;
	if ((e = crypt_sha256_hex(&body, 1, hex)) != ST_OK)
		return e;
	return buf_printf(url, "%cbodySHA256=%s",
	    strchr(g->url, '?') == NULL ? '?' : '&', hex);
}

static int
put(const struct ctl *ctl, const struct given *g, const char *url,
    const char *signature)
{
	struct rows rows = { ctl, 0 };
	const struct cell cells[] = {
		cell_text("signature", signature, 0),
		cell_text("url", url, 0),
	};

	if (ctl->json)
		return rows_line(&rows, cells, CTL_COUNT(cells)) == ST_OK
		    ? CTL_DONE
		    : CTL_FAILED;
	if (!str_eq(url, g->url))
		fprintf(ctl->err, "switchhook: signed, and to be called: %s\n",
		    url);
	fprintf(ctl->out, "%s\n", signature);
	return CTL_DONE;
}

static int
sign(const struct ctl *ctl, struct given *g)
{
	char signature[SIGNATURE_MAX];
	struct buf url = BUF_INIT;
	enum status e;
	int code = given_read(ctl, g);

	if (code != CTL_DONE)
		return code;
	if (strchr(g->url, '#') != NULL)
		return ctl_say(ctl, CTL_USAGE,
		    "%s: what follows \"#\" is never sent nor signed; leave "
		    "it out",
		    g->url);
	if ((e = add_hash(g, &url)) == ST_OK) {
		g->input.url = buf_str(&url);
		e = signature_make(&g->input, g->tokens[0], signature);
	}
	code = e == ST_OK ? put(ctl, g, buf_str(&url), signature)
			  : ctl_fail(ctl, e, "sign");
	buf_release(&url);
	return code;
}

int
ctl_sign(const struct ctl *ctl, int argc, char **argv)
{
	struct given g = { .params = KV_INIT };
	const struct ctl_option opts[] = {
		ctl_text("data", "BODY", &g.data,
		    "the body; @FILE: of a file; -: of standard input"),
		ctl_list("param", "NAME=VALUE", &g.params,
		    "one parameter of the form; as often as wanted"),
		ctl_text("content-type", "TYPE", &g.content_type,
		    "of the body; a form if not given"),
		ctl_flag("json-body", &g.json_body,
		    "the same as --content-type application/json"),
		ctl_text("token-file", "FILE", &g.token_file,
		    "sign with the token in this file (-: standard input)"),
	};
	const struct ctl_syntax syntax = { "sign", "URL",
		"Print the X-Twilio-Signature that Twilio would send with a "
		"request to\nthis URL, made with twilio.auth_token. A body "
		"that is no form is covered\nby bodySHA256 in the URL, which "
		"is added where it is missing.",
		1, 1, opts, CTL_COUNT(opts) };
	int n, code;

	if (ctl_parse(ctl, &syntax, argc, argv, &n, &code)) {
		g.url = argv[1];
		code = sign(ctl, &g);
	}
	given_release(&g);
	return code;
}
