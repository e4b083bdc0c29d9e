#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The test cluster itself: is it a real and careful one, and does nothing of it stay?

setup_file() {
    load common
    file_namespace
}
teardown_file() {
    load common
    drop_namespace
}
setup() { load common; }
teardown() { tell_failure; }

restricted_pod() { # name image command...: with the agent's programs and the claim, as the controller's pods have them
    local name=$1 image=$2 words
    shift 2
    words=$(printf '"%s",' "$@")
    kn apply -f - <<Y
apiVersion: v1
kind: Pod
metadata: {name: $name}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 1
  securityContext: {runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000, fsGroupChangePolicy: OnRootMismatch, seccompProfile: {type: RuntimeDefault}}
  initContainers:
  - name: agent
    image: localhost/decksweep:test
    command: [/decksweep/bin/decksweep-agent, install, /target]
    securityContext: &restricted {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true}
    volumeMounts: [{name: programs, mountPath: /target}]
  containers:
  - name: simulator
    image: $image
    command: [${words%,}]
    workingDir: /scratch
    securityContext: *restricted
    volumeMounts: [{name: programs, mountPath: /decksweep}, {name: scratch, mountPath: /scratch}, {name: store, mountPath: /store, subPath: results/deep}]
  volumes: [{name: programs, emptyDir: {}}, {name: scratch, emptyDir: {}}, {name: store, persistentVolumeClaim: {claimName: results}}]
Y
}

@test "our programs run on another libc, under Pod Security restricted, and write to the claim" {
    # shellcheck disable=SC2016  # for the shell in there
    restricted_pod klibc localhost/shellsim:test /bin/sh -ec '/decksweep/bin/decksweep-agent --version; /decksweep/bin/decksweep version; echo RATE 77 > A.DATA; /opt/sim/run A.DATA; cat A.UNSMRY > /store/A.UNSMRY'
    wait_for_field pod/klibc '{.status.phase}' Succeeded 60
    run kn logs klibc -c simulator
    [[ $output == "decksweep-agent $(cat "$ROOT/VERSION")"* ]]
    [[ $output == *"rate 77, case A"* ]]
    [ -s "$VOLUME/results/deep/A.UNSMRY" ]
    # What the image itself has is not glibc.
    mkdir "$BATS_TEST_TMPDIR/image"
    tar -xf "$B/images/shellsim.tar" -C "$BATS_TEST_TMPDIR/image"
    local blob n=0
    for blob in "$BATS_TEST_TMPDIR"/image/blobs/sha256/*; do
        n=$((n + $(zcat -f "$blob" | grep -ac klibc || true)))
        [ "$(zcat -f "$blob" | grep -ac GLIBC_2 || true)" -eq 0 ]
    done
    [ "$n" -gt 0 ] # the layers were really read
}

@test "the namespace refuses a pod that may become root" {
    run kn run root --image=localhost/box:test --restart=Never -- id
    [ "$status" -ne 0 ]
    [[ $output == *"violates PodSecurity \"restricted"* ]]
}

@test "RBAC is on: who has no role gets nothing" {
    KUBECONFIG=$D/nobody.kubeconfig run kubectl -n "$NS" get pods
    [ "$status" -ne 0 ]
    [[ $output == *'User "nobody" cannot list resource "pods"'* ]]
    KUBECONFIG=$D/admin-certificate.kubeconfig kubectl -n "$NS" get pods
}

@test "a part that was killed comes back, and knows what it knew" {
    kn create configmap kept --from-literal=a=b
    stop_part -9 apiserver
    run kn get configmap kept
    [ "$status" -ne 0 ]
    start_part apiserver
    [ "$(field configmap/kept '{.data.a}')" = b ]
}

@test "a second cluster runs beside the first, and leaves nothing" {
    local first=$D other port before
    other=$(mktemp -d /var/lib/decksweep-test.XXXXXX)
    before=$(ls -d /run/containerd /run/netns /var/lib/cni /var/lib/kubelet /var/log/pods /var/log/containers 2>/dev/null || true)
    DS_CLUSTER_DIR=$other DS_CLUSTER_OWNER=$BATS_ROOT_PID "$CLUSTER/up" 3>&-
    port=$(cat "$other/port")
    [ "$port" != "$(cat "$first/port")" ]
    KUBECONFIG=$other/admin.kubeconfig kubectl create namespace twin
    for _ in $(seq 50); do
        ! KUBECONFIG=$other/admin.kubeconfig kubectl -n twin get serviceaccount default || break
        sleep 0.1
    done
    KUBECONFIG=$other/admin.kubeconfig kubectl -n twin run sleeper --image=localhost/box:test --restart=Never -- sleep 1000
    KUBECONFIG=$other/admin.kubeconfig kubectl -n twin wait --for=condition=Ready --timeout=60s pod/sleeper
    run kubectl get namespace twin
    [ "$status" -ne 0 ]

    DS_CLUSTER_DIR=$other "$CLUSTER/down"
    [ ! -e "$other" ]
    [ -z "$(grep -lzF "$other" /proc/[0-9]*/cmdline 2>/dev/null)" ]
    [ -z "$(grep -F "$other" /proc/mounts)" ]
    [ -z "$(find /sys/fs/cgroup -maxdepth 2 -name "decksweep-test-$port")" ]
    [ -z "$(ip -br link show "dsc$port" 2>/dev/null)" ]
    [ "$(ls -d /run/containerd /run/netns /var/lib/cni /var/lib/kubelet /var/log/pods /var/log/containers 2>/dev/null || true)" = "$before" ]
    kubectl get --raw /readyz
}
