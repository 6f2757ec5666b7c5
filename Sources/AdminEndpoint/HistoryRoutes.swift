import Cluster
import Hummingbird
import Wire

extension AdminRouter {
  /// `/api/v1/history`: who did what, in order. `/api/v1/diff`: what is different between two revisions, and who did it.
  func addHistoryRoutes(_ environment: AdminEnvironment) {
    let routes = HistoryRoutes(environment: environment)
    on("api/v1/history", [.get: { request, _ in try await routes.history(request) }])
    on("api/v1/diff", [.get: { request, _ in try await routes.diff(request) }])
  }
}

/// Answers about the past.
struct HistoryRoutes: Sendable {
  let environment: AdminEnvironment

  private var store: any StateStore { environment.plane.store }
  private var limits: AdminLimits { environment.limits }

  /// The current revision. No object's key begins with a control character, so nothing is read but that.
  private func currentRevision() async throws -> Revision {
    try await store.entries(prefix: "\u{1}", at: nil).revision
  }

  /// The transactions after a revision, or the last ones, without the values that they set.
  func history(_ request: Request) async throws -> Response {
    let query = try RequestQuery(request, ["after", "limit"], limits: limits)
    let limit = Int(try query.integer("limit", in: 1...Int64(limits.items)) ?? 100)
    let current = try await currentRevision()
    let after = try query.integer("after", in: 0...Int64.max) ?? max(0, current - Int64(limit))
    let records = try await store.history(after: after, limit: limit)
    return Response(
      json: .object([
        ("revision", .integer(current)), ("items", .array(records.map { .object(Self.members($0, changes: true)) })),
      ]))
  }

  private static func members(_ record: StateRecord, changes: Bool) -> [(key: String, value: JSONValue)] {
    var members: [(key: String, value: JSONValue)] = [
      ("revision", .integer(record.revision)), ("timeMilliseconds", .integer(record.timeMilliseconds)),
      ("author", .string(record.author)), ("summary", .string(record.summary)),
    ]
    guard changes else { return members }
    members += [
      ("id", .string(record.id)),
      (
        "changes",
        .array(
          record.changes.map { change in
            var type = "put"
            if case .delete = change { type = "delete" }
            return .object([("type", .string(type)), ("key", .string(change.key))])
          })
      ),
    ]
    return members
  }

  /// The objects that are different at two revisions, each as it was and as it is, and the transactions that made it so.
  func diff(_ request: Request) async throws -> Response {
    let query = try RequestQuery(request, ["from", "to", "prefix"], limits: limits)
    guard let from = try query.integer("from", in: 0...Int64.max) else {
      throw AdminError(.invalidArgument, "the parameter from is missing", hint: "It is a revision of the history")
    }
    let prefix = query.text("prefix") ?? ""
    let later = try await store.entries(prefix: prefix, at: try query.integer("to", in: 0...Int64.max))
    guard from <= later.revision else {
      throw AdminError(.invalidArgument, "from is \(from), but must not be after \(later.revision)")
    }
    let earlier = try await store.entries(prefix: prefix, at: from)
    let before = Dictionary(uniqueKeysWithValues: earlier.entries.map { (Array($0.key.utf8), $0) })
    let after = Dictionary(uniqueKeysWithValues: later.entries.map { (Array($0.key.utf8), $0) })
    let keys = Set(before.keys).union(after.keys).filter { before[$0]?.modified != after[$0]?.modified }
      .sorted { $0.lexicographicallyPrecedes($1) }
    let authors = try await transactions(after: from, upTo: later.revision, of: Set(keys.prefix(limits.items)))
    var (items, bytes): ([JSONValue], Int) = ([], 0)
    for key in keys.prefix(limits.items) {
      let (old, new) = (before[key], after[key])
      bytes += (old?.value.count ?? 0) + (new?.value.count ?? 0)
      if bytes > limits.pageBytes && !items.isEmpty { break }
      items.append(Self.item(old, new, authors[key] ?? []))
    }
    return Response(
      json: .object([
        ("from", .integer(from)), ("to", .integer(later.revision)), ("items", .array(items)),
        ("omitted", .integer(Int64(keys.count - items.count))),
      ]))
  }

  private static func item(_ old: StateEntry?, _ new: StateEntry?, _ by: [JSONValue]) -> JSONValue {
    var members: [(key: String, value: JSONValue)] = [
      ("type", .string(old == nil ? "added" : new == nil ? "removed" : "changed")),
      ("key", .string(old?.key ?? new?.key ?? "")),
    ]
    if let old { members.append(("before", ObjectDocument.json(old))) }
    if let new { members.append(("after", ObjectDocument.json(new))) }
    return .object(members + [("by", .array(by))])
  }

  /// For every key the last transactions in a range that touched it. Keys are bytes, since Swift takes strings for equal
  /// that differ in how they compose a letter.
  private func transactions(
    after: Revision, upTo last: Revision, of keys: Set<[UInt8]>
  ) async throws -> [[UInt8]: [JSONValue]] {
    var found: [[UInt8]: [JSONValue]] = [:]
    var revision = after
    while revision < last {
      let records = try await store.history(after: revision, limit: limits.items)
      for record in records where record.revision <= last {
        let json = JSONValue.object(Self.members(record, changes: false))
        for key in record.changes.map({ Array($0.key.utf8) }) where keys.contains(key) {
          found[key] = (found[key] ?? []).suffix(Self.transactionsPerKey - 1) + [json]
        }
      }
      guard let next = records.last?.revision, next > revision else { break }
      revision = next
    }
    return found
  }

  /// Transactions that are told for a key.
  private static let transactionsPerKey = 5
}
