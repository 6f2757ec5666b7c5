import Access
import CPlatform
import ControlPlane
import Engines
import Logging
import Objects
import StateStore
import Supervision
import Synchronization

/// The session of one client: its engine, its objects, its log. Steps run one at a time in the order of their arrival; signs of
/// life and log readers never wait for them.
public final class Session: Sendable {
  /// The id used by the client, which is unguessable.
  public let id: String
  /// The principal for which it was opened; no other can use it.
  public let principal: Principal
  /// The tenant whose quota and share it counts towards.
  public let tenant: String
  /// Its number in the order of opening.
  let serial: UInt64
  /// The log that its client may read.
  public let log: SessionLog
  /// The description of the engine for the client; the planned one while the session waits for resources.
  public var engineDescription: EngineDescription { gate.current?.analytical.description ?? planned }
  /// The directory of its files.
  let directory: String

  let gate: EngineGate
  let storage: SessionStorage
  /// The maximum number of waiting steps.
  let waitingSteps: Int
  /// The record of the session in its own directory.
  let record: SessionRecord
  private let planned: EngineDescription
  let turnstile = Turnstile()
  let registry = Mutex(ObjectRegistry())
  let running = Mutex<[UInt64: @Sendable () -> Void]>([:])
  /// The running step, if it is in the state store.
  let current = Mutex<RunningStep?>(nil)
  let unanswered = Mutex(UnansweredOperations())
  let counter = Atomic<UInt64>(0)
  /// The number of the last step in the journal.
  let stepNumber = Atomic<Int>(0)
  let journal: Journal
  let errands: Errands
  let logger: Logger
  /// The state of the session.
  let control: Mutex<SessionControl>
  private let document: Mutex<Stored>
  /// The starts of engines and instances in progress, and the waits for grants.
  let tasks = SessionTasks()
  /// The client process, as far as known: sessions heard over one connection share it.
  let client: Mutex<String?>
  /// The time of the last call that named it, as a count of such calls.
  let lastUse = Atomic<UInt64>(0)
  /// The number of times the session was preempted.
  let preemptions = Atomic<Int>(0)
  private let libraries = Mutex<[Int: Spool]>([:])
  /// Whether the files of an earlier process are known.
  private let hasFiles = Atomic<Bool>(true)

  /// The document in the state store, as last written.
  private struct Stored {
    var document: SessionDocument
    var revision: Revision
  }

  init(
    _ document: SessionDocument, revision: Revision, control: SessionControl, directory: String,
    planned: EngineDescription, storage: SessionStorage, waitingSteps: Int, journal: Journal, errands: Errands,
    log: SessionLog, logger: Logger
  ) {
    id = document.name
    principal = Principal(document.owner)
    tenant = document.tenant ?? defaultTenant
    serial = document.spec.serial
    self.directory = directory
    record = SessionRecord(directory: directory)
    gate = EngineGate()
    self.planned = planned
    self.storage = storage
    self.waitingSteps = waitingSteps
    self.journal = journal
    self.errands = errands
    self.log = log
    self.control = Mutex(control)
    self.document = Mutex(Stored(document: document, revision: revision))
    client = Mutex(document.status.client)
    var logger = logger
    logger[metadataKey: "session"] = "\(document.name)"
    self.logger = logger
    log.belongs(to: tenant)
    journal.shares.open(id, of: tenant)
  }

  deinit { log.belongs(to: nil) }

  // MARK: Lifecycle

  /// The phase of the session.
  public var phase: SessionLifecycle.Phase { control.withLock { $0.phase } }

  /// Whether it is neither closing nor closed.
  var isOpen: Bool { control.withLock { $0.isOpen } }

  /// Whether a caller may use it: the principal that opened it, in the same tenant.
  func belongs(to caller: Caller) -> Bool {
    principal == caller.principal && tenant == caller.identity.tenant
  }

  /// The reference to the session, which is also its name as an owner of resources.
  var object: ObjectReference { .session(id) }

  var metrics: Metrics { storage.metrics }
  var desk: ResourceDesk { storage.desk }

  /// Handles an event of the session that does not concern its resources.
  /// - Returns: The effects to perform.
  func tell(_ event: SessionControl.Event, at now: ContinuousClock.Instant = .now) -> [SessionControl.Effect] {
    desk.recorder.note(
      .session(id, event), at: now,
      // The control plane has no closed sessions.
      effects: { wasClosed, effects in wasClosed ? nil : effects.map { .session(id, $0) } },
      { control.withLock { ($0.phase == .closed, $0.handle(event, at: now)) } }
    ).1
  }

  /// Handles an event of the session that may concern its resources.
  /// - Returns: The effects to perform, except those already handled by the scheduler and other sessions.
  func handle(_ event: SessionControl.Event, at now: ContinuousClock.Instant = .now) -> [SessionControl.Effect] {
    desk.handle(event, of: self, at: now).effects
  }

  /// Handles a sign of life, or the absence of one, of the client or of a program that may be the client. A closing session
  /// ignores it.
  func note(_ event: SessionControl.Event, at now: ContinuousClock.Instant) { perform(tell(event, at: now)) }

  /// Records a sign of life of the client.
  /// - Returns: Whether the session continues.
  func signOfLife(at now: ContinuousClock.Instant) -> Bool { tell(.signOfLife, at: now).isEmpty }

  /// Whether its lease, or a deadline of one of its instances, has passed. The lease of a session that is not recovered yet is
  /// suspended.
  func isDue(at now: ContinuousClock.Instant) -> Bool {
    control.withLock { control in
      !control.isHeld && control.isSetUp && control.composition.deadline.map { $0 <= now } ?? false
    }
  }

  /// Waits until the steps sent so far have ended or the task is cancelled.
  func waitUntilIdle() async { try? await turnstile.pass {} }

  /// Cancels everything that runs, waits for it, and ends the engines, independently of the events of single instances. For a
  /// closing session.
  func release() async {
    await stopSteps()
    tasks.cancelAll()
    let engines = await endEngines(
      CoordinatorError(.sessionClosing, "session '\(id)' is being closed. Open a new session"))
    await engines?.analytical.close()
  }

  /// Cancels everything that runs, waits for it, and ends the engines, but keeps everything that the next process needs to
  /// continue.
  func suspend() async {
    await stopSteps()
    tasks.cancelAll()
    let engines = await endEngines(CoordinatorError(.shuttingDown, "the coordinator is shutting down"))
    await engines?.analytical.suspend()
  }

  /// Makes the engines unavailable to steps, and ends all but the analytical one.
  private func endEngines(_ reason: CoordinatorError) async -> SessionEngines? {
    // First of all: a start that finds the gate shut must not regard that as its own failure.
    tasks.refuseStarts()
    let engines = gate.fail(reason)
    await tasks.endStarts()
    await engines?.queries.closeAll()
    await engines?.learning.closeAll()
    return engines
  }

  private func stopSteps() async {
    log.close()
    for cancel in running.withLock({ Array($0.values) }) { cancel() }
    // A cancelled step ends within 100 ms; the engine's files must not be in use when they are removed. The task is one of its own,
    // so that the cancellation of this one does not end the wait.
    _ = try? await Task { try await turnstile.pass {} }.value
  }

  // MARK: In the state store

  /// The document in the store, with the current phase, and its revision in the store.
  var stored: (document: SessionDocument, revision: Revision) {
    var (document, revision) = document.withLock { ($0.document, $0.revision) }
    document.status.phase = phase.rawValue
    document.status.client = client.withLock { $0 }
    return (document, revision)
  }

  /// The document in the store, with the current phase.
  var storedDocument: SessionDocument { stored.document }

  /// Returns the document with the current phase, if it differs from the stored one, and the stored revision.
  func changedDocument() -> (document: SessionDocument, revision: Revision)? {
    let phase = phase.rawValue
    let client = client.withLock { $0 }
    return document.withLock { stored in
      guard stored.document.status.phase != phase else { return nil }
      var document = stored.document
      (document.status.phase, document.status.client) = (phase, client)
      return (document, stored.revision)
    }
  }

  /// Records the document that was written to the store.
  func wrote(_ document: SessionDocument, revision: Revision) {
    self.document.withLock { stored in
      if revision > stored.revision { stored = Stored(document: document, revision: revision) }
    }
    recording { record throws(CoordinatorError) in try record.write(document) }
  }

  // MARK: In its directory

  /// Writes to the record. The store takes precedence: gaps in the record matter only if the store is lost, too.
  func recording(_ body: (SessionRecord) throws(CoordinatorError) -> Void) {
    do throws(CoordinatorError) { try body(record) } catch {
      logger.warning("cannot update the record in the session's directory", metadata: ["error": "\(error)"])
    }
  }

  /// The documents of the session's objects in the state store, by number.
  var objectDocuments: [Int: ObjectDocument] {
    let numbers = graphNumbers
    return registry.withLock { $0.documents }.mapValues { document in
      var document = document
      if document.kind == .graph { document.graph = document.object.flatMap { numbers[$0] } }
      return document
    }
  }

  /// The clients' numbers of the graphs, by the engine's keys.
  var graphNumbers: [String: Int64] { control.withLock { $0.graphs }.compactMapValues { Int64($0) } }

  /// Rewrites the record's list of objects.
  func rewriteRecord() {
    let objects = objectDocuments
    recording { record throws(CoordinatorError) in try record.rewrite(objects) }
  }

  // MARK: Data sent with a step

  /// Creates a file for data of a step; it is removed with the last reference to the spool.
  /// - Throws: `CoordinatorError`, also if the session's directory could not be opened after a restart.
  public func makeSpool(announcedBytes: Int) throws(CoordinatorError) -> Spool {
    try requireFiles()
    let number = counter.add(1, ordering: .relaxed).newValue
    return try Spool(path: "\(directory)/spool-\(number)", announcedBytes: announcedBytes, storage: storage)
  }

  /// Stores a library archive for applications of this session.
  /// - Throws: `CoordinatorError` if it is not a zip archive of exactly one file, or if the session's directory could not be
  ///   opened after a restart.
  public func addLibrary(_ archive: UnsafeRawBufferPointer) throws(CoordinatorError) {
    try requireFiles()
    _ = try LibraryArchive.fileName(archive)
    let number = libraries.withLock { ($0.keys.max() ?? 0) + 1 }
    let file = try Spool(path: "\(directory)/library-\(number).zip", announcedBytes: archive.count, storage: storage)
    try file.append(archive)
    file.keep()
    libraries.withLock { $0[number] = file }
  }

  /// Blocks new files until `recoverFiles` knows those of an earlier process, whose numbers could collide.
  func awaitFiles() { hasFiles.store(false, ordering: .releasing) }

  private func requireFiles() throws(CoordinatorError) {
    guard hasFiles.load(ordering: .acquiring) else {
      throw CoordinatorError(
        .inputOutput,
        "the directory of session '\(id)' could not be opened after a restart of the coordinator. Recovery is tried again: "
          + "repeat the statement later, or ask an operator")
    }
  }

  /// Recovers the library archives of an earlier process, and removes its spooled files; once.
  func recoverFiles() throws(CoordinatorError) {
    guard !hasFiles.load(ordering: .acquiring) else { return }
    for name in try directoryEntries(directory) {
      let path = directory + "/" + name
      if name.hasPrefix("spool-") {
        try removeTree(path)
      } else if name.hasPrefix("library-"), name.hasSuffix(".zip"),
        let number = Int(name.dropFirst("library-".count).dropLast(".zip".count))
      {
        let file = try Spool(opening: path, storage: storage)
        libraries.withLock { $0[number] = file }
      }
    }
    hasFiles.store(true, ordering: .releasing)
  }
}
