import TestSupport
import Testing
import Turns

@testable import GRPC

@Suite(.takesTurns)
struct EncodingTests {
  @Test(arguments: [
    ("", ""), ("plain ~ text", "plain ~ text"), ("100%", "100%25"), ("ü", "%C3%BC"), ("a\nb", "a%0Ab"),
    ("😀", "%F0%9F%98%80"),
  ])
  func statusMessagesArePercentEncoded(text: String, encoded: String) {
    #expect(String(decoding: GRPCStatus(.ok, text).encodedMessage, as: UTF8.self) == encoded)
    #expect(GRPCStatus.decodeMessage(encoded.utf8) == text)
  }

  @Test(arguments: [("%", "%"), ("%4", "%4"), ("%zz", "%zz"), ("a%41%", "aA%"), ("%c3%bc", "ü")])
  func anyStatusMessageCanBeRead(encoded: String, text: String) {
    #expect(GRPCStatus.decodeMessage(encoded.utf8) == text)
  }

  /// The test vectors of RFC 4648, section 10, without padding.
  @Test(arguments: [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("foobar", "Zm9vYmFy")])
  func base64(text: String, encoded: String) {
    #expect(String(decoding: Base64.encode(Array(text.utf8)), as: UTF8.self) == encoded)
    #expect(Base64.decode(encoded.utf8) == Array(text.utf8))
    let padded = encoded + String(repeating: "=", count: (4 - encoded.count % 4) % 4)
    #expect(Base64.decode(padded.utf8) == Array(text.utf8))
  }

  @Test(arguments: ["A", "Zg=", "Z===", "Zg==Zg", "Z g", "Zg-_", "===="])
  func brokenBase64IsRefused(text: String) {
    #expect(Base64.decode(text.utf8) == nil)
  }

  @Test func base64OfAnyBytes() {
    var random = SplitMix(seed: 3)
    for length in 0..<300 {
      let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
      #expect(Base64.decode(Base64.encode(bytes)) == bytes)
    }
  }

  @Test(arguments: [
    ("1H", Duration.seconds(3600)), ("2M", .seconds(120)), ("30S", .seconds(30)), ("100m", .milliseconds(100)),
    ("5u", .microseconds(5)), ("7n", .nanoseconds(7)), ("0n", .zero), ("99999999H", .seconds(99_999_999 * 3600)),
  ])
  func timeouts(text: String, duration: Duration) {
    #expect(Timeout.parse(text.utf8) == duration)
  }

  @Test(arguments: ["", "S", "10", "-1S", "1s", "1 S", "123456789S", "1.5S"])
  func brokenTimeoutsAreRefused(text: String) {
    #expect(Timeout.parse(text.utf8) == nil)
  }

  @Test func aTimeoutIsNeverShortened() throws {
    var random = SplitMix(seed: 5)
    for _ in 0..<2000 {
      let nanoseconds = Int64(random.next() >> (random.next() % 62 + 1))
      let duration = Duration.nanoseconds(nanoseconds)
      let text = Timeout.format(duration)
      let parsed = try #require(Timeout.parse(text.utf8))
      #expect(parsed >= duration && parsed <= duration * 1.1 + .seconds(3600), "\(text)")
    }
  }

  @Test func metadataKeepsOrderAndRepetitions() throws {
    var metadata = Metadata()
    try metadata.add("X-One", "1")
    try metadata.add("x-two-bin", bytes: [0, 255])
    try metadata.add("x-one", "2")
    #expect(metadata["X-ONE"] == "1" && metadata.texts("x-one") == ["1", "2"])
    #expect(
      metadata.binaries("x-two-bin") == [[0, 255]] && metadata.entries.map(\.name) == ["x-one", "x-two-bin", "x-one"])
  }

  @Test(arguments: [
    ("grpc-status", "0"), (":path", "/"), ("te", "x"), ("a b", "x"), ("", "x"), ("ok", "line\nbreak"), ("ok", "ü"),
    ("ok-bin", "text"),
  ])
  func illegalMetadataIsRefused(name: String, value: String) {
    var metadata = Metadata()
    #expect(throws: GRPCStatus.self) { try metadata.add(name, value) }
    #expect(throws: GRPCStatus.self) { try metadata.add("not-binary", bytes: [1]) }
    #expect(metadata.isEmpty)
  }
}
