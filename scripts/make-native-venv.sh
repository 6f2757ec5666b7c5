#!/usr/bin/env bash
# Makes the virtual environment DIR (default .venv-native) with GraphScope's own engines; quick when it is there already.
# usage: scripts/make-native-venv.sh [DIR]
set -euo pipefail
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
dir=${1:-$repo/.venv-native}
requirements=$repo/python/requirements-native.txt
stamp=$dir/.recipe
recipe=$(cat "$requirements" "$repo/python/requirements.txt"; python3 --version)
[[ -f $stamp && $(<"$stamp") == "$recipe" ]] && exit 0
rm -rf "$dir"
python3 -m venv "$dir"
"$dir/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"
printf '%s\n' "$recipe" >"$stamp"
