#!/usr/bin/env bash
# Generates the C in Sources/CGraphScopeProto from proto/; with --check changes nothing and fails if that differs.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
target=Sources/CGraphScopeProto
command -v protoc-gen-c >/dev/null || {
  echo "protoc-gen-c is missing: apt-get install protobuf-compiler protobuf-c-compiler libprotobuf-dev" >&2
  exit 1
}

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

# The service files only declare RPCs, for which protobuf-c has nothing that gRPC could use.
mapfile -t files < <(cd proto && find . -name '*.proto' ! -name '*_service.proto' -printf '%P\n' | LC_ALL=C sort)
well_known=/usr/include
protoc -Iproto -I"$well_known" --c_out="$fresh" "${files[@]}" google/protobuf/any.proto

# A Swift package wants headers apart from sources.
(cd "$fresh" && find . -name '*.h' -printf '%P\n' | while read -r header; do
  mkdir -p "include/$(dirname "$header")"
  mv "$header" "include/$header"
done)

generated() { (cd "$1" && find . -name '*.pb-c.[ch]' | LC_ALL=C sort); }

if [[ "${1:-}" == --check ]]; then
  diff <(generated "$fresh") <(generated "$target") || { echo "The list of generated files changed." >&2; exit 1; }
  generated "$fresh" | while read -r file; do diff -u "$target/$file" "$fresh/$file"; done || {
    echo "Generated code is not what proto/ says: run scripts/generate-proto.sh and commit." >&2
    exit 1
  }
else
  generated "$target" | while read -r file; do rm "$target/$file"; done
  cp -r "$fresh"/. "$target"/
fi
