import Cluster
import HTTPTypes
import Hummingbird
import Wire

extension AdminRouter {
  /// `/api/v1/objects`: the kinds. `/api/v1/{plural}`: the objects of a kind. `/api/v1/{plural}/{name}`: one of them.
  /// `DELETE /api/v1/sessions/{name}`: closes a session. `PATCH /api/v1/sessions/{name}?workers=N`: resizes it.
  func addObjectRoutes(_ environment: AdminEnvironment) {
    let routes = ObjectRoutes(environment: environment)
    on("api/v1/objects", [.get: { request, _ in try await routes.kinds(request) }])
    on("api/v1/:kind", [.get: { request, context in try await routes.list(request, context) }])
    on(
      "api/v1/:kind/**",
      [
        .get: { request, context in try await routes.get(request, context) },
        .delete: { request, context in try await routes.delete(request, context) },
        .patch: { request, context in try await routes.resize(request, context) },
      ])
  }
}

/// Answers about objects.
struct ObjectRoutes: Sendable {
  let environment: AdminEnvironment

  private var store: any StateStore { environment.plane.store }
  private var limits: AdminLimits { environment.limits }

  private func kind(_ context: AdminContext) throws(AdminError) -> ObjectKind {
    try ObjectKind(named: context.parameters.get("kind").flatMap { String(percentDecoding: $0) } ?? "")
  }

  /// The kinds and how many objects there are of each, all at one revision.
  func kinds(_ request: Request) async throws -> Response {
    let query = try RequestQuery(request, ["revision"], limits: limits)
    var revision = try query.integer("revision", in: 0...Int64.max)
    var kinds: [JSONValue] = []
    for kind in ObjectKind.allCases {
      let snapshot = try await store.entries(prefix: kind.prefix, at: revision)
      revision = snapshot.revision
      kinds.append(
        .object([
          ("kind", .string(kind.rawValue)), ("plural", .string(kind.plural)),
          ("count", .integer(Int64(snapshot.entries.count))),
        ]))
    }
    return Response(json: .object([("revision", .integer(revision ?? 0)), ("kinds", .array(kinds))]))
  }

  /// A page of the objects of a kind, now or at a revision; or, when asked to watch, those objects and their changes.
  func list(_ request: Request, _ context: AdminContext) async throws -> Response {
    let kind = try kind(context)
    let query = try RequestQuery(
      request, ["revision", "limit", "continue", "owner", "watch", "since"], limits: limits)
    let owner = query.text("owner")
    if try query.flag("watch") {
      try refuse(["revision", "limit", "continue"], of: query, with: "watch")
      let watch = ObjectWatch(store: store, prefix: kind.prefix, key: nil, owner: owner)
      return try await watch.response(since: query, request, context, environment.streams)
    }
    try refuse(["since"], of: query, with: "a list")
    let limit = Int(try query.integer("limit", in: 1...Int64(limits.items)) ?? Int64(limits.items / 2))
    let token: PageToken? = try query.text("continue").map { text throws(AdminError) in
      try refuse(["revision"], of: query, with: "continue")
      return try PageToken(text, prefix: kind.prefix)
    }
    let revision = try token?.revision ?? query.integer("revision", in: 0...Int64.max)
    let snapshot = try await store.entries(prefix: kind.prefix, at: revision)
    let page = page(snapshot, after: token?.key, owner: owner, limit: limit)
    var members: [(key: String, value: JSONValue)] = [
      ("kind", .string(kind.rawValue)), ("revision", .integer(snapshot.revision)), ("items", .array(page.items)),
    ]
    if let key = page.lastKey {
      members.append(("continue", .string(PageToken(revision: snapshot.revision, key: key).text)))
    }
    return Response(json: .object(members))
  }

  private func refuse(_ names: [String], of query: RequestQuery, with other: String) throws(AdminError) {
    for name in names where query.text(name) != nil {
      throw AdminError(.invalidArgument, "\(name) has no meaning together with \(other)")
    }
  }

  /// The entries after a key that fit into an answer, and the last key of them when there are more.
  private func page(
    _ snapshot: StateSnapshot, after key: String?, owner: String?, limit: Int
  ) -> (items: [JSONValue], lastKey: String?) {
    var items: [JSONValue] = []
    var (bytes, lastKey) = (0, "")
    for entry in snapshot.entries {
      if let key, !key.utf8.lexicographicallyPrecedes(entry.key.utf8) { continue }
      let document = ObjectDocument.json(entry)
      if let owner, document["owner"]?.text != owner { continue }
      if items.count == limit || (bytes + entry.value.count > limits.pageBytes && !items.isEmpty) {
        return (items, lastKey)
      }
      items.append(document)
      bytes += entry.value.count
      lastKey = entry.key
    }
    return (items, nil)
  }

  /// An object, now or at a revision; or, when asked to watch, the object and its changes.
  func get(_ request: Request, _ context: AdminContext) async throws -> Response {
    let kind = try kind(context)
    let name = try ObjectName.name(in: request, after: 3)
    let query = try RequestQuery(request, ["revision", "watch", "since"], limits: limits)
    let key = kind.key(name)
    if try query.flag("watch") {
      try refuse(["revision"], of: query, with: "watch")
      let watch = ObjectWatch(store: store, prefix: key, key: key, owner: nil)
      return try await watch.response(since: query, request, context, environment.streams)
    }
    try refuse(["since"], of: query, with: "one answer")
    let revision = try query.integer("revision", in: 0...Int64.max)
    guard let entry = try await store.entry(key, at: revision) else {
      let moment = revision.map { " at revision \($0)" } ?? ""
      throw AdminError(
        .notFound, "there is no \(kind.rawValue) '\(name.prefix(200))'\(moment)",
        hint: "GET /api/v1/\(kind.plural) lists those that are there")
    }
    return Response(json: ObjectDocument.json(entry))
  }

  /// Gives a session another number of workers.
  func resize(_ request: Request, _ context: AdminContext) async throws -> Response {
    let kind = try kind(context)
    let name = try ObjectName.name(in: request, after: 3)
    guard kind == .session else {
      var response = AdminError(.methodNotAllowed, "\(kind.plural) cannot be changed", hint: "Use GET").response
      response.headers[.allow] = "GET"
      return response
    }
    let query = try RequestQuery(request, ["workers"], limits: limits)
    guard let workers = try query.integer("workers", in: 1...4096) else {
      throw AdminError(.invalidArgument, "nothing to change was named", hint: "Use ?workers=N")
    }
    let hosts = try await environment.plane.resizeSession(name, workers: Int(workers), by: context.principal())
    return Response(
      json: .object([
        ("kind", .string(kind.rawValue)), ("name", .string(name)), ("hosts", .array(hosts.map { .string($0) })),
      ]))
  }

  /// Closes a session; other objects are not an operator's to delete.
  func delete(_ request: Request, _ context: AdminContext) async throws -> Response {
    let kind = try kind(context)
    let name = try ObjectName.name(in: request, after: 3)
    _ = try RequestQuery(request, [], limits: limits)
    guard kind == .session else {
      var response = AdminError(.methodNotAllowed, "\(kind.plural) cannot be deleted", hint: "Use GET").response
      response.headers[.allow] = "GET"
      return response
    }
    try await environment.plane.closeSession(name, by: context.principal())
    return Response(json: .object([("kind", .string(kind.rawValue)), ("name", .string(name))]))
  }
}
