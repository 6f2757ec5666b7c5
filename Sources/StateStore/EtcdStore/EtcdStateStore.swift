import Foundation
import Synchronization

/// A state store in etcd v3, accessed through its JSON gateway, for coordinators that take over from one another.
///
/// Revisions are those of etcd and may have gaps, because other programs may use the same etcd. Reads are linearizable.
/// Compaction is that of etcd, too: it discards the history for all programs that use the etcd. See ``EtcdLayout`` for the keys.
public final class EtcdStateStore: StateStore {
  let client: EtcdClient
  let layout: EtcdLayout
  /// The lease of the keys that remember ids, and when it was granted.
  let idLease = Mutex<(lease: StateLease, granted: ContinuousClock.Instant)?>(nil)
  /// The number of entries to request at once; reduced if they are large.
  private let page = Mutex(EtcdStateStore.maximumPage)

  /// The identity of the store, once it was opened.
  let identity = Mutex("")
  /// The seal that remembers the store; set while this process leads.
  let seal = Mutex<StateSealFile?>(nil)
  /// The path of the seal; nil if nothing is remembered.
  let memory: String?

  /// The limits of keys, values and transactions.
  let limits: StateLimits

  var configuration: EtcdConfiguration { client.configuration }

  /// The maximum number of entries to request at once.
  static let maximumPage: Int64 = 500

  /// Creates a store without examining the data in etcd; `identify` does that.
  init(_ configuration: EtcdConfiguration, rememberedIn directory: String? = nil) throws {
    memory = directory.map { Self.sealPath(in: $0) }
    let configuration = try configuration.validated()
    layout = EtcdLayout(prefix: configuration.prefix)
    client = try EtcdClient(configuration)
    limits = configuration.limits
  }

  /// Connects to etcd and marks it as a store of this layout if it holds no state.
  /// - Parameter directory: The directory that remembers the identity of the store and its last revision. If it is given, an etcd
  ///   that was emptied or replaced is an error rather than a new store.
  /// - Throws: `StateStoreError`: `tooNew` if a newer version has written to it, `replaced` if it is not the remembered store,
  ///   `permissionDenied`, `unavailable` if no member responds within the retry budget, `invalidArgument` for an invalid
  ///   configuration.
  public static func open(
    _ configuration: EtcdConfiguration, rememberedIn directory: String? = nil
  ) async throws -> EtcdStateStore {
    let store = try EtcdStateStore(configuration, rememberedIn: directory)
    do {
      try await store.identify()
    } catch {
      await store.close()
      throw error
    }
    return store
  }

  deinit { client.close() }

  func checkFormat(_ found: Data?) throws {
    let text = String(decoding: found ?? Data(), as: UTF8.self)
    let place = "etcd key \(configuration.prefix)format"
    guard let version = Int(text) else {
      throw StateStoreError(
        .damaged,
        "\(place) does not contain the version of the layout. Restore a backup with 'gscoordinator state restore'.")
    }
    guard version == EtcdLayout.format else {
      throw StateStoreError(
        .tooNew,
        "\(place) contains layout version \(version), but this program supports version \(EtcdLayout.format). Run the "
          + "version that wrote it.")
    }
  }

  /// Calls etcd; translates rejections to errors of the store.
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

  /// Returns the entry of a key, now or at a revision; see `StateStore`.
  public func entry(_ key: String, at revision: Revision?) async throws -> StateEntry? {
    try limits.check(key: key)
    let range = EtcdRange(key: layout.key(key), revision: Self.number(revision))
    let answer: EtcdRangeResponse = try await call("kv/range", range)
    return answer.kvs?.first.flatMap { entry($0) }
  }

  /// Returns the entries with a prefix, now or at a revision; see `StateStore`.
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
      // All pages show the state at the revision of the first page.
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

  /// Returns a revision as etcd expects it: 0 would mean now. At revision 1, an etcd is still empty.
  private static func number(_ revision: Revision?) -> EtcdNumber? { revision.map { EtcdNumber(max(1, $0)) } }

  // MARK: Leases

  /// Grants a lease of whole seconds; etcd extends very short ones (to 3/2 of its election timeout).
  public func grantLease(timeToLive: Duration) async throws -> StateLease {
    try limits.check(timeToLive: timeToLive)
    let (seconds, rest) = timeToLive.components
    let request = EtcdLeaseGrant(
      ID: EtcdNumber(.random(in: 1...Int64.max)), TTL: EtcdNumber(seconds + (rest > 0 ? 1 : 0)))
    do {
      let answer: EtcdLeaseResponse = try await client.call("lease/grant", request)
      return StateLease(id: request.ID.value, timeToLive: .seconds(answer.TTL?.value ?? request.TTL.value))
    } catch EtcdFailure.refused(.leaseExists, _) {
      // The id is unique to this call: an earlier attempt granted it, and its response was lost.
      return StateLease(id: request.ID.value, timeToLive: .seconds(request.TTL.value))
    } catch EtcdFailure.refused(let refusal, let text) {
      throw StateStoreError(etcd: refusal, text)
    }
  }

  /// Renews a lease; see `StateStore`.
  public func renewLease(_ lease: StateLease) async throws {
    // The gateway responds with a stream, whose status is always 200.
    let line: EtcdStreamLine<EtcdLeaseResponse> = try await call(
      "lease/keepalive", EtcdLeaseID(ID: EtcdNumber(lease.id))
    ) { line in
      if let error = line.error { throw EtcdFailure(grpcCode: error.grpc_code, message: error.message ?? "") }
      if line.result == nil { throw EtcdFailure.retry("the answer to a lease renewal is empty") }
    }
    guard let left = line.result?.TTL?.value, left > 0 else {
      throw StateStoreError(.leaseExpired, "The lease has expired because it was not renewed in time. Grant a new one.")
    }
  }

  /// Ends a lease and deletes its keys; see `StateStore`.
  public func revokeLease(_ lease: StateLease) async throws {
    do {
      let _: EtcdEmpty = try await client.call("lease/revoke", EtcdLeaseID(ID: EtcdNumber(lease.id)))
    } catch EtcdFailure.refused(.leaseNotFound, _) {
    } catch EtcdFailure.refused(let refusal, let text) {
      throw StateStoreError(etcd: refusal, text)
    }
  }

  // MARK: History

  /// Follows the transactions after a revision that touch keys with a prefix; see `StateStore`. The stream is for a single task
  /// and waits while no member responds.
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

  /// Returns at most `limit` transactions after a revision. Changes by other programs have the author `unknown`.
  public func history(after revision: Revision, limit: Int) async throws -> [StateRecord] {
    guard limit > 0, let end = try await position(comparedWith: revision) else { return [] }
    // Transactions of coordinators are complete up to the last header. Leases delete without a header, after it.
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

  /// Discards history, for all programs that use the etcd.
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

  // MARK: Position in the history

  /// The position of the store's history.
  struct Position: Sendable {
    /// The current revision of etcd.
    var revision: Revision
    /// The revision of the last transaction with a header.
    var header: Revision
    /// The number of entries, now and at the revision compared with.
    var count: Int64
    var countBefore: Int64
  }

  /// Returns the current position compared with an earlier revision; nil if etcd has not reached that revision.
  /// - Throws: `StateStoreError`; of code `compacted` if that revision was compacted.
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
      throw StateStoreError(
        .unavailable,
        "etcd's answer is unexpected: it answered a request for three ranges with \(parts.count) responses.")
    }
    return Position(
      revision: now, header: parts[0]?.kvs?.first?.modified ?? 0, count: parts[1]?.count?.value ?? 0,
      countBefore: parts[2]?.count?.value ?? 0)
  }
}
