#!/usr/bin/env bash
# Creates the virtual environment DIR with the packages of REQUIREMENTS and our Python package. Fast if nothing changed.
# usage: scripts/make-venv.sh DIR REQUIREMENTS
set -euo pipefail
dir=$1 requirements=$2
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# The contents of the environment: if they change, or an earlier run was interrupted, it is created anew.
recipe=$(cat "$requirements" "$repo"/python/requirements.txt "$repo"/python/pyproject.toml \
  "$repo"/python/gscoordinator/*.py "$repo"/python/gscoordinator/hook/*.py; python3 --version)
stamp=$dir/.recipe
[[ -f $stamp && $(<"$stamp") == "$recipe" ]] && exit 0

trap 'rm -rf "$dir"; exit 130' INT TERM
rm -rf "$dir"
python3 -m venv "$dir"
"$dir/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"
"$dir/bin/pip" install --quiet --disable-pip-version-check --no-deps "$repo/python"
rm -rf "$repo/python/build" "$repo"/python/*.egg-info
printf '%s\n' "$recipe" >"$stamp"
