import Testing

@testable import HTTP2

struct FrameScannerTests {
  private func scan(_ scanner: inout FrameScanner, _ bytes: [UInt8]) -> HTTP2Error? {
    bytes.withUnsafeBytes { scanner.scan($0) }
  }

  @Test func framesAreFoundHoweverTheyAreCut() {
    let headers = Frame.make(1, flags: 0, stream: 1, [1, 2, 3])
    let bytes =
      Frame.preface + Frame.data(1, [UInt8](repeating: 0, count: 300)) + headers
      + Frame.make(9, flags: 0, stream: 1, [4])
      + Frame.make(9, flags: 4, stream: 1) + Frame.ping
    for size in [1, 2, 7, 9, 10, 100, bytes.count] {
      var scanner = FrameScanner(prefaceBytes: 24)
      var start = 0
      while start < bytes.count {
        let piece = Array(bytes[start..<min(start + size, bytes.count)])
        #expect(scan(&scanner, piece) == nil)
        start += size
      }
      // The preface, SETTINGS, DATA, the header block as one, and PING.
      #expect(scanner.completed == 5 && !scanner.isInsideFrame)
    }
  }

  @Test func whatHasBegunIsKnown() {
    var scanner = FrameScanner(prefaceBytes: 0)
    let ping = Frame.ping
    for byte in ping.dropLast() {
      #expect(scan(&scanner, [byte]) == nil && scanner.isInsideFrame)
    }
    #expect(scan(&scanner, [ping.last!]) == nil && !scanner.isInsideFrame)
    _ = scan(&scanner, Array(Frame.data(1, [1, 2, 3]).dropLast()))
    #expect(!scanner.isInsideFrame, "DATA may take its time")
    _ = scan(&scanner, [3])
    _ = scan(&scanner, Frame.make(1, flags: 0, stream: 1, [1]))
    #expect(scanner.isInsideFrame)
    _ = scan(&scanner, Frame.make(9, flags: 4, stream: 1, [1]))
    #expect(!scanner.isInsideFrame)
  }

  @Test(
    "PRIORITY on stream 0 (RFC 9113, 6.3) and on itself (RFC 7540, 5.3.1) are connection errors")
  func priority() {
    var scanner = FrameScanner(prefaceBytes: 0)
    #expect(scan(&scanner, Frame.make(2, stream: 3, [0, 0, 0, 1, 16])) == nil)
    #expect(scan(&scanner, Frame.make(2, stream: 0, [0, 0, 0, 1, 16]))?.code == .protocolError)
    scanner = FrameScanner(prefaceBytes: 0)
    #expect(scan(&scanner, Frame.make(2, stream: 3, [0x80, 0, 0, 3, 16]))?.code == .protocolError)
    scanner = FrameScanner(prefaceBytes: 0)
    let bytes = Frame.make(2, stream: 3, [0, 0, 0, 3, 16])
    #expect(bytes.reduce(false) { found, byte in scan(&scanner, [byte]) != nil || found })
  }
}
