#!/bin/sh
# test-manual.sh: the manual pages are well-formed, and what they and the
# example in etc/ say of each setting is what the option table has.
set -u
SRCDIR=${SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
BUILDDIR=${BUILDDIR:-$SRCDIR}
PRINT=$BUILDDIR/t/print-options
TAB=$(printf '\t')

work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
failures=0

# As they are installed, with the paths of this build.
MAN=$work/switchhook.conf.5
EXAMPLE=$work/switchhook.conf
sed -f "$BUILDDIR/paths.sed" "$SRCDIR/man/switchhook.conf.5" >"$MAN" || exit 99
sed -f "$BUILDDIR/paths.sed" "$SRCDIR/etc/switchhook.conf" >"$EXAMPLE" || exit 99

fail()
{
	echo "$*" >&2
	failures=$((failures + 1))
}

# What the manual says of one key: its item, up to the next, without the
# escape that keeps mandoc quiet.
item()
{
	awk -v section="$1" -v key="$2" '
		/^\.S[sh] / { inside = ($0 == ".Ss The " section " section") }
		/^\.It |^\.El/ { found = inside && $2 == "Ic" && $3 == key }
		found { gsub(/\\&/, ""); print }' "$MAN"
}

# The example's lines of one section.
example()
{
	awk -v section="$1" '
		/^\[/ { inside = ($0 == "[" section "]") }
		inside' "$EXAMPLE"
}

check_manual()
{
	item "$section" "$key" >"$work/item"
	if [ ! -s "$work/item" ]; then
		fail "manual: $section.$key is not there"
		return
	fi
	if [ -z "$default" ]; then
		grep -q '^Default: empty[.,]' "$work/item"
	else
		grep -A 1 '^Default:$' "$work/item" | grep -qFx ".Ql $default ."
	fi || fail "manual: $section.$key: the default is not \"$default\""
	for v in $variable $other; do
		[ "$v" = - ] || grep -qE "^\.Ev $v( [.,])?\$" "$work/item" ||
			fail "manual: $section.$key does not name $v"
	done
	# "a number from 0 to 900", "wal or rollback": each bound and choice.
	case $words in
	text | "a URL") words= ;;
	esac
	for w in $(echo "$words" | tr -d ','); do
		case $w in
		a | number | size | from | to | or) continue ;;
		esac
		grep -qw -- "$w" "$work/item" ||
			fail "manual: $section.$key does not say \"$w\""
	done
}

check_example()
{
	example "$section" | grep -qFx ";$key =${default:+ $default}" ||
		fail "example: no \";$key =${default:+ $default}\" in [$section]"
}

"$PRINT" >"$work/table" || exit 99
# The shell takes several tabs for one: an empty default needs another mark.
sed "s/$TAB/|/g" "$work/table" >"$work/rows"
n=0
while IFS='|' read -r section key default variable other words; do
	check_manual
	check_example
	n=$((n + 1))
done <"$work/rows"
[ "$n" -gt 10 ] || fail "the table has $n rows"

# Nothing is explained that there is not.
awk '/^\.Ss The .* section$/ { s = $3 } /^\.S[sh] [^T]/ { s = "" }
	s != "" && /^\.It Ic / { print s "\t" $3 }' "$MAN" >"$work/said"
# Sections with names of the operator's making have no rows in the table.
awk '/^\[/ { s = substr($0, 2, length($0) - 2) }
	s ~ /^(menu|shared_keys|agents|access_keys|values|digits .*)$/ { next }
	/^;[a-z_]+ =/ { print s "\t" substr($1, 2) }' "$EXAMPLE" >>"$work/said"
cut -f 1,2 "$work/table" >"$work/known"
sort -u "$work/said" >"$work/said-once"
grep -vFx -f "$work/known" "$work/said-once" &&
	fail "no such settings, though explained"

# The example loads as it is, and with every default written out, and changes
# nothing.
"$PRINT" /dev/null >"$work/defaults" || fail "the defaults are mistakes"
"$PRINT" "$EXAMPLE" >"$work/shown" || fail "the example has mistakes"
cmp "$work/defaults" "$work/shown" || fail "the example sets something"
sed '/shop/d; /sharedkey/d; /agents.maria/d; s/^;\([a-z_0-9]* =\)/\1/' "$EXAMPLE" >"$work/written.conf"
"$PRINT" "$work/written.conf" >"$work/shown" ||
	fail "the example with its defaults written out has mistakes"
cmp "$work/defaults" "$work/shown" || fail "a default of the example is wrong"

# So do the manual's examples (with files that are not here taken as text).
awk -v dir="$work" '
	/^\.Bd/ { n++; text = ""; next }
	/^\.Ed/ { if (text ~ /^\[/) print text >(dir "/manual" n ".conf"); n++ }
	{ text = text $0 "\n" }' "$MAN"
found=0
for f in "$work"/manual*.conf; do
	sed -i 's,file:/[^ ]*,text,' "$f"
	"$PRINT" "$f" >"$work/shown" || fail "an example of the manual is wrong"
	cmp -s "$work/defaults" "$work/shown" && fail "an example sets nothing"
	found=$((found + 1))
done
[ "$found" -ge 2 ] || fail "the manual has $found examples"

# All pages in one run and where they are, so that they know one another. The
# pages of other packages may not be installed here.
if command -v mandoc >/dev/null; then
	(cd "$SRCDIR/man" && mandoc -Tlint ./*.[1-8]) 2>&1 |
		awk '/outdated mandoc.db/ { next }
			!/not found: Xr / || /Xr switchhook/' >"$work/lint"
	[ -s "$work/lint" ] && fail "$(cat "$work/lint")"
fi

[ "$failures" -eq 0 ] || exit 1
command -v mandoc >/dev/null || { echo "no mandoc here"; exit 77; }
echo "$n settings in the manual and the example"
