#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Logging in to an API server: TLS with certificates of our own making (openssl s_server is the
# server), kubeconfig files as kubectl finds them, and what is said when it does not work.

load ../support/common

setup_file() {
    export PKI="$BATS_FILE_TMPDIR/pki"
    mkdir -p "$PKI" && cd "$PKI" || return 1
    new_ca ca && new_ca other
    new_cert ca server 30 "subjectAltName=DNS:kube.example"
    new_cert ca client 30 "extendedKeyUsage=clientAuth"
    new_cert ca old 0 "subjectAltName=DNS:kube.example"
    openssl rsa -in client.key -aes128 -passout pass:secret -out locked.key 2>/dev/null
    mkdir www && echo '{"kind":"Version"}' >www/version
}

new_ca() {
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.crt" -days 30 \
        -subj "/CN=$1" 2>/dev/null
}

new_cert() { # CA NAME DAYS EXTENSION
    openssl req -newkey rsa:2048 -nodes -keyout "$2.key" -out "$2.csr" -subj "/CN=$2" 2>/dev/null
    local days=(-days "$3")
    openssl x509 -req -in "$2.csr" -CA "$1.crt" -CAkey "$1.key" -CAcreateserial -out "$2.crt" \
        "${days[@]}" -extfile <(echo "$4") 2>/dev/null
}

setup() {
    enter_work
    unset KUBECONFIG KUBERNETES_SERVICE_HOST
    export HOME=$WORK
}

teardown() {
    if [ -n "${server:-}" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    leave_work
}

# serve CERTIFICATE OPTIONS...: sets port
serve() {
    local cert=$1
    shift
    (cd "$PKI/www" && exec openssl s_server -accept 127.0.0.1:0 -cert "$PKI/$cert.crt" \
        -key "$PKI/$cert.key" -CAfile "$PKI/ca.crt" -WWW "$@" >"$WORK/server.log" 2>&1 3>&-) &
    server=$!
    for _ in $(seq 100); do
        port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' "$WORK/server.log" 2>/dev/null | head -1)
        [ -z "$port" ] || return 0
        sleep 0.1
    done
    cat "$WORK/server.log"
    return 1
}

# config CLUSTER USER >file
config() {
    cat <<END
clusters: [{name: c, cluster: {server: "https://127.0.0.1:$port", $1}}]
users: [{name: u, user: {$2}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
END
}

data() {
    base64 -w0 "$PKI/$1"
}

@test "certificates of kubeconfig, in files and as data, authenticate both sides" {
    serve server -Verify 1 -verify_return_error
    config "certificate-authority: $PKI/ca.crt, tls-server-name: kube.example" \
        "client-certificate: $PKI/client.crt, client-key: $PKI/client.key" >files
    config "certificate-authority-data: $(data ca.crt), tls-server-name: kube.example" \
        "client-certificate-data: $(data client.crt), client-key-data: $(data client.key)" >inline
    for file in files inline; do
        run kubeprobe -k "$file" get /version
        [ "$status" -eq 0 ] || { echo "$output"; false; }
        [[ $output == *'200 {"kind":"Version"}'* ]]
    done
}

@test "a server without the right certificate is not trusted, and nothing is sent to it" {
    serve server
    config "certificate-authority: $PKI/other.crt, tls-server-name: kube.example" "token: t" >ca
    config "certificate-authority: $PKI/ca.crt" "token: t" >name
    config "certificate-authority: $PKI/ca.crt, tls-server-name: other.example" "token: t" >sni
    config "tls-server-name: kube.example" "token: t" >system
    for file in ca name sni system; do
        run kubeprobe -k "$file" get /version
        [ "$status" -eq 1 ]
        [[ $output == *"error -8: GET /version: https://127.0.0.1:$port is not trusted: "* ]] ||
            { echo "$file: $output"; false; }
    done
    if grep -q GET server.log; then false; fi
}

@test "an expired certificate of the server is refused" {
    serve old
    sleep 1
    config "certificate-authority: $PKI/ca.crt, tls-server-name: kube.example" "token: t" >old
    run kubeprobe -k old get /version
    [[ $output == *"is not trusted"*"expired"* ]] || { echo "$output"; false; }
}

@test "insecure-skip-tls-verify works and is warned about" {
    serve server
    config "insecure-skip-tls-verify: true" "token: t" >open
    run kubeprobe -k open get /version
    [ "$status" -eq 0 ]
    [[ $output == *"warning: https://127.0.0.1:$port: the server's certificate is not checked"*200* ]]
}

@test "a client certificate that the server wants and does not get ends with words, not with waiting" {
    serve server -Verify 1 -verify_return_error
    config "certificate-authority: $PKI/ca.crt, tls-server-name: kube.example" "token: t" >none
    run timeout 20 kubeprobe -k none -t 1 get /version
    [ "$status" -eq 1 ]
    [[ $output == *"error -6: GET /version: "*"127.0.0.1:$port"* ]] || { echo "$output"; false; }
}

@test "a key with a pass phrase is refused, and nobody is asked for it" {
    serve server
    config "certificate-authority: $PKI/ca.crt, tls-server-name: kube.example" \
        "client-certificate: $PKI/client.crt, client-key: $PKI/locked.key" >locked
    run timeout 20 kubeprobe -k locked get /version </dev/null
    [ "$status" -eq 1 ]
    [[ $output == *"error -8"* ]] || { echo "$output"; false; }
    [[ $output != *"pass phrase"* ]]
}

@test "kubeconfig files are found and merged as kubectl does" {
    port=1
    config "a: b" "token: t" >one
    printf 'contexts: [{name: y, context: {cluster: c, user: u, namespace: why}}]\ncurrent-context: y\n' >two
    KUBECONFIG=$WORK/none:$WORK/two:$WORK/one run kubeprobe info
    [ "$output" = "https://127.0.0.1:1 why y" ]
    KUBECONFIG=$WORK/none:$WORK/two:$WORK/one run kubeprobe -c x -n given info
    [ "$output" = "https://127.0.0.1:1 given x" ]
    mkdir .kube && cp one .kube/config
    run kubeprobe info
    [ "$output" = "https://127.0.0.1:1 default x" ]
}

@test "what is missing in a login is said before any request" {
    run kubeprobe info
    [[ $output == "error -1: no kubeconfig: set \$KUBECONFIG or give --kubeconfig (looked at ~/.kube/config)" ]]
    run kubeprobe -k none info
    [[ $output == "error -1: kubeconfig: none: No such file"* ]] || { echo "$output"; false; }
    run kubeprobe -p info
    [[ $output == "error -1: no service account: this is no pod"* ]]
    port=1
    config "certificate-authority: nowhere.crt" "token: t" >ca
    run kubeprobe -k ca info
    [[ $output == *"nowhere.crt: No such file"* ]] || { echo "$output"; false; }
    config "a: b" "tokenFile: nowhere.token" >token
    run kubeprobe -k token info
    [[ $output == *"nowhere.token: No such file"* ]]
    sed 's|https://127.0.0.1:1|http://10.9.8.7|' ca | sed 's|certificate-authority: nowhere.crt||' >plain
    run kubeprobe -k plain info
    [[ $output == *"the credential would travel unencrypted"* ]] || { echo "$output"; false; }
}
