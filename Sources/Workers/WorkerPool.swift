import Synchronization

/// A fixed set of threads for loading graphs and running algorithms, so that these never occupy the cooperative pool or an event
/// loop.
///
/// Every job has a driving thread of its own, so jobs of different sessions run side by side; the workers of the pool help all
/// jobs that have chunks left, in turn. Threads start when first needed and end with the pool.
public final class WorkerPool: Sendable {
  /// The maximum number of threads that work on one job: its driver and the workers of the pool.
  public let width: Int
  private let queue = BatchQueue()
  private let drivers = DriverThreads()

  /// Creates a pool in which a job may use `threads` threads (at least one).
  public init(threads: Int) {
    width = max(1, threads)
  }

  deinit {
    queue.close()
    drivers.close()
  }

  /// Runs `job` on a driving thread and suspends until it ends. At most `threads` threads work on it, and the memory and files it
  /// takes are charged to `storage`; `progress` shows how far it is. Cancelling the task raises the job's flag; the job then throws `CancellationError` at its
  /// next chunk.
  /// - Throws: any error of the job; `WorkersError` when the system cannot start a thread.
  public func run<R: Sendable>(
    storage: any StorageAccount = UnboundedStorage(), threads: Int = .max, progress: WorkProgress = WorkProgress(),
    _ job: @escaping @Sendable (Workers) throws -> R
  ) async throws -> R {
    let workers = Workers(
      width: max(1, min(width, threads)), cancellation: Cancellation(), queue: queue, storage: storage,
      progress: progress)
    let job = Job(job)
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<R, any Error>) in
        let hasStarted = drivers.start {
          // The result is moved, not borrowed, for the same reason.
          switch job.runOnce(workers) {
          case .success(let result): continuation.resume(returning: consume result)
          case .failure(let error): continuation.resume(throwing: error)
          }
        }
        if !hasStarted {
          continuation.resume(throwing: WorkersError.noThread)
        }
      }
    } onCancel: {
      workers.cancellation.cancel()
    }
  }
}

/// Work that a thread performs once. The body and everything it captures are released before the waiting task resumes: the caller
/// may rely on a graph's files being removed with the last reference to it.
private final class Job<R: Sendable>: Sendable {
  private let body: Mutex<(@Sendable (Workers) throws -> R)?>

  init(_ body: @escaping @Sendable (Workers) throws -> R) { self.body = Mutex(body) }

  /// Never inlined, so that the body is released when this returns.
  @inline(never)
  func runOnce(_ workers: Workers) -> Result<R, any Error> {
    let body = body.withLock { $0.take() }
    return Result {
      try workers.cancellation.check()
      return try body!(workers)
    }
  }
}

/// The threads available to a running job. It cuts its loops into chunks that the threads of the pool share.
public struct Workers: Sendable {
  /// The maximum number of threads that run chunks at the same time; slots are in `0..<width`.
  public let width: Int
  /// Raised when the job must stop.
  public let cancellation: Cancellation
  let queue: BatchQueue
  /// The account that the job's memory and files are charged to.
  public let storage: any StorageAccount
  /// How far the job is.
  public let progress: WorkProgress

  init(
    width: Int, cancellation: Cancellation, queue: BatchQueue, storage: any StorageAccount = UnboundedStorage(),
    progress: WorkProgress = WorkProgress()
  ) {
    self.width = width
    self.cancellation = cancellation
    self.queue = queue
    self.storage = storage
    self.progress = progress
  }

  /// Calls `body` for ranges of at most `grain` that cover `0..<count`, on several threads, and returns when all calls have
  /// ended. Everything that the bodies wrote is then visible to the caller.
  ///
  /// Every range except the last has exactly `grain` elements and starts at a multiple of it. `slot` is below `width` and differs
  /// between bodies of this call that run at the same time: use it to choose scratch space.
  ///
  /// A body may call `forEach` itself. The slots of the inner loop are independent of those of the outer loop, so the two need
  /// separate scratch space.
  /// - Throws: the first error of a body, or `CancellationError`; ranges that have not begun by then are skipped.
  public func forEach(_ count: Int, grain: Int, _ body: (_ range: Range<Int>, _ slot: Int) throws -> Void) throws {
    try cancellation.check()
    guard count > 0 else { return }
    let grain = max(1, grain)
    let chunks = (count - 1) / grain + 1
    if chunks == 1 { return try body(0..<count, 0) }
    let helpers = min(width, chunks) - 1
    let counts = progress.beginLoop(of: chunks)
    defer { progress.endLoop() }
    try withoutActuallyEscaping(body) { body in
      let batch = Batch(chunks: chunks, cancellation: cancellation) { chunk, slot in
        try body(chunk * grain..<min(count, (chunk + 1) * grain), slot)
        if counts { progress.endChunk() }
      }
      if helpers > 0 { queue.open(batch, helpers: helpers, workers: width - 1) }
      batch.work(slot: 0) { false }
      if helpers > 0 { queue.close(batch) }
      try batch.finish()
    }
    try cancellation.check()
  }
}

/// A running loop. Threads claim its chunks by incrementing a counter.
final class Batch: @unchecked Sendable {
  // @unchecked: several threads call `body` by design; the driver sets it to nil when no thread is in `work` or can still enter
  // it. `helping` and `places` are guarded by the queue's lock; everything else is atomic or guarded by a mutex.
  private let chunks: Int
  private let cancellation: Cancellation
  private var body: ((Int, Int) throws -> Void)?
  private let next = Atomic<Int>(0)
  private let failure = Mutex<(any Error)?>(nil)
  /// The number of workers inside `work`; guarded by the queue's lock.
  var helping = 0
  /// The number of workers that may still join; guarded by the queue's lock.
  var places = 0

  init(chunks: Int, cancellation: Cancellation, body: @escaping (Int, Int) throws -> Void) {
    self.chunks = chunks
    self.cancellation = cancellation
    self.body = body
  }

  var isExhausted: Bool { next.load(ordering: .relaxed) >= chunks }

  /// Claims and runs chunks until none is left or, if `shared()` returns true, after one.
  /// Never inlined, so that the body is released before the worker signals that it left.
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

  /// Releases the body, which must not outlive the loop although a worker may keep this object a little longer. Throws the first
  /// error of a body.
  func finish() throws {
    body = nil
    if let error = failure.withLock({ $0 }) { throw error }
  }
}

/// The loops that want help, and the threads that provide it.
final class BatchQueue: @unchecked Sendable {
  // @unchecked: all mutable state is guarded by `lock`; `isShared` is atomic.
  private let lock = ConditionLock()
  /// Workers wait for it: a batch has places, or the queue was closed.
  private let work = Condition()
  /// Drivers wait for it: the last helper of a batch left.
  private let done = Condition()
  private var batches: [Batch] = []
  private var workers = 0
  private var isClosed = false
  private let isShared = Atomic<Bool>(false)

  /// Lets at most `helpers` of the `workers` threads help.
  func open(_ batch: Batch, helpers: Int, workers wanted: Int) {
    lock.locked {
      batch.places = helpers
      batches.append(batch)
      isShared.store(batches.count > 1, ordering: .relaxed)
      while workers < wanted, !isClosed {
        let slot = workers + 1
        // Without the thread there is less help; the driver does the rest.
        guard startThread({ self.serve(slot: slot) }) else { break }
        workers += 1
      }
      for _ in 0..<helpers { work.wakeOne() }
    }
  }

  /// Prevents workers from joining the batch and returns when none is helping.
  func close(_ batch: Batch) {
    lock.locked {
      batches.removeAll { $0 === batch }
      isShared.store(batches.count > 1, ordering: .relaxed)
      while batch.helping > 0 { done.wait(lock) }
    }
  }

  /// Ends the workers when they become idle.
  func close() {
    lock.locked {
      isClosed = true
      work.wakeAll()
    }
  }

  /// The loop of a worker: helps the batch whose turn it is, one chunk at a time when several batches want help.
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
      // Another worker may use the place.
      if !batch.isExhausted { work.wakeOne() }
    }
  }
}

/// Threads that drive jobs, one per running job. An idle thread waits for the next job.
private final class DriverThreads: @unchecked Sendable {
  // @unchecked: all mutable state is guarded by `lock`.
  private let lock = ConditionLock()
  private let work = Condition()
  private var jobs: [@Sendable () -> Void] = []
  private var idle = 0
  private var isClosed = false

  /// The maximum number of idle threads; others end.
  private static let maximumIdle = 16

  /// Queues a job for an idle thread or a new one; returns false if no thread is available.
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
