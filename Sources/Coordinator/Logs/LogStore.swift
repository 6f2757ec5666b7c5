import Cluster
@preconcurrency import Dispatch
import Glibc
import Synchronization

/// What the coordinator, its sessions and its child processes say, kept on disk as JSON lines: one directory per
/// instance, in it files per stream, rotated, compressed and bounded.
///
/// Nobody waits for the disk: records queue in memory for one writer, and when the queue or the disk is full they are
/// dropped and counted, and the stream is told how many as soon as there is room.
public final class LogStore: Sendable {
  private struct Queue {
    var records: [(stream: LogStream, record: LogRecord)] = []
    var bytes = 0
    var isScheduled = false
    var isClosed = false
    var dropped: [LogStream: Int] = [:]
  }

  private struct Writer {
    var files: LogFiles
    var lastSweep: Int64
    var isRetrying = false
    var isInTrouble = false
  }

  private static let sweepMilliseconds: Int64 = 3_600_000

  /// The directory of this instance.
  public var path: String { directory.path }
  private let limits: Limits
  private let directory: LogDirectory
  private let compressor: LogCompressor
  private let hub = LogHub()
  private let lock: InstanceLock
  private let queue = Mutex(Queue())
  /// Used on `writing` alone.
  private let writer: Mutex<Writer>
  private let writing = DispatchQueue(label: "logs.write")
  private let following = DispatchQueue(label: "logs.follow")
  private let reading = DispatchQueue(label: "logs.read")
  private let now: @Sendable () -> Int64
  private let report: @Sendable (String) -> Void
  /// Whose the sessions are that records are about.
  let tenants = SessionTenants()

  /// Opens the files of `instance` below `directory` and goes on where an earlier process stopped.
  ///
  /// - Parameters:
  ///   - now: The time in milliseconds since 1970.
  ///   - report: Is told, once each, that the disk takes no lines and that it takes them again.
  /// - Throws: `CoordinatorError.inputOutput`, naming the holder when another process has the instance.
  public init(
    directory: String, instance: String, limits: Limits = Limits(),
    now: @escaping @Sendable () -> Int64 = nowMilliseconds,
    report: @escaping @Sendable (String) -> Void = { _ in }
  ) throws(CoordinatorError) {
    let path = directory + "/" + LogFileName.escape(instance)
    lock = try InstanceLock(directory: path)
    InstanceLock.removeDeadInstances(below: directory, except: path, olderThan: limits.deadInstanceAge)
    let files = try LogDirectory(path: path)
    self.directory = files
    self.limits = limits
    self.now = now
    self.report = report
    compressor = LogCompressor(files, lock)
    writer = Mutex(Writer(files: LogFiles(files, limits), lastSweep: now()))
    sweep(at: now())
  }

  deinit { writer.withLock { $0.files.closeAll() } }

  // MARK: Writing

  /// Queues a record. Never waits and never fails: what does not fit is counted. A record of a session's or child's
  /// stream is about it.
  public func append(_ record: LogRecord, to stream: LogStream) {
    var record = record
    record.bound()
    record.place(in: stream)
    if record.tenant == nil { record.tenant = tenants.tenant(of: record) }
    let size = record.queueBytes
    let mustWake = queue.withLock { queue in
      guard !queue.isClosed else { return false }
      if queue.records.count < limits.queuedRecords, queue.bytes + size <= limits.queuedBytes {
        queue.records.append((stream, record))
        queue.bytes += size
      } else {
        let counted = queue.dropped[stream] != nil || queue.dropped.count < 1024 ? stream : .coordinator
        queue.dropped[counted, default: 0] += 1
      }
      defer { queue.isScheduled = true }
      return !queue.isScheduled
    }
    if mustWake { writing.async { [self] in drain() } }
  }

  /// Notes what happened to an object, `kind/name`, and why in one word.
  public func event(object: String, reason: String, message: String, level: LogRecord.Level = .info) {
    var record = LogRecord(timeMilliseconds: now(), level: level, message: message)
    record.object = object
    record.reason = reason
    append(record, to: .events)
  }

  /// Notes who did what to which object, `kind/name`, in which revision of the state store.
  public func audit(author: String, action: String, object: String, revision: Int64?) {
    var record = LogRecord(timeMilliseconds: now(), level: .info, message: "\(author): \(action) \(object)")
    record.author = author
    record.reason = action
    record.object = object
    record.revision = revision
    append(record, to: .audit)
  }

  /// A record of now.
  public func record(_ level: LogRecord.Level, _ message: String) -> LogRecord {
    LogRecord(timeMilliseconds: now(), level: level, message: message)
  }

  /// Waits until what was appended is with the operating system, or for so long.
  /// - Returns: whether it is.
  @discardableResult
  public func flush(within limit: Duration = .seconds(2)) -> Bool {
    let done = DispatchSemaphore(value: 0)
    writing.async { [self] in
      drain()
      done.signal()
    }
    return done.wait(timeout: .now() + .milliseconds(Int(limit.wholeMilliseconds))) == .success
  }

  /// Writes what was appended, or as much as can be written within so long, and lets another store have the instance.
  /// Later records are dropped. Followers end; what is there can still be read.
  public func close(within limit: Duration = .seconds(2)) {
    queue.withLock { $0.isClosed = true }
    flush(within: limit)
    // What could not be written in time must not come behind another store's lines.
    queue.withLock { $0.records = [] }
    compressor.stop(within: limit)
    writer.withLock { $0.files.closeAll() }
    hub.close()
    lock.release()
  }

  /// Returns when no file waits for its compression. For tests.
  func waitForCompression() { compressor.wait() }

  /// What the files of this instance take on the disk, in bytes.
  var diskBytes: Int { directory.diskBytes }

  /// Writes what waits. On the writer's queue.
  private func drain() {
    while true {
      let batch = queue.withLock { queue -> Queue? in
        guard !queue.records.isEmpty || !queue.dropped.isEmpty else {
          queue.isScheduled = false
          return nil
        }
        let batch = queue
        queue = Queue(isScheduled: true, isClosed: batch.isClosed)
        return batch
      }
      guard let batch else { return }
      write(batch)
    }
  }

  private func write(_ batch: Queue) {
    let time = now()
    var streams: [LogStream] = []
    var records: [LogStream: [LogRecord]] = [:]
    for (stream, record) in batch.records {
      if records[stream] == nil { streams.append(stream) }
      records[stream, default: []].append(record)
    }
    writer.withLock { writer in
      announceLosses(&writer, at: time)
      for stream in streams {
        let unwritten = writer.files.append(records[stream]!, to: stream, at: time)
        hub.announce(LogFileName.stem(of: stream), unwritten: unwritten)
      }
      for (stream, lines) in batch.dropped {
        writer.files.lose(lines, of: stream, because: "they came faster than they could be written")
      }
      announceLosses(&writer, at: time)
      tidy(&writer, at: time)
    }
  }

  /// Says in the streams what they have lost, or tries again in a second.
  private func announceLosses(_ writer: inout Writer, at time: Int64) {
    guard !writer.files.losses.isEmpty else { return }
    for stream in writer.files.tellLosses(at: time) { hub.announce(LogFileName.stem(of: stream)) }
    let remaining = writer.files.losses.first?.value
    if let remaining, !writer.isInTrouble {
      report("log lines are being lost: cannot write to '\(path)': \(remaining.cause). Free space there")
    } else if remaining == nil, writer.isInTrouble {
      report("log lines are kept again in '\(path)'")
    }
    writer.isInTrouble = remaining != nil
    guard remaining != nil, !writer.isRetrying else { return }
    writer.isRetrying = true
    writing.asyncAfter(deadline: .now() + 1) { [weak self] in
      guard let self else { return }
      self.writer.withLock { writer in
        writer.isRetrying = false
        self.announceLosses(&writer, at: self.now())
      }
    }
  }

  /// Compresses and removes what it is time for.
  private func tidy(_ writer: inout Writer, at time: Int64) {
    for file in writer.files.takeCompleted() { compressor.compress(file) }
    let victims = directory.evict(downTo: limits.totalBytes)
    writer.files.removed(victims)
    for file in victims { unlink(path + "/" + file.text) }
    guard time - writer.lastSweep >= Self.sweepMilliseconds else { return }
    writer.lastSweep = time
    sweep(at: time)
  }

  private func sweep(at time: Int64) {
    for file in directory.compressible(notWrittenSince: time - limits.fileAge.wholeMilliseconds) {
      compressor.compress(file)
    }
  }

  // MARK: Reading

  /// The records of this instance that the query finds, in the order of their times.
  /// - Throws: `CoordinatorError.invalidArgument` for a bad pattern.
  public func read(_ query: LogQuery) throws(CoordinatorError) -> LogRecords {
    try LogRecords(query, on: reading, list: listing)
  }

  /// The records of this instance that the query finds and those that come, each once, until the reader stops. A slow
  /// reader loses nothing that is on the disk.
  /// - Throws: `CoordinatorError.invalidArgument` for a bad pattern.
  public func follow(_ query: LogQuery) throws(CoordinatorError) -> AsyncStream<LogRecord> {
    follow(try LogRecords(query, on: following, list: listing), endsWithSession: false) { $0 }
  }

  private func follow<Element: Sendable>(
    _ records: LogRecords, endsWithSession: Bool, as transform: @escaping @Sendable (LogRecord) -> Element
  ) -> AsyncStream<Element> {
    let subscription = hub.subscribe(to: records.query.stems, endsWithSession: endsWithSession)
    return records.followed(by: { await subscription.wait() }, as: transform) { [self] in
      // The store lives as long as its followers do.
      withExtendedLifetime(self) { subscription.cancel() }
    }
  }

  private var listing: LogScan.Listing {
    { [directory] stems in
      var listing: [LogScan.Place: [Int64]] = [:]
      for (stem, numbers) in directory.numbers(of: stems) {
        listing[LogScan.Place(path: directory.path, stem: stem)] = numbers
      }
      return listing
    }
  }

  // MARK: Sessions

  /// The newest lines of a session and those that come, until `endSession`.
  func followSession<Line: Sendable>(
    _ id: String, tail: Int, as transform: @escaping @Sendable (LogRecord) -> Line
  ) -> AsyncStream<Line> {
    var query = LogQuery(streams: [.session(id)])
    query.tail = tail
    // A query without a pattern has nothing to refuse.
    let records = try! LogRecords(query, on: following, list: listing)
    return follow(records, endsWithSession: true, as: transform)
  }

  /// Lets the readers of a session's lines end behind the last line that was appended before this call.
  func endSession(_ id: String) {
    writing.async { [self] in
      drain()
      hub.endSession(LogFileName.stem(of: .session(id)))
    }
  }
}
