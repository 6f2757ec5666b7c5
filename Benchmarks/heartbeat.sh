#!/bin/bash
# Server CPU per small unary call, beside nghttpd serving a file of the same size, in the same run.
# usage: Benchmarks/heartbeat.sh HOST:PORT SERVER_PID [PATH] [REQUESTS] [ROUNDS]
set -euo pipefail
address=$1
pid=$2
path=${3:-/gs.rpc.CoordinatorService/HeartBeat}
requests=${4:-200000}
rounds=${5:-5}
work=$(mktemp -d)
printf '\0\0\0\0\0' >"$work/message"

# User and system time of a process in clock ticks of 10 ms.
ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }

# The lowest free port above 20000 that nobody listens on.
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

port=$(free_port)
nghttpd --no-tls -d "$work" -n 1 "$port" >/dev/null 2>&1 &
peer=$!
trap 'kill $peer 2>/dev/null; rm -rf "$work"' EXIT
until nghttp -n "http://127.0.0.1:$port/message" >/dev/null 2>&1; do :; done

# measure NAME PID URL [h2load options]: microseconds of the server's CPU per request.
measure() {
  local name=$1 server=$2 url=$3 before after
  shift 3
  before=$(ticks "$server")
  h2load -n "$requests" -c "$clients" -m 32 -t 1 "$@" "$url" >"$work/out"
  after=$(ticks "$server")
  grep -q "$requests succeeded, 0 failed" "$work/out" || { cat "$work/out"; exit 1; }
  awk -v n="$name" -v c="$clients" -v d=$((after - before)) -v r="$requests" \
    'BEGIN { printf "%s clients=%d %.2f us\n", n, c, d * 10000 / r }'
}

for clients in 1 4; do
  for _ in $(seq "$rounds"); do
    measure ours "$pid" "http://$address$path" -d "$work/message" -H 'content-type: application/grpc' -H 'te: trailers'
    measure nghttpd "$peer" "http://127.0.0.1:$port/message"
  done
done
