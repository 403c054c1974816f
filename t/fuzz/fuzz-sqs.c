/*
 * Fuzzing POST /sqs. The first line of the input is the operation, the rest the
 * body: whatever it is, the answer is JSON, and a fault the request's own. A
 * first line that begins as a signature does is an Authorization header, which
 * must not pass, for nobody here knows the secret.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "codec/json.h"
#include "codec/moment.h"
#include "config/config.h"
#include "db/db.h"
#include "serve/access_key.h"
#include "serve/exchange.h"
#include "serve/limit.h"
#include "sqs/sqs.h"
#include "store/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define LINE_MAX_LEN 512

static struct {
	struct app app;
	struct limit receiving; /* nobody may wait */
	char dir[64];
} t;

static void
require(int condition, const char *what)
{
	if (!condition) {
		fprintf(stderr, "%s\n", what);
		abort();
	}
}

static void
clean_up(void)
{
	char command[128];

	db_close(t.app.db);
	config_free(t.app.config);
	snprintf(command, sizeof(command), "rm -rf %s", t.dir);
	if (system(command) != 0)
		fprintf(stderr, "%s is left\n", t.dir);
}

static void
set_up(void)
{
	struct db_options o = { .schema = &store_schema };
	struct buf errors = BUF_INIT;
	char path[128];
	FILE *f;

	snprintf(t.dir, sizeof(t.dir), "/tmp/fuzz-sqs-XXXXXX");
	require(mkdtemp(t.dir) != NULL, "mkdtemp");
	snprintf(path, sizeof(path), "%s/conf", t.dir);
	require((f = fopen(path, "w")) != NULL, path);
	fprintf(f,
	    "[whatsapp]\nai_queue = https://sqs.example.com/1/ai\n"
	    "max_receives = 3\n[access_keys]\nWORKER1 = a-secret\n");
	fclose(f);
	require(config_load(&t.app.config, path, NULL, &errors) == ST_OK,
	    buf_str(&errors));
	snprintf(path, sizeof(path), "%s/db", t.dir);
	o.path = path;
	require(db_open(&t.app.db, &o, &errors) == ST_OK, buf_str(&errors));
	t.app.receiving = &t.receiving;
	buf_release(&errors);
	atexit(clean_up);
}

/* As behind a server, where requests that wait have their place; here is none. */
static void
served(struct exchange *x)
{
	(void)x;
}

static void
ask(const char *line, const char *body, size_t len)
{
	static const struct route route = { .pattern = "/sqs" };
	char target[LINE_MAX_LEN + 64], authorization[LINE_MAX_LEN + 64];
	char date[MOMENT_BASIC_MAX], dated[64],
	    type[] = "CONTENT_TYPE="
		     "application/x-amz-json-1.0";
	char *envp[] = { (char[]){ "REQUEST_METHOD=POST" },
		(char[]){ "PATH_INFO=/sqs" }, (char[]){ "HTTP_HOST=a.example" },
		type, dated, target, authorization, NULL };
	bool signs = strncmp(line, "AWS4", 4) == 0;
	struct response response = { 0 };
	struct request request = { 0 };
	struct exchange x = { .app = &t.app,
		.request = &request,
		.response = &response,
		.served = served,
		.route = &route,
		.id = "x" };

	moment_basic(clock_us(), date);
	snprintf(dated, sizeof(dated), "HTTP_X_AMZ_DATE=%s", date);
	snprintf(target, sizeof(target), "HTTP_X_AMZ_TARGET=AmazonSQS.%s",
	    signs ? "ListQueues" : line);
	snprintf(authorization, sizeof(authorization), "HTTP_AUTHORIZATION=%s",
	    signs ? line : "");
	require(request_init(&request, envp, "") == ST_OK, "request");
	buf_put(&request.body, body, len);
	if (signs)
		require(!access_key_pass(&x), "it passes");
	else
		handle_sqs(&x);
	require(response.code == 200 || response.code == 400 ||
		(signs && response.code == 403),
	    "another code");
	require(json_check(response.body.data, response.body.len, 16) == ST_OK,
	    "no JSON");
	exchange_release(&x);
	request_release(&request);
	response_release(&response);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *end = memchr(data, '\n', len);
	size_t n = end == NULL ? len : (size_t)(end - data);
	char line[LINE_MAX_LEN];

	if (t.app.db == NULL)
		set_up();
	if (n >= sizeof(line))
		return 0;
	memcpy(line, data, n);
	line[n] = '\0';
	ask(line, end == NULL ? "" : (const char *)end + 1,
	    end == NULL ? 0 : len - n - 1);
	return 0;
}
