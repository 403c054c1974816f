#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/xml.h"
#include "t/test.h"

/* A tree as text: elements in (), attributes as name=[value], text in ''. */
static void
show(const struct xml_node *node, struct buf *out)
{
	size_t i;

	for (; node != NULL; node = node->next) {
		if (node->kind == XML_TEXT) {
			CU_ASSERT_EQUAL(strlen(node->text), node->text_len);
			buf_printf(out, "'%s'", node->text);
			continue;
		}
		buf_printf(out, "(%s", node->name);
		for (i = 0; i < node->attrs_n; i++)
			buf_printf(out, " %s=[%s]", node->attrs[i].name,
			    node->attrs[i].value);
		show(node->child, out);
		buf_putc(out, ')');
	}
}

static const struct {
	const char *document, *tree;
} trees[] = {
	{ "<a/>", "(a)" },
	{ "<a></a>", "(a)" },
	{ "<a  ></a  >", "(a)" },
	{ "<a b='1' c=\"2\"/>", "(a b=[1] c=[2])" },
	{ "<a b\n=\t'1'/>", "(a b=[1])" },
	{ "<a b='\"' c=\"'\" d='>'/>", "(a b=[\"] c=['] d=[>])" },
	/* White space is kept, and SSML with it. */
	{ "<Say>  Hello,  <prosody rate='slow'> big </prosody> "
	  "<emphasis>wide</emphasis>\t<break/>\n world </Say>",
	    "(Say'  Hello,  '(prosody rate=[slow]' big ')' '"
	    "(emphasis'wide')'\t'(break)'\n world ')" },
	{ "<a> <b/> </a>", "(a' '(b)' ')" },
	/* Line ends are one character; in values they are spaces. */
	{ "<a>1\r\n2\r3\n4</a>", "(a'1\n2\n3\n4')" },
	{ "<a b='1\r\n2\t3\n4&#10;5&#9;6'/>", "(a b=[1 2 3 4\n5\t6])" },
	{ "<a>&#13;&#x0D;</a>", "(a'\r\r')" },
	/* References, and what only looks like one. */
	{ "<a b='&lt;&gt;&amp;&quot;&apos;'>&lt;&gt;&amp;&quot;&apos;</a>",
	    "(a b=[<>&\"']'<>&\"'')" },
	{ "<a>&#65;&#x42;&#233;&#x20ac;&#x1F600;&#xfffd;&#xfeff;</a>",
	    "(a'AB\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd"
	    "\xef\xbb\xbf')" },
	{ "<a>&amp;lt;&#38;amp;</a>", "(a'&lt;&amp;')" },
	{ "<a>{x}&#123;y&#125;</a>", "(a'{x}{y}')" },
	/* CDATA is text, comments are nothing. */
	{ "<a><![CDATA[<b> & ]] ]> &amp;]]]]><![CDATA[>]]></a>",
	    "(a'<b> & ]] ]> &amp;]]''>')" },
	{ "<a><![CDATA[]]></a>", "(a)" },
	{ "<a>x<!-- <b> & - \"--></a>", "(a'x')" },
	{ "<a>x<!--->y--><!--->--></a>", "(a'x')" },
	{ "<a>x<!---->y</a>", "(a'xy')" },
	/* What may be around the root. */
	{ "<?xml version=\"1.0\"?><a/>", "(a)" },
	{ "<?xml version='1.0' encoding='utf-8' standalone='no' ?>\n<a/>\n",
	    "(a)" },
	{ "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>", "(a)" },
	{ "\r\n <!-- x --> <a/> <!-- y -->\r\n", "(a)" },
	/* Names. */
	{ "<say-as interpret-as='date' xml:lang='x'/>",
	    "(say-as interpret-as=[date] xml:lang=[x])" },
	{ "<_a.b-c:1/>", "(_a.b-c:1)" },
	{ "<a>\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 \x7f \xc2\x85</a>",
	    "(a'\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 \x7f \xc2\x85')" },
	/* What Mini-XML means by such names of its own. */
	{ "<a><b>!--</b><c>?xml</c><d>![CDATA[</d></a>",
	    "(a(b'!--')(c'?xml')(d'![CDATA['))" },
};

static void
test_trees(void)
{
	struct buf out = BUF_INIT;
	struct xml_error error;
	struct xml *xml;
	size_t i;

	for (i = 0; i < TEST_COUNT(trees); i++) {
		CU_ASSERT_EQUAL(xml_parse(&xml, trees[i].document,
				    strlen(trees[i].document), &error),
		    ST_OK);
		if (xml == NULL) {
			printf("%s: %s\n", trees[i].document, error.text);
			continue;
		}
		buf_reset(&out);
		show(xml_root(xml), &out);
		CU_ASSERT_STRING_EQUAL(buf_str(&out), trees[i].tree);
		xml_free(xml);
	}
	buf_release(&out);
}

#define ENTITIES "<!DOCTYPE a [<!ENTITY x \"y\">]>"
#define BOMB \
	"<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\">" \
	"<!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">" \
	"<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]>"

static const struct {
	const char *document;
	enum status status;
	unsigned line, column;
	const char *says;
} refused[] = {
	/* Not closed: Mini-XML 3 takes the first of these. */
	{ "<a><b>x</b>", ST_MALFORMED, 1, 12, "within the <a> of line 1" },
	{ "<a>\n <b>\n x", ST_MALFORMED, 3, 3, "within the <b> of line 2" },
	{ "<a><b></a>", ST_MALFORMED, 1, 7, "</b> is due here" },
	{ "<a></b></a>", ST_MALFORMED, 1, 4, "</a> is due here" },
	{ "<a></aa>", ST_MALFORMED, 1, 4, "</a> is due here" },
	{ "<a></ a>", ST_MALFORMED, 1, 4, "</a> is due here" },
	{ "<a></A>", ST_MALFORMED, 1, 4, "</a> is due here" },
	{ "<a></a x>", ST_MALFORMED, 1, 8, "the end of the closing tag" },
	{ "<a", ST_MALFORMED, 1, 1, "tag that begins here is never closed" },
	{ "<a><b c='1'", ST_MALFORMED, 1, 4, "is never closed" },
	{ "<a b='1>\n</a>", ST_MALFORMED, 2, 1, "may not stand in a value" },
	{ "<a b='1", ST_MALFORMED, 1, 6, "quote opened here" },
	{ "<a><!-- x</a>", ST_MALFORMED, 1, 4, "comment that begins here" },
	{ "<a><!-->x</a>", ST_MALFORMED, 1, 4, "comment that begins here" },
	{ "<a><![CDATA[x]]</a>", ST_MALFORMED, 1, 4, "CDATA section that" },
	/* External and own entities: no DOCTYPE, whatever is in it. */
	{ "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>", ST_UNSUPPORTED, 1,
	    1, "DOCTYPE" },
	{ "<?xml version='1.0'?>\n<!DOCTYPE a [<!ENTITY x SYSTEM "
	  "\"file:///etc/passwd\">]>\n<a>&x;</a>",
	    ST_UNSUPPORTED, 2, 1, "DOCTYPE" },
	{ ENTITIES "<a>&x;</a>", ST_UNSUPPORTED, 1, 1, "DOCTYPE" },
	{ BOMB "<a>&c;</a>", ST_UNSUPPORTED, 1, 1, "DOCTYPE" },
	{ "<a>" ENTITIES "</a>", ST_UNSUPPORTED, 1, 4, "DOCTYPE" },
	{ "<a/>" ENTITIES, ST_UNSUPPORTED, 1, 5, "DOCTYPE" },
	{ "<!ENTITY x 'y'><a>&x;</a>", ST_MALFORMED, 1, 1, "neither" },
	{ "<!doctype a><a/>", ST_MALFORMED, 1, 1, "neither" },
	{ "<a>&x;</a>", ST_MALFORMED, 1, 4, "no reference known" },
	{ "<a>&nbsp;</a>", ST_MALFORMED, 1, 4, "no reference known" },
	{ "<a>&LT;</a>", ST_MALFORMED, 1, 4, "no reference known" },
	{ "<a>a & b</a>", ST_MALFORMED, 1, 6, "as &amp;" },
	{ "<a>x&amp</a>", ST_MALFORMED, 1, 5, "as &amp;" },
	{ "<a b='?x=1&y=2'/>", ST_MALFORMED, 1, 11, "as &amp;" },
	{ "<a>&", ST_MALFORMED, 1, 4, "as &amp;" },
	/* References to what is no character. */
	{ "<a>&#0;</a>", ST_MALFORMED, 1, 4, "no reference known" },
	{ "<a>&#8;</a>", ST_MALFORMED, 1, 4, "no reference known" },
	{ "<a>&#xD800;</a>", ST_MALFORMED, 1, 4, "no reference known" },
	{ "<a>&#xFFFE;</a>", ST_MALFORMED, 1, 4, "no reference known" },
	{ "<a>&#xFFFF;</a>", ST_MALFORMED, 1, 4, "no reference known" },
	{ "<a>&#x110000;</a>", ST_MALFORMED, 1, 4, "no reference known" },
	{ "<a>&#4294967361;</a>", ST_MALFORMED, 1, 4, "no reference known" },
	{ "<a>&#X41;</a>", ST_MALFORMED, 1, 4, "no reference known" },
	{ "<a>&#;</a>", ST_MALFORMED, 1, 4, "no reference known" },
	{ "<a>&#x;</a>", ST_MALFORMED, 1, 4, "no reference known" },
	{ "<a>&#-1;</a>", ST_MALFORMED, 1, 4, "no reference known" },
	{ "<a>&#6 5;</a>", ST_MALFORMED, 1, 4, "no reference known" },
	/* Processing instructions and declarations. */
	{ "<?php x ?><a/>", ST_UNSUPPORTED, 1, 1, "processing instruction" },
	{ "<a><?x y?></a>", ST_UNSUPPORTED, 1, 4, "processing instruction" },
	{ "<a/><?x y?>", ST_UNSUPPORTED, 1, 5, "processing instruction" },
	{ "<?xml-stylesheet href='x'?><a/>", ST_UNSUPPORTED, 1, 1,
	    "processing instruction" },
	{ " <?xml version='1.0'?><a/>", ST_MALFORMED, 1, 2, "very beginning" },
	{ "<a><?xml version='1.0'?></a>", ST_MALFORMED, 1, 4, "beginning" },
	{ "<?xml?><a/>", ST_MALFORMED, 1, 1, "declaration is malformed" },
	{ "<?xml encoding='UTF-8'?><a/>", ST_MALFORMED, 1, 1, "malformed" },
	{ "<?xml version='1.0' x='y'?><a/>", ST_MALFORMED, 1, 1, "malformed" },
	{ "<?xml version='1.0'><a/>", ST_MALFORMED, 1, 1, "malformed" },
	{ "<?xml version='1.0", ST_MALFORMED, 1, 1, "malformed" },
	{ "<?xml version='1.0' standalone='x'?><a/>", ST_MALFORMED, 1, 1,
	    "malformed" },
	{ "<?xml version='1.1'?><a/>", ST_UNSUPPORTED, 1, 1, "only XML 1.0" },
	{ "<?xml version='1.0' encoding='latin1'?><a/>", ST_UNSUPPORTED, 1, 1,
	    "only UTF-8" },
	/* Around the root. */
	{ "", ST_MALFORMED, 1, 1, "no element" },
	{ " \n ", ST_MALFORMED, 2, 2, "no element" },
	{ "<!-- x -->", ST_MALFORMED, 1, 11, "no element" },
	{ "x<a/>", ST_MALFORMED, 1, 1, "text before" },
	{ "<a/>\n<b/>", ST_MALFORMED, 2, 1, "markup after" },
	{ "<a/>x", ST_MALFORMED, 1, 5, "text after" },
	{ "<a/>&amp;", ST_MALFORMED, 1, 5, "text after" },
	{ "<a/></a>", ST_MALFORMED, 1, 5, "markup after" },
	/* Inside of tags. */
	{ "<a b='1' c='2' b='3'/>", ST_MALFORMED, 1, 16,
	    "\"b\" is there twice" },
	{ "<a b='1'c='2'/>", ST_MALFORMED, 1, 9, "a space" },
	{ "<a b/>", ST_MALFORMED, 1, 5, "\"=\" is due" },
	{ "<a b=1/>", ST_MALFORMED, 1, 6, "in quotes" },
	{ "<a =1/>", ST_MALFORMED, 1, 4, "name of an attribute" },
	{ "<a / >", ST_MALFORMED, 1, 4, "name of an attribute" },
	{ "<a b='<'/>", ST_MALFORMED, 1, 7, "in a value" },
	{ "< a/>", ST_MALFORMED, 1, 2, "name of an element" },
	{ "<1a/>", ST_MALFORMED, 1, 2, "name of an element" },
	{ "<{x}/>", ST_MALFORMED, 1, 2, "name of an element" },
	{ "<a><", ST_MALFORMED, 1, 5, "name of an element" },
	{ "<a {x}='1'/>", ST_MALFORMED, 1, 4, "name of an attribute" },
	{ "<\xc3\xa9/>", ST_UNSUPPORTED, 1, 2, "ASCII" },
	{ "<a\xc3\xa9/>", ST_UNSUPPORTED, 1, 3, "ASCII" },
	{ "<a b\xc3\xa9='1'/>", ST_UNSUPPORTED, 1, 5, "ASCII" },
	/* Inside of text. */
	{ "<a>x]]>y</a>", ST_MALFORMED, 1, 5, "]]&gt;" },
	{ "<a><!-- x -- y --></a>", ST_MALFORMED, 1, 11, "in a comment" },
	{ "<a><!-- x ---></a>", ST_MALFORMED, 1, 11, "in a comment" },
	{ "<a><!x></a>", ST_MALFORMED, 1, 4, "neither" },
	/* Characters and encodings. */
	{ "<a>\x01</a>", ST_MALFORMED, 1, 4, "XML forbids" },
	{ "<a b='\x1b'/>", ST_MALFORMED, 1, 7, "XML forbids" },
	{ "<a>\xef\xbf\xbe</a>", ST_MALFORMED, 1, 4, "XML forbids" },
	{ "<a>\xc3\xa9\xe9</a>", ST_MALFORMED, 1, 5, "not UTF-8" },
	{ "<a>\xc0\xbc</a>", ST_MALFORMED, 1, 4, "not UTF-8" },
	{ "<a>\xed\xa0\x80</a>", ST_MALFORMED, 1, 4, "not UTF-8" },
	{ "<a>\xf4\x90\x80\x80</a>", ST_MALFORMED, 1, 4, "not UTF-8" },
	{ "<a>x\xef\xbb\xbfy</a>", ST_UNSUPPORTED, 1, 5, "byte order mark" },
	{ "\xef\xbb\xbf\xef\xbb\xbf<a/>", ST_UNSUPPORTED, 1, 1,
	    "byte order mark" },
	{ "<!-- \xff --><a/>", ST_MALFORMED, 1, 6, "not UTF-8" },
	{ "\xff\xfe<", ST_MALFORMED, 1, 1, "not UTF-8" },
	/* Columns count characters, lines count all line ends. */
	{ "<a>\xe2\x82\xac\r\n\r\xe2\x82\xac\xe2\x82\xac&x;</a>", ST_MALFORMED,
	    3, 3, "no reference known" },
};

static void
test_refused(void)
{
	struct xml_error error;
	struct xml *xml;
	size_t i;

	for (i = 0; i < TEST_COUNT(refused); i++) {
		memset(&error, 0, sizeof(error));
		CU_ASSERT_EQUAL(xml_parse(&xml, refused[i].document,
				    strlen(refused[i].document), &error),
		    refused[i].status);
		CU_ASSERT_PTR_NULL(xml);
		CU_ASSERT_EQUAL(error.line, refused[i].line);
		CU_ASSERT_EQUAL(error.column, refused[i].column);
		CU_ASSERT_PTR_NOT_NULL(strstr(error.text, refused[i].says));
		if (error.line != refused[i].line ||
		    error.column != refused[i].column ||
		    strstr(error.text, refused[i].says) == NULL)
			printf("%s\n  gave %u:%u: %s\n", refused[i].document,
			    error.line, error.column, error.text);
		xml_free(xml);
	}
}

static void
test_nul(void)
{
	struct xml_error error;
	struct xml *xml;

	CU_ASSERT_EQUAL(xml_parse(&xml, "<a>\0</a>", 8, &error), ST_MALFORMED);
	CU_ASSERT_EQUAL(xml_parse(&xml, "<a/>\0", 5, &error), ST_MALFORMED);
	CU_ASSERT_EQUAL(error.column, 5);
}

/* However a document is cut short, it is refused. */
static void
test_truncated(void)
{
	static const char whole[] =
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- c -->\n"
	    "<Response><Gather action=\"&lt;{x}\"><Say>Hi &amp; "
	    "<![CDATA[x]]><!-- c --><break time='1s'/></Say></Gather>"
	    "</Response>";
	struct xml_error error;
	struct xml *xml;
	size_t n;

	for (n = 0; n < sizeof(whole) - 1; n++) {
		CU_ASSERT_NOT_EQUAL(xml_parse(&xml, whole, n, &error), ST_OK);
		CU_ASSERT_PTR_NULL(xml);
	}
	CU_ASSERT_EQUAL(xml_parse(&xml, whole, n, &error), ST_OK);
	xml_free(xml);
}

static void
repeat(struct buf *out, const char *what, size_t times)
{
	while (times-- > 0)
		buf_puts(out, what);
}

static enum status
parse(const struct buf *document, struct xml_error *error)
{
	struct xml *xml;
	enum status st;

	st = xml_parse(&xml, buf_str(document), document->len, error);
	xml_free(xml);
	return st;
}

static void
test_depth(void)
{
	struct buf b = BUF_INIT;
	struct xml_error error;

	repeat(&b, "<a>", XML_DEPTH_MAX);
	repeat(&b, "</a>", XML_DEPTH_MAX);
	CU_ASSERT_EQUAL(parse(&b, &error), ST_OK);
	buf_reset(&b);
	repeat(&b, "<a>", XML_DEPTH_MAX);
	buf_puts(&b, "<b/>");
	repeat(&b, "</a>", XML_DEPTH_MAX);
	CU_ASSERT_EQUAL(parse(&b, &error), ST_TOOBIG);
	CU_ASSERT_EQUAL(error.column, 3 * XML_DEPTH_MAX + 1);
	buf_reset(&b);
	repeat(&b, "<a>", XML_MAX / 3);
	CU_ASSERT_EQUAL(parse(&b, &error), ST_TOOBIG);
	buf_release(&b);
}

static void
test_size(void)
{
	struct buf b = BUF_INIT;
	struct xml_error error;

	buf_puts(&b, "<a>");
	repeat(&b, "x", XML_MAX - 7);
	buf_puts(&b, "</a>");
	CU_ASSERT_EQUAL(parse(&b, &error), ST_OK);
	buf_putc(&b, ' ');
	CU_ASSERT_EQUAL(parse(&b, &error), ST_TOOBIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "65536"));
	buf_reset(&b);
	/* As many pieces as fit. */
	buf_puts(&b, "<a>");
	repeat(&b, "<b/>x", (XML_MAX - 7) / 5);
	buf_puts(&b, "</a>");
	CU_ASSERT_EQUAL(parse(&b, &error), ST_OK);
	buf_release(&b);
}

static void
test_attributes(void)
{
	struct buf b = BUF_INIT;
	struct xml_error error;
	int i;

	buf_puts(&b, "<a");
	for (i = 0; i < XML_ATTRS_MAX; i++)
		buf_printf(&b, " a%d='%d'", i, i);
	buf_puts(&b, "/>");
	CU_ASSERT_EQUAL(parse(&b, &error), ST_OK);
	b.len -= 2;
	buf_puts(&b, " b='1'/>");
	CU_ASSERT_EQUAL(parse(&b, &error), ST_TOOBIG);
	buf_release(&b);
}

static void
test_place(void)
{
	static const char document[] =
	    "<a>\n <b c='\xe2\x82\xac&amp;&#x20ac;x'/>\n"
	    "\xc3\xa9&lt;<!--->-->z<![CDATA[&amp;\nq]]></a>";
	const struct xml_node *b, *text, *cdata;
	struct xml_error error;
	struct xml *xml;
	unsigned line, column;

	CU_ASSERT_EQUAL_FATAL(
	    xml_parse(&xml, document, sizeof(document) - 1, &error), ST_OK);
	b = xml_root(xml)->child->next;
	text = b->next;
	cdata = text->next;
	xml_place(xml, b->at, 0, &line, &column);
	CU_ASSERT(line == 2 && column == 2);
	xml_place(xml, b->attrs[0].name_at, 0, &line, &column);
	CU_ASSERT(line == 2 && column == 5);
	/* Index 7 is the x, after three bytes, one and three. */
	CU_ASSERT_EQUAL(b->attrs[0].value[7], 'x');
	xml_place(xml, b->attrs[0].value_at, 7, &line, &column);
	CU_ASSERT(line == 2 && column == 22);
	CU_ASSERT_STRING_EQUAL(text->text, "\n\xc3\xa9<z");
	xml_place(xml, text->at, 4, &line, &column);
	CU_ASSERT(line == 3 && column == 15);
	CU_ASSERT_STRING_EQUAL(cdata->text, "&amp;\nq");
	xml_place(xml, cdata->at, 6, &line, &column);
	CU_ASSERT(line == 4 && column == 1);
	xml_free(xml);
}

#define R "\xef\xbf\xbd" /* U+FFFD */

static const struct {
	const char *value, *text, *attr;
} escapes[] = {
	{ "", "", "" },
	{ "plain {x}", "plain {x}", "plain {x}" },
	{ "<a b=\"c\">'&amp;", "&lt;a b=\"c\"&gt;'&amp;amp;",
	    "&lt;a b=&quot;c&quot;&gt;'&amp;amp;" },
	{ "]]>", "]]&gt;", "]]&gt;" },
	{ "\t\n\r\n", "\t\n&#13;\n", "&#9;&#10;&#13;&#10;" },
	{ "\x01\x08\x0b\x0c\x0e\x1f\x7f", R R R R R R "\x7f",
	    R R R R R R "\x7f" },
	{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
	    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
	    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ "\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd", R R R, R R R },
	{ "\xff", R, R },
	{ "a\xe2\x82", "a" R, "a" R },
	{ "\xe2\x82<", R "&lt;", R "&lt;" },
	{ "\xc0\xbc\xed\xa0\x80", R R R R R, R R R R R },
	{ "\xf4\x90\x80\x80\xf0\x9f\x98", R R R R R, R R R R R },
};

static void
test_escapes(void)
{
	struct buf out = BUF_INIT;
	size_t i;

	for (i = 0; i < TEST_COUNT(escapes); i++) {
		const char *value = escapes[i].value;

		buf_reset(&out);
		CU_ASSERT_EQUAL(
		    xml_put_text(&out, value, strlen(value)), ST_OK);
		CU_ASSERT_STRING_EQUAL(buf_str(&out), escapes[i].text);
		CU_ASSERT(out.len >= strlen(value));
		buf_reset(&out);
		CU_ASSERT_EQUAL(
		    xml_put_attr(&out, value, strlen(value)), ST_OK);
		CU_ASSERT_STRING_EQUAL(buf_str(&out), escapes[i].attr);
		CU_ASSERT(out.len >= strlen(value));
	}
	buf_reset(&out);
	xml_put_text(&out, "a\0b", 3);
	CU_ASSERT_STRING_EQUAL(buf_str(&out), "a" R "b");
	buf_release(&out);
}

/* Every pair of bytes goes out as what our own reader takes. */
static void
test_escapes_read_back(void)
{
	struct buf out = BUF_INIT;
	struct xml_error error;
	char pair[2];
	int i;

	for (i = 0; i < 65536; i++) {
		pair[0] = (char)(i >> 8);
		pair[1] = (char)i;
		buf_reset(&out);
		buf_puts(&out, "<a b=\"");
		xml_put_attr(&out, pair, 2);
		buf_puts(&out, "\">");
		xml_put_text(&out, pair, 2);
		buf_puts(&out, "</a>");
		if (parse(&out, &error) != ST_OK)
			break;
	}
	CU_ASSERT_EQUAL(i, 65536);
	buf_release(&out);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "trees", test_trees },
		{ "refused", test_refused },
		{ "NUL", test_nul },
		{ "truncated", test_truncated },
		{ "depth", test_depth },
		{ "size", test_size },
		{ "attributes", test_attributes },
		{ "place", test_place },
		{ "escapes", test_escapes },
		{ "escapes read back", test_escapes_read_back },
	};

	return test_main("xml", tests, TEST_COUNT(tests));
}
