# SPDX-License-Identifier: GPL-3.0-or-later
# Hostile and odd decks: what Flow 2022.10 runs is accepted, what it refuses (or hangs on) is
# refused at plan time with file and line. Each row builds a deck in an empty folder, runs Flow on
# it for real and asks decktool. The deck is SPE1 with two report steps: 0.4 s a run.

setup_file() {
    command -v flow >/dev/null || skip "OPM Flow is not installed"
    load ../support/common
    # SPE1 without comments, two days, porosity in poro.inc
    awk '/^TSTEP/ {print "TSTEP\n1 1 /\n\nEND"; exit}
         /^[[:space:]]*--/ || /^[[:space:]]*$/ {next}
         /^PORO/ {print "INCLUDE\n '\''poro.inc'\'' /"; getline; while (!/\//) getline; next}
         {print}' "$ROOT/tests/data/decks/spe1/SPE1CASE1.DATA" >"$BATS_FILE_TMPDIR/CASE.DATA"
    printf 'PORO\n 300*0.3 /\n' >"$BATS_FILE_TMPDIR/poro.inc"
}

setup() {
    load ../support/common
    enter_work
    mkdir deck && cd deck || return 1
    cp "$BATS_FILE_TMPDIR"/CASE.DATA "$BATS_FILE_TMPDIR"/poro.inc .
    DECK=CASE.DATA
}

teardown() { # nothing runs on: every Flow has been waited for
    cd "$ROOT" && rm -rf "$WORK"
}

run_flow() {
    OMP_NUM_THREADS=1 OMPI_MCA_ess_singleton_isolated=1 timeout "${1:-60}" \
        flow "$DECK" --output-dir=out --threads-per-process=1 >flow.log 2>&1 </dev/null
}

# works PATTERN?: Flow runs it; so do we (with a warning that matches, if given)
works() {
    run_flow || { echo "Flow failed:"; tail -5 flow.log; return 1; }
    grep -q 'End of simulation' flow.log
    run decktool check "$DECK"
    echo "$output"
    [ "$status" -eq 0 ]
    [ -z "$1" ] || [[ "$output" =~ $1 ]]
}

# fails PATTERN: Flow stops or hangs; we refuse, and say where and what
fails() {
    if run_flow 5; then
        echo "Flow ran it:"
        tail -3 flow.log
        return 1
    fi
    refused "$1"
}

refused() {
    run decktool check "$DECK"
    echo "$output"
    [ "$status" -eq 2 ]
    [[ "$output" =~ $1 ]]
}

@test "plain deck works" { works; }

@test "BOM is refused" {
    { printf '\xef\xbb\xbf'; cat CASE.DATA; } >B.DATA
    DECK=B.DATA fails 'B.DATA:1:1: .*byte order mark'
}

@test "BOM in an include is refused" {
    { printf '\xef\xbb\xbf'; cat poro.inc; } >p && mv p poro.inc
    fails 'poro.inc:1:1: .*byte order mark'
}

@test "CRLF works" {
    sed -i 's/$/\r/' CASE.DATA poro.inc
    works
}

@test "CR only is refused" {
    tr '\n' '\r' <CASE.DATA >R.DATA
    DECK=R.DATA fails 'R.DATA:1:1: .*carriage returns'
}

@test "Latin-1 comment works" {
    printf -- '-- Schl\xfcssel\n' | cat - CASE.DATA >L.DATA
    DECK=L.DATA works
}

@test "no final newline works" {
    printf 'PORO\n 300*0.3 /' >poro.inc
    printf '%s' "$(sed '$d' CASE.DATA)" >N.DATA
    DECK=N.DATA works
}

@test "0x1A behind END works" {
    printf '\x1a' >>CASE.DATA
    works
}

@test "0x1A at the end of an include is refused as Flow does" {
    printf '\x1a' >>poro.inc
    fails 'poro.inc:3:1: '
}

@test "lower-case keywords and deck name work" {
    sed 's/^INCLUDE/include/; s/^PERMX/permx/; s/^SCHEDULE/schedule/; s/^TSTEP/tstep/' CASE.DATA >low.data
    DECK=low.data works
}

@test "indented keywords work" {
    sed -i 's/^INCLUDE/   INCLUDE/; s/^PERMX/\tPERMX  words that count for nothing/' CASE.DATA
    works
}

@test "INCLUDE with its argument on the keyword line is refused" {
    sed -i "/^INCLUDE/{N;s/\n//}" CASE.DATA
    fails 'CASE.DATA:[0-9]+:1: INCLUDE: .*next line'
}

@test "a data keyword with its data on the keyword line is refused" {
    printf 'PORO 300*0.3 /\n' >poro.inc
    fails 'poro.inc:1:1: PORO: .*next line'
}

@test "double quotes around a name are refused" {
    sed -i "s/'poro.inc'/\"poro.inc\"/" CASE.DATA
    fails 'CASE.DATA:[0-9]+:2: INCLUDE: double quotes'
}

@test "unquoted name works" {
    sed -i "s/'poro.inc'/poro.inc/" CASE.DATA
    works
}

@test "unquoted name glued to the slash works" {
    sed -i "s|'poro.inc' /|poro.inc/|" CASE.DATA
    works
}

@test "unquoted name with a slash in it is refused" {
    mkdir inc && mv poro.inc inc/
    sed -i "s|'poro.inc'|inc/poro.inc|" CASE.DATA
    fails "CASE.DATA:[0-9]+:2: INCLUDE: .*single quotes: 'inc/poro.inc'"
}

@test "quoted name with a slash works" {
    mkdir inc && mv poro.inc inc/
    sed -i "s|'poro.inc'|'inc/poro.inc'|" CASE.DATA
    works
}

@test "Windows backslash works with a warning" {
    mkdir inc && mv poro.inc inc/
    sed -i "s|'poro.inc'|'inc\\\\poro.inc'|" CASE.DATA
    works 'warning: CASE.DATA:[0-9]+:2: INCLUDE: backslashes'
}

@test "name in the wrong case is refused and the right one named" {
    mv poro.inc PORO.inc
    fails "CASE.DATA:[0-9]+:2: INCLUDE: no such file: .*there is PORO.inc .upper and lower case"
}

@test "missing include is refused" {
    rm poro.inc
    fails 'CASE.DATA:[0-9]+:2: INCLUDE: no such file'
}

@test "a folder as include is refused" {
    rm poro.inc && mkdir poro.inc
    fails 'CASE.DATA:[0-9]+:2: INCLUDE: .* is a folder'
}

@test "name with blanks in quotes works" {
    mv poro.inc 'my poro.inc'
    sed -i "s/'poro.inc'/'my poro.inc'/" CASE.DATA
    works
}

@test "name with blanks without quotes is refused" {
    mv poro.inc 'my poro.inc'
    sed -i "s/'poro.inc'/my poro.inc/" CASE.DATA
    fails 'CASE.DATA:[0-9]+:2: INCLUDE: no such file: .*blanks needs single quotes'
}

@test "nested include relative to the include's own folder is refused" {
    mkdir inc && mv poro.inc inc/
    printf "INCLUDE\n'poro.inc' /\n" >inc/all.inc
    sed -i "s|'poro.inc'|'inc/all.inc'|" CASE.DATA
    fails 'inc/all.inc:2:1: INCLUDE: no such file'
}

@test "nested include relative to the root deck works" {
    mkdir inc && mv poro.inc inc/
    printf "INCLUDE\n'inc/poro.inc' /\n" >inc/all.inc
    sed -i "s|'poro.inc'|'inc/all.inc'|" CASE.DATA
    works
}

@test "include cycle is refused with the chain" {
    printf "INCLUDE\n'b.inc' /\n" >poro.inc
    printf "INCLUDE\n'poro.inc' /\n" >b.inc
    refused 'b.inc:2:1: INCLUDE goes in a circle: poro.inc -> b.inc -> poro.inc'
}

@test "self-include is refused" {
    printf "INCLUDE\n'poro.inc' /\n" >poro.inc
    refused 'poro.inc:2:1: INCLUDE goes in a circle: poro.inc -> poro.inc'
}

@test "absolute name works" {
    mkdir "$WORK/far" && mv poro.inc "$WORK/far/"
    sed -i "s|'poro.inc'|'$WORK/far/poro.inc'|" CASE.DATA
    works
}

@test "name above the deck's folder works" {
    mv poro.inc ..
    sed -i "s|'poro.inc'|'../poro.inc'|" CASE.DATA
    works
}

@test "a file read twice works" {
    sed -i "s|^INCLUDE|INCLUDE\n'poro.inc' /\nINCLUDE|" CASE.DATA
    works
}

@test "END inside an include works with a warning" {
    printf 'TSTEP\n1 /\nEND\n' >t.inc
    sed -i "s|^TSTEP|INCLUDE\n't.inc' /\nTSTEP|" CASE.DATA
    works 'warning: t.inc:3:1: END in an included file ends the whole deck'
}

@test "ENDINC and garbage behind it work" {
    printf 'ENDINC\n$$$ garbage <X> " /\n' >>poro.inc
    works
}

@test "garbage behind END works" {
    printf '$$$ garbage <X> " /\n' >>CASE.DATA
    works
}

@test "undefined alias is refused" {
    sed -i "s|'poro.inc'|'\$INC/poro.inc'|; s|^GRID|PATHS\n'IMC' '.' /\n/\nGRID|" CASE.DATA
    # shellcheck disable=SC2016
    fails 'CASE.DATA:[0-9]+:2: INCLUDE: PATHS defines no \$INC; did you mean \$IMC'
}

@test "alias works" {
    mkdir inc && mv poro.inc inc/
    sed -i "s|'poro.inc'|'\$INC/poro.inc'|; s|^GRID|PATHS\n'INC' 'inc' /\n/\nGRID|" CASE.DATA
    works
}

@test "the first definition of an alias counts" {
    mkdir inc && mv poro.inc inc/
    sed -i "s|'poro.inc'|'\$INC/poro.inc'|; s|^GRID|PATHS\n'INC' 'inc' /\n'INC' 'nowhere' /\n/\nGRID|" CASE.DATA
    works
}

@test "SKIP around a keyword works with a warning: it is applied" {
    sed -i "s|^INCLUDE|SKIP\nINCLUDE|; s|^PERMX|ENDSKIP\nPERMX|" CASE.DATA
    works 'warning: CASE.DATA:[0-9]+:1: SKIP is not obeyed by Flow 2022.10'
}

@test "SKIP around a missing include is refused as Flow does" {
    sed -i "s|^INIT|INIT\nSKIP\nINCLUDE\n'nope.inc' /\nENDSKIP|" CASE.DATA
    fails 'CASE.DATA:[0-9]+:1: INCLUDE: no such file'
}

@test "TITLE INCLUDE works" {
    sed -i "s|SPE1 - CASE 1|INCLUDE 'nope' <X> /|" CASE.DATA
    works
}

@test "TITLE END works" {
    sed -i "s|SPE1 - CASE 1|END|" CASE.DATA
    works
}

@test "comment marks inside quotes work" {
    sed -i "s|'PROD'|'G--1'|g" CASE.DATA
    works
}

@test "a slash inside quotes works" {
    sed -i "s|'PROD'|'A/1 H'|g" CASE.DATA
    works
}

@test "a well name of more than 8 characters works" {
    sed -i "s|'PROD'|'PRODUCER_LONG_1'|g" CASE.DATA
    works
}

@test "an include inside a record is refused" {
    printf "PORO\n 300*0.3\nINCLUDE\n'x.inc' /\n" >poro.inc
    fails 'poro.inc:3:1: INCLUDE is read as data of PORO'
}

@test "a record that ends in another file is refused" {
    printf "PORO\n 300*0.3\n" >poro.inc
    sed -i "s|'poro.inc' /|'poro.inc' /\n/|" CASE.DATA
    fails 'poro.inc:1:1: PORO is not ended'
}

@test "a list that ends in another file works" {
    printf "PORO\n 300*0.3 /\nEQUALS\n'PORO' 0.3 /\n" >poro.inc
    sed -i "s|'poro.inc' /|'poro.inc' /\n/|" CASE.DATA
    works
}

@test "a truncated deck is refused" {
    sed -i "/^TSTEP/,\$d" CASE.DATA
    printf 'TSTEP\n1 1' >>CASE.DATA
    fails 'CASE.DATA:[0-9]+:1: TSTEP is not ended'
}

@test "placeholder in data is refused when undeclared" {
    printf "PORO\n 300*<PORO> /\n" >poro.inc
    fails 'poro.inc:2:6: <PORO> is no parameter'
}

@test "placeholder in place of a keyword is refused" {
    printf "<KW>\n 300*0.3 /\n" >poro.inc
    fails 'poro.inc:1:1: <KW> stands where a keyword is expected'
}

@test "placeholder in a comment works" {
    printf -- "-- <PORO>\nPORO -- <X>\n 300*0.3 / -- <Y>\n" >poro.inc
    works
}

@test "all undeclared placeholders are listed" {
    printf "PORO\n 100*<A> 100*<B> 100*<C> /\n" >poro.inc
    refused '<A> .*<B> .*<C> '
}

@test "binary include is refused" {
    head -c 300 /dev/zero >poro.inc
    fails 'poro.inc:1: .*binary'
}

@test "NUL in a comment works" {
    printf -- '-- \0\nPORO\n 300*0.3 /\n' >poro.inc
    works
}

@test "DATES going backwards is refused" {
    sed -i "s|^TSTEP|DATES\n5 'JAN' 2015 /\n3 'JAN' 2015 /\n/\nTSTEP|" CASE.DATA
    fails 'CASE.DATA:[0-9]+:1: DATES: .*increase'
}

@test "DATES with JLY, JUL and a time work" {
    sed -i "s|1 'JAN' 2015|30 'JUN' 2015|; s|^TSTEP|DATES\n1 'JLY' 2015 /\n2 JUL 2015 12:30:15.5 /\n/\nTSTEP|; s|1 1 /|0.1 /|" CASE.DATA
    works
}

@test "SPE1 in LAB units is read as hours" {
    sed -i "s|^FIELD|LAB|" CASE.DATA
    run decktool features CASE.DATA
    [[ "$output" == *"end_days 0.08333333333"* ]]
}

@test "MULTOUT, FMTOUT, RPTONLY and MESSAGES work" {
    sed -i "s|^UNIFOUT|MULTOUT\nFMTOUT\nMESSAGES\n 20 20 /|; s|^FOPR|RPTONLY\nFOPR|" CASE.DATA
    works
    run decktool features CASE.DATA
    [[ "$output" == *"unified 0"* && "$output" == *"formatted 1"* && "$output" == *"rptonly 1"* ]]
}

@test "a deck without SUMMARY works" {
    sed -i '/^SUMMARY/,/^SCHEDULE/{/^SCHEDULE/!d}' CASE.DATA
    works
}

@test "RESTART without its base is refused" {
    sed -i '/^EQUIL/,/^SUMMARY/{/^SUMMARY/!d}; s|^SUMMARY|RESTART\n NOBASE 5 /\nSUMMARY|; s|^UNIFOUT|UNIFOUT\nUNIFIN|' CASE.DATA
    fails 'CASE.DATA:[0-9]+:2: RESTART: the base.s restart file .*NOBASE.UNRST does not exist'
}

restart_base() {
    sed 's|^TSTEP|RPTRST\n BASIC=2 /\nTSTEP|; s|^1 1 /|1 1 1 /|' CASE.DATA >BASE.DATA
    DECK=BASE.DATA run_flow
    cp out/BASE.* . && rm -r out
    sed -i "/^EQUIL/,/^SUMMARY/{/^SUMMARY/!d}; s|^SUMMARY|RESTART\n BASE $1 /\nSUMMARY|; s|^UNIFOUT|UNIFOUT$2|" CASE.DATA
}

@test "RESTART with its base works" {
    restart_base 2 '\nUNIFIN'
    works
    run decktool closure CASE.DATA
    [[ "$output" == *"restart BASE step 2 time 2"* ]]
    [[ "$output" == *"file BASE.SMSPEC"* && "$output" == *"file BASE.UNSMRY"* ]]
}

@test "RESTART without UNIFIN on a unified base is refused" {
    restart_base 2 ''
    fails 'CASE.DATA:[0-9]+:2: RESTART: without UNIFIN .*BASE.X0002.*add UNIFIN'
}

@test "RESTART from a step that the base lacks is refused" {
    restart_base 7 '\nUNIFIN'
    fails 'CASE.DATA:[0-9]+:2: RESTART: report step 7 is not in .*BASE.UNRST, which holds 3 steps from 1 to 3'
}

@test "RESTART root with a slash but no quotes is refused" {
    restart_base 2 '\nUNIFIN'
    mkdir b && mv BASE.* b/
    sed -i 's|^ BASE 2|b/BASE 2|' CASE.DATA
    fails 'CASE.DATA:[0-9]+:1: RESTART: '
}

@test "SKIPREST whose schedule misses the restart time is warned of" {
    restart_base 2 '\nUNIFIN'
    sed -i 's|^TSTEP|SKIPREST\nTSTEP|; s|^1 1 /|1.4 1.4 /|' CASE.DATA
    run_flow && false
    run decktool check CASE.DATA
    [[ "$output" =~ "no report step falls on the restart time, day 2" ]]
}

@test "RESTART root of more than 72 characters is refused" {
    restart_base 2 '\nUNIFIN'
    long=$(printf 'd%.0s' $(seq 70))
    mkdir "$long" && mv BASE.* "$long"/
    sed -i "s|^ BASE 2|'$long/BASE' 2|" CASE.DATA
    refused 'CASE.DATA:[0-9]+:1: RESTART: .* 75 characters'
}

@test "symlinked deck works: its includes start at the target's folder" {
    mkdir real && mv CASE.DATA poro.inc real/
    ln -s real/CASE.DATA LINK.DATA
    DECK=LINK.DATA works
}

@test "spaces and dots in the deck's name work" {
    mv CASE.DATA "MY CASE.V1.DATA"
    DECK="MY CASE.V1.DATA" works
}

@test "empty include name is refused" {
    sed -i "s|'poro.inc'|''|" CASE.DATA
    fails 'CASE.DATA:[0-9]+:2: INCLUDE: '
}

@test "unbalanced quote is refused" {
    sed -i "s|'poro.inc'|'poro.inc|" CASE.DATA
    fails 'CASE.DATA:'
}

@test "a record that lacks its slash before a section is refused" {
    printf "PORO\n 300*0.3\n" >poro.inc
    sed -i "/^PORO/d; s|^PROPS|EQUALS\n PERMX 100\nPROPS|" CASE.DATA
    printf "PORO\n 300*0.3 /\n" >poro.inc
    fails 'CASE.DATA:[0-9]+:1: PROPS is read as data of EQUALS'
}

@test "a list that lacks its slash before a section is refused" {
    sed -i "s|^PROPS|EQUALS\n PERMX 100 /\nPROPS|" CASE.DATA
    fails 'CASE.DATA:[0-9]+:1: PROPS is read as data of EQUALS .line [0-9]+., because no ./. ends that'
}

@test "a list that lacks its slash before an INCLUDE is refused" {
    printf -- '-- nothing\n' >e.inc
    awk '/^COMPDAT/ {f = 1} f && /^\/[[:space:]]*$/ {print "INCLUDE\n'\''e.inc'\'' /"; f = 0; next} {print}' CASE.DATA >L.DATA
    DECK=L.DATA fails 'L.DATA:[0-9]+:1: INCLUDE is read as data of COMPDAT'
}

@test "a keyword without its data before a section is refused" {
    sed -i 's|^SUMMARY|BOX\nSUMMARY|' CASE.DATA
    fails 'CASE.DATA:[0-9]+:1: SUMMARY is read as data of BOX'
}

@test "the bundle runs where nothing else is: absolute, .. and alias names, nested" {
    mkdir -p ../far/sub ../up sub/deep
    mv poro.inc ../far/sub/
    printf "PATHS\n'FAR' '%s' /\n/\n" "$WORK/far" >paths.inc
    printf "INCLUDE\n'\$FAR/sub/poro.inc' /\nINCLUDE\n'nowhere/../e.inc' /\n" >../up/a.inc
    printf -- '-- nothing\n' >e.inc
    sed -i "s|^GRID|INCLUDE\n'$WORK/deck/paths.inc' /\nGRID|; s|'poro.inc'|'../up/a.inc'|" CASE.DATA
    mkdir nowhere # Flow itself wants it
    works
    decktool copy CASE.DATA ../bundle
    decktool closure CASE.DATA | grep -v ^rewritten >../before
    cd .. && rm -rf far up
    cd bundle/deck && rm -rf ../../deck
    works
    decktool closure CASE.DATA >../../after
    [ "$(head -1 ../../before)" = "$(head -1 ../../after)" ]
}

@test "the bundle of a restart with an absolute base runs where nothing else is" {
    restart_base 2 '\nUNIFIN'
    mkdir ../b && mv BASE.* ../b/
    sed -i "s|^ BASE 2|'$WORK/b/BASE' 2|" CASE.DATA
    run decktool check CASE.DATA
    if [ "$status" -eq 0 ]; then
        decktool copy CASE.DATA ../bundle
        rm -rf ../b
        cd ../bundle
        works
    else
        [[ "$output" == *"has room for 72"* ]]
    fi
}

@test "an unknown keyword is refused" {
    sed -i 's/^GRID/FOOBARXX\n 1 2 3 \/\nGRID/' CASE.DATA
    fails 'CASE.DATA:[0-9]+:1: FOOBARXX is no keyword that Flow 2022.10 knows'
}

@test "a keyword of more than 8 characters counts by its first 8" {
    sed -i 's/^SCHEDULE/SCHEDULEXY/' CASE.DATA
    works 'warning: CASE.DATA:[0-9]+:1: SCHEDULEXY: only the first 8 characters count'
}

@test "two records where one belongs are refused" {
    printf 'PORO\n 300*0.3 /\n 300*0.3 /\n' >poro.inc
    fails 'poro.inc:3:2: a keyword is expected here'
}

@test "a lone extra slash works" {
    printf 'PORO\n 300*0.3 /\n/\n' >poro.inc
    works
}

@test "decksweep plan refuses a bad deck with file and line, exit 2" {
    cat >sweep.yaml <<Y
apiVersion: decksweep.io/v1alpha1
kind: Sweep
metadata: {name: evil}
spec:
  deck: CASE.DATA
  parameters: {PORO: {values: [0.2, 0.3]}}
  design: {method: grid}
Y
    printf "PORO\n 300*<PRO> /\nPERMX\n 300*<PORO> /\n" >poro.inc
    run decksweep plan sweep.yaml
    echo "$output"
    [ "$status" -eq 2 ]
    [[ "$output" == *"poro.inc:2:6: <PRO> is no parameter of the sweep; did you mean <PORO>?"* ]]
    printf "INCLUDE\n'gone.inc' /\nINCLUDE\n'poro.inc' /\n" >poro.inc
    run decksweep plan sweep.yaml
    [ "$status" -eq 2 ]
    [[ "$output" == *"poro.inc:2:1: INCLUDE: no such file"* ]]
    [[ "$output" == *"poro.inc:4:1: INCLUDE goes in a circle"* ]]
}

@test "empty deck is refused" {
    : >E.DATA
    DECK=E.DATA fails 'E.DATA'
}

@test "PYACTION module is part of the closure" {
    printf 'def run(ecl_state, schedule, report_step, summary_state, actionx_callback):\n    return True\n' >act.py
    sed -i "s|^TSTEP|PYACTION\nACT UNLIMITED /\n'act.py' /\nTSTEP|" CASE.DATA
    run decktool closure CASE.DATA
    [ "$status" -eq 0 ]
    [[ "$output" == *"file act.py"* ]]
    rm act.py
    refused 'CASE.DATA:[0-9]+:1: PYACTION: no such file'
}
