/*
 * Templates when memory runs out, at every allocation: each step fails as it
 * says and leaves nothing behind, and a good file is not taken for a bad one.
 * By an allocator of our own over glibc's, so not under a sanitizer.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/xml.h"
#include "t/memory.h"
#include "t/test.h"
#include "twilio/templates.h"

/* Over many allocations: attributes, texts, names and slots in number. */
static char good[8000], bad[8000];

static void
make_texts(void)
{
	struct buf b = BUF_INIT;
	int i;

	buf_puts(&b, "<?xml version='1.0'?>\n<!-- x --><Response>");
	for (i = 0; i < 30; i++)
		buf_printf(&b,
		    "<Gather numDigits='%d' action='{u%d}'><Say> {a} "
		    "<break/>&amp;<![CDATA[x]]></Say></Gather>",
		    i, i);
	/* With warnings. */
	buf_puts(&b, "<x/><Dial y='1'><Say/></Dial>");
	snprintf(good, sizeof(good), "%s</Response>", buf_str(&b));
	snprintf(bad, sizeof(bad), "%s{</Response>", buf_str(&b));
	buf_release(&b);
}

static enum status
parse(void)
{
	struct xml_error error;
	struct xml *xml;
	enum status st = xml_parse(&xml, good, strlen(good), &error);

	if ((st == ST_OK) != (xml != NULL))
		st = ST_CORRUPT;
	xml_free(xml);
	return st;
}

static bool
look_up(void *ctx, const char *name, const char **value, size_t *len)
{
	(void)ctx;
	*value = name;
	*len = strlen(name);
	return true;
}

static enum status
compile_and_render(void)
{
	struct buf errors = BUF_INIT, out = BUF_INIT;
	struct twiml *t;
	enum status st;

	st = twiml_compile(&t, "x", good, strlen(good), &errors);
	if ((st == ST_OK) != (t != NULL))
		st = ST_CORRUPT;
	if (st == ST_OK)
		st = twiml_render(t, look_up, NULL, &out, NULL);
	if (st != ST_OK && out.len != 0)
		st = ST_CORRUPT;
	twiml_release(t);
	buf_release(&errors);
	buf_release(&out);
	return st;
}

static enum status
compile_mistakes(void)
{
	struct buf errors = BUF_INIT;
	struct twiml *t;
	enum status st;

	st = twiml_compile(&t, "x", bad, strlen(bad), &errors);
	buf_release(&errors);
	return st == ST_CONFIG && t == NULL ? ST_OK : st;
}

/* From a folder: the file is there and good, whatever memory there is. */
static enum status
get(void)
{
	struct templates *templates;
	struct twiml *t = NULL, *again;
	enum status st;

	st = templates_open(&templates, test_tmpdir(), NULL);
	if (st == ST_OK)
		st = templates_get(templates, "x", &t);
	if (st == ST_NOMEM && templates != NULL) {
		/* What failed is not remembered against the file. */
		memory_pause();
		if (templates_get(templates, "x", &again) != ST_OK)
			st = ST_CORRUPT;
		twiml_release(again);
		memory_resume();
	}
	twiml_release(t);
	templates_close(templates);
	return st;
}

/* What a reload takes along. */
static enum status
inherit(void)
{
	struct templates *before = NULL, *templates = NULL;
	struct twiml *t = NULL;
	enum status st;

	st = templates_open(&before, test_tmpdir(), NULL);
	if (st == ST_OK)
		st = templates_get(before, "x", &t);
	if (st == ST_OK)
		st = templates_open(&templates, test_tmpdir(), NULL);
	if (st == ST_OK)
		st = templates_inherit(templates, before);
	twiml_release(t);
	templates_close(before);
	templates_close(templates);
	return st;
}

static void
test_memory(void)
{
	char path[4096];
	FILE *f;

	make_texts();
	snprintf(path, sizeof(path), "%s/x" TEMPLATES_SUFFIX, test_tmpdir());
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(good, f);
	fclose(f);
	memory_run_out("xml_parse", parse, 100, 1, 1);
	memory_run_out("twiml_render", compile_and_render, 100, 1, 1);
	memory_run_out("twiml_compile", compile_mistakes, 100, 1, 1);
	memory_run_out("templates_get", get, 100, 1, 1);
	memory_run_out("templates_inherit", inherit, 100, 1, 1);
}

static const struct test tests[] = {
	{ "each allocation fails once", test_memory },
};

int
main(void)
{
	if (!memory_is_ours())
		return 77;
	return test_main("templates, without memory", tests, TEST_COUNT(tests));
}
