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
protoc -Iproto -I/usr/include --c_out="$fresh" "${files[@]}" google/protobuf/any.proto
protoc -Iproto -I/usr/include --descriptor_set_out=/dev/null proto/*_service.proto

# A Swift package wants headers apart from sources.
(cd "$fresh" && find . -name '*.h' -printf '%P\n' | while read -r header; do
  mkdir -p "include/$(dirname "$header")"
  mv "$header" "include/$header"
done)

# Two files in the target are written by hand.
if [[ "${1:-}" == --check ]]; then
  diff -ru --exclude=CGraphScopeProto.h --exclude=module.modulemap "$target" "$fresh" || {
    echo "Generated code is not what proto/ says: run scripts/generate-proto.sh and commit." >&2
    exit 1
  }
else
  find "$target" -name '*.pb-c.[ch]' -delete
  cp -r "$fresh"/. "$target"/
fi
