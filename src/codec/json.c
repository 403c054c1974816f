#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

/*
 * cJSON ends a string at an escaped NUL and does not tell. Checked text is
 * valid UTF-8, so a byte that UTF-8 never has can stand for it while cJSON has
 * the text, which passes such bytes on.
 */
#define NUL_MARK '\xff'

/* 2^53: from here on a double cannot tell neighbours apart. */
#define EXACT_MAX 9007199254740992.0

static const cJSON *
inside(const struct json *v)
{
	return (const cJSON *)v;
}

static const struct json *
outside(const cJSON *v)
{
	return (const struct json *)v;
}

/* Put six marks for each \u0000. */
static void
mark_nul(char *text, size_t len)
{
	char *p = text, *end = text + len;

	while ((p = memchr(p, '\\', (size_t)(end - p))) != NULL) {
		if (end - p >= 6 && memcmp(p, "\\u0000", 6) == 0) {
			memset(p, NUL_MARK, 6);
			p += 6;
		} else {
			p += 2; /* an escaped backslash is not another escape */
		}
	}
}

/* Plain cJSON 1.7 takes 63 characters of a number; Debian's takes all. */
static bool
has_long_number(const char *text)
{
	size_t n;

	while (*(text += strcspn(text, "0123456789")) != '\0') {
		if ((n = strspn(text, "0123456789+-.eE")) > 62)
			return true;
		text += n;
	}
	return false;
}

enum status
json_parse(const char *text, size_t len, struct json **out)
{
	enum status st;
	cJSON *tree;
	char *copy;

	*out = NULL;
	if ((st = json_check(text, len, JSON_DEPTH_MAX)) != ST_OK)
		return st;
	if ((copy = malloc(len + 1)) == NULL)
		return ST_NOMEM;
	memcpy(copy, text, len);
	copy[len] = '\0';
	mark_nul(copy, len);
	/* What passed the check cJSON takes too, but for the two reasons here. */
	tree = cJSON_ParseWithLengthOpts(copy, len + 1, NULL, true);
	st = tree != NULL           ? ST_OK
	    : has_long_number(copy) ? ST_UNSUPPORTED
				    : ST_NOMEM;
	explicit_bzero(copy, len); /* the text may have been a secret's */
	free(copy);
	*out = (struct json *)tree;
	return st;
}

/* No deeper than JSON_DEPTH_MAX. */
static void
wipe_strings(const cJSON *v)
{
	const cJSON *child;

	if (v->valuestring != NULL)
		explicit_bzero(v->valuestring, strlen(v->valuestring));
	for (child = v->child; child != NULL; child = child->next)
		wipe_strings(child);
}

void
json_free(struct json *root)
{
	if (root != NULL)
		wipe_strings(inside(root));
	cJSON_Delete((cJSON *)root);
}

enum json_kind
json_kind(const struct json *v)
{
	switch (inside(v)->type & 0xff) {
	case cJSON_True:
	case cJSON_False:
		return JSON_BOOL;
	case cJSON_Number:
		return JSON_NUMBER;
	case cJSON_String:
		return JSON_STRING;
	case cJSON_Array:
		return JSON_ARRAY;
	case cJSON_Object:
		return JSON_OBJECT;
	default:
		return JSON_NULL;
	}
}

enum status
json_member(
    const struct json *object, const char *name, const struct json **out)
{
	const cJSON *member, *found = NULL;

	*out = NULL;
	if (!cJSON_IsObject(inside(object)))
		return ST_MALFORMED;
	cJSON_ArrayForEach(member, inside(object))
	{
		if (strcmp(member->string, name) != 0)
			continue;
		if (found != NULL)
			return ST_MALFORMED;
		found = member;
	}
	*out = outside(found);
	return found == NULL ? ST_NOTFOUND : ST_OK;
}

enum status
json_text(const struct json *v, const char **out)
{
	const char *s = inside(v)->valuestring;

	*out = NULL;
	if (!cJSON_IsString(inside(v)) || strchr(s, NUL_MARK) != NULL)
		return ST_MALFORMED;
	*out = s;
	return ST_OK;
}

enum status
json_int(const struct json *v, int64_t *out)
{
	double d = inside(v)->valuedouble;

	*out = 0;
	if (!cJSON_IsNumber(inside(v)))
		return ST_MALFORMED;
	if (d <= -EXACT_MAX || d >= EXACT_MAX)
		return ST_TOOBIG;
	if (d != (double)(int64_t)d)
		return ST_MALFORMED;
	*out = (int64_t)d;
	return ST_OK;
}

enum status
json_bool(const struct json *v, bool *out)
{
	*out = cJSON_IsTrue(inside(v));
	return cJSON_IsBool(inside(v)) ? ST_OK : ST_MALFORMED;
}

/* As json_member, but null is ST_NOTFOUND. */
static enum status
member_not_null(
    const struct json *object, const char *name, const struct json **out)
{
	enum status st = json_member(object, name, out);

	return st == ST_OK && cJSON_IsNull(inside(*out)) ? ST_NOTFOUND : st;
}

enum status
json_member_text(const struct json *object, const char *name, const char **out)
{
	const struct json *v;
	enum status st = member_not_null(object, name, &v);

	*out = NULL;
	return st == ST_OK ? json_text(v, out) : st;
}

enum status
json_member_int(const struct json *object, const char *name, int64_t *out)
{
	const struct json *v;
	enum status st = member_not_null(object, name, &v);

	*out = 0;
	return st == ST_OK ? json_int(v, out) : st;
}

const struct json *
json_first(const struct json *v)
{
	return outside(inside(v)->child);
}

const struct json *
json_next(const struct json *v)
{
	return outside(inside(v)->next);
}

const char *
json_name(const struct json *v)
{
	const char *name = inside(v)->string;

	return name == NULL || strchr(name, NUL_MARK) != NULL ? NULL : name;
}

size_t
json_size(const struct json *v)
{
	const struct json *item;
	size_t n = 0;

	for (item = json_first(v); item != NULL; item = json_next(item))
		n++;
	return n;
}
