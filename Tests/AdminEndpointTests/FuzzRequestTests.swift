import Fuzzing
import Testing
import Turns

@Suite("Fuzzing of operators' requests", .takesTurns)
struct FuzzRequestTests {
  private static let corpus = [
    "GET /api/v1/sessions?limit=10&tenant=a HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "GET /control/v1/logs?session=s1&level=info&grep=a%2B HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n",
    "POST /control/v1/reload?dry_run=true HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n",
    "HEAD /healthz HTTP/1.0\r\n\r\n",
    "DELETE /api/v1/sessions/s1 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n\r\nabc",
    "GET /api/v1/history?since=5 HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
  ].map { Array($0.utf8) }

  private static let words = [
    "\r\n", "\r\n\r\n", "%00", "%C3%28", "?", "&limit=-1", "../", "Host: a\r\n",
    "Content-Length: 99999999999999999999\r\n",
    "Transfer-Encoding: chunked\r\n", "HTTP/2.0", "Expect: 100-continue\r\n", "Origin: http://evil.example\r\n",
  ].map { Array($0.utf8) }

  @Test("Any bytes are answered or cut off, and the next request is answered")
  func requests() async throws {
    try await Fixture.run { fixture in
      var fuzzer = Fuzzer("rest", corpus: Self.corpus, words: Self.words, inputs: 200)
      while let input = fuzzer.next() {
        let connection = try RawConnection(port: fixture.port)
        connection.send(input)
        connection.finishSending()
        let answer = await connection.readToEnd()
        #expect(answer != nil, "neither answered nor cut off")
        fuzzer.note(String(answer?.prefix(12) ?? ""), of: input)
      }
      #expect(try await fixture.ask("/healthz").status == 200)
    }
  }
}
