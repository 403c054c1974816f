/*
 * The other side of test-templates-lxml.py. A line in, a line out, bytes in
 * hexadecimal:
 *
 *	template-oracle parse
 *	    DOCUMENT		ok TREE | malformed WHY | unsupported WHY | too-big WHY
 *	template-oracle render DIR
 *	    NAME [KEY=VALUE ...]	ok DOCUMENT | missing KEY | too-big | none
 *
 * A tree is "(NAME", then "@NAME=VALUE" for each attribute, "'TEXT" for each
 * text, elements, and ")", all divided by spaces.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/kv.h"
#include "codec/xml.h"
#include "twilio/templates.h"

static int
digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	if (at == NULL)
		exit(99);
	return (int)(at - digits);
}

/* Turn a string of hexadecimal into its bytes, in place; their number. */
static size_t
unhex(char *s)
{
	size_t i, n = strlen(s) / 2;

	for (i = 0; i < n; i++)
		s[i] = (char)(digit(s[2 * i]) << 4 | digit(s[2 * i + 1]));
	s[n] = '\0';
	return n;
}

static void
put_hex(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		printf("%02x", (unsigned char)s[i]);
}

static void
put_tree(const struct xml_node *node)
{
	size_t i;

	for (; node != NULL; node = node->next) {
		if (node->kind == XML_TEXT) {
			printf(" '");
			put_hex(node->text, node->text_len);
			continue;
		}
		printf(" (%s", node->name);
		for (i = 0; i < node->attrs_n; i++) {
			printf(" @%s=", node->attrs[i].name);
			put_hex(
			    node->attrs[i].value, strlen(node->attrs[i].value));
		}
		put_tree(node->child);
		printf(" )");
	}
}

static const char *
word(enum status st)
{
	if (st == ST_OK)
		return "ok";
	if (st == ST_MALFORMED)
		return "malformed";
	if (st == ST_UNSUPPORTED)
		return "unsupported";
	if (st == ST_TOOBIG)
		return "too-big";
	return "none";
}

static void
answer_parse(char *line)
{
	struct xml_error error;
	struct xml *xml;
	size_t n = unhex(line);
	char *exact = malloc(n + 1);

	/* Of its very size, so that a sanitizer sees a byte too far. */
	if (exact == NULL)
		exit(99);
	memcpy(exact, line, n);
	printf("%s", word(xml_parse(&xml, exact, n, &error)));
	if (xml != NULL)
		put_tree(xml_root(xml));
	else
		printf(" %u:%u: %s", error.line, error.column, error.text);
	putchar('\n');
	xml_free(xml);
	free(exact);
}

static bool
look_up(void *ctx, const char *name, const char **value, size_t *len)
{
	const struct kv_pair *pair = kv_find(ctx, name, NULL);

	if (pair == NULL)
		return false;
	*value = pair->value;
	*len = pair->value_len;
	return true;
}

static void
render(struct templates *templates, const char *name, struct kv *values)
{
	struct buf out = BUF_INIT;
	const char *missing = "";
	struct twiml *twiml;
	enum status st;

	st = templates_get(templates, name, &twiml);
	if (twiml == NULL) {
		printf("none\n");
		return;
	}
	st = twiml_render(twiml, look_up, values, &out, &missing);
	if (st == ST_NOTFOUND)
		printf("missing %s", missing);
	else
		printf("%s ", word(st));
	put_hex(buf_str(&out), out.len);
	putchar('\n');
	buf_release(&out);
	twiml_release(twiml);
}

static void
answer_render(struct templates *templates, char *line)
{
	struct kv values = KV_INIT;
	char *save, *name, *key, *value;

	name = strtok_r(line, " ", &save);
	while ((key = strtok_r(NULL, " ", &save)) != NULL) {
		value = strchr(key, '=');
		if (name == NULL || value == NULL)
			exit(99);
		*value++ = '\0';
		if (kv_add(&values, key, strlen(key), value, unhex(value)) !=
		    ST_OK)
			exit(99);
	}
	render(templates, name, &values);
	kv_release(&values);
}

int
main(int argc, char **argv)
{
	struct templates *templates = NULL;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (argc == 3 && strcmp(argv[1], "render") == 0) {
		if (templates_open(&templates, argv[2], NULL) != ST_OK)
			return 99;
	} else if (argc != 2 || strcmp(argv[1], "parse") != 0) {
		return 99;
	}
	while ((n = getline(&line, &cap, stdin)) > 0) {
		line[n - 1] = '\0';
		if (templates != NULL)
			answer_render(templates, line);
		else
			answer_parse(line);
	}
	templates_close(templates);
	free(line);
	return fflush(stdout) == 0 ? 0 : 99;
}
