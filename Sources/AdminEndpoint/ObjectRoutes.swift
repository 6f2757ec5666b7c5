import Access
import Coordinator
import HTTPServing
import HTTPTypes
import Hummingbird
import JSON
import Objects
import StateStore
import Wire

extension Routes {
  /// Adds the routes of objects:
  /// - `GET /control/v1/objects`: the kinds.
  /// - `GET /control/v1/{plural}`: the objects of a kind.
  /// - `GET /control/v1/{plural}/{name}`: one object.
  /// - `DELETE /control/v1/sessions/{name}`: closes a session.
  /// - `DELETE /control/v1/steps/{name}`: cancels a step.
  /// - `PATCH /control/v1/sessions/{name}?workers=N`: changes the number of workers.
  func addObjectRoutes(_ environment: AdminEnvironment) {
    let routes = ObjectRoutes(environment: environment)
    on(
      "control/v1/objects", [.get: Route(.viewer) { request, context in try await routes.kinds(request, context.view) }]
    )
    on(
      "control/v1/:kind",
      [.get: Route(roleOf: Self.roleOfReading) { request, context in try await routes.list(request, context) }])
    on(
      "control/v1/:kind/**",
      [
        .get: Route(roleOf: Self.roleOfReading) { request, context in try await routes.get(request, context) },
        .delete: Route(roleOf: Self.roleOfDeleting) { request, context in try await routes.delete(request, context) },
        .patch: Route(.operator) { request, context in try await routes.resize(request, context) },
      ])
  }

  /// Unknown kinds are answered to operators only.
  private static func roleOfReading(_ request: Request) -> Role? { kind(in: request) == nil ? .operator : .viewer }

  /// Users may close their own sessions and cancel their own steps.
  private static func roleOfDeleting(_ request: Request) -> Role? {
    let kind = kind(in: request)
    return kind == .session || kind == .step ? .user : .operator
  }

  private static func kind(in request: Request) -> ObjectKind? {
    let components = request.uri.path.split(separator: "/")
    guard components.count > 2 else { return nil }
    return String(percentDecoding: components[2]).flatMap { try? ObjectKind(named: $0) }
  }
}

/// Handles requests about objects.
struct ObjectRoutes: Sendable {
  let environment: AdminEnvironment

  private var store: any StateStore { environment.plane.store }
  private var limits: HTTPLimits { environment.limits }

  private func kind(_ context: RouteContext) throws(RequestError) -> ObjectKind {
    try ObjectKind(named: context.parameters.get("kind").flatMap { String(percentDecoding: $0) } ?? "")
  }

  /// Returns the kinds and, for each, the number of objects that the caller may see, all at one revision.
  func kinds(_ request: Request, _ view: TenantView) async throws -> Response {
    let query = try RequestQuery(request, ["revision"], limits: limits)
    var revision = try query.integer("revision", in: 0...Int64.max)
    var kinds: [JSONValue] = []
    for kind in ObjectKind.allCases {
      // Objects that are not stored have no history.
      guard kind.isStored || query.text("revision") == nil else { continue }
      let snapshot = try await snapshot(of: kind, at: revision, view)
      if kind.isStored { revision = snapshot.revision }
      kinds.append(
        .object([
          ("kind", .string(kind.rawValue)), ("plural", .string(kind.plural)),
          ("count", .integer(Int64(snapshot.entries.count { view.shows($0.key, $0.value) }))),
        ]))
    }
    return Response(json: .object([("revision", .integer(revision ?? 0)), ("kinds", .array(kinds))]))
  }

  /// Returns the objects of a kind, now or at a revision.
  private func snapshot(
    of kind: ObjectKind, at revision: Revision?, _ view: TenantView
  ) async throws -> StateSnapshot {
    guard !kind.isStored else { return try await store.entries(prefix: kind.prefix, at: revision) }
    let current = try await store.entries(prefix: "\u{1}", at: nil).revision
    return StateSnapshot(
      revision: current, entries: try await environment.plane.liveObjects(kind, session: nil, tenant: view.tenant))
  }

  /// Rejects a query about the past or the changes of objects that are not stored.
  private func requireStored(_ kind: ObjectKind, _ query: RequestQuery) throws(RequestError) {
    for (name, option) in [("revision", "--at"), ("watch", "--watch"), ("since", "--watch")]
    where !kind.isStored && query.text(name) != nil {
      throw RequestError(
        .invalidArgument, "\(kind.plural) have no history, so \(name) does not apply to them",
        hint: "Leave out \(name); the history of steps shows which operations made them",
        commandHint: "Leave out \(option); `gscoordinator get steps` shows which operations made them")
    }
  }

  /// Returns the document of an entry; that of a running step includes its progress.
  private func document(_ entry: StateEntry, isCurrent: Bool) -> JSONValue {
    let document = ObjectDocument.json(entry)
    guard isCurrent, let object = ObjectReference(key: entry.key), object.kind == .step, let members = document.members,
      let progress = environment.plane.progress(ofStep: object.name)
    else { return document }
    return .object(members + [("progress", progress.json)])
  }

  /// Returns a page of the objects of a kind, now or at a revision; for a watch, a stream of these objects and their changes.
  func list(_ request: Request, _ context: RouteContext) async throws -> Response {
    let kind = try kind(context)
    let query = try RequestQuery(
      request, ["revision", "limit", "continue", "owner", "watch", "since"], limits: limits)
    try requireStored(kind, query)
    let owner = query.text("owner")
    if try query.flag("watch") {
      try refuse(["revision", "limit", "continue"], of: query, with: "watch")
      let watch = ObjectWatch(store: store, prefix: kind.prefix, key: nil, owner: owner, view: context.view)
      return try await watch.response(since: query, request, context, environment.streams)
    }
    try refuse(["since"], of: query, with: "a list")
    let limit = Int(try query.integer("limit", in: 1...Int64(limits.items)) ?? Int64(limits.items / 2))
    let token: PageToken? = try query.text("continue").map { text throws(RequestError) in
      try refuse(["revision"], of: query, with: "continue")
      return try PageToken(text, prefix: kind.prefix)
    }
    let revision = try token?.revision ?? query.integer("revision", in: 0...Int64.max)
    let snapshot = try await snapshot(of: kind, at: kind.isStored ? revision : nil, context.view)
    let page = page(
      snapshot, after: token?.key, owner: owner, limit: limit, context.view, isCurrent: revision == nil)
    var members: [(key: String, value: JSONValue)] = [
      ("kind", .string(kind.rawValue)), ("revision", .integer(snapshot.revision)), ("items", .array(page.items)),
    ]
    if let key = page.lastKey {
      members.append(("continue", .string(PageToken(revision: snapshot.revision, key: key).text)))
    }
    return Response(json: .object(members))
  }

  private func refuse(_ names: [String], of query: RequestQuery, with other: String) throws(RequestError) {
    for name in names where query.text(name) != nil {
      throw RequestError(.invalidArgument, "\(name) cannot be combined with \(other)", hint: "Leave out one of them")
    }
  }

  /// Returns the entries after a key that fit into an answer; if there are more, also the last key among them.
  private func page(
    _ snapshot: StateSnapshot, after key: String?, owner: String?, limit: Int, _ view: TenantView, isCurrent: Bool
  ) -> (items: [JSONValue], lastKey: String?) {
    var items: [JSONValue] = []
    var (bytes, lastKey) = (0, "")
    for entry in snapshot.entries {
      if let key, !key.utf8.lexicographicallyPrecedes(entry.key.utf8) { continue }
      let document = document(entry, isCurrent: isCurrent)
      guard view.shows(entry.key, document), owner == nil || document["owner"]?.text == owner else { continue }
      if items.count == limit || (bytes + entry.value.count > limits.pageBytes && !items.isEmpty) {
        return (items, lastKey)
      }
      items.append(document)
      bytes += entry.value.count
      lastKey = entry.key
    }
    return (items, nil)
  }

  /// Returns an object, now or at a revision; for a watch, a stream of the object and its changes.
  func get(_ request: Request, _ context: RouteContext) async throws -> Response {
    let kind = try kind(context)
    let name = try ObjectReference.name(in: request, after: 3)
    let query = try RequestQuery(request, ["revision", "watch", "since"], limits: limits)
    try requireStored(kind, query)
    let key = kind.key(name)
    if try query.flag("watch") {
      try refuse(["revision"], of: query, with: "watch")
      let watch = ObjectWatch(store: store, prefix: key, key: key, owner: nil, view: context.view)
      return try await watch.response(since: query, request, context, environment.streams)
    }
    try refuse(["since"], of: query, with: "one answer")
    let revision = try query.integer("revision", in: 0...Int64.max)
    let found = try await entry(kind, name, at: revision)
    guard let found, context.view.shows(key, found.value) else {
      throw RequestError.noObject(kind, name, at: revision)
    }
    return Response(json: document(found, isCurrent: revision == nil))
  }

  private func entry(_ kind: ObjectKind, _ name: String, at revision: Revision?) async throws -> StateEntry? {
    let key = kind.key(name)
    guard !kind.isStored else { return try await store.entry(key, at: revision) }
    let session = String(name.prefix { $0 != "/" })
    return try await environment.plane.liveObjects(kind, session: session, tenant: nil).first {
      $0.key.utf8.elementsEqual(key.utf8)
    }
  }

  /// Requires that an object exists and, unless the caller is an operator, belongs to the caller. An object of another tenant
  /// is reported as nonexistent.
  private func requireOwn(_ kind: ObjectKind, _ name: String, _ caller: Authentication, _ view: TenantView) async throws
  {
    let key = kind.key(name)
    guard let entry = try await store.entry(key, at: nil), view.shows(key, entry.value) else {
      throw RequestError.noObject(kind, name)
    }
    guard caller.identity.role != .operator else { return }
    guard ObjectDocument.json(entry)["owner"]?.text == caller.identity.principal.description else {
      throw RequestError(
        .permissionDenied, "the \(kind.rawValue) '\(name.prefix(200))' belongs to another principal",
        hint: "Its owner or an operator can \(kind == .step ? "cancel" : "close") it")
    }
  }

  /// Changes the number of workers of a session.
  func resize(_ request: Request, _ context: RouteContext) async throws -> Response {
    let kind = try kind(context)
    let name = try ObjectReference.name(in: request, after: 3)
    guard kind == .session else {
      throw RequestError(
        .methodNotAllowed, "\(kind.plural) cannot be changed", hint: "Use GET", allowed: "GET, HEAD")
    }
    let query = try RequestQuery(request, ["workers"], limits: limits)
    guard let workers = try query.integer("workers", in: 1...4096) else {
      throw RequestError(.invalidArgument, "the parameter workers is missing", hint: "Use ?workers=N")
    }
    let caller = try context.knownCaller()
    let (hosts, words) = try await environment.plane.resizeSession(
      name, workers: Int(workers), by: caller.identity.principal)
    environment.note(caller, "resize", .session(name))
    return Response(
      json: .object([
        ("kind", .string(kind.rawValue)), ("name", .string(name)), ("hosts", .array(hosts.map { .string($0) })),
        ("has", .string(words)),
      ]))
  }

  /// Closes a session or cancels a step; other objects cannot be deleted.
  func delete(_ request: Request, _ context: RouteContext) async throws -> Response {
    let kind = try kind(context)
    let name = try ObjectReference.name(in: request, after: 3)
    _ = try RequestQuery(request, [], limits: limits)
    guard kind == .session || kind == .step else {
      throw RequestError(
        .methodNotAllowed, "\(kind.plural) cannot be deleted", hint: "Use GET", allowed: "GET, HEAD")
    }
    let caller = try context.knownCaller()
    try await requireOwn(kind, name, caller, context.view)
    if kind == .session {
      try await environment.plane.closeSession(name, by: caller.identity.principal)
    } else {
      try await environment.plane.cancelStep(name, by: caller.identity.principal)
    }
    environment.note(caller, kind == .session ? "close" : "cancel", ObjectReference(kind, name))
    return Response(json: .object([("kind", .string(kind.rawValue)), ("name", .string(name))]))
  }
}

extension StepReport {
  /// The report as a member of the step's document.
  fileprivate var json: JSONValue {
    .object(
      [
        ("operation", .integer(Int64(operation))), ("operations", .integer(Int64(operations))), ("kind", .string(kind)),
      ] + (message.map { [("message", .string($0))] } ?? []))
  }
}
