import Foundation
import Support
import Testing

@testable import StateStore

@Suite("Responses of etcd")
struct EtcdDecodingTests {
  private let layout = EtcdLayout(prefix: "p/")

  private func event(_ key: String, _ revision: Revision, _ value: String? = nil) -> EtcdEvent {
    EtcdEvent(
      type: value == nil ? "DELETE" : nil,
      kv: EtcdKeyValue(
        key: Data(("p/" + key).utf8), value: value.map { Data($0.utf8) }, mod_revision: EtcdNumber(revision)))
  }

  private func header(_ id: String, _ revision: Revision) -> EtcdEvent {
    event("header", revision, #"{"id":"\#(id)","author":"me","summary":"s","timeMilliseconds":7}"#)
  }

  @Test("events of one revision form one transaction, however they are fragmented")
  func fragments() {
    let events = [
      event("k/a", 5, "1"), event("k/b", 5), header("x", 5), event("k/a", 7), event("k/c", 9, ""), header("y", 9),
    ]
    for first in 0...events.count {
      for second in first...events.count {
        var records = EtcdRecords(layout: layout)
        var found = records.add(Array(events[..<first]), continues: true, after: 0, nowMilliseconds: 1)
        found += records.add(Array(events[first..<second]), continues: true, after: 0, nowMilliseconds: 1)
        found += records.add(Array(events[second...]), continues: false, after: 0, nowMilliseconds: 1)
        #expect(found.map(\.revision) == [5, 7, 9])
        #expect(found.map(\.author) == ["me", "lease", "me"])
        #expect(found.map(\.changes) == [[.put("a", bytes("1")), .delete("b")], [.delete("a")], [.put("c", [])]])
      }
    }
  }

  @Test("known events are skipped")
  func position() {
    var records = EtcdRecords(layout: layout)
    let events = [event("k/a", 5, "1"), header("x", 5), event("k/a", 7, "2"), header("y", 7)]
    #expect(records.add(events, continues: false, after: 5, nowMilliseconds: 1).map(\.id) == ["y"])
    #expect(records.add(events, continues: false, after: 7, nowMilliseconds: 1).isEmpty)
  }

  @Test("invalid headers, keys that are not UTF-8 and events without a key do no harm")
  func hostile() {
    var records = EtcdRecords(layout: layout)
    var odd = event("k/", 5, "1")
    odd.kv.key = Data("p/k/".utf8) + [0xff, 0xfe]
    let nameless = EtcdEvent(type: nil, kv: EtcdKeyValue(mod_revision: 5))
    let found = records.add(
      [odd, nameless, event("header", 5, "{"), event("k/", 5, "x"), event("k/a", 5, "1")], continues: false, after: 0,
      nowMilliseconds: 1)
    #expect(found.map(\.changes) == [[.put("a", bytes("1"))]])
    #expect(found.first?.author == "unknown")
  }

  @Test("failures are classified by what to do next")
  func failures() {
    let expected: [(Int, String, EtcdFailure.Refusal?)] = [
      (11, "etcdserver: mvcc: required revision has been compacted", .compacted),
      (11, "etcdserver: mvcc: required revision is a future revision", .futureRevision),
      (5, "etcdserver: requested lease not found", .leaseNotFound),
      (8, "etcdserver: mvcc: database space exceeded", .full), (3, "etcdserver: request is too large", .tooLarge),
      (7, "etcdserver: permission denied", .denied), (3, "etcdserver: duplicate key given in txn request", .other),
      (14, "etcdserver: no leader", nil), (14, "etcdserver: request timed out", nil),
      (14, "etcdserver: leader changed", nil), (8, "etcdserver: too many requests", nil),
      (13, "transport is closing", nil), (2, "raft: stopped", nil),
    ]
    for (code, message, refusal) in expected {
      let failure = EtcdFailure(grpcCode: code, message: message)
      #expect(failure == (refusal.map { .refused($0, message) } ?? .retry(message)))
    }
    let body = Array(#"{"error":"x","message":"etcdserver: invalid auth token","code":16}"#.utf8)
    #expect(EtcdFailure(status: 401, body: body) == .tokenInvalid("etcdserver: invalid auth token"))
    #expect(EtcdFailure(status: 503, body: Array("<html>".utf8)) == .retry("HTTP status 503"))
  }

  @Test("numbers are strings, and nothing else")
  func numbers() throws {
    let decoder = JSONDecoder()
    #expect(
      try decoder.decode(EtcdHeader.self, from: Data(#"{"revision":"9223372036854775807"}"#.utf8)).revision
        == 9_223_372_036_854_775_807)
    #expect(try decoder.decode(EtcdHeader.self, from: Data("{}".utf8)).revision == nil)
    for bad in [#"{"revision":"9223372036854775808"}"#, #"{"revision":"x"}"#, #"{"revision":[]}"#] {
      #expect(throws: DecodingError.self) { try decoder.decode(EtcdHeader.self, from: Data(bad.utf8)) }
    }
  }
}
