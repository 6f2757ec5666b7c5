#!/usr/bin/env bash
# Installs the Debian packages that building, testing or running gscoordinator needs; does nothing when they are there.
# usage: scripts/install-system-packages.sh [build|test|run|native]...      (default: build)
set -euo pipefail

packages_for() {
  case "$1" in
    run) echo libnghttp2-14 libprotobuf-c1 libcurl4 libsqlite3-0 zlib1g libstdc++6 ca-certificates ;;
    build) echo libnghttp2-dev libprotobuf-c-dev libcurl4-openssl-dev libsqlite3-dev zlib1g-dev ;;
    # protoc and its C plugin prove that the generated code is current; h2load and nghttpd drive the server; etcd is the
    # clustered state store, and iproute2 makes the namespaces in which its network is cut. openssh-server lets MPI into a
    # namespace that is another host to it.
    test) echo libnghttp2-dev libprotobuf-c-dev libcurl4-openssl-dev libsqlite3-dev zlib1g-dev protobuf-compiler \
      libprotobuf-dev protobuf-c-compiler nghttp2-client nghttp2-server etcd-server etcd-client iproute2 openssl \
      openssh-client openssh-server ;;
    # For GraphScope's own engines: their algorithms are compiled, and Java runs the interactive front end. OpenMPI comes
    # with their wheels.
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
# Debian's own python3 makes virtual environments only with this package; other interpreters bring what it holds.
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
