/*
 * Fuzzing templates: the input is a template. What is taken must render, with
 * values that XML cannot carry, to a document that is read back; what is not
 * must have been told why.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/xml.h"
#include "twilio/twiml.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* A value of its own for each name, of all that is trouble. */
static bool
look_up(void *ctx, const char *name, const char **value, size_t *len)
{
	static const char trouble[] =
	    "<&>\"']]>\r\n\t\0\x01\x7f\xc3\xa9\xff\xed\xa0\x80\xef\xbf\xbe"
	    "\xf0\x9f\x98\x80--><![CDATA[{x}\xe2\x82";
	size_t skip = (unsigned char)name[0] % (sizeof(trouble) - 1);

	(void)ctx;
	*value = trouble + skip;
	*len = sizeof(trouble) - 1 - skip;
	return true;
}

/* A render must be XML again, with the same root. */
static void
check_render(const struct twiml *t)
{
	struct buf out = BUF_INIT;
	struct xml_error error;
	struct xml *xml = NULL;
	enum status st;

	st = twiml_render(t, look_up, NULL, &out, NULL);
	if (st == ST_OK && out.len <= TWIML_MAX) {
		st = xml_parse(&xml, buf_str(&out), out.len, &error);
		if (st != ST_OK || strcmp(xml_root(xml)->name, "Response") != 0)
			abort();
	} else if (st != ST_TOOBIG) {
		abort();
	}
	xml_free(xml);
	buf_release(&out);
}

/* Places of names are within the text. */
static void
check_names(const struct twiml *t, size_t len)
{
	const struct twiml_name *names;
	size_t i, n;

	names = twiml_names(t, &n);
	for (i = 0; i < n; i++)
		if (names[i].line == 0 || names[i].line > len ||
		    names[i].column == 0 || names[i].column > len)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf errors = BUF_INIT;
	char *text = malloc(len == 0 ? 1 : len);
	const char *warnings;
	struct twiml *t;
	enum status st;

	if (text == NULL)
		return 0;
	memcpy(text, data, len);
	st = twiml_compile(&t, "fuzz", text, len, &errors);
	if (st == ST_OK && errors.len == 0) {
		warnings = twiml_warnings(t);
		if (*warnings != '\0' && warnings[strlen(warnings) - 1] != '\n')
			abort();
		check_names(t, len);
		check_render(t);
	} else if (st != ST_CONFIG || errors.len == 0 ||
	    errors.data[errors.len - 1] != '\n') {
		abort();
	}
	twiml_release(t);
	buf_release(&errors);
	free(text);
	return 0;
}
