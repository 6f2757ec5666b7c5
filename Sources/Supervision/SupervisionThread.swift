import CPlatform
import Glibc
import Support
import Synchronization

/// The single thread on which children are started and watched, and the executor of every `Supervisor`.
///
/// It never ends, because Linux sends the parent-death signal when the *thread* that started a child ends. Between jobs, it polls
/// the registered descriptors and timers, so supervision continues even if every other thread is busy.
///
/// `@unchecked Sendable`: `inbox` and `identity` are synchronized, and `wakeUp` is constant; everything else is used on the
/// thread only, which `checkIsolated` asserts at each entry point.
final class SupervisionThread: SerialExecutor, @unchecked Sendable {
  static let shared = SupervisionThread()

  private struct Watch {
    let serial: UInt64
    let action: () -> Void
  }

  private struct Timer {
    let serial: UInt64
    let deadline: ContinuousClock.Instant
    let action: () -> Void
  }

  private let inbox = Mutex<[UnownedJob]>([])
  private let identity = Atomic<UInt>(0)
  private let wakeUp: (read: Int32, write: Int32)
  private var watches: [Int32: Watch] = [:]
  /// Pending timers; the next one to fire is last.
  private var timers: [Timer] = []
  private var polled: [pollfd] = []
  private var polledSerials: [UInt64] = []
  private var watchesChanged = true
  private var lastSerial: UInt64 = 0

  private init() {
    var read: Int32 = -1
    var write: Int32 = -1
    let failure = platform_pipe(&read, &write)
    precondition(failure == 0, "cannot create a pipe for the supervision thread: \(describe(errno: failure))")
    _ = fcntl(write, F_SETFL, O_NONBLOCK)
    wakeUp = (read, write)
    var thread = pthread_t()
    let start = Unmanaged.passRetained(self).toOpaque()
    let outcome = pthread_create(
      &thread, nil,
      { argument in
        Unmanaged<SupervisionThread>.fromOpaque(argument!).takeUnretainedValue().run()
      }, start)
    precondition(outcome == 0, "cannot create the supervision thread: \(describe(errno: outcome))")
  }

  // MARK: The executor

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let isFirst = inbox.withLock { jobs in
      jobs.append(job)
      return jobs.count == 1
    }
    guard isFirst else { return }
    var byte: UInt8 = 0
    // If the pipe is full, the thread wakes up anyway.
    _ = write(wakeUp.write, &byte, 1)
  }

  func checkIsolated() {
    precondition(UInt(pthread_self()) == identity.load(ordering: .acquiring), "not on the supervision thread")
  }

  // MARK: Descriptors and timers; on the thread only

  /// Calls `action` whenever a descriptor is readable or at its end, until `unwatch`.
  func watch(_ descriptor: Int32, _ action: @escaping () -> Void) {
    checkIsolated()
    watches[descriptor] = Watch(serial: nextSerial(), action: action)
    watchesChanged = true
  }

  /// Stops watching a descriptor. Call it before closing the descriptor.
  func unwatch(_ descriptor: Int32) {
    checkIsolated()
    watches[descriptor] = nil
    watchesChanged = true
  }

  /// Calls `action` once, at `deadline` or soon after.
  /// - Returns: The id of the timer, for `cancel`.
  @discardableResult
  func at(_ deadline: ContinuousClock.Instant, _ action: @escaping () -> Void) -> UInt64 {
    checkIsolated()
    let timer = Timer(serial: nextSerial(), deadline: deadline, action: action)
    var low = 0
    var high = timers.count
    while low < high {
      let middle = (low + high) / 2
      if timers[middle].deadline > deadline { low = middle + 1 } else { high = middle }
    }
    timers.insert(timer, at: low)
    return timer.serial
  }

  /// Cancels a timer; does nothing if it has already fired.
  func cancel(_ timer: UInt64) {
    checkIsolated()
    timers.removeAll { $0.serial == timer }
  }

  private func nextSerial() -> UInt64 {
    lastSerial += 1
    return lastSerial
  }

  // MARK: The loop

  private func run() -> Never {
    identity.store(UInt(pthread_self()), ordering: .releasing)
    while true {
      runJobs()
      runTimers()
      if watchesChanged { listDescriptors() }
      // New jobs end the wait, too: the first one writes to the pipe.
      guard poll(&polled, nfds_t(polled.count), pollTimeout()) > 0 else { continue }
      if polled[0].revents != 0 { emptyWakeUp() }
      for index in polled.indices.dropFirst() where polled[index].revents != 0 {
        // An earlier action may have ended this watch, and a new watch may have reused the descriptor's number.
        guard let watch = watches[polled[index].fd], watch.serial == polledSerials[index] else { continue }
        watch.action()
      }
    }
  }

  private func runJobs() {
    let jobs = inbox.withLock { jobs in
      let taken = jobs
      jobs = []
      return taken
    }
    for job in jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
  }

  private func runTimers() {
    guard !timers.isEmpty else { return }
    let now = ContinuousClock.now
    // Timers created by these actions fire after the next poll of the descriptors.
    let bound = lastSerial
    while let timer = timers.last, timer.deadline <= now, timer.serial <= bound {
      timers.removeLast()
      timer.action()
    }
  }

  private func listDescriptors() {
    watchesChanged = false
    polled = [pollfd(fd: wakeUp.read, events: Int16(POLLIN), revents: 0)]
    polledSerials = [0]
    for (descriptor, watch) in watches {
      polled.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
      polledSerials.append(watch.serial)
    }
  }

  private func pollTimeout() -> Int32 {
    guard let timer = timers.last else { return -1 }
    let rest = timer.deadline - ContinuousClock.now
    guard rest > .zero else { return 0 }
    return Int32(clamping: rest.wholeMilliseconds)
  }

  private func emptyWakeUp() {
    withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { buffer in
      while read(wakeUp.read, buffer.baseAddress, buffer.count) > 0 {}
    }
  }
}

/// Returns the system's message for an error number.
func describe(errno code: Int32) -> String { String(cString: platform_error_text(code)) }
