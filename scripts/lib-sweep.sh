# lib-sweep.sh - what scripts/sweep-parallel and scripts/sweep-slurm share. Sourced by bash; expects
# $root, the top of the checkout.
# shellcheck shell=bash

unset CDPATH

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
# die STATUS MESSAGE
die() {
	local status=$1
	shift
	say "$@"
	exit "$status"
}

# The comment that a script begins with, from the line "Usage:" to the first that is none.
usage() { sed -n '/^# Usage:/,/^[^#]/s/^# \{0,1\}//p' "$0"; }

# value_of OPTION [VALUE...]: fails if the option stands last.
value_of() { [ $# -ge 2 ] || die 64 "$1 needs a value"; }

is_count() { [[ $1 =~ ^[1-9][0-9]{0,8}$ ]]; }

# So that the shells of other hosts read it as one word, whatever it holds.
quote() { printf "'%s'" "${1//\'/\'\\\'\'}"; }

# As the user sees it: links are not resolved, which other hosts may resolve otherwise.
absolute() { realpath -ms -- "$1"; }

# The program to run, here and on other hosts: $ALLOCSIM, else the checkout's, else PATH's.
find_allocsim() {
	local found=${ALLOCSIM:-$root/build/sim/allocsim}
	if [ -z "${ALLOCSIM:-}" ] && [ ! -x "$found" ]; then
		found=$(command -v allocsim) ||
			die 69 "$root/build/sim/allocsim is missing: build it with scripts/quickstart, or set ALLOCSIM"
	fi
	[ -x "$found" ] || die 69 "ALLOCSIM=$found is no program"
	absolute "$found"
}

# open_plan PLAN RESULTS: sets plan, results and points_count.
open_plan() {
	{ [ -r "$1" ] && [ ! -d "$1" ]; } ||
		die 66 "can't read the plan $1; make one with allocsim sweep plan SWEEP.yaml -o $1"
	plan=$(absolute "$1")
	results=$(absolute "$2")
	# The first line is about all points, every other line is one.
	points_count=$(tail -n +2 -- "$1" | grep -c .)
	[ "$points_count" != 0 ] || die 66 "$1 holds no points"
}

make_results() {
	{ mkdir -p -- "$results" && [ -w "$results" ]; } || die 73 "can't write into $results"
}

# shard_command SHARD SHARDS JOBS [OPTION...]: a line for a shell.
shard_command() {
	local line word
	# shellcheck disable=SC2154
	line="$(quote "$allocsim") sweep run $(quote "$plan") -d $(quote "$results") -q -j $3 --shard $1/$2"
	shift 3
	for word; do
		line+=" $(quote "$word")"
	done
	printf '%s' "$line"
}
