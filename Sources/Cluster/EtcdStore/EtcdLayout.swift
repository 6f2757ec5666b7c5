import Foundation

/// Where things are in etcd, all below the configured prefix:
///
/// | key         | value                                                                                      |
/// |-------------|--------------------------------------------------------------------------------------------|
/// | `format`    | the number of this layout; every transaction demands that it is still the one it knows      |
/// | `header`    | who did what: put by every transaction, so that the key's history is that of the store      |
/// | `k/<key>`   | the state's entries                                                                        |
/// | `tx/<id>`   | nothing: the transaction of that id was applied, at the revision at which the key was made |
///
/// A watch from `header` to the end of `k/` sees the entries and the headers, and nothing else. The keys of ids have a
/// lease of the store's own and disappear in time. Revisions are etcd's: they grow, with gaps where others write.
struct EtcdLayout: Sendable {
  /// The layout that this version reads and writes.
  static let format = 1

  let format: Data
  let header: Data
  let entries: String
  let ids: String

  init(prefix: String) {
    format = Data((prefix + "format").utf8)
    header = Data((prefix + "header").utf8)
    entries = prefix + "k/"
    ids = prefix + "tx/"
  }

  func key(_ key: String) -> Data { Data((entries + key).utf8) }
  func id(_ id: String) -> Data { Data((ids + id).utf8) }

  /// The key of an entry, nil when etcd's key is none of ours.
  func key(in data: Data) -> String? {
    let prefix = entries.utf8
    guard data.count > prefix.count, data.starts(with: prefix) else { return nil }
    return String(validating: data.dropFirst(prefix.count), as: UTF8.self)
  }

  /// The end of the range of all entries whose keys begin with `prefix`.
  func end(ofPrefix prefix: String) -> Data { Self.successor(key(prefix)) }

  /// The first key after all that begin with `data` (etcd's range end for prefixes). Never asked of bytes 255 alone.
  private static func successor(_ data: Data) -> Data {
    var bytes = Array(data)
    while bytes.last == 0xff { bytes.removeLast() }
    bytes[bytes.count - 1] += 1
    return Data(bytes)
  }
}

/// Who did what in a transaction: the value of the header key.
struct EtcdTransactionHeader: Codable, Sendable {
  var id: String
  var author: String
  var summary: String
  var timeMilliseconds: Int64
}

/// Events of a watch put together to transactions.
///
/// Events of one revision stand together, but may be spread over the fragments of a large answer. What is complete is
/// known when the next revision or the last fragment is there.
struct EtcdRecords {
  let layout: EtcdLayout
  private var held: [EtcdEvent] = []

  init(layout: EtcdLayout) { self.layout = layout }

  /// Takes the events of one answer; returns the transactions that are complete. Events up to `position` are left out.
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
    // Only a lease deletes without a header; a value without one was put by another program.
    let isLease = held.allSatisfy { $0.type == "DELETE" }
    return StateRecord(
      revision: revision, timeMilliseconds: nowMilliseconds, id: "etcd-\(revision)",
      author: isLease ? "lease" : "unknown",
      summary: isLease ? "lease ran out" : "written by another program", changes: changes)
  }
}
