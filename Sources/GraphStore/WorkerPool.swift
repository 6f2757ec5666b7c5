import Synchronization

/// The fixed set of threads on which graphs are loaded and algorithms run: never the cooperative pool, never an event
/// loop.
///
/// Every job has a driving thread of its own, so that jobs of different sessions run side by side; the pool's workers
/// help whichever jobs have chunks left, in turn. Threads start when first needed and end with the pool.
public final class WorkerPool: Sendable {
  /// Threads that work on one job at the most: its driver and the pool's workers.
  public let width: Int
  private let queue = BatchQueue()
  private let drivers = DriverThreads()

  /// A pool in which a job may use `threads` threads (at least one).
  public init(threads: Int) {
    width = max(1, threads)
  }

  deinit {
    queue.close()
    drivers.close()
  }

  /// Runs `job` on a driving thread and suspends until it ends; what it takes counts for `storage`, and at most `threads`
  /// work on it. Cancelling the task raises the job's flag; the job then throws `CancellationError` at its next chunk.
  /// Throws what the job throws, and `limitExceeded` if the system has no thread to give.
  public func run<R: Sendable>(
    storage: any StorageAccount = UnboundedStorage(), threads: Int = .max,
    _ job: @escaping @Sendable (Workers) throws -> R
  ) async throws -> R {
    let workers = Workers(
      width: max(1, min(width, threads)), cancellation: Cancellation(), queue: queue, storage: storage)
    let job = Job(job)
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<R, any Error>) in
        let hasStarted = drivers.start {
          // The result is given away, not lent, for the same reason.
          switch job.runOnce(workers) {
          case .success(let result): continuation.resume(returning: consume result)
          case .failure(let error): continuation.resume(throwing: error)
          }
        }
        if !hasStarted {
          continuation.resume(
            throwing: GraphStoreError(
              .limitExceeded, "the system refused a thread for a job", hint: "Raise the limit of threads, or wait"))
        }
      }
    } onCancel: {
      workers.cancellation.cancel()
    }
  }
}

/// What a thread is to do, once. It is let go of, with all that it holds, before who waits for it goes on: they may
/// count on the files of a graph being gone with the last who held it.
private final class Job<R: Sendable>: Sendable {
  private let body: Mutex<(@Sendable (Workers) throws -> R)?>

  init(_ body: @escaping @Sendable (Workers) throws -> R) { self.body = Mutex(body) }

  /// Never inlined, so that the body is gone when this returns.
  @inline(never)
  func runOnce(_ workers: Workers) -> Result<R, any Error> {
    let body = body.withLock { $0.take() }
    return Result {
      try workers.cancellation.check()
      return try body!(workers)
    }
  }
}

/// What a running job holds: it cuts its loops into chunks that the pool's threads share.
public struct Workers: Sendable {
  /// Threads that may run chunks at the same time; bodies see slots `0..<width`.
  public let width: Int
  /// Raised when the job must stop.
  public let cancellation: Cancellation
  let queue: BatchQueue
  /// What the memory and the files that the job takes count for.
  public let storage: any StorageAccount

  init(width: Int, cancellation: Cancellation, queue: BatchQueue, storage: any StorageAccount = UnboundedStorage()) {
    self.width = width
    self.cancellation = cancellation
    self.queue = queue
    self.storage = storage
  }

  /// Runs `body` over `0..<count` in ranges of at most `grain`, on several threads, and returns when all are done.
  /// Everything the bodies wrote is then visible to the caller.
  ///
  /// Every range but the last holds exactly `grain` numbers and starts at a multiple of it. `slot` is below `width` and
  /// never the same for two bodies of this call that run at the same time: use it to choose scratch space. Throws what
  /// a body threw first, or `CancellationError`; ranges that had not begun by then are left out.
  ///
  /// A body may call `forEach` itself. The slots of that inner loop are its own: they say nothing about those of the
  /// outer one, so the two need different scratch space.
  public func forEach(_ count: Int, grain: Int, _ body: (_ range: Range<Int>, _ slot: Int) throws -> Void) throws {
    try cancellation.check()
    guard count > 0 else { return }
    let grain = max(1, grain)
    let chunks = (count - 1) / grain + 1
    if chunks == 1 { return try body(0..<count, 0) }
    let helpers = min(width, chunks) - 1
    try withoutActuallyEscaping(body) { body in
      let batch = Batch(chunks: chunks, cancellation: cancellation) { chunk, slot in
        try body(chunk * grain..<min(count, (chunk + 1) * grain), slot)
      }
      if helpers > 0 { queue.open(batch, helpers: helpers, workers: width - 1) }
      batch.work(slot: 0) { false }
      if helpers > 0 { queue.close(batch) }
      try batch.finish()
    }
    try cancellation.check()
  }
}

/// One loop that is being run: its chunks are claimed by counting up.
final class Batch: @unchecked Sendable {
  // @unchecked: `body` is called by several threads by design, and set to nil by the driver when no thread is in `work`
  // any more nor can enter it; `helping` and `places` are guarded by the queue's lock, everything else is atomic or
  // behind a mutex.
  private let chunks: Int
  private let cancellation: Cancellation
  private var body: ((Int, Int) throws -> Void)?
  private let next = Atomic<Int>(0)
  private let failure = Mutex<(any Error)?>(nil)
  /// Workers inside `work`; guarded by the queue's lock.
  var helping = 0
  /// Workers that may still join; guarded by the queue's lock.
  var places = 0

  init(chunks: Int, cancellation: Cancellation, body: @escaping (Int, Int) throws -> Void) {
    self.chunks = chunks
    self.cancellation = cancellation
    self.body = body
  }

  var isExhausted: Bool { next.load(ordering: .relaxed) >= chunks }

  /// Claims and runs chunks until none is left or, if `shared()`, after one.
  /// Never inlined, so that the body is let go of before the worker says that it left.
  @inline(never)
  func work(slot: Int, until shared: () -> Bool) {
    guard let body else { return }
    repeat {
      let chunk = next.add(1, ordering: .relaxed).oldValue
      guard chunk < chunks else { return }
      guard !cancellation.isCancelled else { return stop() }
      do { try body(chunk, slot) } catch {
        failure.withLock { if $0 == nil { $0 = error } }
        return stop()
      }
    } while !shared()
  }

  private func stop() { next.store(chunks, ordering: .relaxed) }

  /// Lets go of the body, which must not outlive the loop although a worker may hold this object a little longer.
  /// Throws what a body threw first.
  func finish() throws {
    body = nil
    if let error = failure.withLock({ $0 }) { throw error }
  }
}

/// The loops that want help, and the threads that give it.
final class BatchQueue: @unchecked Sendable {
  // @unchecked: all mutable state is guarded by `lock`; `isShared` is atomic.
  private let lock = ConditionLock()
  /// Waited for by workers: a batch has places, or the queue was closed.
  private let work = Condition()
  /// Waited for by drivers: nobody helps some batch any more.
  private let done = Condition()
  private var batches: [Batch] = []
  private var workers = 0
  private var isClosed = false
  private let isShared = Atomic<Bool>(false)

  /// Lets at most `helpers` workers help; there are `workers` of them in all.
  func open(_ batch: Batch, helpers: Int, workers wanted: Int) {
    lock.locked {
      batch.places = helpers
      batches.append(batch)
      isShared.store(batches.count > 1, ordering: .relaxed)
      while workers < wanted, !isClosed {
        let slot = workers + 1
        // Without a thread there is less help; the driver does the rest.
        guard startThread({ self.serve(slot: slot) }) else { break }
        workers += 1
      }
      for _ in 0..<helpers { work.wakeOne() }
    }
  }

  /// Lets nobody join the batch any more and returns when nobody is helping.
  func close(_ batch: Batch) {
    lock.locked {
      batches.removeAll { $0 === batch }
      isShared.store(batches.count > 1, ordering: .relaxed)
      while batch.helping > 0 { done.wait(lock) }
    }
  }

  /// Ends the workers when they are idle.
  func close() {
    lock.locked {
      isClosed = true
      work.wakeAll()
    }
  }

  /// A worker's life: help the batch whose turn it is, one chunk at a time when several want help.
  private func serve(slot: Int) {
    while let batch = join() {
      batch.work(slot: slot) { isShared.load(ordering: .relaxed) }
      leave(batch)
    }
  }

  private func join() -> Batch? {
    lock.locked {
      while true {
        if let index = batches.firstIndex(where: { $0.places > 0 && !$0.isExhausted }) {
          let batch = batches.remove(at: index)
          batches.append(batch)
          batch.places -= 1
          batch.helping += 1
          return batch
        }
        if isClosed { return nil }
        work.wait(lock)
      }
    }
  }

  private func leave(_ batch: Batch) {
    lock.locked {
      batch.helping -= 1
      batch.places += 1
      if batch.helping == 0 { done.wakeAll() }
      // The place may be somebody else's chance.
      if !batch.isExhausted { work.wakeOne() }
    }
  }
}

/// Threads that drive jobs: as many as there are jobs at a time; an idle one waits for the next job.
private final class DriverThreads: @unchecked Sendable {
  // @unchecked: all mutable state is guarded by `lock`.
  private let lock = ConditionLock()
  private let work = Condition()
  private var jobs: [@Sendable () -> Void] = []
  private var idle = 0
  private var isClosed = false

  /// Idle threads beyond this many end.
  private static let maximumIdle = 16

  /// Queues a job for an idle thread or a new one; false if there is none to be had.
  func start(_ job: @escaping @Sendable () -> Void) -> Bool {
    lock.locked {
      jobs.append(job)
      if jobs.count <= idle {
        work.wakeOne()
        return true
      }
      if startThread({ self.drive() }) { return true }
      jobs.removeLast()
      return false
    }
  }

  func close() {
    lock.locked {
      isClosed = true
      work.wakeAll()
    }
  }

  private func drive() {
    while let job = next() { job() }
  }

  private func next() -> (@Sendable () -> Void)? {
    lock.locked {
      while jobs.isEmpty {
        if isClosed || idle >= Self.maximumIdle { return nil }
        idle += 1
        work.wait(lock)
        idle -= 1
      }
      return jobs.removeFirst()
    }
  }
}
