#!/usr/bin/python3
"""Templates held against an independent reader of XML, libxml2 by lxml.

Documents, good and damaged: what our reader takes, lxml takes too, and both
make the same tree of it; what ours calls malformed, lxml refuses.

Renders with hostile values: each is well-formed and small enough, and has each
value exactly where it belongs, but for what XML cannot carry: that is U+FFFD.
The expected tree is made here, from the template and the values.

The seed is fixed; TEMPLATES_SEED and TEMPLATES_RUNS change it and the numbers.
"""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

try:
    from lxml import etree
except ImportError:
    print("python3-lxml is not here")
    sys.exit(77)

SRCDIR = os.environ.get("SRCDIR", ".")
BUILDDIR = os.environ.get("BUILDDIR", SRCDIR)
ORACLE = os.path.join(BUILDDIR, "t/template-oracle")
SUFFIX = ".twiml.xml"
RUNS = int(os.environ.get("TEMPLATES_RUNS", "10000"))
random.seed(int(os.environ.get("TEMPLATES_SEED", "20261121")))

failures = 0


def fail(*what):
    global failures
    failures += 1
    if failures <= 20:
        print(*what, file=sys.stderr)


def oracle(arguments, lines):
    done = subprocess.run([ORACLE] + arguments, input="".join(lines),
                          capture_output=True, text=True)
    answers = done.stdout.splitlines()
    if done.returncode != 0 or len(answers) != len(lines):
        print(done.stderr, file=sys.stderr)
        sys.exit(f"template-oracle {arguments[0]}: exit {done.returncode}, "
                 f"{len(answers)} answers to {len(lines)} lines")
    return answers


# Trees: (tag, {attribute: value}, [text or tree, ...]), no two texts together.

def add(children, text):
    if not text:
        return
    if children and isinstance(children[-1], str):
        children[-1] += text
    else:
        children.append(text)


def tree_of_lxml(element):
    children = []
    add(children, element.text)
    for child in element:
        if not isinstance(child, etree._Comment):
            children.append(tree_of_lxml(child))
        add(children, child.tail)
    return (qualified(element, element.tag), {
        qualified(element, k): v for k, v in element.attrib.items()}, children)


def qualified(element, name):
    """The name as it was written: lxml gives "{uri}local"."""
    if not name.startswith("{"):
        return name
    uri, local = name[1:].split("}")
    if uri == "http://www.w3.org/XML/1998/namespace":
        return "xml:" + local
    prefix = [p for p, u in element.nsmap.items() if u == uri][0]
    return f"{prefix}:{local}" if prefix else local


def tree_of_words(words):
    """Of the oracle's answer; words is an iterator after the first "("."""
    def text(hexadecimal):
        return bytes.fromhex(hexadecimal).decode("utf-8")

    def element(tag):
        attributes, children = {}, []
        for word in words:
            if word == ")":
                return (tag, attributes, children)
            if word[0] == "(":
                children.append(element(word[1:]))
            elif word[0] == "@":
                name, value = word[1:].split("=")
                attributes[name] = text(value)
            else:
                add(children, text(word[1:]))
        raise ValueError("unbalanced")
    return element(next(words)[1:])


def parser():
    return etree.XMLParser(resolve_entities=False, no_network=True,
                           load_dtd=False, remove_pis=False)


def read(document):
    """The root element of a document, or None; and why not."""
    try:
        return etree.fromstring(document, parser()), None
    except (etree.XMLSyntaxError, ValueError) as error:
        return None, str(error)


# Documents, good and damaged.

PIECES = [
    "<", ">", "&", ";", '"', "'", "/", "!", "-", "--", "[", "]", "]]>", "?",
    "=", "#", "{", "}", " ", "\n", "\r\n", "\r", "\t", "x", "A", "&amp;",
    "&lt;", "&gt;", "&quot;", "&apos;", "&#65;", "&#x41;", "&#10;", "&#13;",
    "&#0;", "&#x1F600;", "&#xD800;", "&#xFFFE;", "&nbsp;", "&x;", "<!--",
    "-->", "<!-- x -->", "<!---->", "<!--->", "<![CDATA[", "<![CDATA[ <&> ]]>",
    "<![CDATA[]]>", "<!DOCTYPE a>", "<!DOCTYPE a [<!ENTITY x 'y'>]>",
    "<?pi x?>", '<?xml version="1.0"?>', "<Say>", "</Say>", "<Say/>",
    "<Hangup/>", "</Response>", "<Response>", ' a="1"', " a='2'", ' b = "3"',
    ' c="&#9; \t\n x"', "é", "€", "😀", "\ufffd", "\ufffe", "\x7f", "\x85",
    "\u2028", "\x01", "\x00",
]
WRONG_BYTES = [b"\xff", b"\xc0\xbc", b"\xed\xa0\x80", b"\xe2\x82",
               b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\x80"]


def damage(document):
    data = bytearray(document)
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        at = random.randrange(len(data) + 1)
        kind = random.random()
        if kind < 0.2:
            del data[at:at + random.choice((1, 1, 2, 5, 40))]
        elif kind < 0.25:
            del data[at:]
        elif kind < 0.3:
            other = random.randrange(len(data) + 1)
            data[at:at] = data[other:other + random.randrange(60)]
        elif kind < 0.33:
            data[at:at] = random.choice(WRONG_BYTES)
        elif kind < 0.8:
            data[at:at] = random.choice(PIECES).encode()
        else:
            data[at:at + 1] = random.choice(PIECES).encode()
    return bytes(data)


def no_namespaces(error):
    """lxml knows namespaces, we do not: such documents are not compared."""
    return "amespace" in error or "QName" in error


# Refused for its own sake, well-formed or not; see codec/xml.h. And libxml2
# does not mind a NUL after the root.
STRICTER = re.compile(
    rb"<!DOCTYPE|<\?(?!xml[ \t\r\n])"  # a DOCTYPE, an instruction
    rb"|\x00|&#x?0*[0-9A-Fa-f]{8,};|&#x?0{3,}")  # a reference of more than 12


def check_documents(good):
    documents = good + [damage(random.choice(good)) for _ in range(2 * RUNS)]
    answers = oracle(["parse"], [d.hex() + "\n" for d in documents])
    taken = refused = 0
    for document, answer in zip(documents, answers):
        words = iter(answer.split(" "))
        verdict = next(words)
        root, error = read(document)
        if verdict == "ok":
            taken += 1
            if error is not None and not no_namespaces(error):
                fail("taken, but not by lxml:", document, error)
            elif error is None and tree_of_words(words) != tree_of_lxml(root):
                fail("another tree:", document, answer, tree_of_lxml(root))
        elif verdict == "malformed":
            refused += 1
            if error is None and not STRICTER.search(document):
                fail("malformed, but not for lxml:", document, answer)
    print(f"{len(documents)} documents: {taken} taken, {refused} malformed")
    if taken < RUNS / 10 or refused < RUNS / 2:
        fail("too few of one kind to show anything")
    if [a for a in answers[:len(good)] if not a.startswith("ok ")]:
        fail("a good document is refused")


# Renders.

NAMES = ["From", "To", "spoken", "url", "x", "_y", "Digits2"]
NASTY = [
    b"", b"<", b">", b"&", b'"', b"'", b"]]>", b"-->", b"<!--", b"?>", b"&amp;",
    b"&lt;", b"&#0;", b"&#60;", b"</Say>", b"</Response>", b"<Hangup/>",
    b"<![CDATA[", b"<!DOCTYPE a [", b"<?xml version='1.0'?>", b"{x}", b"{{",
    b"}", b"\r", b"\n", b"\r\n", b"\t", b"  ", b"\x00", b"\x01", b"\x0b",
    b"\x1b[2J", b"\x7f", b"\xc2\x85", b"\xe2\x80\xa8", b"\xef\xbf\xbe",
    b"\xef\xbf\xbf", b"\xef\xbf\xbd", b"\xf0\x9f\x98\x80", b"\xff", b"\xfe",
    b"\xc0\x80", b"\xc0", b"\xe2\x82", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
    b"\xf8\x88\x80\x80\x80", b"\x80", b"\xef\xbb\xbf", b"+14155550100",
    b"https://example.com/a?b=1&c=%3C", b"x" * 100, b"\xc3\xa9" * 30,
]
PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")


def hostile():
    kind = random.random()
    if kind < 0.02:
        return random.choice((b"x", b"<", b"\xff")) * random.randrange(70000)
    if kind < 0.2:
        return bytes(random.randrange(256) for _ in range(random.randrange(40)))
    return b"".join(random.choice(NASTY) for _ in range(random.randrange(6)))


def as_read(value):
    """What a reader gets of a value: Python's decoder replaces as Unicode
    recommends, then what XML 1.0 forbids is replaced."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]",
                  "\ufffd", value.decode("utf-8", "replace"))


def fill(text, values):
    def one(match):
        if match[1] is None:
            return match[0][0]
        return as_read(values[match[1]])
    return PLACEHOLDER.sub(one, text)


SPEECH = {"Say", "break", "emphasis", "lang", "p", "phoneme", "prosody", "s",
          "say-as", "sub", "w"}


def filled(tree, values):
    tag, attributes, children = tree
    out = []
    for child in children:
        if not isinstance(child, str):
            out.append(filled(child, values))
        elif tag in SPEECH or child.strip(" \t\n\r"):
            add(out, fill(child, values))
    return (tag, {k: fill(v, values) for k, v in attributes.items()}, out)


def words():
    return "".join(random.choice((
        "a", "word", " ", "  ", "\n", "\t", "&amp;", "&lt;", "]", "{{", "}}",
        "é", "<!-- x -->", "<![CDATA[<{x}>]]>", "{" + random.choice(NAMES) + "}"
    )) for _ in range(random.randrange(8)))


def value():
    return "".join(random.choice((
        "a", " ", "\n", "&quot;", "&#10;", "'", ">", "{{", "}}", "/x?y=",
        "{" + random.choice(NAMES) + "}")) for _ in range(random.randrange(6)))


def random_template(elements, name, depth):
    """An element of the grammar with what may stand in it, at random."""
    e = elements[name]
    attributes = random.sample(sorted(e["attributes"]),
                               min(len(e["attributes"]), random.randrange(4)))
    out = "<" + e["element"]
    out += "".join(f' {a}="{value()}"' for a in attributes)
    speech = name == "Say" or name.startswith("Ssml")
    inside = ""
    for _ in range(random.randrange(5) if depth < 6 else 0):
        if speech and "text" in e:
            inside += words()
        elif not speech:
            inside += random.choice(("", " ", "\n  ", "<!-- {x -->"))
        if e["children"]:
            inside += random_template(elements, random.choice(e["children"]),
                                      depth + 1)
    if "text" in e and not e["children"]:
        inside = words()
    return f"{out}>{inside}</{e['element']}>" if inside else out + "/>"


def make_templates(directory, shipped):
    for name in shipped:
        shutil.copy(os.path.join(SRCDIR, "templates", name + SUFFIX), directory)
    with open(os.path.join(SRCDIR, "t/data/twiml-grammar.json")) as f:
        elements = json.load(f)["voice"]["elements"]
    names = list(shipped)
    for i in range(150):
        names.append(f"random-{i}")
        with open(os.path.join(directory, names[-1] + SUFFIX), "w") as f:
            f.write(random_template(elements, "VoiceResponse", 0))
    return names


def placeholders(tree):
    """Their names, as often as they occur."""
    tag, attributes, children = tree
    found = []
    for text in [*attributes.values(), *children]:
        found += ([m[1] for m in PLACEHOLDER.finditer(text) if m[1]]
                  if isinstance(text, str) else placeholders(text))
    return found


def check_render(name, template, values, answer):
    verdict, _, rest = answer.partition(" ")
    expected = filled(template, values)
    if verdict == "too-big":
        # A byte of a value is six in the document at most.
        if sum(6 * len(values[n]) for n in placeholders(template)) < 60000:
            fail("too big?", name, values)
        return
    if verdict != "ok":
        fail("not rendered:", name, answer, values)
        return
    document = bytes.fromhex(rest)
    if len(document) > 65536:
        fail("longer than Twilio reads:", name, len(document))
    if not document.startswith(b'<?xml version="1.0" encoding="UTF-8"?>'):
        fail("without its declaration:", name, document[:60])
    root, error = read(document)
    if error is not None:
        fail("not well-formed:", name, error, document)
    elif tree_of_lxml(root) != expected:
        fail("other values:", name, values, document, expected)


def check_renders(shipped):
    with tempfile.TemporaryDirectory() as directory:
        names = make_templates(directory, shipped)
        trees = {}
        for name in names:
            with open(os.path.join(directory, name + SUFFIX), "rb") as f:
                root, error = read(f.read())
            if error is not None:
                fail("a template of this test is no XML:", name, error)
                return
            trees[name] = tree_of_lxml(root)
        used = {name: sorted(set(placeholders(trees[name]))) for name in names}
        runs = []
        for i in range(RUNS):
            name = names[i % len(shipped)] if i % 2 else random.choice(names)
            runs.append((name, {k: hostile() for k in used[name]}))
        answers = oracle(["render", directory], [
            " ".join([n] + [f"{k}={v.hex()}" for k, v in values.items()]) + "\n"
            for n, values in runs])
    for (name, values), answer in zip(runs, answers):
        check_render(name, trees[name], values, answer)
    good = sum(a.startswith("ok ") for a in answers)
    print(f"{len(runs)} renders: {good} good, {len(runs) - good} too big")
    if good < RUNS * 0.9:
        fail("too few renders to show anything")


def main():
    directory = os.path.join(SRCDIR, "templates")
    shipped = sorted(f[:-len(SUFFIX)] for f in os.listdir(directory)
                     if f.endswith(SUFFIX) and not f.startswith("."))
    good = []
    for name in shipped:
        with open(os.path.join(directory, name + SUFFIX), "rb") as f:
            good.append(f.read())
    good.append('<?xml version="1.0"?>\n<!-- a --><a b="1&#10;2\n3" c=\'"&lt;\'>'
                "t <b>é</b> &amp; <!-- c --> u<![CDATA[ <x> &amp; ]]>&#13;"
                "<d/></a>\r\n<!-- z -->".encode())
    good.append(b"<a>x<b>y</b>z</a>")
    check_documents(good)
    check_renders(shipped)
    if failures:
        print(f"{failures} failures", file=sys.stderr)
    sys.exit(1 if failures else 0)


main()
