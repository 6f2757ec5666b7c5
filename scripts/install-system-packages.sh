#!/usr/bin/env bash
# Installs the Debian packages for building, testing or running gscoordinator. Does nothing if they are installed.
# usage: scripts/install-system-packages.sh [build|test|run|native]...      (default: build)
set -euo pipefail

packages_for() {
  case "$1" in
    run) echo libnghttp2-14 libprotobuf-c1 libcurl4 libssl3 libsqlite3-0 zlib1g libstdc++6 ca-certificates tzdata ;;
    build) echo libnghttp2-dev libprotobuf-c-dev libcurl4-openssl-dev libssl-dev libsqlite3-dev zlib1g-dev ;;
    # protoc and its C plugin check that the generated code is current; h2load and nghttpd test the server; etcd is the
    # clustered state store, and iproute2 creates the namespaces in which its network is cut. openssh-server lets MPI into a
    # namespace that acts as another host. valgrind counts instructions.
    test) echo libnghttp2-dev libprotobuf-c-dev libcurl4-openssl-dev libssl-dev libsqlite3-dev zlib1g-dev protobuf-compiler \
      libprotobuf-dev protobuf-c-compiler nghttp2-client nghttp2-server etcd-server etcd-client iproute2 openssl \
      openssh-client openssh-server tzdata valgrind gcc libc6-dev ;;
    # For GraphScope's own engines: compilers for algorithms, and Java for the interactive front end. OpenMPI is part of
    # their wheels.
    native) echo cmake g++ make libgomp1 openjdk-17-jre-headless procps openssh-client ;;
    *) echo "install-system-packages.sh: '$1' is none of build, test, run, native" >&2; return 1 ;;
  esac
}

wanted=()
for purpose in "${@:-build}"; do
  list=$(packages_for "$purpose")
  read -r -a names <<<"$list"
  wanted+=("${names[@]}")
done
# Debian's python3 needs this package to create virtual environments; other interpreters include its contents.
if [[ " ${*:-build} " != *" run "* ]] && ! python3 -c 'import ensurepip' 2>/dev/null; then wanted+=(python3-venv); fi

missing=()
for package in "${wanted[@]}"; do
  state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $state == installed ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null || {
    echo "Needs root to install: ${missing[*]}. Run as root, install sudo, or install these packages yourself." >&2
    exit 1
  }
  as_root=(sudo)
fi
echo "Installing Debian packages: ${missing[*]}"
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
