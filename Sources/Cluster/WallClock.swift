import Glibc

/// The time of day by the machine's clock, in milliseconds since 1970.
@Sendable public func nowMilliseconds() -> Int64 {
  var now = timespec()
  clock_gettime(CLOCK_REALTIME, &now)
  return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
}
