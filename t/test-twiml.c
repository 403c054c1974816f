#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/test.h"
#include "twilio/grammar.h"
#include "twilio/twiml.h"

#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

/* Values for the tests; unknown names have none. */
struct values {
	const char *const (*pairs)[2];
	size_t n;
	int asked;
};

static bool
look_up(void *ctx, const char *name, const char **value, size_t *len)
{
	struct values *v = ctx;
	size_t i;

	v->asked++;
	for (i = 0; i < v->n; i++)
		if (strcmp(v->pairs[i][0], name) == 0) {
			*value = v->pairs[i][1];
			*len = strlen(*value);
			return true;
		}
	return false;
}

static const char *const usual[][2] = {
	{ "url", "https://example.com/a?b=1&c=\"2\"" },
	{ "text", "<b> & \"c\"\r\n" },
	{ "empty", "" },
	{ "_x1", "X" },
	{ "n2", "2" },
};

static struct twiml *
compile(const char *text, struct buf *errors)
{
	struct twiml *t;
	enum status st;

	st = twiml_compile(&t, "x", text, strlen(text), errors);
	CU_ASSERT_EQUAL(st, errors->len > 0 ? ST_CONFIG : ST_OK);
	CU_ASSERT((st == ST_OK) == (t != NULL));
	return t;
}

static const struct {
	const char *template, *document;
} renders[] = {
	{ "<Response/>", "<Response/>\n" },
	{ "<Response></Response>", "<Response/>\n" },
	/* White space between verbs goes, in Say it stays. */
	{ "<?xml version='1.0'?>\n<!-- x -->\n<Response>\n  <Gather "
	  "numDigits='1'>\n <Say> a\n b </Say>\n</Gather>\n <Hangup />\n"
	  "</Response>\n",
	    "<Response><Gather numDigits=\"1\"><Say> a\n b </Say></Gather>"
	    "<Hangup/></Response>\n" },
	{ "<Response><Say>  Hello,  <prosody rate='slow'> big </prosody> "
	  "<emphasis>wide</emphasis>\t<break/>\n <p> <s> a </s> </p> "
	  "</Say></Response>",
	    "<Response><Say>  Hello,  <prosody rate=\"slow\"> big </prosody> "
	    "<emphasis>wide</emphasis>\t<break/>\n <p> <s> a </s> </p> "
	    "</Say></Response>\n" },
	{ "<Response><Dial>\n <Number>1</Number>\n <Number>2</Number>\n"
	  "</Dial></Response>",
	    "<Response><Dial><Number>1</Number><Number>2</Number></Dial>"
	    "</Response>\n" },
	{ "<Response> <Redirect> <![CDATA[ ]]> </Redirect><Redirect>\t"
	  "<![CDATA[a]]> </Redirect></Response>",
	    "<Response><Redirect/><Redirect>\ta </Redirect></Response>\n" },
	/* Values are escaped for where they stand. */
	{ "<Response><Redirect method='{n2}'>{url}</Redirect></Response>",
	    "<Response><Redirect method=\"2\">https://example.com/a?b=1&amp;"
	    "c=\"2\"</Redirect></Response>\n" },
	{ "<Response><Gather action='{url}'><Say>{text}</Say></Gather>"
	  "</Response>",
	    "<Response><Gather action=\"https://example.com/a?b=1&amp;"
	    "c=&quot;2&quot;\"><Say>&lt;b&gt; &amp; \"c\"&#13;\n</Say>"
	    "</Gather></Response>\n" },
	{ "<Response><Gather action='{text}'/></Response>",
	    "<Response><Gather action=\"&lt;b&gt; &amp; &quot;c&quot;&#13;"
	    "&#10;\"/></Response>\n" },
	/* And literals as well. */
	{ "<Response><Say language='a&quot;&apos;&#10;b'>&lt;&amp;&gt;"
	  "<![CDATA[<&{n2}]]>&#13;</Say></Response>",
	    "<Response><Say language=\"a&quot;'&#10;b\">&lt;&amp;&gt;&lt;"
	    "&amp;2&#13;</Say></Response>\n" },
	/* Placeholders beside one another, repeated, empty. */
	{ "<Response><Say>{n2}{_x1}{n2} {empty}.</Say></Response>",
	    "<Response><Say>2X2 .</Say></Response>\n" },
	{ "<Response><Say>{empty}</Say></Response>",
	    "<Response><Say></Say></Response>\n" },
	{ "<Response><Gather action='{url}/{n2}' hints=''/></Response>",
	    "<Response><Gather action=\"https://example.com/a?b=1&amp;c="
	    "&quot;2&quot;/2\" hints=\"\"/></Response>\n" },
	/* Braces. */
	{ "<Response><Say>{{n2}} {{{n2}}} }}{{ {{{{</Say></Response>",
	    "<Response><Say>{n2} {2} }{ {{</Say></Response>\n" },
	{ "<Response><Enqueue><Task>{{\"a\":{{\"b\":\"{n2}\"}}}}</Task>"
	  "</Enqueue></Response>",
	    "<Response><Enqueue><Task>{\"a\":{\"b\":\"2\"}}</Task></Enqueue>"
	    "</Response>\n" },
	/* One tag, two elements. */
	{ "<Response><Dial><Sip username='a'>b</Sip></Dial><Refer><Sip>c"
	  "</Sip></Refer></Response>",
	    "<Response><Dial><Sip username=\"a\">b</Sip></Dial><Refer><Sip>c"
	    "</Sip></Refer></Response>\n" },
};

static void
test_renders(void)
{
	struct values values = { usual, TEST_COUNT(usual), 0 };
	struct buf errors = BUF_INIT, out = BUF_INIT;
	struct twiml *t;
	size_t i;

	for (i = 0; i < TEST_COUNT(renders); i++) {
		buf_reset(&out);
		if ((t = compile(renders[i].template, &errors)) == NULL) {
			printf("%s", buf_str(&errors));
			continue;
		}
		CU_ASSERT_EQUAL(
		    twiml_render(t, look_up, &values, &out, NULL), ST_OK);
		CU_ASSERT_EQUAL(strncmp(buf_str(&out), XML, strlen(XML)), 0);
		CU_ASSERT_STRING_EQUAL(
		    buf_str(&out) + strlen(XML), renders[i].document);
		twiml_release(t);
	}
	buf_release(&errors);
	buf_release(&out);
}

/* Each has every mistake, or warning, and only those. */
static const struct {
	const char *template, *errors;
} mistakes[] = {
	/* Of XML: the first one. */
	{ "<Response>\n<Say>x</Say>",
	    "x.twiml.xml:2:13: the document ends within the <Response> of "
	    "line 1; close it with </Response>\n" },
	{ "<!DOCTYPE Response [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>\n"
	  "<Response><Say>&x;</Say></Response>",
	    "x.twiml.xml:1:1: a DOCTYPE is refused, with the entities it may "
	    "define; remove it\n" },
	{ "<Response><{x}/></Response>",
	    "x.twiml.xml:1:12: the name of an element is due here; write a "
	    "plain \"<\" as &lt;\n" },
	{ "", "x.twiml.xml:1:1: there is no element; write one\n" },
	/* The root. */
	{ "<response><Say>x</Say></response>",
	    "x.twiml.xml:1:1: the root is <response>; it must be "
	    "<Response>\n" },
	{ "<Say>x</Say>",
	    "x.twiml.xml:1:1: the root is <Say>; it must be <Response>\n" },
	/* Beside what is not known, too. */
	{ "<Response>\n<Gathre x='{'/></Response>",
	    "x.twiml.xml:2:12: \"{\" begins no placeholder; write {name}, or "
	    "{{ for the brace itself\n" },
	/* Placeholders. */
	{ "<Response><Say>{ } {a b} {} {1x} {a-b} {\xc3\xa9} {x</Say>"
	  "</Response>",
	    "x.twiml.xml:1:16: \"{\" begins no placeholder; write {name}, or "
	    "{{ for the brace itself\n"
	    "x.twiml.xml:1:20: \"{\" begins no placeholder; write {name}, or "
	    "{{ for the brace itself\n"
	    "x.twiml.xml:1:26: \"{\" begins no placeholder; write {name}, or "
	    "{{ for the brace itself\n"
	    "x.twiml.xml:1:29: \"{\" begins no placeholder; write {name}, or "
	    "{{ for the brace itself\n"
	    "x.twiml.xml:1:34: \"{\" begins no placeholder; write {name}, or "
	    "{{ for the brace itself\n"
	    "x.twiml.xml:1:40: \"{\" begins no placeholder; write {name}, or "
	    "{{ for the brace itself\n"
	    "x.twiml.xml:1:44: \"{\" begins no placeholder; write {name}, or "
	    "{{ for the brace itself\n" },
	{ "<Response><Gather action='a}&amp;{'/></Response>",
	    "x.twiml.xml:1:28: \"}\" without \"{\"; write }} for the brace "
	    "itself\n"
	    "x.twiml.xml:1:34: \"{\" begins no placeholder; write {name}, or "
	    "{{ for the brace itself\n" },
	{ "<Response><Say>{{x}</Say></Response>",
	    "x.twiml.xml:1:19: \"}\" without \"{\"; write }} for the brace "
	    "itself\n" },
};

/* What is not known, and is rendered as it is written. */
static const struct {
	const char *template, *warnings;
} warned[] = {
	/* Elements. */
	{ "<Response>\n <say>x</say>\n <Gathre/>\n <Frobnicate/>\n"
	  " <Say><Break/></Say></Response>",
	    "x.twiml.xml:2:2: there is no element <say>; did you mean <Say>?\n"
	    "x.twiml.xml:3:2: there is no element <Gathre>; did you mean "
	    "<Gather>?\n"
	    "x.twiml.xml:4:2: no element <Frobnicate> is known; remove it "
	    "unless Twilio has added it\n"
	    "x.twiml.xml:5:7: there is no element <Break>; did you mean "
	    "<break>?\n" },
	{ "<Response><Gather><Hangup/></Gather><Number>1</Number>"
	  "<prosody>x</prosody><Say><Response/></Say></Response>",
	    "x.twiml.xml:1:19: <Hangup> may not stand in <Gather>; it stands "
	    "in <Response>\n"
	    "x.twiml.xml:1:37: <Number> may not stand in <Response>; it stands "
	    "in <Dial>\n"
	    "x.twiml.xml:1:55: <prosody> may not stand in <Response>; it "
	    "stands in <Say>, <emphasis>, <lang>, <p>, <prosody>, <s>, <w>\n"
	    "x.twiml.xml:1:80: <Response> is the root; it may not stand in "
	    "<Say>\n" },
	/* What stands in a wrong one is looked at too. */
	{ "<Response><Gathre><Gather numdigits='1'>x</Gather></Gathre>"
	  "</Response>",
	    "x.twiml.xml:1:11: there is no element <Gathre>; did you mean "
	    "<Gather>?\n"
	    "x.twiml.xml:1:27: <Gather> has no attribute \"numdigits\"; did "
	    "you mean \"numDigits\"?\n"
	    "x.twiml.xml:1:41: <Gather> holds no text; move it into <Say>, or "
	    "remove it\n" },
	/* Attributes. */
	{ "<Response>\n<Gather\n  numDigit='1'\n  xyz='2'><Say\nVoice='x'>x"
	  "</Say></Gather></Response>",
	    "x.twiml.xml:3:3: <Gather> has no attribute \"numDigit\"; did you "
	    "mean \"numDigits\"?\n"
	    "x.twiml.xml:4:3: <Gather> has no attribute \"xyz\" that is known; "
	    "remove it unless Twilio has added it\n"
	    "x.twiml.xml:5:1: <Say> has no attribute \"Voice\"; did you mean "
	    "\"voice\"?\n" },
	{ "<Response><Refer><Sip username='a'>b</Sip></Refer></Response>",
	    "x.twiml.xml:1:23: <Sip> has no attribute \"username\" that is "
	    "known; "
	    "remove it unless Twilio has added it\n" },
	/* Text where there is none. */
	{ "<Response>\n <!-- x -->\n <![CDATA[ ]]> <![CDATA[Hi]]></Response>",
	    "x.twiml.xml:3:25: <Response> holds no text; move it into <Say>, "
	    "or remove it\n" },
	{ "<Response>\n  Hello\n<Gather> 1 </Gather></Response>",
	    "x.twiml.xml:2:3: <Response> holds no text; move it into <Say>, or "
	    "remove it\n"
	    "x.twiml.xml:3:10: <Gather> holds no text; move it into <Say>, or "
	    "remove it\n" },
};

/* What a template and its render have in common: all that is no white space. */
static void
squeeze(struct buf *out, const char *text)
{
	buf_reset(out);
	for (; *text != '\0'; text++)
		if (strchr(" \t\r\n", *text) == NULL)
			buf_putc(out, *text == '\'' ? '"' : *text);
}

static void
test_warnings(void)
{
	struct buf errors = BUF_INIT, out = BUF_INIT, is = BUF_INIT;
	struct buf written = BUF_INIT;
	struct twiml *t;
	size_t i;

	for (i = 0; i < TEST_COUNT(warned); i++) {
		buf_reset(&out);
		t = compile(warned[i].template, &errors);
		CU_ASSERT_PTR_NOT_NULL_FATAL(t);
		CU_ASSERT_STRING_EQUAL(twiml_warnings(t), warned[i].warnings);
		if (strcmp(twiml_warnings(t), warned[i].warnings) != 0)
			printf("%s\n%s", warned[i].template, twiml_warnings(t));
		CU_ASSERT_EQUAL(
		    twiml_render(t, look_up, NULL, &out, NULL), ST_OK);
		squeeze(&is, buf_str(&out) + strlen(XML));
		squeeze(&written, warned[i].template);
		if (strstr(warned[i].template, "<!") == NULL)
			CU_ASSERT_STRING_EQUAL(buf_str(&is), buf_str(&written));
		twiml_release(t);
	}
	buf_release(&errors);
	buf_release(&out);
	buf_release(&is);
	buf_release(&written);
}

static void
test_mistakes(void)
{
	struct buf errors = BUF_INIT;
	size_t i;

	for (i = 0; i < TEST_COUNT(mistakes); i++) {
		buf_reset(&errors);
		CU_ASSERT_PTR_NULL(compile(mistakes[i].template, &errors));
		CU_ASSERT_STRING_EQUAL(buf_str(&errors), mistakes[i].errors);
		if (strcmp(buf_str(&errors), mistakes[i].errors) != 0)
			printf(
			    "%s\n%s", mistakes[i].template, buf_str(&errors));
	}
	buf_release(&errors);
}

static size_t
lines(const struct buf *b)
{
	size_t i, n = 0;

	for (i = 0; i < b->len; i++)
		n += b->data[i] == '\n';
	return n;
}

/* A flood is cut, and says so. */
static void
test_many(void)
{
	struct buf text = BUF_INIT, errors = BUF_INIT;
	struct twiml *t;
	size_t n;
	int i;

	buf_puts(&text, "<Response>");
	for (i = 0; i < 1000; i++)
		buf_puts(&text, "<x/>");
	n = text.len;
	buf_puts(&text, "</Response>");
	t = compile(buf_str(&text), &errors);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(twiml_warnings(t), "x.twiml.xml: and 950 more warnings\n"));
	twiml_release(t);
	text.len = n;
	for (i = 0; i < 1000; i++)
		buf_puts(&text, "} ");
	buf_puts(&text, "</Response>");
	CU_ASSERT_PTR_NULL(compile(buf_str(&text), &errors));
	CU_ASSERT_EQUAL(lines(&errors), 51);
	buf_release(&text);
	buf_release(&errors);
}

static void
test_missing(void)
{
	struct values values = { usual, TEST_COUNT(usual), 0 };
	struct buf errors = BUF_INIT, out = BUF_INIT;
	const char *missing = NULL;
	struct twiml *t;

	t = compile(
	    "<Response><Say>{n2}{nobody}{nothing}</Say></Response>", &errors);
	buf_puts(&out, "before");
	CU_ASSERT_EQUAL(
	    twiml_render(t, look_up, &values, &out, &missing), ST_NOTFOUND);
	CU_ASSERT_STRING_EQUAL(missing, "nobody");
	CU_ASSERT_STRING_EQUAL(buf_str(&out), "before");
	CU_ASSERT_EQUAL(out.err, ST_OK);
	twiml_release(t);
	buf_release(&out);
	buf_release(&errors);
}

static void
test_names(void)
{
	struct values values = { usual, TEST_COUNT(usual), 0 };
	struct buf errors = BUF_INIT, out = BUF_INIT;
	const struct twiml_name *names;
	struct twiml *t;
	size_t n;

	t = compile("<Response>\n <Gather action='/x?&lt;{url}{n2}'>\n"
		    "<Say>{n2} {_x1} {url}</Say></Gather></Response>",
	    &errors);
	names = twiml_names(t, &n);
	CU_ASSERT_EQUAL_FATAL(n, 3);
	CU_ASSERT_STRING_EQUAL(names[0].name, "url");
	CU_ASSERT(names[0].line == 2 && names[0].column == 25);
	CU_ASSERT_STRING_EQUAL(names[1].name, "n2");
	CU_ASSERT(names[1].line == 2 && names[1].column == 30);
	CU_ASSERT_STRING_EQUAL(names[2].name, "_x1");
	CU_ASSERT(names[2].line == 3 && names[2].column == 11);
	CU_ASSERT_EQUAL(twiml_render(t, look_up, &values, &out, NULL), ST_OK);
	/* Once a render for each name. */
	CU_ASSERT_EQUAL(values.asked, 3);
	twiml_release(t);
	buf_release(&out);
	buf_release(&errors);
}

static void
test_name_bounds(void)
{
	struct buf text = BUF_INIT, errors = BUF_INIT;
	struct twiml *t;
	size_t n;
	int i;

	buf_puts(&text, "<Response><Say>");
	for (i = 0; i < TWIML_NAMES_MAX; i++)
		buf_printf(&text, "{n%d}{n%d}", i, i);
	n = text.len;
	buf_puts(&text, "</Say></Response>");
	t = compile(buf_str(&text), &errors);
	CU_ASSERT_PTR_NOT_NULL(t);
	twiml_release(t);
	text.len = n;
	buf_puts(&text, "{more}</Say></Response>");
	CU_ASSERT_PTR_NULL(compile(buf_str(&text), &errors));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(buf_str(&errors), "more than 64 different"));
	buf_reset(&text);
	buf_reset(&errors);
	buf_printf(&text, "<Response><Say>{%0*d</Say></Response>", 300, 0);
	CU_ASSERT_PTR_NULL(compile(buf_str(&text), &errors));
	buf_reset(&text);
	buf_reset(&errors);
	buf_printf(&text, "<Response><Say>{x%0*d}</Say></Response>", 64, 0);
	CU_ASSERT_PTR_NULL(compile(buf_str(&text), &errors));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&errors), "too long"));
	buf_reset(&text);
	buf_reset(&errors);
	buf_printf(&text, "<Response><Say>{x%0*d}</Say></Response>", 63, 0);
	t = compile(buf_str(&text), &errors);
	CU_ASSERT_PTR_NOT_NULL(t);
	twiml_release(t);
	buf_release(&text);
	buf_release(&errors);
}

/* A value of so many "x" or "<". */
struct long_value {
	char *bytes;
	size_t len;
};

static bool
look_up_long(void *ctx, const char *name, const char **value, size_t *len)
{
	const struct long_value *v = ctx;

	(void)name;
	*value = v->bytes;
	*len = v->len;
	return true;
}

static enum status
render_long(const struct twiml *t, char c, size_t n, struct buf *out)
{
	struct long_value v = { malloc(n + 1), n };
	enum status st;

	memset(v.bytes, c, n);
	buf_reset(out);
	st = twiml_render(t, look_up_long, &v, out, NULL);
	free(v.bytes);
	return st;
}

static void
test_size(void)
{
	struct buf errors = BUF_INIT, out = BUF_INIT;
	struct twiml *t;
	size_t frame;

	t = compile("<Response><Say>{x}</Say></Response>", &errors);
	CU_ASSERT_EQUAL(render_long(t, 'x', 0, &out), ST_OK);
	frame = out.len;
	CU_ASSERT_EQUAL(render_long(t, 'x', TWIML_MAX - frame, &out), ST_OK);
	CU_ASSERT_EQUAL(out.len, TWIML_MAX);
	CU_ASSERT_EQUAL(
	    render_long(t, 'x', TWIML_MAX - frame + 1, &out), ST_TOOBIG);
	CU_ASSERT_EQUAL(out.len, 0);
	CU_ASSERT_EQUAL(out.err, ST_OK);
	/* It counts as it goes out. */
	CU_ASSERT_EQUAL(render_long(t, '<', TWIML_MAX / 4, &out), ST_TOOBIG);
	CU_ASSERT_STRING_EQUAL(buf_str(&out), "");
	CU_ASSERT_EQUAL(
	    render_long(t, '<', TWIML_MAX / 4 - frame, &out), ST_OK);
	CU_ASSERT_EQUAL(render_long(t, '\xff', TWIML_MAX / 3, &out), ST_TOOBIG);
	CU_ASSERT_EQUAL(render_long(t, 'x', 10 << 20, &out), ST_TOOBIG);
	CU_ASSERT(out.cap < 1 << 20);
	twiml_release(t);
	buf_release(&errors);
	buf_release(&out);
}

/* The longest template that XML takes may still be too long to go out. */
static void
test_long_template(void)
{
	struct buf text = BUF_INIT, errors = BUF_INIT;

	buf_puts(&text, "<Response><Say>");
	while (text.len < TWIML_MAX - 30)
		buf_putc(&text, '>');
	buf_puts(&text, "</Say></Response>");
	CU_ASSERT_PTR_NULL(compile(buf_str(&text), &errors));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&errors), "longer than 65536"));
	buf_release(&text);
	buf_release(&errors);
}

/* Below an element, and for each: a document where it stands, all attributes
 * given, is known; with one of another name, not. */
static void
check_element(const struct grammar_element *e, struct buf *open,
    struct buf *close, int depth, size_t *checked)
{
	size_t open_len = open->len, i, n;
	struct buf text = BUF_INIT, errors = BUF_INIT;
	struct twiml *t;
	const char *a;

	(*checked)++;
	buf_printf(open, "<%s", e->tag);
	for (a = e->attributes; *a != '\0'; a += n + (a[n] == '|')) {
		n = strcspn(a, "|");
		buf_printf(open, " %.*s='1'", (int)n, a);
	}
	buf_printf(&text, "%s/>%s", buf_str(open), buf_str(close));
	t = compile(buf_str(&text), &errors);
	CU_ASSERT_STRING_EQUAL(twiml_warnings(t), "");
	twiml_release(t);
	buf_reset(&text);
	buf_printf(&text, "%s nope_='1'/>%s", buf_str(open), buf_str(close));
	t = compile(buf_str(&text), &errors);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(twiml_warnings(t), "no attribute \"nope_\""));
	twiml_release(t);
	buf_putc(open, '>');
	buf_reset(&text);
	buf_printf(&text, "</%s>%s", e->tag, buf_str(close));
	for (i = 0; depth < 4 && i < grammar_elements_n; i++)
		if (grammar_allows(e, &grammar_elements[i]))
			check_element(&grammar_elements[i], open, &text,
			    depth + 1, checked);
	open->len = open_len;
	open->data[open_len] = '\0';
	buf_release(&text);
	buf_release(&errors);
}

static void
test_grammar(void)
{
	struct buf open = BUF_INIT, close = BUF_INIT;
	size_t checked = 0, i;

	CU_ASSERT_STRING_EQUAL(grammar_elements[0].tag, "Response");
	buf_puts(&open, " ");
	check_element(&grammar_elements[0], &open, &close, 0, &checked);
	CU_ASSERT(checked > 300);
	for (i = 1; i < grammar_elements_n; i++)
		CU_ASSERT_PTR_NOT_NULL(grammar_find(grammar_elements[i].tag));
	CU_ASSERT_PTR_NULL(grammar_find("gather"));
	CU_ASSERT_PTR_NULL(grammar_find(""));
	CU_ASSERT_FALSE(grammar_has_attribute(&grammar_elements[0], ""));
	CU_ASSERT_STRING_EQUAL(
	    grammar_child(grammar_find("Refer"), "Sip")->id, "ReferSip");
	CU_ASSERT_STRING_EQUAL(
	    grammar_child(grammar_find("Dial"), "Sip")->id, "Sip");
	CU_ASSERT_PTR_NULL(grammar_child(grammar_find("Gather"), "Sip"));
	CU_ASSERT_PTR_NULL(grammar_near_tag("Xyzzy"));
	CU_ASSERT_STRING_EQUAL(grammar_near_tag("hangup"), "Hangup");
	buf_release(&open);
	buf_release(&close);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "renders", test_renders },
		{ "mistakes", test_mistakes },
		{ "warnings", test_warnings },
		{ "many of them", test_many },
		{ "missing", test_missing },
		{ "names", test_names },
		{ "name bounds", test_name_bounds },
		{ "size", test_size },
		{ "long template", test_long_template },
		{ "grammar", test_grammar },
	};

	return test_main("twiml", tests, TEST_COUNT(tests));
}
