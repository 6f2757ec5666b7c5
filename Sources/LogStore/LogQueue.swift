/// The destination of a record: the lines of a stream that belong to a tenant, or to none.
struct LogDestination: Hashable, Sendable {
  var stream: LogStream
  var tenant: String?

  /// The stem of its files.
  var stem: String { LogFileName.stem(of: stream, tenant: tenant) }
}

/// Records that wait to be written. The audit trail has as much room as all other streams together. A tenant takes at most half
/// of either, so that other tenants' records have room whatever it causes.
struct LogQueue {
  private struct Load {
    var records = 0
    var bytes = 0

    mutating func add(_ size: Int) {
      records += 1
      bytes += size
    }

    /// Returns whether `size` more bytes fit into one part of the limits.
    func hasRoom(_ size: Int, of limits: LogStore.Limits, part: Int = 1) -> Bool {
      records < max(1, limits.queuedRecords / part) && bytes + size <= limits.queuedBytes / part
    }
  }

  private struct Share: Hashable {
    var isAudit: Bool
    var tenant: String?
  }

  /// The maximum number of destinations whose losses are counted separately; further losses are counted for the coordinator.
  private static let countedDestinations = 1024

  private(set) var records: [(destination: LogDestination, record: LogRecord)] = []
  private(set) var dropped: [LogDestination: Int] = [:]
  private var loads: [Share: Load] = [:]
  var isScheduled = false
  var isClosed = false

  var isEmpty: Bool { records.isEmpty && dropped.isEmpty }

  /// Queues a record, or counts it as dropped.
  mutating func append(_ record: LogRecord, to stream: LogStream, _ limits: LogStore.Limits) {
    let destination = LogDestination(stream: stream, tenant: record.tenant)
    let size = record.queueBytes
    let isAudit = stream == .audit
    let all = Share(isAudit: isAudit)
    let own = Share(isAudit: isAudit, tenant: record.tenant)
    guard loads[all, default: Load()].hasRoom(size, of: limits),
      record.tenant == nil || loads[own, default: Load()].hasRoom(size, of: limits, part: 2)
    else {
      let counted =
        dropped[destination] != nil || dropped.count < Self.countedDestinations
        ? destination : LogDestination(stream: .coordinator)
      dropped[counted, default: 0] += 1
      return
    }
    records.append((destination, record))
    loads[all, default: Load()].add(size)
    if record.tenant != nil { loads[own, default: Load()].add(size) }
  }

  /// Returns all queued records and empties the queue; the writer is scheduled.
  mutating func takeAll() -> LogQueue {
    let all = self
    self = LogQueue()
    (isScheduled, isClosed) = (true, all.isClosed)
    return all
  }

  /// Drops the records.
  mutating func clear() {
    records = []
    loads = [:]
  }
}
