# lib-build.sh - what scripts/quickstart, scripts/test and scripts/bench share: the Debian packages,
# installing them, and build directories. Sourced by bash; expects $root, the top of the checkout.
# shellcheck shell=bash

# Debian 12's names. "a|b": either will do, the first is installed.
packages_build=(gcc libc6-dev meson ninja-build "pkgconf|pkg-config" libsimgrid-dev libyaml-dev
	libcjson-dev libxxhash-dev libzstd-dev zlib1g-dev)
packages_run=("gnuplot-nox|gnuplot-qt|gnuplot-x11" zstd)
packages_test=(libcmocka-dev python3 python3-jsonschema shellcheck clang libclang-rt-14-dev groff-base)

say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }

package_is_installed() {
	local name
	for name in ${1//|/ }; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] && return 0
	done
	return 1
}

# Only scripts/bench wants these, and does without them if they can't be had.
packages_bench=(libmimalloc-dev)
# Only tests of sweeps want these, and are skipped without them: hosts, clusters, readers of tables and
# reports.
packages_sweep=(parallel openssh-server openssh-client slurm-wlm munge chromium chromium-driver
	python3-selenium python3-pandas r-base-core)
# The servers among them; tests start their own.
services_sweep=(ssh munge slurmctld slurmd)

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# apt_install PACKAGE...: the lists of packages are renewed only if they don't suffice.
apt_install() {
	local apt=(as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y)
	[ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
		die "these packages are missing, and there is neither root nor sudo to install them: $*"
	say "installing with apt-get, which may take a minute or two: $*"
	"${apt[@]}" install --no-install-recommends "$@" </dev/null >/dev/null 2>&1 && return 0
	"${apt[@]}" update </dev/null >&2 || die "apt-get update failed"
	"${apt[@]}" install --no-install-recommends "$@" </dev/null >&2 ||
		die "apt-get could not install: $*"
}

# need_packages PACKAGE...: install those that are missing.
need_packages() {
	local missing=() p
	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
		say "no apt-get here; if the build fails, install what these Debian packages hold: $*"
		return 0
	fi
	for p in "$@"; do
		package_is_installed "$p" || missing+=("${p%%|*}")
	done
	[ "${#missing[@]}" = 0 ] || apt_install "${missing[@]}"
}

# Debian starts a server when its package is installed, and then whenever the machine starts. Those of
# need_sweep_packages do neither, unless they were there before. In a process of its own, which may end.
need_sweep_packages() (
	policy=/usr/sbin/policy-rc.d
	new_services=()
	for service in "${services_sweep[@]}"; do
		[ -e "/etc/init.d/$service" ] || new_services+=("$service")
	done
	if [ "${#new_services[@]}" != 0 ] && [ ! -e "$policy" ] && command -v apt-get >/dev/null &&
		{ [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }; then
		trap 'as_root rm -f "$policy"' EXIT
		# 101: forbidden; who installs packages goes by it.
		as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy" || exit 1
	fi
	# Its own process, so that what was installed before a failure is disabled nevertheless.
	(need_packages "${packages_sweep[@]}")
	status=$?
	for service in "${new_services[@]}"; do
		[ -e "/etc/init.d/$service" ] || continue
		as_root update-rc.d "$service" disable >/dev/null 2>&1
		! command -v systemctl >/dev/null || as_root systemctl disable "$service" >/dev/null 2>&1
	done
	exit "$status"
)

# quietly WHAT COMMAND...: name the step; show what the command prints only if it fails.
quietly() {
	local what=$1 output
	shift
	say "$what"
	output=$("$@" 2>&1 </dev/null) && return 0
	say "$output"
	die "failed: $what"
}

# configure DIR [OPTION...]: a meson build directory, new or as it is; made anew if the checkout moved.
configure() {
	local dir=$1
	shift
	if [ ! -f "$root/$dir/build.ninja" ]; then
		rm -rf "${root:?}/$dir"
		quietly "configuring $dir" meson setup "$root/$dir" "$root" "$@"
	elif ! grep -qF "\"source\": \"$root\"" "$root/$dir/meson-info/meson-info.json"; then
		quietly "configuring $dir" meson setup --wipe "$root/$dir" "$root" "$@"
	else
		quietly "configuring $dir" meson setup --reconfigure "$root/$dir" "$root" "$@"
	fi
}

# import_bundled ALLOCSIM: the binary forms of the bundled traces, which are not kept in git; those
# that are newer than the recording and the importer are kept.
import_bundled() {
	local text binary name
	for text in "$root"/workloads/*/trace.ftrace.zst; do
		name=$(basename "$(dirname "$text")")
		binary=${text%/*}/$name.atrace
		if [ -f "$binary" ] && [ "$binary" -nt "$text" ] && [ "$binary" -nt "$1" ]; then
			continue
		fi
		quietly "importing workloads/$name/trace.ftrace.zst" "$1" import "$text" -o "$binary"
	done
}
