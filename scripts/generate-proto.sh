#!/usr/bin/env bash
# Generates the C code in Sources/CGraphScopeProto from proto/. With --check, changes nothing and fails if it is outdated.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
target=Sources/CGraphScopeProto
command -v protoc-gen-c >/dev/null || {
  echo "protoc-gen-c is missing: apt-get install protobuf-compiler protobuf-c-compiler libprotobuf-dev" >&2
  exit 1
}

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

# The service files only declare RPCs, for which protobuf-c generates nothing that gRPC could use; gRPC's own services are read
# and written field by field.
mapfile -t files < <(cd proto && find . -name '*.proto' ! -name '*_service.proto' ! -path './grpc/*' -printf '%P\n' | LC_ALL=C sort)
protoc -Iproto -I/usr/include --c_out="$fresh" "${files[@]}" google/protobuf/any.proto
protoc -Iproto -I/usr/include --descriptor_set_out=/dev/null proto/*_service.proto

# What server reflection shows: the services that are served, and every file that they import.
protoc -Iproto -I/usr/include --include_imports --descriptor_set_out="$fresh/set" coordinator_service.proto \
  grpc/health/v1/health.proto grpc/reflection/v1/reflection.proto grpc/reflection/v1alpha/reflection.proto
cat >"$fresh/descriptors.h" <<'HEADER'
/* Generated from proto/ by scripts/generate-proto.sh. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/// The descriptors of all services that are served, as a google.protobuf.FileDescriptorSet of `*count` bytes.
const uint8_t *graphscope_descriptor_set(size_t *count);
HEADER
{
  printf '/* Generated from proto/ by scripts/generate-proto.sh. */\n#include "descriptors.h"\n\n'
  printf 'static const uint8_t set[] = {\n'
  od -An -v -w24 -tu1 "$fresh/set" | sed 's/ *\([0-9][0-9]*\)/\1,/g; s/^/  /'
  printf '};\n\nconst uint8_t *graphscope_descriptor_set(size_t *count) {\n  *count = sizeof set;\n  return set;\n}\n'
} >"$fresh/descriptors.c"
rm "$fresh/set"

# A Swift package requires headers in a separate directory.
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
  find "$target" \( -name '*.pb-c.[ch]' -o -name 'descriptors.[ch]' \) -delete
  cp -r "$fresh"/. "$target"/
fi
