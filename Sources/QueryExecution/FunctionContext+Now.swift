import Glibc
import QueryValues

extension FunctionContext {
  /// What functions read beside their arguments: the graph, the present time, and a source of random numbers.
  public static func now(_ graph: any QueryGraph) -> FunctionContext {
    let (seconds, nanoseconds) = presentTime()
    return FunctionContext(
      graph: graph, seconds: seconds, nanoseconds: nanoseconds, random: RandomSource(), clock: presentTime)
  }
}

/// The time in seconds since 1970-01-01T00:00:00Z, and nanoseconds of the second.
@Sendable private func presentTime() -> (seconds: Int64, nanoseconds: Int32) {
  var now = timespec()
  clock_gettime(CLOCK_REALTIME, &now)
  return (Int64(now.tv_sec), Int32(now.tv_nsec))
}
