import Synchronization

/// Random numbers that several threads take. A seed makes a sequence repeatable.
///
/// The generator is SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014); its numbers are not
/// secret.
public final class RandomSource: Sendable {
  private let state: Atomic<UInt64>

  /// Creates a source from a seed; nil takes one from the system.
  public init(seed: UInt64? = nil) { state = Atomic(seed ?? UInt64.random(in: .min ... .max)) }

  /// The next 64 random bits.
  public func next() -> UInt64 {
    var bits = state.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }

  /// A number of at least 0 and below 1.
  public func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
