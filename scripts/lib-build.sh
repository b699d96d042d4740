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

# apt_install PACKAGE...: the lists of packages are renewed only if they don't suffice.
apt_install() {
	local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y)
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null ||
			die "these packages are missing, and there is neither root nor sudo to install them: $*"
		apt=(sudo "${apt[@]}")
	fi
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
