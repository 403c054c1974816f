#!/bin/sh
# AWS signatures against the two oracles themselves, with random requests: as
# botocore (Debian's python3-botocore) and @smithy/signature-v4 (npm) sign them
# now. What botocore once made is in t/data and checked by t/test-sigv4 alone.
set -u
SRCDIR=${SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
BUILDDIR=${BUILDDIR:-$SRCDIR}
vectors=$(mktemp) || exit 99
trap 'rm -f "$vectors"' EXIT

if ! /usr/bin/python3 -c 'import botocore' 2>/dev/null; then
	echo "skipped: python3-botocore is missing"
	exit 77
fi
/usr/bin/python3 "$SRCDIR/t/aws/sigv4-botocore.py" record |
    cmp - "$SRCDIR/t/data/sigv4-vectors.json" || {
	echo "botocore no longer makes what is recorded"
	exit 1
}
/usr/bin/python3 "$SRCDIR/t/aws/sigv4-botocore.py" random 500 20261121 \
    >"$vectors" || exit 1
"$BUILDDIR/t/test-sigv4" "$vectors" || exit 1

for dir in "${NODE_PATH-}" "$BUILDDIR/t/node_modules" \
    "$SRCDIR/t/node_modules"; do
	if [ -n "$dir" ] && [ -d "$dir/@smithy/signature-v4" ] &&
	    command -v node >/dev/null; then
		NODE_PATH=$dir node "$SRCDIR/t/aws/sigv4-smithy.cjs" \
		    <"$vectors"
		exit
	fi
done
echo "@smithy/signature-v4 is missing: botocore alone agreed"
