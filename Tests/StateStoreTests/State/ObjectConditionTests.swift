import Foundation
import Objects
import Support
import Testing

@testable import StateStore

@Suite("Conditions and references of objects")
struct ObjectConditionTests {
  private func object(_ json: String) throws -> ClusterObject<[String: String], [String: String]> {
    try JSONDecoder().decode(ClusterObject<[String: String], [String: String]>.self, from: Data(json.utf8))
  }

  private func json(_ object: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(object), as: UTF8.self)
  }

  @Test("Stored conditions are read and written unchanged, including words unknown to this version")
  func stored() throws {
    let text = """
      {"conditions":[{"holds":false,"message":"position 1","reason":"Queued","sinceMilliseconds":5,"type":"Ready"},\
      {"holds":true,"message":"m","reason":"Sunny","sinceMilliseconds":6,"type":"Weather"}],\
      "createdMilliseconds":1,"kind":"session","name":"s","owner":"o","spec":{},"status":{"phase":"connected"}}
      """
    let session = try object(text)
    #expect(session.condition(.ready)?.status == .false && session.condition(.ready)?.reason == .known(.queued))
    #expect(session.conditions[1].type == .other("Weather") && session.conditions[1].reason == .other("Sunny"))
    #expect(session.condition(.intact) == nil)
    #expect(try json(session) == text)
  }

  @Test("An unknown status has no `holds`, and is read back")
  func unknown() throws {
    var session = try object(
      #"{"conditions":[],"createdMilliseconds":1,"kind":"session","name":"s","owner":"o","spec":{},"status":{}}"#)
    session.setCondition(.ready, .unknown, reason: .starting, message: "m", nowMilliseconds: 7)
    let text = try json(session)
    #expect(!text.contains("holds"))
    #expect(try object(text).condition(.ready)?.status == .unknown)
  }

  @Test("The time of a condition changes only with its status")
  func time() throws {
    var session = try object(
      #"{"conditions":[],"createdMilliseconds":1,"kind":"session","name":"s","owner":"o","spec":{},"status":{}}"#)
    session.setCondition(.ready, false, reason: .queued, message: "1", nowMilliseconds: 7)
    session.setCondition(.ready, false, reason: .gaveWay, message: "2", nowMilliseconds: 8)
    #expect(session.condition(.ready)?.sinceMilliseconds == 7 && session.condition(.ready)?.message == "2")
    session.setCondition(.ready, true, reason: .enginesReady, message: "3", nowMilliseconds: 9)
    #expect(session.conditions.count == 1 && session.condition(.ready)?.sinceMilliseconds == 9)
  }

  @Test("A reference is `kind/name` as text and in JSON, and the key of its object in the store")
  func references() throws {
    let reference = ObjectReference.instance("interactive-7", of: "session_1")
    #expect("\(reference)" == "instance/session_1/interactive-7" && ObjectReference("\(reference)") == reference)
    #expect(reference.key == "instances/session_1/interactive-7" && ObjectReference(key: reference.key) == reference)
    #expect(try json(["owner": reference]) == #"{"owner":"instance/session_1/interactive-7"}"#)
    #expect(try JSONDecoder().decode([ObjectReference].self, from: Data(#"["session/s"]"#.utf8)) == [.session("s")])
    for text in ["session", "session/", "/s", "visit/s", ""] { #expect(ObjectReference(text) == nil, "\(text)") }
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode([ObjectReference].self, from: Data(#"["visit/s"]"#.utf8))
    }
  }
}
