import HTTPServing
import Hummingbird
import JSON
import StateStore
import Wire

/// Objects and their changes as a stream of lines:
///
///     {"type":"snapshot","revision":7,"object":{…}}   for each existing object
///     {"type":"snapshot","revision":7}                after the last of them
///     {"type":"put","revision":8,"timeMilliseconds":…,"author":…,"object":{…}}
///     {"type":"delete","revision":9,"timeMilliseconds":…,"author":…,"object":{"kind":…,"name":…}}
///     {"type":"compacted","revision":3,"message":…}   later changes are missing: start a new watch
///     {"type":"error","code":…,"message":…,"hint":…}  the store failed; the stream ends
///
/// A watch from a revision starts with the changes after it. Deletions are reported for every owner.
struct ObjectWatch: Sendable {
  let store: any StateStore
  /// The prefix of the keys to watch.
  let prefix: String
  /// The only key to watch; nil for all.
  let key: String?
  /// The owner whose objects to watch; nil for all.
  let owner: String?
  /// The part of the state store that the caller may see.
  let view: TenantView

  /// Returns the answer that streams the lines.
  func response(
    since query: RequestQuery, _ request: Request, _ context: RouteContext, _ streams: LineStreams
  ) async throws -> Response {
    let since = try query.integer("since", in: 0...Int64.max)
    return try streams.response(to: request, context) { lines in
      var revision = since ?? 0
      do {
        if since == nil { revision = try await writeSnapshot(&lines) }
        for try await record in store.changes(prefix: prefix, after: revision) {
          for change in record.changes {
            guard isWanted(change.key), await view.shows(change, at: record.revision, store) else { continue }
            if let line = line(record, change) { try await lines.write(line) }
          }
          revision = record.revision
        }
      } catch let error as StateStoreError {
        try await lines.write(Self.line(error, revision))
      }
    }
  }

  private func writeSnapshot(_ lines: inout LineWriter) async throws -> Revision {
    let snapshot = try await store.entries(prefix: prefix, at: nil)
    let head: [(key: String, value: JSONValue)] = [
      ("type", .string("snapshot")), ("revision", .integer(snapshot.revision)),
    ]
    for entry in snapshot.entries where isWanted(entry.key) {
      let document = ObjectDocument.json(entry)
      guard isWanted(document), view.shows(entry.key, document) else { continue }
      try await lines.write(.object(head + [("object", document)]))
    }
    try await lines.write(.object(head))
    return snapshot.revision
  }

  /// Compares bytes, as the store does.
  private func isWanted(_ key: String) -> Bool { self.key.map { $0.utf8.elementsEqual(key.utf8) } ?? true }

  private func isWanted(_ document: JSONValue) -> Bool { owner == nil || document["owner"]?.text == owner }

  private func line(_ record: StateRecord, _ change: StateChange) -> JSONValue? {
    let (type, document): (String, JSONValue)
    switch change {
    case .put(let key, let value, _):
      (type, document) = ("put", ObjectDocument.json(key, value, modified: record.revision))
      guard isWanted(document) else { return nil }
    case .delete(let key): (type, document) = ("delete", .object(ObjectDocument.identity(key)))
    }
    return .object([
      ("type", .string(type)), ("revision", .integer(record.revision)),
      ("timeMilliseconds", .integer(record.timeMilliseconds)), ("author", .string(record.author)),
      ("object", document),
    ])
  }

  private static func line(_ error: StateStoreError, _ revision: Revision) -> JSONValue {
    guard error.code != .compacted else {
      return .object([
        ("type", .string("compacted")), ("revision", .integer(revision)), ("message", .string(error.message)),
      ])
    }
    return .object([("type", .string("error"))] + (RequestError(telling: error).json.members ?? []))
  }
}
