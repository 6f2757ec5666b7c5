#!/usr/bin/env bash
# Creates the virtual environment DIR (default .venv-native) with GraphScope's own engines. Fast if it exists already.
# usage: scripts/make-native-venv.sh [DIR]
set -euo pipefail
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
dir=${1:-$repo/.venv-native}
requirements=$repo/python/requirements-native.txt
stamp=$dir/.recipe
recipe=$(cat "$requirements" "$repo/python/requirements.txt"; python3 --version)
[[ -f $stamp && $(<"$stamp") == "$recipe" ]] && exit 0

# The wheels exist for one platform and some versions of Python only, which pip's error does not say.
fail() { echo "make-native-venv.sh: GraphScope's engines were not installed: $*" >&2; exit 1; }
[[ $(uname -s)-$(uname -m) == Linux-x86_64 ]] || fail "their wheels are for Linux on x86-64, this is $(uname -s) on $(uname -m)"
python3 -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || fail "needs Python 3.11, found $(python3 --version 2>&1)"
rm -rf "$dir"
python3 -m venv "$dir" || fail "no virtual environment could be made (Debian: apt-get install python3-venv)"
"$dir/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" ||
  fail "pip could not get the wheels that $requirements names; they are about 400 MB"
printf '%s\n' "$recipe" >"$stamp"
