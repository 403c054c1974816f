#!/bin/sh
# test-twiml-grammar.sh: the table of TwiML's grammar is the one that its
# generator makes.
set -u
SRCDIR=${SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
TABLE=src/twilio/grammar_table.c

[ -x /usr/bin/python3 ] || { echo "no python3 here"; exit 77; }
made=$(mktemp) || exit 99
trap 'rm -f "$made"' EXIT
/usr/bin/python3 "$SRCDIR/tools/gen-twiml-grammar" \
    "$SRCDIR/t/data/twiml-grammar.json" >"$made" || exit 1
[ "$(grep -c '\.tag' "$made")" -gt 50 ] || { echo "no table made" >&2; exit 1; }
diff -u "$SRCDIR/$TABLE" "$made" && exit 0
echo "$TABLE: make it again with tools/gen-twiml-grammar >$TABLE" >&2
exit 1
