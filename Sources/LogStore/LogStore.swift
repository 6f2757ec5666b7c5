@preconcurrency import Dispatch
import Glibc
import Support
import Synchronization

/// Stores the lines of the coordinator, its sessions and its child processes on disk as JSON lines: one directory per instance,
/// with rotated, compressed and size-limited files per stream.
///
/// Callers never wait for the disk: records queue in memory for a single writer. When the queue or the disk is full, records are
/// dropped and counted, and their number is recorded in the stream as soon as there is room.
public final class LogStore: Sendable {
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
  private let queue = Mutex(LogQueue())
  /// Used on `writing` only.
  private let writer: Mutex<Writer>
  private let writing = DispatchQueue(label: "logs.write")
  private let following = DispatchQueue(label: "logs.follow")
  private let reading = DispatchQueue(label: "logs.read")
  private let now: @Sendable () -> Int64
  private let report: @Sendable (String) -> Void
  /// The tenants of the sessions that records are about.
  let tenants = SessionTenants()

  /// Opens the files of `instance` below `directory`, and continues those of an earlier process.
  ///
  /// - Parameters:
  ///   - now: Returns the time in milliseconds since 1970.
  ///   - report: Called once with a message when the disk stops accepting lines, and once when it accepts them again.
  /// - Throws: `LogStoreError.inputOutput`, naming the holder if another process uses the instance.
  public init(
    directory: String, instance: String, limits: Limits = Limits(),
    now: @escaping @Sendable () -> Int64 = nowMilliseconds,
    report: @escaping @Sendable (String) -> Void = { _ in }
  ) throws(LogStoreError) {
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

  /// Assigns the future records of a session to a tenant; nil if there will be no more records.
  public func assign(session: String, to tenant: String?) {
    if let tenant { tenants.assign(session, to: tenant) } else { tenants.forget(session) }
  }

  /// Queues a record. Never waits and never fails: records that do not fit are counted. A record in the stream of a session or a
  /// child is about that session or child.
  public func append(_ record: LogRecord, to stream: LogStream) {
    var record = record
    record.bound()
    record.place(in: stream)
    if record.tenant == nil { record.tenant = tenants.tenant(of: record) }
    let mustWake = queue.withLock { queue in
      guard !queue.isClosed else { return false }
      queue.append(record, to: stream, limits)
      defer { queue.isScheduled = true }
      return !queue.isScheduled
    }
    if mustWake { writing.async { [self] in drain() } }
  }

  /// Records what happened to an object, `kind/name`, with the reason as one word.
  public func event(object: String, reason: String, message: String, level: LogRecord.Level = .info) {
    var record = LogRecord(timeMilliseconds: now(), level: level, message: message)
    record.object = object
    record.reason = reason
    append(record, to: .events)
  }

  /// Records which principal did what to which object, `kind/name`, and in which revision of the state store.
  public func audit(author: String, action: String, object: String, revision: Int64?) {
    var record = LogRecord(timeMilliseconds: now(), level: .info, message: "\(author): \(action) \(object)")
    record.author = author
    record.reason = action
    record.object = object
    record.revision = revision
    append(record, to: .audit)
  }

  /// Creates a record with the current time.
  public func record(_ level: LogRecord.Level, _ message: String) -> LogRecord {
    LogRecord(timeMilliseconds: now(), level: level, message: message)
  }

  /// Waits until all appended records are written to the operating system, or until the limit expires.
  /// - Returns: whether they are written.
  @discardableResult
  public func flush(within limit: Duration = .seconds(2)) -> Bool {
    let done = DispatchSemaphore(value: 0)
    writing.async { [self] in
      drain()
      done.signal()
    }
    return done.wait(timeout: .now() + .milliseconds(Int(limit.wholeMilliseconds))) == .success
  }

  /// Writes the appended records, as far as possible within `limit`, and releases the instance for another store. Later records
  /// are dropped. Followers end; existing records can still be read.
  public func close(within limit: Duration = .seconds(2)) {
    queue.withLock { $0.isClosed = true }
    flush(within: limit)
    // Records that could not be written in time must not follow another store's lines.
    queue.withLock { $0.clear() }
    compressor.stop(within: limit)
    writer.withLock { $0.files.closeAll() }
    hub.close()
    lock.release()
  }

  /// Waits until all queued compressions are done. For tests.
  func waitForCompression() { compressor.wait() }

  /// The disk usage of this instance's files in bytes.
  var diskBytes: Int { directory.diskBytes }

  /// Writes the queued records. Runs on the writer's queue.
  private func drain() {
    while true {
      let batch = queue.withLock { queue -> LogQueue? in
        guard !queue.isEmpty else {
          queue.isScheduled = false
          return nil
        }
        return queue.takeAll()
      }
      guard let batch else { return }
      write(batch)
    }
  }

  private func write(_ batch: LogQueue) {
    let time = now()
    var destinations: [LogDestination] = []
    var records: [LogDestination: [LogRecord]] = [:]
    for (destination, record) in batch.records {
      if records[destination] == nil { destinations.append(destination) }
      records[destination, default: []].append(record)
    }
    writer.withLock { writer in
      announceLosses(&writer, at: time)
      for destination in destinations {
        let unwritten = writer.files.append(records[destination]!, to: destination, at: time)
        hub.announce(LogFileName.stem(of: destination.stream), unwritten: unwritten)
      }
      for (destination, lines) in batch.dropped {
        writer.files.lose(lines, of: destination, because: "they arrived faster than they could be written")
      }
      announceLosses(&writer, at: time)
      tidy(&writer, behind: destinations, at: time)
    }
  }

  /// Records the losses in their streams, or tries again in a second.
  private func announceLosses(_ writer: inout Writer, at time: Int64) {
    guard !writer.files.losses.isEmpty else { return }
    for told in writer.files.tellLosses(at: time) { hub.announce(LogFileName.stem(of: told.stream)) }
    let remaining = writer.files.losses.first?.value
    if let remaining, !writer.isInTrouble {
      report(
        "log lines are being lost: cannot write to '\(path)': \(remaining.cause). Check the free space and the permissions there"
      )
    } else if remaining == nil, writer.isInTrouble {
      report("log lines are written to '\(path)' again")
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

  /// Compresses and removes files when it is time.
  private func tidy(_ writer: inout Writer, behind written: [LogDestination], at time: Int64) {
    for file in writer.files.takeCompleted() { compressor.compress(file) }
    let victims = directory.evict(downTo: limits, written: written.map(\.stem))
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

  /// Returns the records of this instance that match a query, ordered by time.
  /// - Throws: `LogStoreError.invalidArgument` for an invalid pattern.
  public func read(_ query: LogQuery) throws(LogStoreError) -> LogRecords {
    try LogRecords(query, on: reading, list: listing)
  }

  /// Returns the records of this instance that match a query, existing and future ones, each once, until the reader stops. A slow
  /// reader misses no record that is on disk.
  /// - Throws: `LogStoreError.invalidArgument` for an invalid pattern.
  public func follow(_ query: LogQuery) throws(LogStoreError) -> AsyncStream<LogRecord> {
    follow(try LogRecords(query, on: following, list: listing), endsWithSession: false) { $0 }
  }

  private func follow<Element: Sendable>(
    _ records: LogRecords, endsWithSession: Bool, as transform: @escaping @Sendable (LogRecord) -> Element
  ) -> AsyncStream<Element> {
    let subscription = hub.subscribe(to: records.query.stems, endsWithSession: endsWithSession)
    return records.followed(by: { await subscription.wait() }, as: transform) { [self] in
      // The store exists as long as its followers.
      withExtendedLifetime(self) { subscription.cancel() }
    }
  }

  private var listing: LogScan.Listing {
    { [directory] stems in
      var listing: [LogScan.Place: LogScan.Listed] = [:]
      for (stem, files) in directory.files(of: stems) {
        listing[LogScan.Place(path: directory.path, stem: stem)] = LogScan.Listed(
          numbers: files.segments.map(\.number), lastWrite: files.lastWrite)
      }
      return listing
    }
  }

  // MARK: Sessions

  /// Returns the newest lines of a session and all future ones, until `endSession`.
  public func followSession<Line: Sendable>(
    _ id: String, tail: Int, as transform: @escaping @Sendable (LogRecord) -> Line
  ) -> AsyncStream<Line> {
    var query = LogQuery(streams: [.session(id)])
    query.tail = tail
    // A query without a pattern cannot be invalid.
    let records = try! LogRecords(query, on: following, list: listing)
    return follow(records, endsWithSession: true, as: transform)
  }

  /// Ends the readers of a session's lines after the last line that was appended before this call.
  public func endSession(_ id: String) {
    writing.async { [self] in
      drain()
      hub.endSession(LogFileName.stem(of: .session(id)))
    }
  }
}
