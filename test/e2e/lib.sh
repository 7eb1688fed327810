# What the end-to-end tests share: a network of real processes in a fresh folder, and checks that are sentences.
# Sourced by the tests; OUT is the folder of the programs. Whatever happens, no process and no file is left behind.
set -u
OUT=${OUT:-build/release}
work=$(mktemp -d "${TMPDIR:-/tmp}/tenure-e2e-XXXXXX")
net=$work/net
declare -A pid
passed=0
failed=0

clean_up() {
    local node
    for node in "${!pid[@]}"; do
        kill -KILL "${pid[$node]}" 2>/dev/null
        wait "${pid[$node]}" 2>/dev/null
    done
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

# check SENTENCE COMMAND...: the command succeeds.
check() {
    local sentence=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $sentence" >&2
    fi
}

# equal A B: two texts are the same; shows them when they aren't.
equal() {
    [ "$1" = "$2" ] || { printf '  got:      %s\n  expected: %s\n' "$1" "$2" >&2; return 1; }
}

# within SECONDS COMMAND...: tries until it succeeds.
within() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.1
    done
}

# The last words of a test; its exit status.
finish() {
    if [ $failed -gt 0 ]; then
        for log in "$work"/*.log; do
            [ -f "$log" ] && { echo "--- $log"; tail -n 30 "$log"; } >&2
        done
    fi
    echo "$passed passed, $failed failed"
    [ $failed = 0 ]
    exit
}

# found ARGUMENTS...: a chain of four validators in $net.
found() {
    "$OUT/tenure" net init --dir "$net" --validators 4 --port 0 "$@" > "$work/found.log" 2>&1 ||
        { cat "$work/found.log" >&2; echo "0 passed, 1 failed"; exit 1; }
    mapfile -t url < <(awk '{ print $2 }' "$net/nodes")
}

# start N: runs node N in the background.
start() {
    "$OUT/tenured" --config "$net/node-$1/tenured.ini" >> "$work/node-$1.log" 2>&1 &
    pid[$1]=$!
}

# stop N SIGNAL: ends node N and waits for it; its exit status.
stop() {
    local status
    kill -"$2" "${pid[$1]}"
    wait "${pid[$1]}" 2>/dev/null
    status=$?
    unset "pid[$1]"
    return $status
}

# get N PATH [FILTER]: a node's answer, through jq.
get() {
    local answer
    answer=$(curl -sf --max-time 5 "${url[$1]}$2") && jq -r "${3:-.}" <<< "$answer"
}

height() {
    get "$1" /v1/status .height 2>/dev/null || echo 0
}

# above N HEIGHT: node N has committed a block above that height.
above() {
    local now
    now=$(height "$1")
    [ "${now:-0}" -gt "$2" ]
}

# tenure_on N COMMAND...: the command line, asking node N, as the network's operator unless told otherwise.
tenure_on() {
    local node=$1
    shift
    TENURE_NODE=${url[$node]} TENURE_PASSPHRASE=file:$net/passphrase "$OUT/tenure" "$@"
}
