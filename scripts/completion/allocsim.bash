# Bash completion for allocsim.
# shellcheck shell=bash

_allocsim_options() {
	case $1 in
	import) echo "--format= --gap= --json --map= --output= --quiet --strict --help --usage" ;;
	run) echo "--dump-platform --exact-events --json --output= --print-config --quiet --set= --truth= --help --usage" ;;
	compare) echo "--all --different-workloads --fail-if= --host --json --metric= --no-plots --orders= --output= --quiet --help --usage" ;;
	plot) echo "--by= --json --kind= --name= --no-plots --only= --orders= --output= --quiet --reference= --relative --term --title= --where= --x= --y= --z= --zone= --help --usage" ;;
	sweep) echo "--help" ;;
	sweep-plan) echo "--count --list --max-runs= --output= --quiet --sample= --seed= --set= --help --usage" ;;
	sweep-status) echo "--all --json --help --usage" ;;
	sweep-collect) echo "--all-columns --columns= --format= --output= --quiet --require-all --help --usage" ;;
	report) echo "--by= --figure= --no-plots --output= --quiet --relative --title= --where= --x= --y= --z= --help --usage" ;;
	sweep-run) echo "--directory= --force --jobs= --points= --progress= --quiet --retry-failed --shard= --stop-on-failure --timeout= --help --usage" ;;
	classes) echo "--by-time --classes= --grid= --json --max= --help --usage" ;;
	validate) echo "--print-config --reference --set= --help --usage" ;;
	list) echo "--help --usage" ;;
	*) echo "--help --version" ;;
	esac
}

# The words that may stand for @1's option @2, or nothing if that is a file.
_allocsim_values() {
	case $1$2 in
	import--format) allocsim list formats 2>/dev/null | awk '{print $1}' ;;
	plot--only) allocsim list plots 2>/dev/null | awk '{print $1}' ;;
	sweep-collect--format) echo "csv jsonl" ;;
	compare--metric | sweep-collect--columns) allocsim list metrics 2>/dev/null | awk '{print $1}' ;;
	plot--kind) echo "auto lines boxes heat" ;;
	sweep-run--progress) echo "auto bar lines json none" ;;
	plot--zone) echo "DMA DMA32 Normal HighMem Movable" ;;
	run--set | validate--set | sweep-plan--set)
		allocsim validate --reference 2>/dev/null | awk '
			/^## / { section = $2; known = section !~ /^(Top|Units|Distributions)$/ && section !~ /\[/ }
			/^\| `/ && (known || section == "Top") {
				gsub("[|` ]+", " "); print (known ? section "." : "") $1 "="
			}' ;;
	esac
}

_allocsim() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} values=""
	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "import run compare plot sweep report classes validate list --help --version" -- "$cur")
		return
	fi
	if [ "$command" = sweep ] && [ "$COMP_CWORD" = 2 ]; then
		mapfile -t COMPREPLY < <(compgen -W "plan run status collect --help" -- "$cur")
		return
	fi
	[ "$command" != sweep ] || command=sweep-${COMP_WORDS[2]}
	# Bash breaks words at `=`: "--only=lat" arrives as "--only" "=" "lat".
	if [ "$cur" = = ]; then
		cur=""
	elif [ "$prev" = = ]; then
		prev=${COMP_WORDS[COMP_CWORD-2]}
	fi
	case $prev in
	--*) values=$(_allocsim_values "$command" "$prev") ;;
	-o) values="" ;;
	list) values="allocators machines workloads sweeps metrics plots formats" ;;
	esac
	if [ -n "$values" ]; then
		mapfile -t COMPREPLY < <(compgen -W "$values" -- "$cur")
		[[ ${COMPREPLY[*]} != *= ]] || compopt -o nospace 2>/dev/null
	elif [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_allocsim_options "$command")" -- "$cur")
		[[ ${COMPREPLY[*]} != *= ]] || compopt -o nospace 2>/dev/null
	else
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	fi
}
complete -F _allocsim allocsim
