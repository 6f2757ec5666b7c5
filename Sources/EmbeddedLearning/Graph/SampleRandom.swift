/// A stream of random numbers that follows from a seed: SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
/// generators, 2014).
struct SampleRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// Creates the stream of a part of some work.
  init(seed: UInt64, part: Int) { state = Self.mixed(seed ^ Self.mixed(UInt64(bitPattern: Int64(part)) &+ 1)) }

  @inline(__always)
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mixed(state)
  }

  /// Returns a number in `0..<count`; `count` is positive. The bias is below `count / 2^64`.
  @inline(__always)
  mutating func below(_ count: Int) -> Int {
    Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(truncatingIfNeeded: count)).high)
  }

  /// Returns a number in [0, 1).
  @inline(__always)
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  @inline(__always)
  static func mixed(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// MT19937 (Matsumoto, Nishimura: Mersenne Twister, 1998), from which GraphScope's learning server draws the sets of training,
/// validation and test.
struct MersenneTwister {
  private var state = [UInt32](repeating: 0, count: 624)
  private var place = 624

  init(seed: UInt32) {
    state[0] = seed
    for index in 1..<624 {
      let previous = state[index - 1]
      state[index] = 1_812_433_253 &* (previous ^ (previous >> 30)) &+ UInt32(index)
    }
  }

  /// Returns the next 32 bits.
  mutating func next() -> UInt32 {
    if place == 624 { refill() }
    var y = state[place]
    place += 1
    y ^= y >> 11
    y ^= (y << 7) & 0x9D2C_5680
    y ^= (y << 15) & 0xEFC6_0000
    return y ^ (y >> 18)
  }

  /// Returns a number in `0...greatest`, as `std::uniform_int_distribution` of libstdc++ draws it: numbers beyond the greatest
  /// multiple are drawn again.
  mutating func upTo(_ greatest: UInt32) -> UInt32 {
    guard greatest < .max else { return next() }
    let count = greatest + 1
    let scale = UInt32.max / count
    while true {
      let number = next()
      if number < count &* scale { return number / scale }
    }
  }

  private mutating func refill() {
    for index in 0..<624 {
      let y = (state[index] & 0x8000_0000) | (state[(index + 1) % 624] & 0x7FFF_FFFF)
      state[index] = state[(index + 397) % 624] ^ (y >> 1) ^ (y & 1 == 0 ? 0 : 0x9908_B0DF)
    }
    place = 0
  }
}

/// A random order of `0..<count` that follows from a seed and takes no memory: a Feistel network of eight rounds over the next
/// power of four, in which numbers beyond the range are mapped again (Black, Rogaway: Ciphers with arbitrary finite domains, 2002).
struct RandomOrder: Sendable {
  private let count: UInt64
  private let halfBits: UInt64
  private let keys: [UInt64]

  init(count: Int, seed: UInt64) {
    self.count = UInt64(count)
    let bits = UInt64(64 - UInt64(max(count - 1, 1)).leadingZeroBitCount)
    // Small networks do not reach all orders equally often.
    halfBits = max(4, (bits + 1) / 2)
    var random = SampleRandom(seed: seed)
    keys = (0..<8).map { _ in random.next() }
  }

  /// Returns the element at a position.
  subscript(position: Int) -> Int {
    let mask = (UInt64(1) << halfBits) - 1
    var value = UInt64(position)
    repeat {
      var (left, right) = (value >> halfBits, value & mask)
      for key in keys { (left, right) = (right, left ^ (SampleRandom.mixed(right &+ key) & mask)) }
      value = left << halfBits | right
    } while value >= count
    return Int(value)
  }
}
