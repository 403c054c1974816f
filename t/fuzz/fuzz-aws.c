/*
 * Fuzzing what src/aws reads from others: the first byte chooses among the
 * shared files, items, keys in JSON, times, errors and messages. Besides
 * sanitizers' findings it ends when what was read contradicts itself.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aws/credentials.h"
#include "aws/dynamodb_item.h"
#include "aws/error.h"
#include "aws/profile.h"
#include "aws/provider.h"
#include "aws/sqs_message.h"
#include "base/str.h"
#include "codec/json.h"
#include "codec/moment.h"
#include "http/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
fuzz_profile(const char *text, size_t len)
{
	char variable[64], named[] = "AWS_PROFILE=p";
	char *envp[] = { variable, named, NULL };
	struct buf why = BUF_INIT;
	struct profile *p;
	int fd = memfd_create("profile", MFD_CLOEXEC);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		abort();
	snprintf(
	    variable, sizeof(variable), "AWS_CONFIG_FILE=/proc/self/fd/%d", fd);
	if (profile_load(&p, envp, &why) == ST_OK) {
		(void)profile_get(p, "region");
		(void)profile_service(p, "sqs", "endpoint_url");
		if (profile_credential(p, "region") != NULL)
			abort(); /* that file was not read */
	} else if (why.len == 0) {
		abort();
	}
	profile_free(p);
	buf_release(&why);
	close(fd);
}

static void
fuzz_item(const char *text, size_t len)
{
	struct conversation c, again;
	struct buf copy = BUF_INIT;
	struct json *root, *second;
	const char *wrong;

	if (json_parse(text, len, &root) != ST_OK)
		return;
	if (item_read(root, &c, &wrong) == ST_OK) {
		/* Written and read once more it is the same. */
		if (str_empty(c.id) || str_empty(c.tel) ||
		    item_put(&copy, &c) != ST_OK ||
		    json_parse(copy.data, copy.len, &second) != ST_OK ||
		    item_read(second, &again, &wrong) != ST_OK ||
		    !str_eq(c.id, again.id) || c.handoff != again.handoff)
			abort();
		json_free(second);
		conversation_release(&again);
		conversation_release(&c);
	} else if (wrong == NULL) {
		abort();
	}
	json_free(root);
	buf_release(&copy);
}

static void
fuzz_keys(const char *text, size_t len)
{
	const struct buf body = { (char *)text, len, len + 1, ST_OK };
	struct aws_keys keys = { 0 };

	if (provider_json(&body, &keys) == ST_OK &&
	    (str_empty(keys.access_key_id) || str_empty(keys.secret)))
		abort();
	aws_keys_release(&keys);
}

static void
fuzz_times(const char *text, size_t len)
{
	int64_t us;

	(void)len;
	if (moment_parse(text, MOMENT_STAMP, &us) == ST_OK &&
	    moment_parse_mail(text, &us) == ST_OK)
		abort();
	(void)moment_parse_mail(text, &us);
}

static void
fuzz_error(const char *text, size_t len)
{
	struct http_reply reply = { .code = 400 };
	char code[AWS_CODE_MAX];
	struct buf out = BUF_INIT;
	struct json *root = NULL;

	(void)kv_add(&reply.headers, "x-amzn-errortype", 16, text, len);
	aws_error_code(&reply, NULL, code);
	if (strlen(code) >= AWS_CODE_MAX || strpbrk(code, "\n\" ;:") != NULL)
		abort();
	if (json_parse(text, len, &root) == ST_OK) {
		aws_error_put_message(&out, root);
		if (out.len > 0 && strpbrk(out.data, "\n\r") != NULL)
			abort();
	}
	(void)aws_error_find(code, 400);
	kv_release(&reply.headers);
	buf_release(&out);
	json_free(root);
}

static void
fuzz_message(const char *text, size_t len)
{
	const struct queue_message m = { .body = text,
		.len = len,
		.group = text,
		.dedupe = text,
		.trace = text };
	struct buf b = BUF_INIT;
	const char *why;

	if (sqs_check_body(text, len, &why) == ST_OK) {
		buf_puts(&b, "{\"q\":1");
		if (sqs_put_message(&b, true, &m, text) != ST_OK ||
		    buf_putc(&b, '}') != ST_OK ||
		    json_check(b.data, b.len, 8) != ST_OK)
			abort();
	}
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static void (*const targets[])(const char *, size_t) = { fuzz_profile,
		fuzz_item, fuzz_keys, fuzz_times, fuzz_error, fuzz_message };
	char *text;

	if (len == 0 || (text = malloc(len)) == NULL)
		return 0;
	memcpy(text, data + 1, len - 1);
	text[len - 1] = '\0';
	targets[data[0] % (sizeof(targets) / sizeof(targets[0]))](
	    text, len - 1);
	free(text);
	return 0;
}
