import Foundation
import Synchronization

/// The state store of coordinators that stand in for each other: etcd v3, through its JSON gateway.
///
/// Revisions are etcd's own and may have gaps, because others may use the same etcd. Reads are linearizable. Compaction
/// is etcd's too: it forgets the history of everybody who uses the etcd. See ``EtcdLayout`` for the keys.
public final class EtcdStateStore: StateStore {
  let client: EtcdClient
  let layout: EtcdLayout
  /// The lease of the keys that remember ids, and when it was made.
  let idLease = Mutex<(lease: StateLease, granted: ContinuousClock.Instant)?>(nil)
  /// How many entries are asked for at once; less when they are large.
  private let page = Mutex(EtcdStateStore.maximumPage)

  /// What is accepted.
  let limits: StateLimits

  var configuration: EtcdConfiguration { client.configuration }

  /// The most entries that are asked for at once.
  static let maximumPage: Int64 = 500

  /// A store that has not looked yet at what is there; `checkFormat` does.
  init(_ configuration: EtcdConfiguration) throws {
    let configuration = try configuration.validated()
    layout = EtcdLayout(prefix: configuration.prefix)
    client = try EtcdClient(configuration)
    limits = configuration.limits
  }

  /// Connects and marks an etcd without state as one of this layout.
  /// - Throws: `StateStoreError`: `tooNew` when a newer version has written there, `permissionDenied`, `unavailable`
  ///   when no member answers within the retry budget, `invalidArgument` for a configuration that makes no sense.
  public static func open(_ configuration: EtcdConfiguration) async throws -> EtcdStateStore {
    let store = try EtcdStateStore(configuration)
    do {
      try await store.checkFormat()
    } catch {
      await store.close()
      throw error
    }
    return store
  }

  deinit { client.close() }

  func checkFormat() async throws {
    let version = Data(String(EtcdLayout.format).utf8)
    let answer: EtcdTransactionResponse = try await call(
      "kv/txn",
      EtcdTransaction(
        compare: [EtcdCompare(key: layout.format, target: "VERSION", version: 0)],
        success: [EtcdOperation(request_put: EtcdPut(key: layout.format, value: version))],
        failure: [EtcdOperation(request_range: EtcdRange(key: layout.format))]))
    if answer.succeeded == true { return }
    try checkFormat(answer.responses?.first?.response_range?.kvs?.first?.value)
  }

  func checkFormat(_ found: Data?) throws {
    let text = String(decoding: found ?? Data(), as: UTF8.self)
    let place = "etcd key \(configuration.prefix)format"
    guard let version = Int(text) else {
      throw StateStoreError(
        .damaged,
        "\(place) should hold the number of the layout, and does not. Restore a backup: gscoordinator state restore.")
    }
    guard version == EtcdLayout.format else {
      throw StateStoreError(
        .tooNew,
        "\(place) says layout \(version); this version knows \(EtcdLayout.format). Run the version that wrote it.")
    }
  }

  /// Calls etcd; what it refuses becomes an error of the store.
  func call<Request: Encodable & Sendable, Response: Decodable & Sendable>(
    _ method: String, _ request: Request, check: (Response) throws -> Void = { _ in }
  ) async throws -> Response {
    do {
      return try await client.call(method, request, check: check)
    } catch EtcdFailure.refused(let refusal, let text) {
      throw StateStoreError(etcd: refusal, text)
    }
  }

  // MARK: Reading

  /// A key's value, now or at a revision.
  public func entry(_ key: String, at revision: Revision?) async throws -> StateEntry? {
    try limits.check(key: key)
    let range = EtcdRange(key: layout.key(key), revision: Self.number(revision))
    let answer: EtcdRangeResponse = try await call("kv/range", range)
    return answer.kvs?.first.flatMap { entry($0) }
  }

  /// All keys that begin with `prefix`, now or at a revision.
  public func entries(prefix: String, at revision: Revision?) async throws -> StateSnapshot {
    try limits.check(prefix: prefix)
    var (entries, at, next): ([StateEntry], EtcdNumber?, Data) = ([], Self.number(revision), layout.key(prefix))
    while true {
      let limit = page.withLock { $0 }
      let range = EtcdRange(
        key: next, range_end: layout.end(ofPrefix: prefix), limit: EtcdNumber(limit), revision: at)
      let answer: EtcdRangeResponse
      do {
        answer = try await client.call("kv/range", range)
      } catch EtcdFailure.refused(.tooLarge, _) where limit > 1 {
        page.withLock { $0 = limit / 2 }
        continue
      } catch EtcdFailure.refused(let refusal, let text) {
        throw StateStoreError(etcd: refusal, text)
      }
      let found = answer.kvs ?? []
      entries += found.compactMap { entry($0) }
      // All pages show the moment of the first.
      at = at ?? answer.header?.revision
      guard answer.more == true, let last = found.last?.key else { break }
      next = last + [0]
    }
    return StateSnapshot(revision: revision ?? at?.value ?? 0, entries: entries)
  }

  private func entry(_ found: EtcdKeyValue) -> StateEntry? {
    guard let data = found.key, let key = layout.key(in: data) else { return nil }
    return StateEntry(
      key: key, value: Array(found.value ?? Data()), created: found.create_revision?.value ?? 0,
      modified: found.modified)
  }

  /// A revision as etcd wants it: 0 would mean now. At 1 an etcd is still empty.
  private static func number(_ revision: Revision?) -> EtcdNumber? { revision.map { EtcdNumber(max(1, $0)) } }

  // MARK: Leases

  /// Makes a lease of whole seconds; etcd makes very short ones longer (3/2 of its election timeout).
  public func grantLease(timeToLive: Duration) async throws -> StateLease {
    try limits.check(timeToLive: timeToLive)
    let (seconds, rest) = timeToLive.components
    let request = EtcdLeaseGrant(
      ID: EtcdNumber(.random(in: 1...Int64.max)), TTL: EtcdNumber(seconds + (rest > 0 ? 1 : 0)))
    do {
      let answer: EtcdLeaseResponse = try await client.call("lease/grant", request)
      return StateLease(id: request.ID.value, timeToLive: .seconds(answer.TTL?.value ?? request.TTL.value))
    } catch EtcdFailure.refused(.leaseExists, _) {
      // The number is ours alone: an earlier attempt made it, whose answer was lost.
      return StateLease(id: request.ID.value, timeToLive: .seconds(request.TTL.value))
    } catch EtcdFailure.refused(let refusal, let text) {
      throw StateStoreError(etcd: refusal, text)
    }
  }

  /// Prolongs a lease.
  public func renewLease(_ lease: StateLease) async throws {
    // The gateway answers with a stream, whose status is 200 whatever follows.
    let line: EtcdStreamLine<EtcdLeaseResponse> = try await call(
      "lease/keepalive", EtcdLeaseID(ID: EtcdNumber(lease.id))
    ) { line in
      if let error = line.error { throw EtcdFailure(grpcCode: error.grpc_code, message: error.message ?? "") }
      if line.result == nil { throw EtcdFailure.retry("the answer to a renewal is empty") }
    }
    guard let left = line.result?.TTL?.value, left > 0 else {
      throw StateStoreError(.leaseExpired, "The lease is over: it was not renewed in time. Make a new one.")
    }
  }

  /// Ends a lease and deletes its keys.
  public func revokeLease(_ lease: StateLease) async throws {
    do {
      let _: EtcdEmpty = try await client.call("lease/revoke", EtcdLeaseID(ID: EtcdNumber(lease.id)))
    } catch EtcdFailure.refused(.leaseNotFound, _) {
    } catch EtcdFailure.refused(let refusal, let text) {
      throw StateStoreError(etcd: refusal, text)
    }
  }

  // MARK: History

  /// The transactions after a revision that touch keys beginning with `prefix`. For one task; while no member answers it
  /// waits.
  public func changes(prefix: String, after revision: Revision) -> AsyncThrowingStream<StateRecord, any Error> {
    let feed = EtcdFeed(self, after: revision)
    let wanted = Array(prefix.utf8)
    return AsyncThrowingStream {
      while let record = try await feed.next() {
        let record = record.restricted(to: wanted)
        if !record.changes.isEmpty { return record }
      }
      return nil
    }
  }

  /// At most `limit` transactions after a revision. Changes of other programs have the author `unknown`.
  public func history(after revision: Revision, limit: Int) async throws -> [StateRecord] {
    guard limit > 0, let end = try await position(comparedWith: revision) else { return [] }
    // What our transactions did is known to be complete with the last header. Leases delete without one, after it.
    let last = max(end.header, revision)
    let before = last == revision ? end : try await position(comparedWith: last)
    var missing = (before?.countBefore ?? 0) - end.count
    let feed = EtcdFeed(self, after: revision)
    var records: [StateRecord] = []
    var seen = revision
    while records.count < limit, seen < last || missing > 0, let record = try await feed.next() {
      seen = record.revision
      records.append(record)
      if seen > last { missing -= Int64(record.changes.count) }
    }
    return records
  }

  /// Forgets history, for all who use the etcd.
  public func compact(before revision: Revision) async throws {
    guard revision > 1 else { return }
    do {
      let _: EtcdEmpty = try await client.call("kv/compaction", EtcdCompaction(revision: EtcdNumber(revision)))
    } catch EtcdFailure.refused(.compacted, _) {
    } catch EtcdFailure.refused(let refusal, let text) {
      throw StateStoreError(etcd: refusal, text)
    }
  }

  /// Ends all streams and connections.
  public func close() async { client.close() }

  // MARK: Where the history stands

  /// Where the store stands.
  struct Position: Sendable {
    /// etcd's revision.
    var revision: Revision
    /// The last transaction with a header.
    var header: Revision
    /// How many entries there are, and how many there were at the revision that was compared with.
    var count: Int64
    var countBefore: Int64
  }

  /// Where the store stands now, compared with an earlier revision; nil when etcd has not got there.
  /// - Throws: `StateStoreError`; of code `compacted` when that revision is forgotten.
  func position(comparedWith revision: Revision) async throws -> Position? {
    let entries = (layout.key(""), layout.end(ofPrefix: ""))
    let now = EtcdRange(key: entries.0, range_end: entries.1, count_only: true)
    var before = now
    before.revision = Self.number(revision)
    let ranges = [EtcdRange(key: layout.header, keys_only: true), now, before]
    let answer: EtcdTransactionResponse
    do {
      answer = try await client.call(
        "kv/txn", EtcdTransaction(success: ranges.map { EtcdOperation(request_range: $0) }))
    } catch EtcdFailure.refused(.futureRevision, _) {
      return nil
    } catch EtcdFailure.refused(let refusal, let text) {
      throw StateStoreError(etcd: refusal, text)
    }
    let parts = answer.responses?.map(\.response_range) ?? []
    guard parts.count == 3, let now = answer.header?.revision?.value else {
      throw StateStoreError(.unavailable, "etcd's answer to three ranges has \(parts.count) parts.")
    }
    return Position(
      revision: now, header: parts[0]?.kvs?.first?.modified ?? 0, count: parts[1]?.count?.value ?? 0,
      countBefore: parts[2]?.count?.value ?? 0)
  }
}
