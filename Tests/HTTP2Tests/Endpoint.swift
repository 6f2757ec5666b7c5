import HTTP2

/// A stream that records its events and sends on request.
final class RecordingStream: HTTP2Stream {
  var fields: [String] = []
  var headerLists = 0
  var sawOversizedHeaders = false
  var received: [UInt8] = []
  var hasEnded = false
  var closedWith: HTTP2Error.Code?
  /// Whether received bytes are credited at once.
  var consumesAtOnce = true
  var body: [UInt8] = []
  var trailers: HTTP2Headers?
  var staysOpen = false

  override func receiveHeader(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) {
    fields.append(String(decoding: name, as: UTF8.self) + ": " + String(decoding: value, as: UTF8.self))
  }
  override func receiveOversizedHeaders() { sawOversizedHeaders = true }
  override func receiveHeadersEnd() { headerLists += 1 }
  override func receiveData(_ bytes: UnsafeRawBufferPointer) {
    received += bytes
    if consumesAtOnce { consume(bytes.count) }
  }
  override func receiveEnd() { hasEnded = true }
  override func closed(_ code: HTTP2Error.Code) { closedWith = code }

  override func nextBodyStep(limit: Int) -> BodyStep {
    let count = min(limit, body.count)
    if count < body.count { return .bytes(count) }
    if staysOpen { return count == 0 ? .wait : .bytes(count) }
    return trailers == nil ? .lastBytes(count) : .bytesThenTrailers(count)
  }
  override func writeBody(_ count: Int, to output: any HTTP2Output) {
    body[..<count].withUnsafeBytes { output.write($0) }
    body.removeFirst(count)
  }
  override func submitTrailers() { if let trailers { sendTrailers(trailers) } }
}

/// One end of an in-memory connection.
final class Endpoint: HTTP2ConnectionDelegate, HTTP2Output {
  private(set) var connection: HTTP2Connection!
  var accepted: [RecordingStream] = []
  var output: [UInt8] = []
  /// The number of bytes that the transport accepts before it is full.
  var room = Int.max
  var wantedDrain = false
  var onAccept: (RecordingStream) -> Void = { _ in }
  var now: UInt64 = 0

  init(_ role: HTTP2Role, _ adjust: (inout HTTP2Limits) -> Void = { _ in }) {
    var limits = HTTP2Limits()
    adjust(&limits)
    connection = HTTP2Connection(role: role, limits: limits, delegate: self)
  }

  func acceptStream() -> HTTP2Stream? {
    let stream = RecordingStream()
    accepted.append(stream)
    onAccept(stream)
    return stream
  }
  func connectionWantsDrain() { wantedDrain = true }
  var wantsMore: Bool { output.count < room }
  func write(_ bytes: UnsafeRawBufferPointer) { output += bytes }

  func receive(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { try connection.receive($0, now: now) }
  }

  /// Returns everything that can be sent.
  func drained() throws(HTTP2Error) -> [UInt8] {
    _ = try connection.drain(into: self)
    defer { output = [] }
    return output
  }

  /// Opens a stream with the usual headers.
  func request(_ stream: RecordingStream, extra: [(String, String)] = []) throws {
    var headers = HTTP2Headers()
    headers.add(":method", "POST")
    headers.add(":scheme", "http")
    headers.add(":path", "/x")
    headers.add(":authority", "test")
    for (name, value) in extra { headers.add(name, value) }
    try connection.request(stream, headers, body: true)
  }
}

/// Transfers bytes in both directions until none are left.
func exchange(_ a: Endpoint, _ b: Endpoint) throws {
  while true {
    let fromA = try a.drained()
    if !fromA.isEmpty { try b.receive(fromA) }
    let fromB = try b.drained()
    if !fromB.isEmpty { try a.receive(fromB) }
    if fromA.isEmpty && fromB.isEmpty { return }
  }
}

/// Manually encoded frames (RFC 9113, section 4.1), for input that no regular client sends.
enum Frame {
  static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + settings()

  static func make(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
    let length = UInt32(payload.count)
    return [UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255), type, flags]
      + bigEndian(stream) + payload
  }

  static func settings(_ entries: [(UInt16, UInt32)] = []) -> [UInt8] {
    make(4, entries.flatMap { [UInt8($0.0 >> 8), UInt8($0.0 & 255)] + bigEndian($0.1) })
  }
  static let settingsAck = make(4, flags: 1)
  static let ping = make(6, [UInt8](repeating: 7, count: 8))
  static func data(_ stream: UInt32, _ bytes: [UInt8], end: Bool = false) -> [UInt8] {
    make(0, flags: end ? 1 : 0, stream: stream, bytes)
  }
  static func reset(_ stream: UInt32) -> [UInt8] { make(3, stream: stream, bigEndian(8)) }

  /// Returns the HEADERS of a complete request; fields are HPACK literals without indexing (RFC 7541, section 6.2.2).
  static func headers(_ stream: UInt32, extra: [(String, String)] = [], end: Bool = false) -> [UInt8] {
    make(1, flags: end ? 5 : 4, stream: stream, block(usual + extra))
  }
  static let usual = [(":method", "POST"), (":scheme", "http"), (":path", "/x"), (":authority", "test")]

  static func block(_ fields: [(String, String)]) -> [UInt8] {
    fields.flatMap { [0] + string($0.0) + string($0.1) }
  }
  private static func string(_ text: String) -> [UInt8] { integer(text.utf8.count) + Array(text.utf8) }
  private static func integer(_ value: Int) -> [UInt8] {
    if value < 127 { return [UInt8(value)] }
    var bytes: [UInt8] = [127]
    var rest = value - 127
    while rest >= 128 {
      bytes.append(UInt8(rest & 127 | 128))
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }
  static func bigEndian(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - 8 * $0) & 255) } }

  /// Splits bytes into frames: type, flags, stream, payload.
  static func parse(_ bytes: [UInt8]) -> [(type: UInt8, flags: UInt8, stream: UInt32, payload: [UInt8])] {
    var frames: [(UInt8, UInt8, UInt32, [UInt8])] = []
    var start = 0
    while start + 9 <= bytes.count {
      let length = Int(bytes[start]) << 16 | Int(bytes[start + 1]) << 8 | Int(bytes[start + 2])
      let id = bytes[(start + 5)..<(start + 9)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      frames.append((bytes[start + 3], bytes[start + 4], id, Array(bytes[(start + 9)..<(start + 9 + length)])))
      start += 9 + length
    }
    return frames
  }
}
