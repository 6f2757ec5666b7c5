/* Generated from proto/ by scripts/generate-proto.sh. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/// The descriptors of all services that are served, as a google.protobuf.FileDescriptorSet of `*count` bytes.
const uint8_t *graphscope_descriptor_set(size_t *count);
