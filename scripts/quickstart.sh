#!/usr/bin/env bash
# Builds gscoordinator, starts it, and runs a PageRank on a million edges with the unmodified GraphScope client.
# usage: scripts/quickstart.sh [--once] [--port PORT]
#   --once   stop after the job; otherwise, on a terminal, the coordinator serves until Ctrl-C
#   --port   the port to listen on (default 63800, or any free port if that one is in use)
# Keeps .build/ and .venv-quickstart/, so that the next run is fast; removes everything else that it creates.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

once=false port=
while (($#)); do
  case "$1" in
    --once) once=true ;;
    --port) port=${2:?--port needs a number}; shift ;;
    -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit ;;
    *) echo "quickstart.sh: unknown option '$1' (see --help)" >&2; exit 2 ;;
  esac
  shift
done
[[ -t 0 ]] || once=true
venv=.venv-quickstart binary=.build/release/gscoordinator
scratch='' coordinator='' child=''

stop_group() { # asks a process group to end, and waits for its first process
  [[ -n $1 ]] || return 0
  kill -TERM -- "-$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}
clean_up() {
  local status=$?
  trap - EXIT
  trap '' INT TERM
  stop_group "$child"
  stop_group "$coordinator"
  [[ -z $scratch ]] || rm -rf "$scratch"
  exit "$status"
}
trap clean_up EXIT
trap 'echo; echo "Stopped."; exit 130' INT
trap 'exit 143' TERM

# Runs a command in a process group of its own, so that an interruption can end it and all processes it started.
watched() {
  set -m
  "$@" &
  child=$!
  set +m
  wait "$child"
  child=
}
step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
need() { command -v "$1" >/dev/null || { echo "quickstart.sh: needs $1: $2" >&2; exit 1; }; }

need swift "install the Swift toolchain (6.2 or newer) and put it on PATH"
need python3 "install Python 3.11"

step "1/4 System packages"
scripts/install-system-packages.sh build

step "2/4 Building the coordinator (release; the first time takes a few minutes)"
watched swift build -c release --static-swift-stdlib --product gscoordinator

step "3/4 Python environment with the GraphScope client"
watched scripts/make-venv.sh "$venv" python/requirements.txt
ln -sf "$PWD/$binary" "$venv/bin/gscoordinator"

step "4/4 A coordinator, and a PageRank on a million edges"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/gscoordinator-quickstart.XXXXXX")
if [[ -z $port ]]; then
  port=63800
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then port=0; fi
fi
set -m
"$binary" --port "$port" --workspace "$scratch/workspace" >"$scratch/coordinator.log" 2>&1 &
coordinator=$!
set +m
until announcement=$(grep -m 1 '^gscoordinator listening on' "$scratch/coordinator.log"); do
  if ! kill -0 "$coordinator" 2>/dev/null; then
    echo "The coordinator did not start. Its log says:" >&2
    cat "$scratch/coordinator.log" >&2
    exit 1
  fi
  sleep 0.02
done
address=${announcement##* }
echo "$announcement"

watched "$venv/bin/python" examples/generate_graph.py --edges 1000000 "$scratch/graph"
watched "$venv/bin/python" examples/pagerank.py --addr "$address" "$scratch/graph/v.csv" "$scratch/graph/e.csv"

cat <<END

Connect to it from Python (the environment with the client: source $venv/bin/activate):

    import graphscope
    sess = graphscope.session(addr="$address")

or let the client start one of its own:

    sess = graphscope.session(cluster_type="hosts", num_workers=1)
END
if $once; then exit 0; fi
printf '\nServing on %s until you press Ctrl-C.\n' "$address"
wait "$coordinator"
