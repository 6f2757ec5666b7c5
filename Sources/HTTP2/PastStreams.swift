/// Remembers which streams the peer has ended, to detect frames that it must not send afterwards. Considers only the peer's own
/// frames, so frames in flight when this side ended a stream are never treated as errors. A pure value. Of streams whose numbers
/// differ by a multiple of 256, only the latest is remembered.
struct PastStreams {
  /// How the peer has ended its side of a stream.
  enum End { case endOfStream, reset }
  /// The meaning of DATA or HEADERS on a stream.
  enum Verdict { case fine, streamError, connectionError, neverOpened }

  private static let slots = 128
  private static let maxGaps = 16
  /// The number of the stream that was last ended in each slot; negative if it was reset.
  private var ended: [Int32] = []
  /// Skipped stream numbers: opening a stream closes all idle ones with lower numbers (RFC 9113, section 5.1.1).
  private var gaps: [ClosedRange<Int32>] = []
  private var highest: Int32 = -1

  private static func slot(_ id: Int32) -> Int { Int(id >> 1) & (slots - 1) }

  /// Judges a HEADERS or DATA frame for a stream.
  mutating func judge(_ id: Int32, isHeaders: Bool) -> Verdict {
    if id > highest {
      if isHeaders { open(id) }
      return .fine
    }
    if !gaps.isEmpty && isHeaders && gaps.contains(where: { $0.contains(id) }) { return .neverOpened }
    guard !ended.isEmpty else { return .fine }
    // RFC 9113, section 5.1, "closed".
    switch ended[Self.slot(id)] {
    case id: return .connectionError
    case -id: return .streamError
    default: return .fine
    }
  }

  private mutating func open(_ id: Int32) {
    if id > highest + 2 {
      if gaps.count == Self.maxGaps { gaps.removeFirst() }
      gaps.append((highest + 1)...(id - 1))
    }
    highest = id
  }

  /// Records that the peer has ended its side of a stream.
  mutating func note(_ id: Int32, _ end: End) {
    guard id <= highest else { return }
    if ended.isEmpty { ended = [Int32](repeating: 0, count: Self.slots) }
    ended[Self.slot(id)] = end == .reset ? -id : id
  }
}
