#pragma once
#include <stdint.h>

/// Computes the SHA-256 digest of bytes with the system's libcrypto.
///
/// `digest` has room for 32 bytes. Returns 1, or 0 when the library fails (no memory, or SHA-256 is switched off).
int clibcrypto_sha256(const uint8_t *bytes, int64_t count, uint8_t *digest);
