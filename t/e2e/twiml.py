"""TwiML read by an independent parser (lxml), and what a template is to give.

A tree is [tag, {attribute: value}, [text or tree, ...]]. White space that
stands alone between verbs is no part of it; inside Say it is.
"""
import json
import os
import re
import subprocess

from outcome import Skip, equal, true
from sdk import node_path
from servers import need

try:
    from lxml import etree
except ImportError:
    etree = None

SPEECH = ("Say",)
SLOT = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")


def parse(document):
    if etree is None:
        raise Skip("python3-lxml is not installed")
    parser = etree.XMLParser(resolve_entities=False, no_network=True,
                             load_dtd=False)
    return etree.fromstring(document, parser)


def tree_of(element, speech=False):
    speech = speech or element.tag in SPEECH
    children = []

    def add(text):
        if not text or not (speech or text.strip()):
            return
        if children and isinstance(children[-1], str):
            children[-1] += text
        else:
            children.append(text)

    add(element.text)
    for child in element:
        if isinstance(child.tag, str):
            children.append(tree_of(child, speech))
        add(child.tail)
    return [element.tag, dict(element.attrib), children]


def read(document):
    """The tree of a reply, which must be TwiML as Twilio takes it."""
    true(document.startswith(b"<?xml"), f"begins with {document[:20]!r}")
    true(len(document) <= 65536, f"{len(document)} bytes")
    tree = tree_of(parse(document))
    equal(tree[0], "Response", "root")
    return tree


def fill(tree, values):
    """A template's tree with its placeholders filled."""
    def put(text):
        return SLOT.sub(lambda m: values[m.group(1)] if m.group(1)
                        else m.group()[0], text)

    tag, attributes, children = tree
    filled = []
    for child in children:
        child = put(child) if isinstance(child, str) else fill(child, values)
        if child:
            filled.append(child)
    return [tag, {n: put(v) for n, v in attributes.items()}, filled]


def template(folder, name, **values):
    """What a template file gives with these values."""
    with open(os.path.join(folder, name + ".twiml.xml"), "rb") as f:
        return fill(tree_of(parse(f.read())), values)


def built_by_sdk(trees):
    """The same trees as the official SDK writes them."""
    script = os.path.join(os.path.dirname(__file__), "voice_sdk.mjs")
    done = subprocess.run(
        [need("node"), script], input=json.dumps(trees).encode(),
        capture_output=True, timeout=120, check=False,
        env=os.environ | {"NODE_PATH": node_path()})
    true(done.returncode == 0, done.stderr.decode())
    return [read(d.encode()) for d in json.loads(done.stdout)]


def verbs(tree):
    """The tags of the document, in order, from the first verb on."""
    out = []
    for child in tree[2]:
        if not isinstance(child, str):
            out += [child[0]] + verbs(child)
    return out


def attribute(tree, tag, name):
    """That of the first element of that tag, or None."""
    for child in tree[2]:
        if isinstance(child, str):
            continue
        if child[0] == tag and name in child[1]:
            return child[1][name]
        found = attribute(child, tag, name)
        if found is not None:
            return found
    return None
