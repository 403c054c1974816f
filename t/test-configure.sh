#!/bin/sh
# test-configure.sh: what configure was told holds in what it makes: another
# prefix, a machine without CUnit, Debian's hardening flags.
set -u
SRCDIR=${SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
BUILDDIR=${BUILDDIR:-$SRCDIR}

if [ -e "$SRCDIR/config.status" ]; then
	echo "the source tree is configured itself"
	exit 77
fi
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
prefix=$work/inst
failures=0

fail()
{
	echo "$*" >&2
	failures=$((failures + 1))
}

cd "$work" || exit 99
mkdir build && cd build || exit 99
cat >"$work/pkg-config" <<END
#!/bin/sh
case "\$*" in *cunit*) exit 1 ;; esac
exec pkg-config "\$@"
END
chmod +x "$work/pkg-config"
unset MAKEFLAGS MAKELEVEL MFLAGS
"$SRCDIR/configure" -q --prefix="$prefix" PKG_CONFIG="$work/pkg-config" \
    CPPFLAGS="-D_FORTIFY_SOURCE=2" CFLAGS="-O1" >"$work/log" 2>&1 ||
	{ cat "$work/log" >&2; exit 1; }
grep -q "CUnit is missing: .*libcunit1-dev" "$work/log" ||
	fail "configure does not say that CUnit is missing"
make -s -j2 install >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
grep "warning:" "$work/log" && fail "warnings"

# make check names what it lacks.
make -s check >"$work/log" 2>&1 && fail "make check passes without CUnit"
grep -q "make check needs CUnit: install libcunit1-dev" "$work/log" ||
	fail "make check does not say what it lacks: $(tail -3 "$work/log")"

# Ours is the level that counts, where CPPFLAGS has Debian's.
compile=$(printf 'include Makefile\nshow:\n\t@echo $(COMPILE)\n' |
	make -s -f - show)
if echo "int x;" | gcc -O1 -D_FORTIFY_SOURCE=3 -Werror -x c -c -o x.o - \
    2>/dev/null; then
	level=$(echo _FORTIFY_SOURCE | $compile -E -P -x c - | tail -1)
	[ "$level" = 3 ] || fail "_FORTIFY_SOURCE is $level"
fi

# The programs look where --prefix says.
run="env -i PATH=$PATH $prefix/bin/switchhook"
mkdir -p "$prefix/etc/switchhook" "$prefix/var/lib/switchhook"
echo "[twilio]
auth_token = 0123456789abcdef0123456789abcdef" \
    >"$prefix/etc/switchhook/switchhook.conf"
$run check | grep -qF "$prefix/etc/switchhook/switchhook.conf: " ||
	fail "switchhook does not read $prefix/etc/switchhook/switchhook.conf"
$run check --show >"$work/shown" 2>/dev/null
for expected in "path = $prefix/var/lib/switchhook/switchhook.db" \
    "console = $prefix/share/switchhook/console" \
    "templates = $prefix/share/switchhook/templates"; do
	grep -q "$expected" "$work/shown" || fail "check --show: no $expected"
done
env -i "$prefix/bin/switchhook.fcgi" -t 2>&1 |
	grep -qF "$prefix/etc/switchhook/switchhook.conf is good" ||
	fail "switchhook.fcgi does not read it"

# Manuals and examples say so.
grep -rn "[^a-z]/etc/switchhook\|/var/lib/switchhook\|/usr/share/\(doc/\)\?switchhook\|/usr/bin" \
    "$prefix/share" | grep -vF "$prefix/" && fail "places of another prefix"
grep -q "$prefix/etc/switchhook/switchhook.conf" \
    "$prefix/share/man/man8/switchhook.fcgi.8" || fail "manual: no $prefix"
for f in "$prefix"/share/switchhook/templates/* \
    "$prefix"/share/switchhook/console/*; do
	cmp "$f" "$SRCDIR/${f#"$prefix"/share/switchhook/}" ||
		fail "$f was changed"
done
make -s uninstall >/dev/null 2>&1 || fail "make uninstall"

[ "$failures" -eq 0 ] || exit 1
echo "a build for another prefix: fine"
