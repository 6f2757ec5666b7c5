import Glibc

/// Returns the wall-clock time in milliseconds since 1970-01-01 00:00 UTC.
@Sendable public func nowMilliseconds() -> Int64 {
  var now = timespec()
  clock_gettime(CLOCK_REALTIME, &now)
  return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
}
