# SPDX-License-Identifier: GPL-3.0-or-later
# Trim: for every deck that runs, the summary of the trimmed deck equals that of the untrimmed one
# bit for bit (machine-time vectors aside), and no restart file is written.

setup_file() {
    command -v flow >/dev/null || skip "OPM Flow is not installed"
}

setup() {
    load ../support/common
    enter_work
}
teardown() { cd "$ROOT" && rm -rf "$WORK"; }

run_flow() { # folder deck
    (cd "$1" && OMP_NUM_THREADS=1 OMPI_MCA_ess_singleton_isolated=1 \
        flow "$2.DATA" --output-dir=. --threads-per-process=1 >flow.log 2>&1 </dev/null) || {
        tail -5 "$1/flow.log"
        return 1
    }
}

# Equal PARAMS, vector by vector, but for those that measure the machine.
same_params() { # folder folder deck
    python3 - "$1/$3" "$2/$3" <<'P'
import struct, sys
def arrays(path):
    data, at = open(path, "rb").read(), 0
    while at < len(data):
        name, count, kind = data[at + 4:at + 12].decode().strip(), *struct.unpack(">i4s", data[at + 12:at + 20])
        at += 24
        size = {b"CHAR": 8, b"DOUB": 8, b"MESS": 0}.get(kind, 4)
        body, left = b"", count * size
        while left > 0:
            n = struct.unpack(">i", data[at:at + 4])[0]
            body += data[at + 4:at + 4 + n]
            at, left = at + 8 + n, left - n
        yield name, body
def read(root):
    spec = {n: b for n, b in arrays(root + ".SMSPEC")}
    words = lambda b: [b[i:i + 8].decode("latin-1").strip() for i in range(0, len(b), 8)]
    names = list(zip(words(spec["KEYWORDS"]), words(spec.get("WGNAMES", spec.get("NAMES", b""))), spec["NUMS"]))
    rows = [b for n, b in arrays(root + ".UNSMRY") if n == "PARAMS"]
    return words(spec["KEYWORDS"]), spec["WGNAMES"], rows
machine = ("TCPU", "ELAPSED", "TELAPLIN", "MSUMCOMM", "MEMGB")
a, b = read(sys.argv[1]), read(sys.argv[2])
assert a[0] == b[0] and a[1] == b[1], "different vectors"
assert len(a[2]) == len(b[2]) > 0, f"{len(a[2])} and {len(b[2])} ministeps"
for step, (x, y) in enumerate(zip(a[2], b[2])):
    for i, name in enumerate(a[0]):
        if not name.startswith(machine):
            assert x[4 * i:4 * i + 4] == y[4 * i:4 * i + 4], f"{name} differs in ministep {step}"
print(f"{sys.argv[2]}: {len(a[0])} vectors, {len(a[2])} ministeps equal")
P
}

no_restart_written() { # folder deck
    ! compgen -G "$1/$2.*UNRST" && ! compgen -G "$1/$2.[XF][0-9][0-9][0-9][0-9]"
}

same_line_count() { # deck file, trimmed file
    [ "$(wc -l <"$1")" = "$(wc -l <"$2")" ]
}

both() { # folder of the deck, name
    decktool copy "$1/$2.DATA" "plain.$2" >/dev/null
    decktool trim "$1/$2.DATA" "trim.$2" >"edits.$2"
    same_line_count "$1/$2.DATA" "trim.$2/$2.DATA"
    run_flow "plain.$2" "$2"
    run_flow "trim.$2" "$2"
    no_restart_written "trim.$2" "$2"
    same_params "plain.$2" "trim.$2" "$2" >&3
}

@test "SPE1 decks: same PARAMS, no restart file" {
    for deck in SPE1CASE1 SPE1CASE1_INF SPE1CASE1_MID SPE1CASE2_2P SPE1CASE2_FAMII \
        SPE1CASE2_NOWELLS SPE1CASE2_OILGAS SPE1CASE2_SLGOF SPE1CASE2_THERMAL; do
        both "$ROOT/tests/data/decks/spe1" $deck
    done
}

@test "SPE1 restart pairs: base and restart, same PARAMS, no restart file" {
    for deck in SPE1CASE2 SPE1CASE2_ACTNUM; do
        both "$ROOT/tests/data/decks/spe1" $deck
        # the restart needs the untrimmed base's files beside it
        cp "$ROOT/tests/data/decks/spe1/${deck}_RESTART.DATA" "plain.$deck/"
        both "plain.$deck" ${deck}_RESTART
    done
}

@test "SPE9: same PARAMS, no restart file" {
    both "$ROOT/tests/data/decks/spe9" SPE9
}

@test "SPE9_CP: same PARAMS, no restart file" {
    both "$ROOT/tests/data/decks/spe9" SPE9_CP
}

# A short SPE1 with the given restart requests before TSTEP, over several lines and mixed.
variant() { # name, text before TSTEP; more sed for the deck
    mkdir -p decks
    sed -e '/^RPTRST/,/\/$/d' -e '/^TSTEP/,/\/$/d' -e 's/^END$//' ${3:+-e "$3"} \
        "$ROOT/tests/data/decks/spe1/SPE1CASE1.DATA" >"decks/$1.DATA"
    printf '%b\nTSTEP\n 4*31 /\n\nEND\n' "$2" >>"decks/$1.DATA"
}

wants_restart() { # folder deck
    compgen -G "$1/$2.*UNRST" || compgen -G "$1/$2.[XF][0-9][0-9][0-9][0-9]"
}

@test "every way to ask for restart files is found, and only that is touched" {
    variant INTS 'RPTSCHED\n 0 0 0 0 0 0 2 0 1 /'
    variant INTSREP 'RPTSCHED\n 5*0 3*2 /'
    variant MNEMO "RPTSCHED\n PRES SWAT 'RESTART=2'\n FIP=1 /"
    variant MNEMO1 'RPTSCHED\n RESTART=1 /'
    variant RST2 'RPTRST\n BASIC=2\n -- in between, <X>\n FLOWS\n ALLPROPS / rest'
    variant RSTSP 'RPTRST\n BASIC = 2 /'
    variant SAVE 'SAVE\n TSTEP'
    sed -i '/^ TSTEP$/d' decks/SAVE.DATA
    variant SOL '' 's|^SUMMARY|RPTSOL\n RESTART=2 FIP=1 /\nSUMMARY|'
    variant SOLINT '' 's|^SUMMARY|RPTSOL\n 6*0 2 /\nSUMMARY|'
    variant MULT 'RPTRST\n BASIC=2 /' 's|^UNIFOUT|MULTOUT|'
    variant FMT 'RPTRST\n BASIC=2 /' 's|^UNIFOUT|UNIFOUT\nFMTOUT|'
    variant CRLF "RPTRST\r\n BASIC=2 /\r"
    for deck in INTS INTSREP MNEMO MNEMO1 RST2 RSTSP SAVE SOL SOLINT MULT FMT CRLF; do
        echo "# $deck" >&3
        decktool copy "decks/$deck.DATA" "plain.$deck" >/dev/null
        decktool trim "decks/$deck.DATA" "trim.$deck" >"edits.$deck"
        same_line_count "decks/$deck.DATA" "trim.$deck/$deck.DATA"
        run_flow "plain.$deck" "$deck"
        run_flow "trim.$deck" "$deck"
        wants_restart "plain.$deck" "$deck"
        no_restart_written "trim.$deck" "$deck" || { cat "edits.$deck"; false; }
        case $deck in MULT | FMT) ;; *) same_params "plain.$deck" "trim.$deck" "$deck" ;; esac
    done
    grep -q "PRES SWAT 'RESTART=0'" trim.MNEMO/MNEMO.DATA
    grep -q '5\*0 1\*2 0 1\*2' trim.INTSREP/INTSREP.DATA
}
