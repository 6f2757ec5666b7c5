import Digests

/// Limits the failed attempts of each source. A pure value; the time is a parameter.
///
/// | state of a source | a failure is answered as | effect |
/// |---|---|---|
/// | fewer than `free` failures within `window` | invalid | it is counted |
/// | `free` failures or more, no pause | invalid | a pause begins, twice as long as the last one, at most `longestPause` |
/// | a pause | one of too many | none |
///
/// A source without failures for `memory` starts over. At most `sources` are remembered; beyond that, the one whose last
/// failure is oldest is forgotten.
struct FailedAttempts: Sendable {
  static let free = 10
  static let window = Duration.seconds(60)
  static let firstPause = Duration.seconds(1)
  static let longestPause = Duration.seconds(60)
  static let memory = Duration.seconds(600)
  static let sources = 10_000

  private struct Source {
    var failures = 0
    var began: ContinuousClock.Instant
    var last: ContinuousClock.Instant
    var pause = Duration.zero
    var pauseEnds: ContinuousClock.Instant?
  }

  private var known: [String: Source] = [:]

  /// Records a failure. Returns the rest of the pause if the source is in one, otherwise nil.
  mutating func fail(_ name: String, at now: ContinuousClock.Instant) -> Duration? {
    let name = Self.source(name)
    var source = known[name] ?? Source(began: now, last: now)
    if now - source.last > Self.memory { source = Source(began: now, last: now) }
    if let end = source.pauseEnds, now < end { return end - now }
    defer {
      if known[name] == nil { makeRoom() }
      known[name] = source
    }
    source.last = now
    if source.pauseEnds == nil, now - source.began > Self.window { source = Source(began: now, last: now) }
    source.failures += 1
    if source.failures >= Self.free {
      source.pause = source.pause == .zero ? Self.firstPause : min(source.pause * 2, Self.longestPause)
      source.pauseEnds = now + source.pause
    }
    return nil
  }

  private mutating func makeRoom() {
    guard known.count >= Self.sources, let oldest = known.min(by: { $0.value.last < $1.value.last }) else { return }
    known[oldest.key] = nil
  }

  /// Returns the source to count a name under. All addresses of an IPv6 network of 64 bits are one source, because a host can
  /// use any of them.
  private static func source(_ name: String) -> String {
    guard name.hasPrefix("host "), name.contains(":"), let address = NetworkAddress(name.dropFirst(5)),
      address.bytes.count == 16
    else { return name }
    return "network " + Array(address.bytes.prefix(8)).hexadecimal
  }
}
