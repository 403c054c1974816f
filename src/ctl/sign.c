/* switchhook sign and verify: Twilio's signature of a request that is given on
 * the command line. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "codec/crypt.h"
#include "codec/form.h"
#include "codec/url.h"
#include "config/config.h"
#include "ctl/ctl.h"
#include "ctl/row.h"
#include "ctl/webhook.h"
#include "http/request.h"
#include "twilio/explain_key.h"
#include "twilio/signature.h"

/* The request, and the tokens to sign or check it with. */
struct given {
	struct ctl *ctl;
	const char *url;
	struct signature_input input;
	const char *tokens[3]; /* current, previous, NULL; without empty ones;
	                          or the secret of the shared key */
	bool previous; /* tokens[1] is one */
	struct signature_settings settings;
	enum signature_verdict chosen; /* have we got what --settings names? */
	struct buf body, token;
	struct kv form; /* what the body says, if it is a form */
};

static void
given_release(struct given *g)
{
	buf_wipe(&g->token);
	buf_release(&g->body);
	kv_release(&g->form);
}

/* --- what is given --------------------------------------------------------- */

/* More than any token, whatever its kind. */
#define TOKEN_FILE_MAX 4096

/*
 * Read a descriptor to its end, into memory that is reserved before, so that
 * no piece of a secret stays behind where the buf grew.
 */
static enum status
read_all(int fd, struct buf *out, size_t max)
{
	ssize_t got = 1;

	if (buf_reserve(out, max + 1) != ST_OK)
		return out->err;
	while (got > 0 && out->len <= max) {
		got = read(fd, out->data + out->len, max + 1 - out->len);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got < 0)
			return ST_IO;
		else
			out->len += (size_t)got;
	}
	out->data[out->len] = '\0';
	return out->len > max ? ST_TOOBIG : ST_OK;
}

static int
read_file(const struct ctl *ctl, const char *path, struct buf *out, size_t max)
{
	int fd = STDIN_FILENO;
	enum status st;

	if (!str_eq(path, "-") && (fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return ctl_say(
		    ctl, CTL_FAILED, "%s: %s", path, strerror(errno));
	errno = 0;
	st = read_all(fd, out, max);
	if (fd != STDIN_FILENO)
		close(fd);
	if (st == ST_TOOBIG)
		return ctl_say(
		    ctl, CTL_FAILED, "%s: over %zu bytes", path, max);
	if (st != ST_OK)
		return ctl_say(ctl, CTL_FAILED, "%s: %s", path,
		    st == ST_IO ? strerror(errno) : status_text(st));
	return CTL_DONE;
}

#define BODY_MAX ((size_t)1 << 20) /* as much as server.max_body may be */

static int
read_data(struct given *g, const char *data)
{
	if (str_eq(data, "-"))
		return read_file(g->ctl, data, &g->body, BODY_MAX);
	if (*data == '@')
		return read_file(g->ctl, data + 1, &g->body, BODY_MAX);
	return ctl_end(g->ctl, buf_puts(&g->body, data), "--data");
}

static int
read_form(struct given *g)
{
	bool malformed;
	enum status st =
	    form_parse(g->body.data, g->body.len, &g->form, &malformed);

	g->input.form = &g->form;
	if (st == ST_TOOBIG)
		return ctl_say(g->ctl, CTL_FAILED,
		    "--data: more than %d parameters, which the responder "
		    "refuses (413)",
		    FORM_PARAMS_MAX);
	return ctl_end(g->ctl, st, "--data");
}

static int
read_body(struct given *g)
{
	static const char form[] = "application/x-www-form-urlencoded";
	const char *data = ctl_text(g->ctl, "data");
	const char *type = ctl_text(g->ctl, "content-type");
	bool json = ctl_flag(g->ctl, "json-body");
	const struct request r = { .content_type = json ? "application/json"
		    : type == NULL                      ? form
							: type };
	bool is_form = request_is_type(&r, form);
	int code;

	if (json && type != NULL)
		return ctl_say(g->ctl, CTL_USAGE,
		    "--json-body and --content-type exclude each other");
	if (ctl_flag(g->ctl, "param") && (data != NULL || !is_form))
		return ctl_say(g->ctl, CTL_USAGE,
		    "--param makes a form: neither --data nor another type "
		    "go with it");
	code = data != NULL ? read_data(g, data)
			    : webhook_params(g->ctl, &g->body);
	g->input.url = g->url;
	g->input.body = g->body.data;
	g->input.body_len = g->body.len;
	return code == CTL_DONE && is_form ? read_form(g) : code;
}

static int
read_token_file(struct given *g, const char *path)
{
	int code = read_file(g->ctl, path, &g->token, TOKEN_FILE_MAX);
	size_t n = g->token.len;

	if (code != CTL_DONE)
		return code;
	/* One line end belongs to the file, not to the token. */
	if (n > 0 && g->token.data[n - 1] == '\n')
		n--;
	if (n < g->token.len && n > 0 && g->token.data[n - 1] == '\r')
		n--;
	g->token.data[n] = '\0';
	if (n == 0)
		return ctl_say(
		    g->ctl, CTL_CONFIG, "%s: there is no token in it", path);
	if (strlen(g->token.data) != n)
		return ctl_say(
		    g->ctl, CTL_CONFIG, "%s: this is not a token", path);
	g->tokens[0] = g->token.data;
	return CTL_DONE;
}

/* Is it --settings that tells the key, as in the request's header? */
static bool
is_shared(const struct given *g)
{
	return !str_empty(ctl_text(g->ctl, "settings"));
}

static void
find_shared_key(struct given *g)
{
	const struct config_pair *key = config_shared_key(
	    g->ctl->config, g->settings.key.data, g->settings.key.len);

	if (g->chosen == SIGNATURE_VALID && key == NULL)
		g->chosen = SIGNATURE_UNKNOWN_KEY;
	if (g->chosen == SIGNATURE_VALID)
		g->tokens[0] = key->value;
}

static int
read_tokens(struct given *g)
{
	const char *path = ctl_text(g->ctl, "token-file");
	const struct config *c;
	size_t n = 0;
	int code;

	g->chosen = signature_settings(
	    is_shared(g) ? ctl_text(g->ctl, "settings") : "", &g->settings);
	g->input.algorithm = g->settings.algorithm;
	if (path != NULL)
		return read_token_file(g, path);
	if ((code = ctl_config(g->ctl)) != CTL_DONE)
		return code;
	c = g->ctl->config;
	if (is_shared(g)) {
		find_shared_key(g);
		return CTL_DONE;
	}
	if (*c->twilio.auth_token != '\0')
		g->tokens[n++] = c->twilio.auth_token;
	if (*c->twilio.auth_token_previous != '\0') {
		g->previous = n == 1;
		g->tokens[n++] = c->twilio.auth_token_previous;
	}
	if (n == 0 && config_shared_key(c, NULL, 0) != NULL)
		g->chosen = SIGNATURE_UNKNOWN_KEY;
	else if (n == 0)
		return ctl_say(g->ctl, CTL_CONFIG,
		    "there is no token: set twilio.auth_token, or give "
		    "--token-file FILE");
	return CTL_DONE;
}

/* All of it: CTL_DONE, or reported on err. */
static int
read_given(struct given *g)
{
	struct url url;
	int code;

	if (url_split(g->url, strlen(g->url), &url) != ST_OK)
		return ctl_say(g->ctl, CTL_USAGE,
		    "%s: not a whole URL, like https://example.com/whatsapp",
		    g->url);
	if (str_eq(ctl_text(g->ctl, "data"), "-") &&
	    str_eq(ctl_text(g->ctl, "token-file"), "-"))
		return ctl_say(g->ctl, CTL_USAGE,
		    "--data - and --token-file - both want standard input");
	code = read_body(g);
	return code == CTL_DONE ? read_tokens(g) : code;
}

/* --- sign ------------------------------------------------------------------ */

/*
 * What is no form is covered by its hash in the query: put it there, as Twilio
 * does, unless it is there.
 */
static enum status
add_hash(const struct given *g, struct buf *url)
{
	const struct crypt_piece body = { g->input.body, g->input.body_len };
	char hex[CRYPT_SHA256_HEX_MAX];
	enum status st;

	buf_puts(url, g->url);
	if (g->input.form != NULL || g->input.body_len == 0 ||
	    strstr(g->url, "bodySHA256=") != NULL)
		return url->err;
	if ((st = crypt_sha256_hex(&body, 1, hex)) != ST_OK)
		return st;
	return buf_printf(url, "%cbodySHA256=%s",
	    strchr(g->url, '?') == NULL ? '?' : '&', hex);
}

static int
put_signature(struct ctl *ctl, const struct given *g, const char *signature)
{
	const struct cell cells[] = {
		cell_text("signature", signature, 0),
		cell_text("url", g->input.url, 0),
	};

	if (ctl->json)
		return row_line(ctl, cells, CTL_COUNT(cells)) == ST_OK
		    ? CTL_DONE
		    : CTL_FAILED;
	if (!str_eq(g->input.url, g->url))
		fprintf(ctl->err, "switchhook: signed, and to be called: %s\n",
		    g->input.url);
	fprintf(ctl->out, "%s\n", signature);
	return CTL_DONE;
}

/* Without a key there is nothing to sign with. */
static int
refuse_settings(struct ctl *ctl, const struct given *g)
{
	struct buf why = BUF_INIT;
	int code;

	signature_explain_settings(g->chosen, &g->settings, &why);
	code = ctl_say(ctl,
	    g->chosen == SIGNATURE_UNKNOWN_KEY && g->settings.key.len > 0
		? CTL_CONFIG
		: CTL_USAGE,
	    "--%s", buf_str(&why));
	buf_release(&why);
	return code;
}

static int
sign(struct ctl *ctl, struct given *g)
{
	char signature[SIGNATURE_MAX];
	struct buf url = BUF_INIT;
	enum status st;
	int code;

	if (g->chosen != SIGNATURE_VALID)
		return refuse_settings(ctl, g);
	if (strchr(g->url, '#') != NULL)
		return ctl_say(ctl, CTL_USAGE,
		    "%s: what follows \"#\" is never sent nor signed; leave "
		    "it out",
		    g->url);
	if ((st = add_hash(g, &url)) == ST_OK) {
		g->input.url = buf_str(&url);
		st = signature_make(&g->input, g->tokens[0], signature);
	}
	code = st == ST_OK ? put_signature(ctl, g, signature)
			   : ctl_end(ctl, st, "sign");
	buf_release(&url);
	return code;
}

int
ctl_sign(struct ctl *ctl)
{
	struct given g = { .ctl = ctl, .url = ctl->operands[0] };
	int code = read_given(&g);

	if (code == CTL_DONE)
		code = sign(ctl, &g);
	given_release(&g);
	return code;
}

/* --- verify ---------------------------------------------------------------- */

/* Was it signed with twilio.auth_token_previous? */
static bool
is_previous(const struct given *g, const char *signature)
{
	const char *const first[] = { g->tokens[0], NULL };

	return g->previous &&
	    signature_check(&g->input, first, signature, NULL) !=
	    SIGNATURE_VALID;
}

/* What came of it. explanation is "CAUSE: words", or "". */
static int
put_verdict(struct ctl *ctl, enum signature_verdict verdict, const char *token,
    const char *explanation)
{
	const char *name = signature_verdict_name(verdict);
	const bool valid = verdict == SIGNATURE_VALID;
	const char *colon = strstr(explanation, ": ");
	struct cell cells[] = {
		cell_bool("valid", valid, 0),
		cell_text("verdict", name, 0),
		cell_optional(cell_text("token", token, 0)),
		cell_optional(cell_text("cause", explanation, 0)),
		cell_optional(
		    cell_text("explanation", colon ? colon + 2 : NULL, 0)),
	};

	if (colon != NULL)
		cells[3].len = (size_t)(colon - explanation);
	if (ctl->json && row_line(ctl, cells, CTL_COUNT(cells)) != ST_OK)
		return CTL_FAILED;
	if (!ctl->json)
		fprintf(ctl->out, "%s%s%s%s\n", name,
		    str_eq(token, "previous")
			? ", with twilio.auth_token_previous"
			: str_eq(token, "shared") ? ", with the shared key"
						  : "",
		    *explanation != '\0' ? "\n" : "", explanation);
	return valid ? CTL_DONE : CTL_NO;
}

/*
 * The given URL with the origin of server.public_url, where it has another: it
 * may be one from within, which a proxy asks for. False: it has not, or no
 * memory.
 */
static bool
put_public(const struct given *g, struct buf *origin, struct buf *out)
{
	const struct config *c = g->ctl->config;
	const char *text = c == NULL ? "" : c->server.public_url;
	struct url own, public;

	if (url_split(text, strlen(text), &public) != ST_OK ||
	    url_split(g->url, strlen(g->url), &own) != ST_OK)
		return false;
	buf_printf(origin, "%.*s://%.*s", (int)public.scheme.len,
	    public.scheme.data, (int)public.host.len, public.host.data);
	if (public.port.data != NULL)
		buf_printf(
		    origin, ":%.*s", (int)public.port.len, public.port.data);
	buf_puts(out, buf_str(origin));
	buf_put(out, own.tail.data, own.tail.len);
	return origin->err == ST_OK && out->err == ST_OK &&
	    strcmp(out->data, g->url) != 0;
}

static enum status
explain(const struct given *g, const char *signature, struct buf *why)
{
	enum status st = signature_explain_key(
	    g->ctl->config, g->chosen, &g->settings, &g->input, signature, why);
	struct signature_input other = g->input;
	struct buf origin = BUF_INIT, url = BUF_INIT, found = BUF_INIT;
	bool fits;

	if (st == ST_NOTFOUND)
		st = signature_explain(&g->input, g->tokens, signature, why);
	if (st != ST_NOTFOUND || !put_public(g, &origin, &url))
		goto out;
	other.url = url.data;
	st = signature_explain(&other, g->tokens, signature, &found);
	if (st == ST_OK) {
		fits = str_starts(buf_str(&found), "valid: ");
		buf_reset(why);
		buf_printf(why,
		    "host: Twilio called %s, which server.public_url has, and "
		    "not this host from within; give the URL as Twilio called "
		    "it%s%s",
		    origin.data, fits ? "." : ". Something else differs too: ",
		    fits ? "" : buf_str(&found));
		st = why->err;
	}
out:
	buf_release(&origin);
	buf_release(&url);
	buf_release(&found);
	return st;
}

static int
verify(struct ctl *ctl, const struct given *g)
{
	const char *signature = ctl_text(ctl, "signature"), *token = NULL;
	enum signature_verdict verdict = g->chosen != SIGNATURE_VALID
	    ? g->chosen
	    : signature_check(&g->input, g->tokens, signature, NULL);
	struct buf why = BUF_INIT;
	enum status st = ST_OK;
	int code;

	if (verdict == SIGNATURE_FAILED)
		st = ST_NOMEM;
	else if (verdict == SIGNATURE_VALID && !ctl_flag(ctl, "token-file"))
		token = is_shared(g)            ? "shared"
		    : is_previous(g, signature) ? "previous"
						: "current";
	else if (verdict != SIGNATURE_VALID && ctl_flag(ctl, "explain"))
		st = explain(g, signature, &why);
	code = st == ST_OK || st == ST_NOTFOUND
	    ? put_verdict(ctl, verdict, token, buf_str(&why))
	    : ctl_end(ctl, st, "verify");
	buf_release(&why);
	return code;
}

/* A GET has no body: what Twilio sends is in the URL. */
static bool
method_fits(const struct ctl *ctl, const char *method)
{
	if (str_eq(method, "GET"))
		return !ctl_flag(ctl, "data") && !ctl_flag(ctl, "param") &&
		    !ctl_flag(ctl, "json-body");
	return method == NULL || str_eq(method, "POST");
}

int
ctl_verify(struct ctl *ctl)
{
	struct given g = { .ctl = ctl, .url = ctl->operands[0] };
	int code;

	if (!method_fits(ctl, ctl_text(ctl, "method")))
		return ctl_say(
		    ctl, CTL_USAGE, "--method is POST, or GET without a body");
	code = read_given(&g);
	if (code == CTL_DONE)
		code = verify(ctl, &g);
	given_release(&g);
	return code;
}
