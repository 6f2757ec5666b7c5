import Digests

/// Bounds how often one source may try what fails. A pure value: the time comes in.
///
/// | state of a source | a failure is refused as | and then |
/// |---|---|---|
/// | fewer than `free` failures within `window` | wrong | it counts |
/// | as many, the pause is over | wrong | a pause begins, twice as long as the last one, `longestPause` at most |
/// | a pause | one of too many | it counts for nothing |
///
/// A source that was quiet for `memory` begins anew. At most `sources` are known; of more, the one that failed the
/// longest time ago is forgotten.
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

  /// Whether a failure at this moment is one too many; and if so, for how long further ones are.
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

  /// Hosts of IPv6 have as many addresses as they like: all of a network of 64 bits are one source.
  private static func source(_ name: String) -> String {
    guard name.hasPrefix("host "), name.contains(":"), let address = NetworkAddress(name.dropFirst(5)),
      address.bytes.count == 16
    else { return name }
    return "network " + Array(address.bytes.prefix(8)).hexadecimal
  }
}
