#!/usr/bin/python3
"""switchhook-templates(5): its examples render, those of a target are a whole
one, and each placeholder that the program fills by a name of its own is in it.
"""
import os
import re
import subprocess
import sys
import tempfile

SRCDIR = os.environ.get("SRCDIR", ".")
BUILDDIR = os.environ.get("BUILDDIR", SRCDIR)
ORACLE = os.path.join(BUILDDIR, "t/template-oracle")
STEPS = ["", "-confirmation", "-confirmed", "-invalid-input", "-retry"]

failures = 0


def fail(what):
    global failures
    failures += 1
    print(what, file=sys.stderr)


def source(path):
    with open(os.path.join(SRCDIR, path), encoding="utf-8") as f:
        return f.read()


def examples(page):
    """(the last file named before it, text) of each display with TwiML."""
    found = []
    for match in re.finditer(r"^\.Bd.*\n((?:.*\n)*?)\.Ed$", page, re.M):
        if "<Response>" in match[1]:
            names = re.findall(r"^\.Pa (\S+)\.twiml\.xml", page[:match.start()],
                               re.M)
            found.append((names[-1], match[1]))
    return found


def render(directory, name, text):
    with open(os.path.join(directory, name + ".twiml.xml"), "w",
              encoding="utf-8") as f:
        f.write(text)
    names = re.findall(r"(?<!\{)\{([A-Za-z_][A-Za-z0-9_]*)\}", text)
    line = " ".join([name] + [f"{n}={n.encode().hex()}" for n in names])
    done = subprocess.run([ORACLE, "render", directory], input=line + "\n",
                          capture_output=True, text=True, check=True)
    if not done.stdout.startswith("ok "):
        fail(f"the example {name} does not render: {done.stdout}\n{text}")


def main():
    page = source("man/switchhook-templates.5")
    found = examples(page)
    with tempfile.TemporaryDirectory() as directory:
        for i, (name, text) in enumerate(found):
            render(directory, f"e{i}", text)
    named = [name for name, _ in found if name.startswith("postal-code")]
    if named != ["postal-code" + step for step in STEPS]:
        fail(f"the example of a target is not whole: {named}")
    if len(found) < len(STEPS) + 2:
        fail(f"only {len(found)} examples")

    # The program's own tables: what a step offers, and what voice.* has.
    filled = re.findall(r'\[OFFER_\w+\] = "(\w+)"', source("src/voice/script.c"))
    filled += re.findall(r"AT\(voice, (\w+_(?:url|number))\)",
                         source("src/config/config_option.c"))
    if len(filled) < 10:
        fail(f"the tables of placeholders are not found: {filled}")
    for name in filled:
        if f".It Li {{{name}}}" not in page:
            fail(f"{{{name}}} is not explained")
    for name in re.findall(r"^\.It Li \{(\w+)\}", page, re.M):
        if name not in filled:
            fail(f"{{{name}}} is explained, but nothing fills it")
    for file in os.listdir(os.path.join(SRCDIR, "templates")):
        name = file[:-len(".twiml.xml")]
        if file.endswith(".twiml.xml") and not re.search(
                rf"^(?=\.It Pa |birth).*\b{re.escape(name)}\b", page, re.M):
            fail(f"the template {name} is not explained")
    print(f"{len(found)} examples, {len(filled)} placeholders")
    sys.exit(1 if failures else 0)


main()
