#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The program of a store pod, as its neighbours may treat it: decksweep-agent serve over a folder.

setup() {
    load ../support/common
    enter_work
    mkdir -p sweep/cases
    echo hello >sweep/cases/a.s.tar.zst
    echo secret >outside
    head -c 3000000 /dev/urandom >big
}

teardown() {
    leave_work
}

serve() { # option...
    rm -f said
    DECKSWEEP_TOKEN_SHA256=$(printf let-me-in | sha256sum | cut -c1-64) \
        decksweep-agent serve --folder "$WORK/sweep" --address 127.0.0.1 --port 0 "$@" 2>said >said.out 3>&- &
    SERVER=$!
    wait_for 10 grep -q 'on port' said
    PORT=$(grep -oE 'port [0-9]+' said | cut -d' ' -f2)
    URL=http://127.0.0.1:$PORT/v1
}
ask() { # curl option... : body on stdout, status in $CODE
    CODE=$(curl -s -o answer -w '%{http_code}' --path-as-is -H 'X-Decksweep-Token: let-me-in' "$@")
    cat answer
}
objects() { find "$WORK/sweep" -type f | wc -l; }

@test "an object is read whole, in part, and only by who knows the token" {
    serve
    [ "$(ask "$URL/o/cases/a.s.tar.zst")" = hello ]
    [ "$(ask -r 1-3 "$URL/o/cases/a.s.tar.zst")" = ell ]
    [ "$(ask -r -3 "$URL/o/cases/a.s.tar.zst")" = lo ]
    ask -r 6- "$URL/o/cases/a.s.tar.zst" >/dev/null
    ask -I "$URL/o/cases/a.s.tar.zst" | grep -qi '^content-length: 6'
    for token in '' wrong let-me-i let-me-in2; do
        [ "$(curl -s -o answer -w '%{http_code}' -H "X-Decksweep-Token: $token" "$URL/o/cases/a.s.tar.zst")" = 401 ]
        [ "$(grep -c hello answer)" = 0 ]
    done
    [ "$(curl -s -o answer -w '%{http_code}' "$URL/ping")" = 401 ]
}

@test "nothing outside of the folder is reached, whatever the path" {
    serve --write
    for path in ../outside %2e%2e/outside cases/../../outside cases/%2e%2e%2f%2e%2e%2foutside /etc/passwd %2fetc%2fpasswd \
        .hidden cases/.hidden "cases/a%00b" '' cases// ./cases/a.s.tar.zst; do
        ask "$URL/o/$path" >/dev/null
        [ "$CODE" = 400 ] || { echo "$path: $CODE"; cat answer; false; }
        case $path in '' | */) continue ;; esac # curl would add the file's name
        ask -T big "$URL/o/$path" >/dev/null
        [ "$CODE" = 400 ] || { echo "PUT $path: $CODE"; cat answer; false; }
    done
    [ "$(objects)" = 1 ]
    [ "$(cat outside)" = secret ]
}

@test "an upload is whole or not there; a second one is told so" {
    serve --write
    ask -T big -H 'If-None-Match: *' "$URL/o/deck.tar.zst" >/dev/null
    [ "$CODE" = 201 ]
    cmp big sweep/deck.tar.zst
    ask -T outside -H 'If-None-Match: *' "$URL/o/deck.tar.zst" >/dev/null
    [ "$CODE" = 412 ]
    cmp big sweep/deck.tar.zst
    ask -T outside "$URL/o/deck.tar.zst" >/dev/null
    [ "$CODE" = 201 ]
    cmp outside sweep/deck.tar.zst
    ask -X DELETE "$URL/o/deck.tar.zst" >/dev/null
    [ "$CODE" = 200 ]
    [ "$(objects)" = 1 ]
}

@test "a torn upload leaves nothing: client gone, server killed, server told to end" {
    serve --write
    # more is announced than comes
    start_upload
    exec 9>&-
    wait_for 10 no_uploads "$SERVER"
    [ "$(objects)" = 1 ]
    for signal in KILL TERM; do
        start_upload
        kill -"$signal" "$SERVER"
        wait "$SERVER" || true
        exec 9>&-
        [ "$(objects)" = 1 ]
        [ -z "$(find sweep -name '.*' -type f)" ]
        serve --write
    done
    [ "$(ask "$URL/ping")" = ok ]
}
start_upload() { # on descriptor 9; returns when bytes of it are there
    exec 9<>"/dev/tcp/127.0.0.1/$PORT"
    {
        printf 'PUT /v1/o/torn HTTP/1.1\r\nHost: x\r\nX-Decksweep-Token: let-me-in\r\nContent-Length: 9000000\r\n\r\n'
        cat big
    } >&9
    wait_for 10 uploads "$SERVER"
}
no_uploads() { ! uploads "$1"; }
uploads() { # pid: has it a nameless file with bytes in it?
    find "/proc/$1/fd" -lname '*(deleted)' -exec stat -L -c %s {} + | grep -qE '^[1-9]'
}

@test "without --write nothing changes; sizes and lengths are bounded" {
    serve
    ask -T big "$URL/o/x" >/dev/null
    [ "$CODE" = 403 ]
    ask -X DELETE "$URL/o/cases/a.s.tar.zst" >/dev/null
    [ "$CODE" = 403 ]
    [ "$(objects)" = 1 ]
    kill "$SERVER"
    wait "$SERVER"
    serve --write --max-object 1MiB
    ask -T big "$URL/o/x" >/dev/null
    [ "$CODE" = 413 ]
    ask -T - -H 'Transfer-Encoding: chunked' "$URL/o/x" <big >/dev/null
    [ "$CODE" = 411 ]
    [ "$(objects)" = 1 ]
}

@test "a full disk is said, and leaves nothing of the upload" {
    serve --write
    # the server's own limit of file sizes stands for a disk that is full
    prlimit --pid "$SERVER" --fsize=1000000
    ask -T big "$URL/o/x" >/dev/null || true
    [ "$CODE" != 201 ]
    [ "$(objects)" = 1 ]
}

@test "it ends when told, and when nobody asks any more" {
    serve --idle 1s
    [ "$(ask "$URL/ping")" = ok ]
    wait_for 5 grep -q 'nothing was asked' said
    wait "$SERVER"
    serve
    start=$(date +%s%N)
    kill "$SERVER"
    wait "$SERVER"
    [ $((($(date +%s%N) - start) / 1000000)) -lt 1500 ]
}

@test "wrong use is told" {
    run decksweep-agent serve --folder "$WORK/sweep"
    [ "$status" -eq 2 ]
    [[ $output == *DECKSWEEP_TOKEN_SHA256* ]]
    DECKSWEEP_TOKEN_SHA256=$(printf x | sha256sum | cut -c1-64)
    export DECKSWEEP_TOKEN_SHA256
    run decksweep-agent serve
    [ "$status" -eq 2 ]
    run decksweep-agent serve --folder "$WORK/none" --port 0
    [ "$status" -eq 3 ]
    run decksweep-agent serve --folder "$WORK/sweep" --address nowhere
    [ "$status" -eq 2 ]
}
