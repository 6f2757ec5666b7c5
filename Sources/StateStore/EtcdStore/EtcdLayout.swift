import Foundation
import Support

/// The keys of the store in etcd, all with the configured prefix:
///
/// | key               | value                                                                                       |
/// |-------------------|---------------------------------------------------------------------------------------------|
/// | `format`          | the version of this layout; every transaction requires that it is unchanged                 |
/// | `format-identity` | the random identity of the store; every transaction requires that it is unchanged           |
/// | `header`          | the header of a transaction; put by every one, so that its history is that of the store     |
/// | `k/<key>`         | an entry of the state                                                                       |
/// | `tx/<id>`         | empty: the transaction of that id was applied at the revision that created the key          |
///
/// A watch from `header` to the end of `k/` sees the entries and the headers, and nothing else. The keys of ids have a lease of
/// the store's own and expire. Revisions are those of etcd: they increase, with gaps where other programs write.
struct EtcdLayout: Sendable {
  /// The layout version that this program reads and writes.
  static let format = 1

  let format: Data
  let identity: Data
  let header: Data
  let entries: String
  let ids: String

  init(prefix: String) {
    format = Data((prefix + "format").utf8)
    // Sorts before the header, outside the range of all watches.
    identity = Data((prefix + "format-identity").utf8)
    header = Data((prefix + "header").utf8)
    entries = prefix + "k/"
    ids = prefix + "tx/"
  }

  func key(_ key: String) -> Data { Data((entries + key).utf8) }
  func id(_ id: String) -> Data { Data((ids + id).utf8) }

  /// Returns the key of an entry; nil if the etcd key does not belong to the store.
  func key(in data: Data) -> String? {
    let prefix = entries.utf8
    guard data.count > prefix.count, data.starts(with: prefix) else { return nil }
    return String(validating: data.dropFirst(prefix.count), as: UTF8.self)
  }

  /// Returns the end of the range of all entries with this prefix.
  func end(ofPrefix prefix: String) -> Data { Self.successor(key(prefix)) }

  /// Returns the first key after all keys that begin with `data` (etcd's range end for prefixes). `data` never consists of bytes
  /// 255 only.
  private static func successor(_ data: Data) -> Data {
    var bytes = Array(data)
    while bytes.last == 0xff { bytes.removeLast() }
    bytes[bytes.count - 1] += 1
    return Data(bytes)
  }
}

/// The id, author, summary and time of a transaction: the value of the header key.
struct EtcdTransactionHeader: Codable, Sendable {
  var id: String
  var author: String
  var summary: String
  var timeMilliseconds: Int64
}

/// Assembles transactions from the events of a watch.
///
/// The events of one revision are consecutive, but may be spread over the fragments of a large response. A revision is complete
/// once the next revision or the last fragment has arrived.
struct EtcdRecords {
  let layout: EtcdLayout
  private var held: [EtcdEvent] = []

  init(layout: EtcdLayout) { self.layout = layout }

  /// Adds the events of one response, skipping those up to `position`; returns the transactions that are complete.
  mutating func add(
    _ events: [EtcdEvent], continues: Bool, after position: Revision, nowMilliseconds: Int64
  ) -> [StateRecord] {
    var records: [StateRecord] = []
    for event in events where event.kv.modified > position {
      if let first = held.first, first.kv.modified != event.kv.modified {
        records.append(record(nowMilliseconds))
      }
      held.append(event)
    }
    if !continues, !held.isEmpty { records.append(record(nowMilliseconds)) }
    return records
  }

  private mutating func record(_ nowMilliseconds: Int64) -> StateRecord {
    defer { held = [] }
    let revision = held[0].kv.modified
    let header = held.first { $0.kv.key == layout.header && $0.type != "DELETE" }.flatMap {
      try? JSONDecoder().decode(EtcdTransactionHeader.self, from: $0.kv.value ?? Data())
    }
    let changes = held.compactMap { event -> StateChange? in
      guard let data = event.kv.key, let key = layout.key(in: data) else { return nil }
      if event.type == "DELETE" { return .delete(key) }
      return .put(
        key, Array(event.kv.value ?? Data()), lease: event.kv.lease.map { StateLease(id: $0.value, timeToLive: .zero) })
    }
    if let header {
      return StateRecord(
        revision: revision, timeMilliseconds: header.timeMilliseconds, id: header.id, author: header.author,
        summary: header.summary, changes: changes)
    }
    // Only the end of a lease deletes without a header; a put without one was made by another program.
    let isLease = held.allSatisfy { $0.type == "DELETE" }
    return StateRecord(
      revision: revision, timeMilliseconds: nowMilliseconds, id: "etcd-\(revision)",
      author: isLease ? "lease" : "unknown",
      summary: isLease ? "lease expired" : "written by another program", changes: changes)
  }
}
