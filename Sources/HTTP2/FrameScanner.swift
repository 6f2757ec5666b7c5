import CNghttp2

/// Tracks frame boundaries in the bytes of a peer, and checks rules of the protocol that nghttp2 does not. A pure value.
///
/// | state   | bytes                                  |
/// |---------|----------------------------------------|
/// | header  | nine complete: → payload, or header if the payload is empty |
/// | payload | all of them: → header                  |
struct FrameScanner {
  /// The number of complete frames; a header block with its CONTINUATION frames counts as one.
  private(set) var completed = 0
  private var payloadLeft: Int
  private var headerBytes = 0
  private var length = 0
  private var type = UInt8(NGHTTP2_DATA.rawValue)
  private var flags: UInt8 = 0
  private var stream: UInt32 = 0
  private var isInsideBlock = false
  /// The first four bytes of the payload of a PRIORITY frame: the stream dependency.
  private var dependency: UInt32 = 0
  private var dependencyBytes = 0
  /// The streams that the peer has ended; nil if they are not tracked.
  private var pastStreams: PastStreams?
  /// Streams on which the peer has sent frames after resetting them.
  private(set) var streamErrors: [Int32] = []
  /// Whether the current header block may have a string that is too long for nghttp2.
  private var isLongBlock = false
  /// The number of bytes before the block in the current HEADERS frame, and of the padding behind it.
  private var bytesBeforeBlock = 0
  private var paddingBytes = 0
  private var hasPadLength = false
  private let maxContinuations: Int
  private var continuations = 0
  /// The parts of long header blocks in the bytes that were scanned last.
  private var fragments: [HeaderFragment] = []

  private static let headerSize = 9
  private static let maxStreamErrors = 100

  /// Creates a scanner for the bytes that follow a preface of this size. Servers set `judgesStreams` to check frames for ended
  /// streams.
  init(prefaceBytes: Int, judgesStreams: Bool = false, maxContinuations: Int = .max) {
    payloadLeft = prefaceBytes
    self.maxContinuations = maxContinuations
    if judgesStreams { pastStreams = PastStreams() }
  }

  /// Returns and clears the streams to be reset with STREAM_CLOSED.
  mutating func takeStreamErrors() -> [Int32] {
    defer { streamErrors = [] }
    return streamErrors
  }

  /// Returns and clears the parts of long header blocks in the bytes that were scanned last.
  mutating func takeFragments() -> [HeaderFragment] {
    guard !fragments.isEmpty else { return [] }
    defer { fragments = [] }
    return fragments
  }

  /// Whether a header block, or a frame other than DATA, has begun and is incomplete.
  var isInsideFrame: Bool {
    isInsideBlock || headerBytes > 0 || payloadLeft > 0 && type != UInt8(NGHTTP2_DATA.rawValue)
  }

  /// Scans consecutive bytes. Returns the violation of a rule that nghttp2 does not check, if there is one.
  mutating func scan(_ bytes: UnsafeRawBufferPointer) -> HTTP2Error? {
    var position = 0
    while position < bytes.count {
      if payloadLeft > 0 {
        let count = min(payloadLeft, bytes.count - position)
        if type == UInt8(NGHTTP2_PRIORITY.rawValue), let error = readDependency(bytes[position..<(position + count)]) {
          return error
        }
        if isLongBlock && isInsideBlock { addFragment(bytes, position..<(position + count)) }
        payloadLeft -= count
        position += count
        if payloadLeft == 0 { endFrame() }
      } else {
        add(bytes[position])
        position += 1
        if headerBytes == Self.headerSize, let error = beginPayload() { return error }
      }
    }
    return nil
  }

  private mutating func add(_ byte: UInt8) {
    switch headerBytes {
    case 0: length = Int(byte)
    case 1, 2: length = length << 8 | Int(byte)
    case 3: type = byte
    case 4: flags = byte
    case 5: stream = UInt32(byte & 0x7F)
    default: stream = stream << 8 | UInt32(byte)
    }
    headerBytes += 1
  }

  private mutating func beginPayload() -> HTTP2Error? {
    headerBytes = 0
    payloadLeft = length
    switch UInt32(type) {
    case NGHTTP2_DATA.rawValue:
      if let error = judge(isHeaders: false) { return error }
    case NGHTTP2_HEADERS.rawValue:
      beginBlock()
      if let error = judge(isHeaders: true) { return error }
    case NGHTTP2_CONTINUATION.rawValue:
      paddingBytes = 0
      continuations += 1
      if continuations > maxContinuations {
        return HTTP2Error(
          .enhanceYourCalm, "A header list comes in too many frames",
          evidence: "over \(maxContinuations) CONTINUATION frames")
      }
    case NGHTTP2_RST_STREAM.rawValue: pastStreams?.note(Int32(stream), .reset)
    case NGHTTP2_PRIORITY.rawValue:
      dependency = 0
      dependencyBytes = 0
      // RFC 9113 section 6.3.
      if stream == 0 { return HTTP2Error(.protocolError, "A PRIORITY frame does not name a stream") }
    default: break
    }
    if length == 0 { endFrame() }
    return nil
  }

  private mutating func beginBlock() {
    isInsideBlock = true
    continuations = 0
    let isWhole = flags & UInt8(NGHTTP2_FLAG_END_HEADERS.rawValue) != 0
    isLongBlock = !isWhole || length > LongFieldFilter.maxStringBytes
    hasPadLength = flags & UInt8(NGHTTP2_FLAG_PADDED.rawValue) != 0
    bytesBeforeBlock = (hasPadLength ? 1 : 0) + (flags & UInt8(NGHTTP2_FLAG_PRIORITY.rawValue) != 0 ? 5 : 0)
    paddingBytes = 0
    if isLongBlock { fragments.append(HeaderFragment(stream: Int32(stream), range: 0..<0, beginsBlock: true)) }
  }

  /// Notes which of the scanned bytes belong to a header block, without padding and priority (RFC 9113, section 6.2).
  private mutating func addFragment(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
    if hasPadLength {
      hasPadLength = false
      paddingBytes = Int(bytes[range.lowerBound])
    }
    let skipped = min(bytesBeforeBlock, range.count)
    bytesBeforeBlock -= skipped
    let start = range.lowerBound + skipped
    let end = min(range.upperBound, range.lowerBound + max(0, payloadLeft - paddingBytes))
    guard start < end else { return }
    fragments.append(HeaderFragment(stream: Int32(stream), range: start..<end, beginsBlock: false))
  }

  private mutating func judge(isHeaders: Bool) -> HTTP2Error? {
    let id = Int32(stream)
    switch pastStreams?.judge(id, isHeaders: isHeaders) {
    case nil: return nil
    case .fine?: break
    case .streamError?: if streamErrors.count < Self.maxStreamErrors { streamErrors.append(id) }
    case .connectionError?:
      return HTTP2Error(.streamClosed, "A frame arrived for a stream that the peer had ended", evidence: "stream \(id)")
    case .neverOpened?:
      return HTTP2Error(
        .protocolError, "The id of a new stream is lower than that of an earlier one", evidence: "stream \(id)")
    }
    if flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0 { pastStreams?.note(id, .endOfStream) }
    return nil
  }

  private mutating func endFrame() {
    let isHeaders = type == UInt8(NGHTTP2_HEADERS.rawValue) || type == UInt8(NGHTTP2_CONTINUATION.rawValue)
    if isHeaders && flags & UInt8(NGHTTP2_FLAG_END_HEADERS.rawValue) == 0 { return }
    if isHeaders { isInsideBlock = false }
    completed += 1
  }

  private mutating func readDependency(_ bytes: Slice<UnsafeRawBufferPointer>) -> HTTP2Error? {
    guard dependencyBytes < 4 else { return nil }
    for byte in bytes.prefix(4 - dependencyBytes) {
      dependency = dependency << 8 | UInt32(byte)
      dependencyBytes += 1
    }
    // RFC 7540, section 5.3.1. The exclusive bit is not part of the stream number.
    guard dependencyBytes == 4, dependency & 0x7FFF_FFFF == stream else { return nil }
    return HTTP2Error(.protocolError, "A PRIORITY frame makes a stream depend on itself")
  }
}

/// A part of a header block in received bytes.
struct HeaderFragment {
  /// The stream of the block.
  let stream: Int32
  /// The positions of the part.
  let range: Range<Int>
  /// Whether a block begins here.
  let beginsBlock: Bool
}
