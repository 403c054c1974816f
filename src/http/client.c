/* The HTTP client over libcurl, loaded when first needed. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Options go through set_long and set_ptr, which fix the types. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "base/clock.h"
#include "base/str.h"
#include "config.h"
#include "http/client.h"

#define HEAD_MAX ((size_t)64 << 10)
#define BODY_MAX ((size_t)1 << 20)
/* Of what libcurl reads at once, where answers may be large; else its 16 KiB. */
#define LARGE_BUFFER (128L << 10)
#define CONNECT_MS 5000L
#define TOTAL_MS 15000L
/* How late a call may notice that the process stops. */
#define SLICE_MS 50

/* libcurl's functions by their own names. */
/* clang-format off */
#define CURL_FUNCTIONS(X) \
	X(global_init) X(global_cleanup) X(easy_init) X(easy_cleanup) \
	X(easy_reset) X(easy_setopt) X(easy_getinfo) \
	X(easy_strerror) X(slist_append) X(slist_free_all) \
	X(multi_init) X(multi_cleanup) X(multi_add_handle) \
	X(multi_remove_handle) X(multi_perform) X(multi_poll) \
	X(multi_info_read)

#define MEMBER(f) typeof(curl_##f) *f;
struct curl_api {
	CURL_FUNCTIONS(MEMBER)
};

#define SYMBOL(f) { "curl_" #f, offsetof(struct curl_api, f) },
static const struct {
	const char *name;
	size_t offset;
} symbols[] = {
	CURL_FUNCTIONS(SYMBOL)
};
/* clang-format on */

struct http_library {
	pthread_mutex_t mutex; /* guards loading, and idle */
	struct http_client *idle; /* given back */
	void *so; /* NULL until loaded */
	struct curl_api api; /* const once so is set */
	char *ca_bundle, *proxy;
	const struct quit *quit;
};

struct http_client {
	struct http_library *library;
	struct http_client *next; /* the next of those that are idle */
	const struct curl_api *api;
	CURL *curl;
	CURLM *multi; /* keeps the connections */
	CURLcode code; /* the first option that was refused */
	bool sent; /* see http_client_sent */
	struct buf error;
	char curl_error[CURL_ERROR_SIZE];
};

/* What libcurl's callbacks fill. */
struct receipt {
	struct http_reply *reply;
	size_t max_body;
	bool in_body;
	enum status status;
};

enum status
http_library_open(
    struct http_library **out, const struct http_library_options *o)
{
	struct http_library *lib = calloc(1, sizeof(*lib));

	*out = NULL;
	if (lib == NULL)
		return ST_NOMEM;
	if (pthread_mutex_init(&lib->mutex, NULL) != 0) {
		free(lib);
		return ST_NOMEM;
	}
	if (str_dup(o->ca_bundle, &lib->ca_bundle) != ST_OK ||
	    str_dup(str_empty(o->proxy) ? "" : o->proxy, &lib->proxy) !=
		ST_OK) {
		http_library_close(lib);
		return ST_NOMEM;
	}
	lib->quit = o->quit;
	*out = lib;
	return ST_OK;
}

void
http_library_close(struct http_library *lib)
{
	struct http_client *c;

	if (lib == NULL)
		return;
	while ((c = lib->idle) != NULL) {
		lib->idle = c->next;
		http_client_close(c);
	}
	if (lib->so != NULL) {
		lib->api.global_cleanup();
		dlclose(lib->so);
	}
	pthread_mutex_destroy(&lib->mutex);
	free(lib->ca_bundle);
	free(lib->proxy);
	free(lib);
}

static enum status
bind_api(void *so, struct curl_api *api, struct buf *why)
{
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		void *p = dlsym(so, symbols[i].name);

		if (p == NULL) {
			buf_printf(why, "libcurl lacks %s", symbols[i].name);
			return ST_UNAVAILABLE;
		}
		memcpy((char *)api + symbols[i].offset, &p, sizeof(p));
	}
	return ST_OK;
}

/* Load libcurl unless that was done. NODELETE: the libraries that it brings
 * along register exit handlers and do not stand being unloaded. */
static enum status
load(struct http_library *lib, struct buf *why)
{
	enum status st = ST_UNAVAILABLE;
	void *so = NULL;

	pthread_mutex_lock(&lib->mutex);
	if (lib->so != NULL) {
		st = ST_OK;
		goto out;
	}
	so = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (so == NULL) {
		buf_printf(why, "%s; install libcurl4", dlerror());
		goto out;
	}
	st = bind_api(so, &lib->api, why);
	if (st != ST_OK)
		goto out;
	if (lib->api.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		buf_puts(why, "libcurl does not start");
		st = ST_UNAVAILABLE;
		goto out;
	}
	lib->so = so;
	so = NULL;
out:
	if (so != NULL)
		dlclose(so);
	pthread_mutex_unlock(&lib->mutex);
	return st;
}

enum status
http_client_open(
    struct http_client **out, struct http_library *lib, struct buf *why)
{
	enum status st = load(lib, why);
	struct http_client *c;

	*out = NULL;
	if (st != ST_OK)
		return st;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return ST_NOMEM;
	c->library = lib;
	c->api = &lib->api;
	c->curl = c->api->easy_init();
	c->multi = c->api->multi_init();
	if (c->curl == NULL || c->multi == NULL) {
		http_client_close(c);
		return ST_NOMEM;
	}
	*out = c;
	return ST_OK;
}

void
http_client_close(struct http_client *c)
{
	if (c == NULL)
		return;
	c->api->easy_cleanup(c->curl);
	c->api->multi_cleanup(c->multi);
	buf_release(&c->error);
	free(c);
}

enum status
http_client_take(
    struct http_client **out, struct http_library *lib, struct buf *why)
{
	pthread_mutex_lock(&lib->mutex);
	if ((*out = lib->idle) != NULL)
		lib->idle = (*out)->next;
	pthread_mutex_unlock(&lib->mutex);
	return *out != NULL ? ST_OK : http_client_open(out, lib, why);
}

void
http_client_give(struct http_client *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->library->mutex);
	c->next = c->library->idle;
	c->library->idle = c;
	pthread_mutex_unlock(&c->library->mutex);
}

const char *
http_client_error(const struct http_client *c)
{
	return buf_str(&c->error);
}

bool
http_client_wait(const struct http_client *c, int64_t us, int64_t deadline_us)
{
	return us <= deadline_us - clock_mono_us() &&
	    quit_sleep(c->library->quit, us);
}

/* --- the request ------------------------------------------------------- */

static void
set_long(struct http_client *c, CURLoption option, long value)
{
	if (c->code == CURLE_OK)
		c->code = c->api->easy_setopt(c->curl, option, value);
}

static void
set_size(struct http_client *c, CURLoption option, size_t value)
{
	if (c->code == CURLE_OK)
		c->code =
		    c->api->easy_setopt(c->curl, option, (curl_off_t)value);
}

static void
set_ptr(struct http_client *c, CURLoption option, const void *value)
{
	if (c->code == CURLE_OK)
		c->code = c->api->easy_setopt(c->curl, option, value);
}

typedef size_t curl_writer(char *, size_t, size_t, void *);

static void
set_writer(struct http_client *c, CURLoption option, curl_writer *fn)
{
	if (c->code == CURLE_OK)
		c->code = c->api->easy_setopt(c->curl, option, fn);
}

/* The answer's body, piece by piece. Less than all taken ends the transfer. */
static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	struct receipt *r = arg;
	struct buf *body = &r->reply->body;

	r->in_body = true;
	n *= size;
	if (n > r->max_body - body->len)
		r->status = ST_TOOBIG;
	else
		r->status = buf_put(body, data, n);
	return r->status == ST_OK ? n : 0;
}

/*
 * The answer's head, line by line. A status line begins it again: what came
 * before was an interim 1xx answer or a proxy's. Trailers after the body are
 * passed over, so that none poses as a header.
 */
static size_t
on_head(char *data, size_t size, size_t n, void *arg)
{
	struct receipt *r = arg;
	struct buf *head = &r->reply->head;

	n *= size;
	if (r->in_body)
		return n;
	if (n >= 5 && memcmp(data, "HTTP/", 5) == 0)
		buf_reset(head);
	if (n > HEAD_MAX - head->len)
		r->status = ST_TOOBIG;
	else
		r->status = buf_put(head, data, n);
	return r->status == ST_OK ? n : 0;
}

/* What never changes from one request to the next. */
static void
set_rules(struct http_client *c)
{
	const struct http_library *lib = c->library;

	set_ptr(c, CURLOPT_ERRORBUFFER, c->curl_error);
	set_long(c, CURLOPT_NOSIGNAL, 1);
	set_long(c, CURLOPT_FOLLOWLOCATION, 0);
	set_long(c, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	set_long(c, CURLOPT_HTTP09_ALLOWED, 0);
	set_long(c, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	set_long(c, CURLOPT_SSL_VERIFYPEER, 1);
	set_long(c, CURLOPT_SSL_VERIFYHOST, 2);
	set_long(c, CURLOPT_TCP_KEEPALIVE, 1);
	set_ptr(c, CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION);
#if LIBCURL_VERSION_NUM >= 0x075500
	set_ptr(c, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	set_long(c, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
	/* "" and not NULL: libcurl would ask http_proxy and no_proxy. */
	set_ptr(c, CURLOPT_PROXY, lib->proxy);
	set_ptr(c, CURLOPT_NOPROXY, "");
	if (!str_empty(lib->ca_bundle)) {
		set_ptr(c, CURLOPT_CAINFO, lib->ca_bundle);
		/* In place of the system's, not in addition to them. */
		set_ptr(c, CURLOPT_CAPATH, NULL);
	}
}

static void
set_method(struct http_client *c, const struct http_call *call)
{
	if (call->body == NULL && str_eq(call->method, "GET")) {
		set_long(c, CURLOPT_HTTPGET, 1);
		return;
	}
	if (call->body == NULL && str_eq(call->method, "HEAD")) {
		set_long(c, CURLOPT_NOBODY, 1);
		return;
	}
	set_long(c, CURLOPT_POST, 1);
	set_size(c, CURLOPT_POSTFIELDSIZE_LARGE, call->body_len);
	set_ptr(c, CURLOPT_POSTFIELDS, call->body != NULL ? call->body : "");
	if (!str_eq(call->method, "POST"))
		set_ptr(c, CURLOPT_CUSTOMREQUEST, call->method);
}

/* One line in libcurl's form; "Name;" is its way of an empty value. */
static enum status
append_header(const struct http_client *c, struct curl_slist **list,
    const char *name, const char *separator, const char *value)
{
	struct buf line = BUF_INIT;
	struct curl_slist *longer;
	enum status st = ST_NOMEM;

	if (buf_printf(&line, "%s%s%s", name, separator, value) != ST_OK)
		goto out;
	longer = c->api->slist_append(*list, buf_str(&line));
	if (longer == NULL)
		goto out;
	*list = longer;
	st = ST_OK;
out:
	buf_wipe(&line);
	return st;
}

/* What the caller wants, and nothing that libcurl would add by itself. */
static enum status
make_headers(
    struct http_client *c, const struct kv *headers, struct curl_slist **list)
{
	bool has_type = false;
	enum status st = append_header(c, list, "Expect", ":", "");

	for (size_t i = 0; headers != NULL && st == ST_OK && i < headers->n;
	     i++) {
		const struct kv_pair *p = &headers->pairs[i];

		if (!http_header_fits(p)) {
			buf_puts(&c->error, "a header is malformed");
			return ST_MALFORMED;
		}
		if (strcasecmp(p->name, "Content-Type") == 0)
			has_type = true;
		st = append_header(
		    c, list, p->name, p->value_len ? ": " : ";", p->value);
	}
	if (st == ST_OK && !has_type)
		st = append_header(c, list, "Content-Type", ":", "");
	return st;
}

/* --- the answer --------------------------------------------------------- */

static enum status
status_of(CURLcode code, const struct receipt *r, bool sent)
{
	if (r->status != ST_OK)
		return r->status;
	switch ((int)code) {
	case CURLE_OK:
		return ST_OK;
	case CURLE_OUT_OF_MEMORY:
		return ST_NOMEM;
	case CURLE_URL_MALFORMAT:
		return ST_MALFORMED;
	case CURLE_UNSUPPORTED_PROTOCOL: /* or it answered in HTTP/0.9 */
		return sent ? ST_IO : ST_UNSUPPORTED;
	case CURLE_FILESIZE_EXCEEDED:
		return ST_TOOBIG;
	case CURLE_PEER_FAILED_VERIFICATION:
		return ST_DENIED;
	case CURLE_SSL_CACERT_BADFILE:
		return ST_CONFIG;
	case CURLE_OPERATION_TIMEDOUT:
		return sent ? ST_TIMEOUT : ST_UNAVAILABLE;
	}
	return sent ? ST_IO : ST_UNAVAILABLE;
}

static void
explain(struct http_client *c, const struct http_call *call, enum status st,
    CURLcode code, const struct receipt *r)
{
	bool in_head = code != CURLE_FILESIZE_EXCEEDED && !r->in_body;

	if (c->error.len > 0)
		return;
	http_put_origin(&c->error, call->url);
	if (r->status == ST_TOOBIG || code == CURLE_FILESIZE_EXCEEDED)
		buf_printf(&c->error, "the answer is larger than %zu bytes",
		    in_head ? HEAD_MAX : r->max_body);
	else if (r->status != ST_OK || code == CURLE_OK)
		buf_puts(&c->error, status_text(st));
	else if (quit_due(c->library->quit))
		buf_puts(&c->error, "given up: this program stops");
	else if (c->curl_error[0] != '\0')
		buf_puts(&c->error, c->curl_error);
	else
		buf_puts(&c->error, c->api->easy_strerror(code));
}

static void
finish(struct http_client *c, struct http_reply *reply)
{
	long n = 0;

	if (c->api->easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &n) ==
	    CURLE_OK)
		reply->code = (int)n;
	n = 0;
	if (c->api->easy_getinfo(c->curl, CURLINFO_NUM_CONNECTS, &n) ==
	    CURLE_OK)
		reply->connections = (int)n;
}

/*
 * Bytes of a CONNECT to a proxy count as a request, and so do those of a kept
 * connection before libcurl sends once more on a new one. With once there is
 * only a new one, and what has no TLS yet got nothing but a CONNECT.
 */
static bool
was_sent(struct http_client *c, const struct http_call *call)
{
	double tls = 0;
	long n = 0;

	/* In doubt it was: then nobody repeats it as harmless. */
	if (c->api->easy_getinfo(c->curl, CURLINFO_REQUEST_SIZE, &n) !=
	    CURLE_OK)
		return true;
	if (n == 0 || !call->once || strncasecmp(call->url, "https:", 6) != 0)
		return n > 0;
	return c->api->easy_getinfo(c->curl, CURLINFO_APPCONNECT_TIME, &tls) !=
	    CURLE_OK ||
	    tls > 0;
}

bool
http_client_sent(const struct http_client *c)
{
	return c->sent;
}

static void
set_call(struct http_client *c, const struct http_call *call,
    const struct curl_slist *list, struct receipt *r)
{
	set_rules(c);
	if (call->direct)
		set_ptr(c, CURLOPT_PROXY, "");
	if (call->once)
		set_long(c, CURLOPT_FRESH_CONNECT, 1);
	set_method(c, call);
	set_ptr(c, CURLOPT_URL, call->url);
	set_ptr(c, CURLOPT_HTTPHEADER, list);
	set_long(c, CURLOPT_CONNECTTIMEOUT_MS,
	    call->connect_ms ? call->connect_ms : CONNECT_MS);
	set_long(
	    c, CURLOPT_TIMEOUT_MS, call->total_ms ? call->total_ms : TOTAL_MS);
	set_size(c, CURLOPT_MAXFILESIZE_LARGE, r->max_body);
	/* It may be refused: after a name that was not found. No harm. */
	if (r->max_body > BODY_MAX)
		c->api->easy_setopt(c->curl, CURLOPT_BUFFERSIZE, LARGE_BUFFER);
	set_writer(c, CURLOPT_WRITEFUNCTION, on_body);
	set_ptr(c, CURLOPT_WRITEDATA, r);
	set_writer(c, CURLOPT_HEADERFUNCTION, on_head);
	set_ptr(c, CURLOPT_HEADERDATA, r);
}

/* The process stops: not even for a name that is still looked up is there
 * time to wait. */
static CURLcode
abandon(struct http_client *c)
{
#if LIBCURL_VERSION_NUM >= 0x075700
	c->api->easy_setopt(c->curl, CURLOPT_QUICK_EXIT, 1L);
#endif
	return CURLE_OPERATION_TIMEDOUT;
}

/* What curl_easy_perform does, but in slices. */
static CURLcode
perform(struct http_client *c)
{
	CURLMcode code = c->api->multi_add_handle(c->multi, c->curl);
	CURLcode result = CURLE_OUT_OF_MEMORY;
	int running = 1, left;
	CURLMsg *done;

	while (code == CURLM_OK && running > 0) {
		code = c->api->multi_perform(c->multi, &running);
		if (running > 0 && quit_due(c->library->quit)) {
			result = abandon(c);
			break;
		}
		if (code == CURLM_OK && running > 0)
			code = c->api->multi_poll(
			    c->multi, NULL, 0, SLICE_MS, NULL);
	}
	if (running == 0 &&
	    (done = c->api->multi_info_read(c->multi, &left)) != NULL)
		result = done->data.result;
	c->api->multi_remove_handle(c->multi, c->curl);
	return result;
}

enum status
http_client_send(struct http_client *c, const struct http_call *call,
    struct http_reply *reply)
{
	struct curl_slist *list = NULL;
	struct receipt r = { reply, call->max_body ? call->max_body : BODY_MAX,
		false, ST_OK };
	enum status st;

	*reply = (struct http_reply){ 0 };
	buf_reset(&c->error);
	c->curl_error[0] = '\0';
	c->code = CURLE_OK;
	c->sent = false;
	c->api->easy_reset(c->curl);
	st = make_headers(c, call->headers, &list);
	if (st != ST_OK)
		goto out;
	set_call(c, call, list, &r);
	if (c->code == CURLE_OK)
		c->code = perform(c);
	c->sent = was_sent(c, call);
	st = status_of(c->code, &r, c->sent);
	if (st != ST_OK)
		goto out;
	finish(c, reply);
	st = http_reply_parse(reply);
out:
	if (st != ST_OK) {
		explain(c, call, st, c->code, &r);
		http_reply_release(reply);
	}
	/* No pointer of this call outlives it in the handle. */
	c->api->easy_reset(c->curl);
	c->api->slist_free_all(list);
	return st;
}
