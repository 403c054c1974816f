#include "sqs/sqs_attributes.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "codec/base64.h"
#include "codec/xml.h"

#define NAME_LEN 256
#define NAME_CHARS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"

/* --- reading ---------------------------------------------------------------- */

static bool
is_name(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= NAME_LEN && strspn(s, NAME_CHARS) == n &&
	    *s != '.' && s[n - 1] != '.' && strstr(s, "..") == NULL &&
	    strncasecmp(s, "aws.", 4) != 0 && strncasecmp(s, "amazon.", 7) != 0;
}

static bool
is_type(const char *s, const char *kind)
{
	size_t n = strlen(kind);

	return strncmp(s, kind, n) == 0 && (s[n] == '\0' || s[n] == '.') &&
	    strlen(s) <= NAME_LEN;
}

static bool
is_legal(const char *s)
{
	size_t at = 0, n = strlen(s);
	bool legal = true;

	while (at < n && legal)
		at += xml_step(s + at, n - at, &legal);
	return legal;
}

static bool
is_base64(const char *s)
{
	size_t n = strlen(s), len;
	unsigned char *to = malloc(n / 4 * 3 + 1);
	bool valid = to != NULL && base64_decode(s, n, to, &len) == ST_OK;

	free(to);
	return valid;
}

static bool
read_one(struct sqs_fault *f, const struct json *in, struct sqs_attribute *a)
{
	const char *member;

	a->name = json_name(in);
	if (a->name == NULL || !is_name(a->name) ||
	    json_kind(in) != JSON_OBJECT)
		return sqs_fault(f, SQS_BAD_VALUE,
		    "A message attribute's name or value is not valid.");
	if (!sqs_text(f, in, "DataType", false, &a->type))
		return false;
	if (a->type == NULL ||
	    (!is_type(a->type, "String") && !is_type(a->type, "Number") &&
		!is_type(a->type, "Binary")))
		return sqs_fault(f, SQS_BAD_VALUE,
		    "The message attribute '%.100s' has an invalid message "
		    "attribute type, the set of supported type prefixes is "
		    "Binary, Number, and String.",
		    a->name);
	a->binary = is_type(a->type, "Binary");
	member = a->binary ? "BinaryValue" : "StringValue";
	if (!sqs_text(f, in, member, false, &a->value))
		return false;
	if (str_empty(a->value))
		return sqs_fault(f, SQS_BAD_VALUE,
		    "The message attribute '%.100s' must contain non-empty "
		    "message attribute value for message attribute type "
		    "'%.40s'.",
		    a->name, a->type);
	if (a->binary ? !is_base64(a->value) : !is_legal(a->value))
		return sqs_fault(f, SQS_BAD_VALUE,
		    "The message attribute '%.100s' has characters in its "
		    "value that it cannot have.",
		    a->name);
	return true;
}

bool
sqs_attributes_read(struct sqs_fault *f, const struct json *in,
    const char *member, struct sqs_attributes *out)
{
	const struct json *list, *item;
	enum status st = json_member(in, member, &list);
	size_t i;

	out->n = out->bytes = 0;
	if (st == ST_NOTFOUND || (st == ST_OK && json_kind(list) == JSON_NULL))
		return true;
	if (st != ST_OK || json_kind(list) != JSON_OBJECT)
		return sqs_fault(f, SQS_BAD_JSON,
		    "%s is not an object, or not once", member);
	if (json_size(list) > SQS_ATTRIBUTES_MAX)
		return sqs_fault(f, SQS_BAD_VALUE,
		    "Number of message attributes [%zu] exceeds the allowed "
		    "maximum [10].",
		    json_size(list));
	for (item = json_first(list); item != NULL; item = json_next(item)) {
		struct sqs_attribute *a = &out->of[out->n];

		if (!read_one(f, item, a))
			return false;
		for (i = 0; i < out->n; i++)
			if (strcmp(out->of[i].name, a->name) == 0)
				return sqs_fault(f, SQS_BAD_VALUE,
				    "The message attribute '%.100s' is there "
				    "twice.",
				    a->name);
		out->bytes +=
		    strlen(a->name) + strlen(a->type) + strlen(a->value);
		out->n++;
	}
	return true;
}

/* --- giving ------------------------------------------------------------------ */

static bool
is_chosen(const struct json *names, const char *name)
{
	const struct json *item = names == NULL ? NULL : json_first(names);
	const char *text;
	size_t n;

	for (; item != NULL; item = json_next(item)) {
		if (json_text(item, &text) != ST_OK)
			continue;
		n = strlen(text);
		if (strcmp(text, name) == 0 || strcmp(text, "All") == 0 ||
		    (n >= 2 && strcmp(text + n - 2, ".*") == 0 &&
			strncmp(text, name, n - 2) == 0))
			return true;
	}
	return false;
}

void
sqs_attributes_choose(struct sqs_attributes *list, const struct json *names)
{
	size_t i, kept = 0;

	for (i = 0; i < list->n; i++)
		if (is_chosen(names, list->of[i].name))
			list->of[kept++] = list->of[i];
	list->n = kept;
}

enum status
sqs_attributes_put(struct buf *out, const struct sqs_attributes *list)
{
	const struct sqs_attribute *a;
	size_t i;

	buf_putc(out, '{');
	for (i = 0; i < list->n; i++) {
		a = &list->of[i];
		if (i > 0)
			buf_putc(out, ',');
		json_put_text(out, a->name);
		buf_puts(out, ":{\"DataType\":");
		json_put_text(out, a->type);
		buf_puts(
		    out, a->binary ? ",\"BinaryValue\":" : ",\"StringValue\":");
		json_put_text(out, a->value);
		buf_putc(out, '}');
	}
	return buf_putc(out, '}');
}

/* --- the digest ---------------------------------------------------------------- */

static void
put_long(struct buf *out, const void *bytes, size_t n)
{
	const unsigned char length[] = { (unsigned char)(n >> 24),
		(unsigned char)(n >> 16), (unsigned char)(n >> 8),
		(unsigned char)n };

	buf_put(out, length, sizeof(length));
	buf_put(out, bytes, n);
}

static enum status
put_binary(struct buf *out, const char *text)
{
	size_t n = strlen(text), len = 0;
	unsigned char *bytes = malloc(n / 4 * 3 + 1);
	enum status st = ST_NOMEM;

	if (bytes != NULL)
		st = base64_decode(text, n, bytes, &len);
	if (st == ST_OK)
		put_long(out, bytes, len);
	free(bytes);
	return st;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct sqs_attribute *)a)->name,
	    ((const struct sqs_attribute *)b)->name);
}

enum status
sqs_attributes_md5(
    const struct sqs_attributes *list, char hex[static CRYPT_MD5_HEX_MAX])
{
	struct sqs_attributes sorted = *list;
	struct buf text = BUF_INIT;
	enum status st = ST_OK;
	size_t i;

	qsort(sorted.of, sorted.n, sizeof(sorted.of[0]), compare);
	for (i = 0; i < sorted.n && st == ST_OK; i++) {
		const struct sqs_attribute *a = &sorted.of[i];

		put_long(&text, a->name, strlen(a->name));
		put_long(&text, a->type, strlen(a->type));
		buf_putc(&text, a->binary ? 2 : 1);
		if (a->binary)
			st = put_binary(&text, a->value);
		else
			put_long(&text, a->value, strlen(a->value));
	}
	if (st == ST_OK)
		st = text.err;
	if (st == ST_OK)
		st = crypt_md5_hex(text.data, text.len, hex);
	buf_release(&text);
	return st;
}
