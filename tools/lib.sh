# What tools/demo and tools/check share; read by sh and bash with "." only.
#
# The caller sets TOP, the top of the source tree.

say()
{
	printf '%s\n' "$*"
}

die()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# packages_of CLASS...: names from tools/packages, one a line. The class node
# counts only on a machine without npm.
packages_of()
{
	for class; do
		if [ "$class" = node ] && command -v npm >/dev/null; then
			continue
		fi
		awk -v class="$class" '$1 == class { print $2 }' \
		    "$TOP/tools/packages"
	done
}

# packages_missing CLASS...: those that are not installed.
packages_missing()
{
	packages_of "$@" | while read -r package; do
		# The architecture qualifier (":amd64") is part of some answers.
		dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null |
		    grep -q '^install ok installed' || say "$package"
	done
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "needs root or sudo to install packages"
	fi
}

# Run apt-get with its talk in a log; show the log if it fails.
apt_quietly()
{
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
	    -o DPkg::Lock::Timeout=300 "$@" >>"$APT_LOG" 2>&1 </dev/null ||
	    { cat "$APT_LOG" >&2; die "apt-get $1 failed"; }
}

# packages_install CLASS...: install what is missing, and start no service for
# it: a web server that takes port 80 is not what was asked for.
packages_install()
{
	missing=$(packages_missing "$@")
	[ -n "$missing" ] || return 0
	# shellcheck disable=SC2086 # a list of names
	say "installing" $missing
	command -v apt-get >/dev/null ||
	    die "no apt-get here; install these by hand"
	APT_LOG=$(mktemp)
	policy=/usr/sbin/policy-rc.d
	if [ -e $policy ]; then
		policy=
	else
		printf '#!/bin/sh\nexit 101\n' |
		    as_root tee $policy >/dev/null
		as_root chmod 755 $policy
		# die leaves through exit, and so through this trap.
		trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
		trap 'exit 130' INT
		trap 'exit 143' TERM
	fi
	apt_quietly update
	# shellcheck disable=SC2086 # a list of names
	apt_quietly install --no-install-recommends $missing
	if [ -n "$policy" ]; then
		as_root rm -f $policy
		trap - EXIT INT TERM
	fi
	rm -f "$APT_LOG"
}

# source_bootstrap: make configure, unless it is newer than what it is made of.
source_bootstrap()
{
	(
		cd "$TOP" || exit 1
		if [ -x configure ] && [ -f Makefile.in ] &&
		    [ configure -nt configure.ac ] &&
		    [ Makefile.in -nt Makefile.am ]; then
			exit 0
		fi
		mkdir -p m4 build-aux
		autoreconf -i
	)
}
