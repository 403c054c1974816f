#!/bin/sh
# test-alerts.sh: etc/prometheus-alerts.yml is good, names metrics that there
# are, and fires when it should (prometheus-alerts.yml here).
set -u
SRCDIR=${SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
RULES=$SRCDIR/etc/prometheus-alerts.yml
MAN=$SRCDIR/man/switchhook-metrics.7

work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
failures=0

fail()
{
	echo "$*" >&2
	failures=$((failures + 1))
}

# test-metrics holds the manual to the program's table.
metrics=$(grep -o 'switchhook_[a-z_]*' "$RULES" | sort -u)
[ -n "$metrics" ] || fail "no metrics in $RULES"
for m in $metrics; do
	grep -qx "\.It Ic ${m%_bucket}" "$MAN" || fail "no metric $m"
done
grep -q 'switchhook_requests_total' "$RULES" || fail "nothing of requests"

command -v promtool >/dev/null || { echo "no promtool here"; exit 77; }
promtool check rules "$RULES" || fail "the rules are not good"
sed "s,RULES,$RULES," "$SRCDIR/t/prometheus-alerts.yml" >"$work/test.yml"
promtool test rules "$work/test.yml" || fail "they do not fire as they should"
[ "$failures" -eq 0 ]
