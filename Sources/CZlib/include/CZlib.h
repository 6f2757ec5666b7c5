// The system's <zlib.h> as a module for Swift, and what of it are macros.
#pragma once
#include <zlib.h>

/// Begins to compress to the gzip format (RFC 1952); `level` is 1 to 9.
static inline int czlib_gzip_init(z_streamp stream, int level) {
  return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}

/// Begins to read the gzip format.
static inline int czlib_gunzip_init(z_streamp stream) { return inflateInit2(stream, 15 + 16); }

/// Begins to read a deflated stream without any header (RFC 1951), as zip archives hold them.
static inline int czlib_inflate_raw_init(z_streamp stream) { return inflateInit2(stream, -15); }
