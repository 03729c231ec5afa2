# shellcheck shell=bash
# What all scripts share: paths, messages, background processes, ports, JSON-RPC. Sourced, never run.
# A script that starts processes calls `begin_run DIR` first; everything it starts ends with it, whatever happens.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SABHA_CACHE=${SABHA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sabha}
# One folder for build products, outside the clone: a second clone reuses the first one's dependencies.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$SABHA_CACHE/target}
# Rust's standard installer puts cargo here and asks for a new login; do not make people wait for that.
# The folder may come while a script runs: scripts/setup installs rustup.
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"

# Pinned: a new version may add checks. Installed once by scripts/setup.
CARGO_DENY_VERSION=0.20.2
CARGO_DENY_ROOT=$SABHA_CACHE/tools/cargo-deny-$CARGO_DENY_VERSION

SABHA_NODE=${SABHA_NODE:-$CARGO_TARGET_DIR/debug/sabha-node}
SABHA_WORKER=${SABHA_WORKER:-$CARGO_TARGET_DIR/debug/sabha-worker}
export SABHA_NODE SABHA_WORKER

# ---- messages ---------------------------------------------------------------------------------------------------

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}
heading() { printf '\n== %s\n' "$*"; }
have() { command -v "$1" >/dev/null 2>&1; }

# need_binaries: fail with the command to run when the node or the worker is not built.
need_binaries() {
    local b
    for b in "$SABHA_NODE" "$SABHA_WORKER"; do
        [ -x "$b" ] || die "$b is not there: run ./scripts/build first"
    done
}

# claim_target: before cargo builds. Cargo tells a member's products apart by its path within the workspace, and takes them for
# fresh by the times of its sources: another clone's, in the same folder, would pass for this one's. When another clone has
# built last, the members are built again; the dependencies stay. Under cargo's own lock, so that no build is disturbed.
claim_target() {
    local stamp=$CARGO_TARGET_DIR/.sabha-clone
    mkdir -p "$CARGO_TARGET_DIR/debug"
    (
        flock 9
        if [ "$(cat "$stamp" 2>/dev/null)" != "$ROOT" ]; then
            rm -rf "$CARGO_TARGET_DIR"/*/.fingerprint/{sabha,pallet-sabha}-*
            printf '%s\n' "$ROOT" >"$stamp"
        fi
    ) 9>>"$CARGO_TARGET_DIR/debug/.cargo-lock"
}

# ---- background processes ---------------------------------------------------------------------------------------

RUN_DIR=
RUN_NAMES=()

# begin_run DIR: logs and pid files go to DIR; from here on every way out stops what `start` started.
begin_run() {
    RUN_DIR=$1
    mkdir -p "$RUN_DIR"
    trap 'end_run $?' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}

end_run() {
    trap - EXIT
    trap '' INT TERM HUP
    stop_all
    if declare -F on_end >/dev/null; then on_end "$1" || true; fi
    exit "$1"
}

# start NAME COMMAND…: run in the background with its output in RUN_DIR/NAME.log and its id in RUN_DIR/NAME.pid.
# A session of its own keeps Ctrl-C for this script, which then stops things in order; the death signal covers a
# script that is killed outright.
start() {
    local name=$1
    shift
    local die_with_us=()
    if have setpriv && setpriv --pdeathsig TERM true 2>/dev/null; then
        die_with_us=(setpriv --pdeathsig TERM)
    fi
    setsid "${die_with_us[@]}" "$@" >>"$RUN_DIR/$name.log" 2>&1 </dev/null &
    printf '%s\n' "$!" >"$RUN_DIR/$name.pid"
    RUN_NAMES+=("$name")
}

pid_of() { cat "$RUN_DIR/$1.pid" 2>/dev/null || true; }

# A child that ended and was not yet waited for still answers `kill -0`: look at its state too.
alive() {
    local pid stat
    pid=$(pid_of "$1")
    [ -n "$pid" ] && stat=$(cat "/proc/$pid/stat" 2>/dev/null) || return 1
    case ${stat##*) } in
    Z* | X*) return 1 ;;
    esac
}

# stop NAME [SECONDS]: SIGTERM, a bounded wait, then SIGKILL. By process id only.
stop() {
    local name=$1 left=$((${2:-20} * 10)) pid
    pid=$(pid_of "$name")
    [ -n "$pid" ] || return 0
    if alive "$name"; then
        kill -TERM "$pid" 2>/dev/null || true
        while alive "$name" && [ "$left" -gt 0 ]; do
            sleep 0.1
            left=$((left - 1))
        done
        if alive "$name"; then
            warn "$name (process $pid) did not end after SIGTERM: killing it"
            kill -KILL "$pid" 2>/dev/null || true
        fi
    fi
    wait "$pid" 2>/dev/null || true
    rm -f "$RUN_DIR/$name.pid"
}

stop_all() {
    local i
    for ((i = ${#RUN_NAMES[@]} - 1; i >= 0; i--)); do
        stop "${RUN_NAMES[i]}"
    done
    RUN_NAMES=()
}

# need_alive NAME: fail with the end of its log when it has ended.
need_alive() {
    alive "$1" && return 0
    warn "---- last lines of $RUN_DIR/$1.log"
    tail -n 25 "$RUN_DIR/$1.log" >&2 || true
    die "$1 ended unexpectedly"
}

# ---- chain specifications -------------------------------------------------------------------------------------------

# chain_spec PRESET VALIDATORS DURATIONS FILE: the preset's specification with the first so many of its validators, and with the
# durations that the JSON object names replaced ({"slotMs": 2000, "window": 40}; {} for none).
chain_spec() {
    "$SABHA_NODE" export-chain-spec --chain "$1" >"$4.preset" 2>"$4.log" || die "export-chain-spec failed; see $4.log"
    python3 - "$2" "$3" "$4.preset" "$4" <<'PY'
import json, sys
count, durations, source, target = int(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3], sys.argv[4]
spec = json.load(open(source))
genesis = spec["genesis"]["runtimeGenesis"]
config = genesis.get("patch") or genesis["config"]
if count < len(config["session"]["keys"]):
    config["session"]["keys"] = config["session"]["keys"][:count]
    config["validators"]["validators"] = config["validators"]["validators"][:count]
    spec["name"] += f", {count} of them"
preset = config["timing"]["durations"]
unknown = set(durations) - set(preset)
if unknown:
    sys.exit(f"the preset has no durations {sorted(unknown)}; it has {sorted(preset)}")
preset.update(durations)
json.dump(spec, open(target, "w"))
PY
}

# ---- ports and JSON-RPC -----------------------------------------------------------------------------------------

# free_port: prints a port nobody listens on. Below Linux's range for outgoing connections, which could take it.
free_port() {
    local port tries=0
    while [ "$tries" -lt 200 ]; do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            printf '%s\n' "$port"
            return 0
        fi
        tries=$((tries + 1))
    done
    die "no free port found"
}

# json EXPRESSION: evaluates a Python expression over `d`, the JSON on standard input.
json() { python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"; }

# rpc PORT METHOD [PARAMETERS]: the answer's `result` as JSON; fails when there is no answer or it is an error.
rpc() {
    curl -sS --max-time 5 -H 'Content-Type: application/json' \
        -d "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"$2\",\"params\":${3:-[]}}" "http://127.0.0.1:$1" 2>/dev/null |
        python3 -c 'import json, sys
try: d = json.load(sys.stdin)
except ValueError: sys.exit(1)
if "error" in d: sys.exit(str(d["error"]))
print(json.dumps(d["result"]))'
}

# best_block PORT, finalised_block PORT: numbers, or -1 when the node does not answer.
best_block() { rpc "$1" chain_getHeader 2>/dev/null | json 'int(d["number"], 16)' 2>/dev/null || echo -1; }
finalised_block() {
    local hash
    hash=$(rpc "$1" chain_getFinalizedHead 2>/dev/null) || { echo -1; return; }
    rpc "$1" chain_getHeader "[$hash]" 2>/dev/null | json 'int(d["number"], 16)' 2>/dev/null || echo -1
}

# wait_for SECONDS WHAT PROCESS COMMAND…: until the command succeeds; fails at once when the process ends.
wait_for() {
    local until=$((SECONDS + $1)) what=$2 process=$3
    shift 3
    until "$@"; do
        need_alive "$process"
        [ "$SECONDS" -lt "$until" ] || die "gave up waiting for $what; see $RUN_DIR/$process.log"
        sleep 0.3
    done
}

answers() { rpc "$1" system_health >/dev/null 2>&1; }
best_at_least() { [ "$(best_block "$1")" -ge "$2" ]; }
finalised_at_least() { [ "$(finalised_block "$1")" -ge "$2" ]; }

# clock: seconds since the epoch, for timings that SECONDS (reset in subshells) cannot give.
clock() { date +%s; }
