import CPlatform
import Cluster
import Engines
import Logging
import Synchronization

/// One client's session: its engine, its objects, its log. Steps run one at a time, in the order in which they came;
/// signs of life and log readers never wait for them.
public final class Session: Sendable {
  /// The name the client uses; unguessable.
  public let id: String
  /// On whose behalf it was opened; nobody else can use it.
  public let principal: Principal
  /// Whose quota and share it counts for.
  public let tenant: String
  /// Its number in the order of opening.
  let serial: UInt64
  /// What its user may read.
  public let log: SessionLog
  /// What the client is told about the engine; what is planned as long as it waits for resources.
  public var engineDescription: EngineDescription { gate.current?.analytical.description ?? planned }
  /// Where its files live.
  let directory: String

  let gate: EngineGate
  let storage: SessionStorage
  private let planned: EngineDescription
  let turnstile = Turnstile()
  let registry = Mutex(ObjectRegistry())
  let running = Mutex<[UInt64: @Sendable () -> Void]>([:])
  let counter = Atomic<UInt64>(0)
  /// Number of the last step that the journal knows.
  let stepNumber = Atomic<Int>(0)
  let journal: Journal
  let logger: Logger
  let composition: Mutex<SessionComposition>
  private let document: Mutex<Stored>
  /// The clients' numbers of the graphs, by the engine's keys.
  let graphs = Mutex<[String: Int64]>([:])
  /// The start of the engines, while it is under way.
  let starting = Mutex<Task<Void, Never>?>(nil)
  /// The same after its engines died.
  let restarting = Mutex<Task<Void, Never>?>(nil)
  /// How often that may be.
  let restarts = Mutex(RestartBudget())
  /// How often the session had to give way to others.
  let preemptions = Atomic<Int>(0)
  /// How to give up instances that are being started, by name.
  let starts = Mutex<[String: @Sendable () -> Void]>([:])
  /// Names of instances that ended unasked and that the state store still tells of.
  let broken = Mutex<Set<String>>([])
  private let libraries = Mutex<[Int: Spool]>([:])

  /// The document of the state store, as it was last written.
  private struct Stored {
    var document: SessionDocument
    var revision: Revision
  }

  init(
    _ document: SessionDocument, revision: Revision, composition: SessionComposition, directory: String,
    planned: EngineDescription, storage: SessionStorage, journal: Journal, log: SessionLog, logger: Logger
  ) {
    id = document.name
    principal = Principal(document.owner)
    tenant = document.tenant ?? defaultTenant
    serial = document.spec.serial
    self.directory = directory
    gate = EngineGate()
    self.planned = planned
    self.storage = storage
    self.journal = journal
    self.log = log
    self.composition = Mutex(composition)
    self.document = Mutex(Stored(document: document, revision: revision))
    var logger = logger
    logger[metadataKey: "session"] = "\(document.name)"
    self.logger = logger
    log.belongs(to: tenant)
  }

  deinit { log.belongs(to: nil) }

  // MARK: Life

  /// Where the session stands.
  public var phase: SessionLifecycle.Phase { composition.withLock { $0.phase } }

  /// Whether a caller may use it: whoever opened it, in the same tenant.
  func belongs(to caller: Caller) -> Bool {
    principal == caller.principal && tenant == caller.identity.tenant
  }

  /// The session's name among all objects, and among those who ask for resources.
  var object: String { "session/\(id)" }

  var metrics: Metrics { storage.metrics }
  var desk: ResourceDesk { storage.desk }

  /// The client was heard.
  /// - Returns: whether the session goes on.
  func signOfLife(at now: ContinuousClock.Instant) -> Bool {
    composition.withLock { $0.signOfLife(at: now) } == .renewed
  }

  /// The client's connection ended.
  func connectionLost() { composition.withLock { $0.connectionLost() } }

  /// The session is to end.
  /// - Returns: whether the caller must `release` it; if not, somebody else does.
  func close(at now: ContinuousClock.Instant) -> Bool {
    composition.withLock { composition in
      guard composition.phase == .connected || composition.phase == .detached else { return false }
      _ = composition.close(at: now)
      return true
    }
  }

  /// Time has passed.
  /// - Returns: whether the lease is over, and the caller must `release` the session.
  func tick(at now: ContinuousClock.Instant) -> Bool {
    let (isOver, effects) = composition.withLock { composition in
      let wasOpen = composition.phase == .connected || composition.phase == .detached
      let effects = composition.tick(at: now)
      return (wasOpen && composition.phase != .connected && composition.phase != .detached, effects)
    }
    if !isOver { cutOff(effects) }
    return isOver
  }

  /// Suspends until the steps that were sent so far have ended, or the task is cancelled.
  func waitUntilIdle() async { try? await turnstile.pass {} }

  /// Stops what runs and waits for it, ends the engines and gives back everything. Call once, after `close` or `tick`
  /// said so.
  func release() async {
    await stopSteps()
    cancelStarts()
    let engines = await endEngines(CoordinatorError(.sessionClosing, "session '\(id)' is being closed. Connect again"))
    await engines?.analytical.close()
    endedAll()
  }

  /// Stops what runs and waits for it, and ends the engines, but keeps what the next process needs to go on.
  func suspend() async {
    await stopSteps()
    cancelStarts()
    let engines = await endEngines(CoordinatorError(.shuttingDown, "the coordinator is shutting down"))
    await engines?.analytical.suspend()
    libraries.withLock { for library in $0.values { library.keep() } }
  }

  /// Lets no step have the engines any more, and ends all but the analytical one.
  private func endEngines(_ reason: CoordinatorError) async -> SessionEngines? {
    let engines = gate.fail(reason)
    for start in [starting.withLock { $0 }, restarting.withLock { $0 }] {
      start?.cancel()
      await start?.value
    }
    await engines?.queries.closeAll()
    await engines?.learning.closeAll()
    return engines
  }

  private func stopSteps() async {
    log.close()
    for cancel in running.withLock({ Array($0.values) }) { cancel() }
    // A step that was cancelled ends within 100 ms; nothing may use the engine's files when they go.
    _ = try? await Task { try await turnstile.pass {} }.value
  }

  // MARK: In the state store

  /// The document as the store has it, with the phase as it is now.
  var storedDocument: SessionDocument {
    var document = document.withLock { $0.document }
    document.status.phase = phase.rawValue
    return document
  }

  /// The revision at which the store has it.
  var storedRevision: Revision { document.withLock { $0.revision } }

  /// The document with the phase as it is now, if that is not what the store has; and the revision that the store has.
  func changedDocument() -> (document: SessionDocument, revision: Revision)? {
    let phase = phase.rawValue
    return document.withLock { stored in
      guard stored.document.status.phase != phase else { return nil }
      var document = stored.document
      document.status.phase = phase
      return (document, stored.revision)
    }
  }

  /// The store has this document now.
  func wrote(_ document: SessionDocument, revision: Revision) {
    self.document.withLock { stored in
      if revision > stored.revision { stored = Stored(document: document, revision: revision) }
    }
  }

  // MARK: Data that comes with a step

  /// A file for data of a step; it goes when nobody refers to the spool any more.
  public func makeSpool(announcedBytes: Int) throws(CoordinatorError) -> Spool {
    let number = counter.add(1, ordering: .relaxed).newValue
    return try Spool(path: "\(directory)/spool-\(number)", announcedBytes: announcedBytes, storage: storage)
  }

  /// Keeps a library archive for applications of this session.
  /// - Throws: `CoordinatorError` unless it is a zip archive of exactly one file.
  public func addLibrary(_ archive: UnsafeRawBufferPointer) throws(CoordinatorError) {
    _ = try LibraryArchive(archive).fileName
    let number = libraries.withLock { ($0.keys.max() ?? 0) + 1 }
    let file = try Spool(path: "\(directory)/library-\(number).zip", announcedBytes: archive.count, storage: storage)
    try file.append(archive)
    libraries.withLock { $0[number] = file }
  }

  /// Takes over the library archives of an earlier process, and removes what it spooled.
  func recoverFiles() throws(CoordinatorError) {
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
  }
}
