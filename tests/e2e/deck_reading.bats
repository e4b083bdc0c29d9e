# SPDX-License-Identifier: GPL-3.0-or-later
# Every keyword that Flow says it reads, at the line where it says so, is what our walk sees: the
# same list in the same order, for every real deck and for one that is made of the odd ones.

setup_file() {
    command -v flow >/dev/null || skip "OPM Flow is not installed"
}

setup() {
    load ../support/common
    enter_work
}
teardown() { cd "$ROOT" && rm -rf "$WORK"; }

# Keywords that Flow acts on while it reads are not in its log.
same_reading() { # deck
    rm -rf out
    OMP_NUM_THREADS=1 OMPI_MCA_ess_singleton_isolated=1 timeout 60 flow "$1" --output-dir=out \
        --threads-per-process=1 --enable-dry-run=true >flow.log 2>&1 </dev/null || true
    cat out/*.PRT flow.log | sed -n "s|^ *[0-9]* Reading \([A-Z0-9+_-]*\) *in .*/*$1 line \([0-9]*\)\$|\1 \2|p" |
        awk '!seen[$0]++' >theirs
    [ "$(wc -l <theirs)" -gt "${2:-30}" ]
    decktool keywords "$1" | grep -vE '^(INCLUDE|END|ENDINC|PATHS|PYINPUT) ' >ours
    diff -u theirs ours
}

@test "the SPE1 decks are read as Flow reads them" {
    cp "$ROOT"/tests/data/decks/spe1/*.DATA .
    for deck in *.DATA; do
        case $deck in *_RESTART*) continue ;; esac
        same_reading "$deck"
    done
}

@test "the SPE9 decks are read as Flow reads them" {
    cp "$ROOT"/tests/data/decks/spe9/* .
    for deck in SPE9.DATA SPE9_CP.DATA; do same_reading $deck; done
}

@test "keywords of every size kind are read as Flow reads them" {
    cat >KINDS.DATA <<'D'
runspec
TITLE
GRID
DIMENS  5 5 5 / ignored
 2 2 2 / ignored as well
TABDIMS
 2 2* 3 / 
EQLDIMS
 2 /
REGDIMS
 4*1 /
OIL
WATER
GAS
DISGAS
FIELD
SATOPTS
 'HYSTER' /
ACTDIMS
 /
UDQDIMS
 8* /
START
 1 JAN 2020 /
WELLDIMS
 5 5 5 5 /
VFPPDIMS
 6* /
GRID
DX
 8*100 /
DY
 8*100
/
DZ
 4*10
 4*20 / PERMX in the rest
TOPS
 4*1000 /
EQUALS
 'PORO' 0.3 /
 PERMX 100 / PERMY
 PERMZ 10 /
/
COPY
 PERMX PERMY /
/
PROPS
SWOF
 0.1 0 1 0
 1 1 0 0 /
 0.1 0 1 0
 1 1 0 0 /
SGOF
 0 0 1 0
 0.9 1 0 0 /
 0 0 1 0
 0.9 1 0 0 /
PVTO
 0.1 100 1.0 1.0 /
 0.5 200 1.1 0.9
     300 1.0 0.95 /
/
PVTW
 100 1 1e-6 1 0 /
PVDG
 100 1 0.01
 500 0.1 0.02 /
ROCK
 100 1e-6 /
DENSITY
 50 60 0.05 /
REGIONS
SATNUM
 8*1 /
SOLUTION
EQUIL
 1000 100 2000 0 500 0 /
 1000 100 2000 0 500 0 /
SUMMARY
FOPR
WBHP
/
WOPR
 'A' 'B' /
BPR
 1 1 1 /
 2 2 2 /
/
WUX
/
RUNSUM
SCHEDULE
UDQ
 DEFINE WUX WBHP/2 + 1 /
 ASSIGN FUY 1 /
/
WELSPECS
 TSTEP G 1 1 1* OIL /
 'B/1 -- x' G 1 2 1* OIL /
/
COMPDAT
 TSTEP 1 1 1 2 OPEN /
/
GECONT
 G 1 /
 5 1 /
/
/
TUNING
/
/
/
VFPPROD
 1 1000 LIQ WCT GOR THP 1* FIELD BHP /
 1 2 /
 100 /
 0 /
 1 /
 0 /
 1 1 1 1 50 60 /
ACTIONX
 A 5 /
 WOPR TSTEP < 5 /
/
WELOPEN
 TSTEP SHUT /
/
ENDACTIO
SAVE
RPTRST
 BASIC=1 /
TSTEP
 1 2 3 /
DATES
 1 JLY 2021 /
/
END
FOPT
D
    same_reading KINDS.DATA 55
}

@test "the families ALL, PERFORMA, FMWSET, GMWSET and DATE are the vectors that Flow writes" {
    awk '/^SUMMARY/ {print "SUMMARY\nALL\nPERFORMA\nFMWSET\nGMWSET\nDATE\n"; skip = 1}
         /^SCHEDULE/ {skip = 0}
         /^TSTEP/ {print "TSTEP\n1 1 /\nEND"; exit}
         !skip' "$ROOT/tests/data/decks/spe1/SPE1CASE1.DATA" >ALLV.DATA
    OMP_NUM_THREADS=1 flow ALLV.DATA --output-dir=. --threads-per-process=1 >flow.log 2>&1 </dev/null
    python3 - >theirs <<'P'
import struct
data = open("ALLV.SMSPEC", "rb").read()
head = data.index(b"KEYWORDS")
left, at, names = struct.unpack(">i", data[head + 8:head + 12])[0] * 8, head + 20, set()
while left > 0:
    size = struct.unpack(">i", data[at:at + 4])[0]
    names |= {data[i:i + 8].decode().strip() for i in range(at + 4, at + 4 + size, 8)}
    at, left = at + 8 + size, left - size
print("\n".join(sorted(names)))
P
    # SPE1 has no aquifer
    decktool vectors ALLV.DATA | grep -v 'AQ' >ours
    diff theirs ours
}
