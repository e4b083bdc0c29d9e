#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The dependency law: include <- shared <- {scheduler, agent, collector} <- cli <- {tests, bench}.
# Also: pure files include no *_io.h, and library types stay inside the module that wraps them.
set -euo pipefail
cd "$(dirname "$0")/.."
bad=0

complain() {
    echo "lint: $*" >&2
    bad=1
}

# folder, forbidden includes (extended regular expression over the quoted name)
law() {
    local folder=$1 forbidden=$2 hit
    while IFS= read -r hit; do
        complain "$hit: $folder must not include that"
    done < <(grep -rnE "^#include \"($forbidden)" --include='*.[ch]' "$folder" || true)
}

law include '(base|contract|deck|summary|archive|store|http|kube|scheduler|agent|collector|cli)/'
law shared '(scheduler|agent|collector|cli)/'
law scheduler '(agent|collector|cli)/'
law agent '(scheduler|collector|cli)/'
law collector '(scheduler|agent|cli)/'
# base is below everything else in shared
law shared/base '(contract|deck|summary|archive|store|http|kube)/'

# Besides what the names say: three headers that only such files share.
outside_headers='agent/(run_state|worker)\.h|cli/cmd\.h'
touches_outside="(_io|/main|/loop)\.[ch]$|/cmd_[a-z_]*\.c$|^($outside_headers)$"
while IFS= read -r file; do
    [[ $file =~ $touches_outside ]] && continue
    while IFS= read -r hit; do
        complain "$file: a pure file includes $hit"
    done < <(grep -oE "^#include \"([a-z/_]*(_io|loop)\.h|$outside_headers)\"" "$file" || true)
done < <(git ls-files 'shared/**.[ch]' 'scheduler/*.[ch]' 'agent/*.[ch]' 'collector/*.[ch]' 'cli/*.[ch]')

only_in() {
    local what=$1 where=$2 hit
    while IFS= read -r hit; do
        # `version` asks every library for its number.
        [[ $hit =~ ^($where|cli/cmd_version\.c)$ ]] || complain "$hit: $what stays in $where"
    done < <(git grep -lE "$what" -- 'shared' 'scheduler' 'agent' 'collector' 'cli' 'include' || true)
}
only_in '#include <cjson/' 'shared/base/json\.c'
only_in '#include <yaml\.h' 'shared/base/yaml\.c'
only_in '#include <hwloc' 'agent/topology_io\.c|agent/bind_io\.c'
only_in '#include <netcdf' 'collector/[a-z_]*netcdf[a-z_]*\.c|collector/[a-z_]*_io\.c'
only_in '#include <curl/' 'shared/http/[a-z_]*\.c'
only_in '#include <microhttpd' 'shared/http/http_server_io\.c'
only_in '#include <muParser' 'shared/base/expression\.c|scheduler/[a-z_]*\.c'

# Source files past 600 lines hold a second idea; tests are no exception.
while read -r lines file; do
    [ "$lines" -le 600 ] || complain "$file: $lines lines; split it (at most 600)"
done < <(git ls-files '*.c' '*.h' | xargs -r wc -l | grep -v ' total$')

# Functions that are banned everywhere: bounds or locale are not in sight.
while IFS= read -r hit; do
    complain "$hit: banned function"
done < <(git grep -nwE '(strcpy|strcat|strncpy|sprintf|strtok|sscanf|atoi|atol|strtol|strtoul|gets|gmtime|localtime|rand|system|alloca)\(' \
    -- 'shared/*.c' 'scheduler/*.c' 'agent/*.c' 'collector/*.c' 'cli/*.c' | grep -vE '^[^:]+:[0-9]+: *(/?\*|//)' || true)
exit $bad
