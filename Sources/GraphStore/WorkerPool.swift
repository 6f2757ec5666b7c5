import Glibc
import Synchronization

/// The fixed set of threads on which graphs are loaded and algorithms run: never the cooperative pool, never an event
/// loop.
///
/// Every job has a driving thread of its own, so that jobs of different sessions run side by side; the pool's workers
/// help whichever jobs have chunks left, in turn. Threads start when first needed.
public final class WorkerPool: Sendable {
  /// Threads that work on one job at the most: its driver and the pool's workers.
  public let width: Int
  private let queue = BatchQueue()
  private let drivers = DriverThreads()

  /// A pool in which a job may use `threads` threads (at least one).
  public init(threads: Int) {
    width = max(1, threads)
  }

  /// Runs `job` on a driving thread and suspends until it ends. Cancelling the task raises the job's flag; the job
  /// then throws `CancellationError` at its next chunk.
  public func run<R: Sendable>(_ job: @escaping @Sendable (Workers) throws -> R) async throws -> R {
    let workers = Workers(width: width, cancellation: Cancellation(), queue: queue)
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<R, any Error>) in
        drivers.start { continuation.resume(with: Result { try job(workers) }) }
      }
    } onCancel: {
      workers.cancellation.cancel()
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

  /// Runs `body` over `0..<count` in ranges of at most `grain`, on several threads, and returns when all are done.
  /// `slot` is below `width` and never the same for two bodies that run at the same time: use it to choose scratch
  /// space. Throws what a body threw first, or `CancellationError`.
  public func forEach(_ count: Int, grain: Int, _ body: (_ range: Range<Int>, _ slot: Int) throws -> Void) throws {
    try cancellation.check()
    guard count > 0 else { return }
    let grain = max(1, grain)
    let chunks = (count + grain - 1) / grain
    if chunks == 1 { return try body(0..<count, 0) }
    try withoutActuallyEscaping(body) { body in
      let batch = Batch(chunks: chunks, cancellation: cancellation) { chunk, slot in
        try body(chunk * grain..<min(count, (chunk + 1) * grain), slot)
      }
      queue.run(batch, helpers: min(width - 1, chunks - 1), width: width)
      try batch.outcome()
    }
    try cancellation.check()
  }
}

/// One loop that is being run: its chunks are claimed by counting up.
final class Batch: @unchecked Sendable {
  // @unchecked: `body` is called by several threads by design and only while the driver waits in `BatchQueue.run`;
  // `helping` is guarded by the queue's lock, everything else is atomic or behind a mutex.
  let chunks: Int
  let cancellation: Cancellation
  let body: (Int, Int) throws -> Void
  let next = Atomic<Int>(0)
  let failure = Mutex<(any Error)?>(nil)
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
  func work(slot: Int, until shared: () -> Bool) {
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

  func outcome() throws {
    if let error = failure.withLock({ $0 }) { throw error }
  }
}

/// The loops that want help, and the threads that give it.
final class BatchQueue: @unchecked Sendable {
  // @unchecked: all mutable state is guarded by `lock`.
  private let lock = ConditionLock()
  private var batches: [Batch] = []
  private var workers = 0
  private let waiting = Atomic<Int>(0)

  /// Runs the batch on the calling thread and on at most `helpers` workers; returns when no chunk is running.
  func run(_ batch: Batch, helpers: Int, width: Int) {
    if helpers > 0 {
      lock.locked {
        batch.places = helpers
        batches.append(batch)
        waiting.store(batches.count, ordering: .relaxed)
        startWorkers(width - 1)
        lock.wakeAll()
      }
    }
    batch.work(slot: 0) { false }
    guard helpers > 0 else { return }
    lock.locked {
      batches.removeAll { $0 === batch }
      waiting.store(batches.count, ordering: .relaxed)
      while batch.helping > 0 { lock.wait() }
    }
  }

  private func startWorkers(_ wanted: Int) {
    while workers < wanted {
      workers += 1
      let slot = workers
      startThread { self.serve(slot: slot) }
    }
  }

  /// A worker's life: help the batch whose turn it is, one chunk at a time when several want help.
  private func serve(slot: Int) {
    while true {
      let batch = lock.locked {
        while true {
          if let index = batches.firstIndex(where: { $0.places > 0 && !$0.isExhausted }) {
            let batch = batches.remove(at: index)
            batches.append(batch)
            batch.places -= 1
            batch.helping += 1
            return batch
          }
          lock.wait()
        }
      }
      batch.work(slot: slot) { waiting.load(ordering: .relaxed) > 1 }
      lock.locked {
        batch.helping -= 1
        batch.places += 1
        if batch.helping == 0 { lock.wakeAll() }
      }
    }
  }
}

/// Threads that drive jobs: as many as there are jobs at a time; an idle one waits for the next job.
private final class DriverThreads: @unchecked Sendable {
  // @unchecked: all mutable state is guarded by `lock`.
  private let lock = ConditionLock()
  private var jobs: [@Sendable () -> Void] = []
  private var idle = 0

  func start(_ job: @escaping @Sendable () -> Void) {
    lock.locked {
      jobs.append(job)
      if jobs.count > idle { startThread { self.drive() } } else { lock.wakeAll() }
    }
  }

  private func drive() {
    while true {
      let job = lock.locked {
        idle += 1
        while jobs.isEmpty { lock.wait() }
        idle -= 1
        return jobs.removeFirst()
      }
      job()
    }
  }
}

/// A mutex with a condition to wait for; POSIX, because the standard library's mutex has none.
final class ConditionLock: @unchecked Sendable {
  // @unchecked: both objects are made for sharing between threads and live at fixed addresses.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  func locked<R>(_ body: () throws -> R) rethrows -> R {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body()
  }

  /// Waits until woken; call with the lock held and check the condition again afterwards.
  func wait() { pthread_cond_wait(condition, mutex) }

  func wakeAll() { pthread_cond_broadcast(condition) }
}

/// Starts a detached thread.
private func startThread(_ body: @escaping @Sendable () -> Void) {
  final class Box {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  let argument = Unmanaged.passRetained(Box(body)).toOpaque()
  let code = pthread_create(
    &thread, nil,
    { argument in
      Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
      return nil
    }, argument)
  precondition(code == 0, "the system refused a thread: \(String(cString: strerror(code)))")
  pthread_detach(thread)
}
