import Glibc
import Synchronization
import Testing
import Turns
import Workers

@Suite(.takesTurns, .timeLimit(.minutes(2))) struct WorkerPoolTests {
  struct Failure: Error, Equatable { var chunk: Int }

  @Test(arguments: [1, 2, 3, 8])
  func everyNumberIsVisitedExactlyOnce(threads: Int) async throws {
    let pool = WorkerPool(threads: threads)
    for (count, grain) in [(0, 1), (1, 1), (1, 100), (7, 3), (1000, 1), (1000, 999), (4096, 64), (5, 0)] {
      let visits = try await pool.run { workers in
        let visits = (0..<count).map { _ in Counter() }
        try workers.forEach(count, grain: grain) { range, slot in
          #expect(!range.isEmpty && range.count <= max(1, grain))
          #expect(range.lowerBound % max(1, grain) == 0)
          #expect((0..<workers.width).contains(slot))
          for number in range { visits[number].add(1) }
        }
        return visits.map(\.value)
      }
      #expect(visits.allSatisfy { $0 == 1 })
    }
  }

  @Test("The progress of a job counts its outermost loops and their chunks")
  func progress() async throws {
    let progress = WorkProgress()
    let moments = try await WorkerPool(threads: 2).run(progress: progress) { workers in
      var moments = [progress.moment]
      try workers.forEach(4, grain: 1) { _, _ in try workers.forEach(8, grain: 1) { _, _ in } }
      moments.append(progress.moment)
      workers.progress.begin(round: 2, of: 5)
      let seen = Counter()
      try workers.forEach(10, grain: 1) { _, _ in seen.add(progress.moment.loopFraction < 1 ? 1 : 0) }
      moments.append(progress.moment)
      workers.progress.begin(round: 3)
      moments.append(progress.moment)
      #expect(seen.value == 10)
      return moments
    }
    typealias Moment = WorkProgress.Moment
    #expect(
      moments == [
        Moment(loops: 0, loopFraction: 0, round: 0, rounds: 0), Moment(loops: 1, loopFraction: 1, round: 0, rounds: 0),
        Moment(loops: 2, loopFraction: 1, round: 2, rounds: 5), Moment(loops: 2, loopFraction: 1, round: 3, rounds: 0),
      ])
  }

  @Test("A job is released, with everything it captures, before its caller resumes")
  func letsGoFirst() async throws {
    /// Resumes a task inside the call that wakes it, so that no thread of the pool can release anything later.
    final class AtOnce: TaskExecutor {
      func enqueue(_ job: consuming ExecutorJob) {
        UnownedJob(job).runSynchronously(on: asUnownedTaskExecutor())
      }
    }
    final class Probe: Sendable {
      func touch() {}
    }
    @Sendable func runWithProbe(_ pool: WorkerPool) async throws -> () -> Probe? {
      let probe = Probe()
      try await pool.run { _ in probe.touch() }
      return { [weak probe] in probe }
    }
    @Sendable func makeProbe(_ pool: WorkerPool) async throws -> () -> Probe? {
      let probe = try await pool.run { _ in Probe() }
      return { [weak probe] in probe }
    }
    let pool = WorkerPool(threads: 2)
    for _ in 0..<20 {
      let areGone = Task(executorPreference: AtOnce()) {
        (try await runWithProbe(pool)() == nil, try await makeProbe(pool)() == nil)
      }
      #expect(try await areGone.value == (true, true), "what the job held, and its result")
    }
  }

  @Test func bodiesRunAtTheSameTimeInDifferentSlots() async throws {
    // All four bodies wait for each other: with fewer threads, this would never end.
    let slots = try await WorkerPool(threads: 4).run { workers in
      let arrived = Counter()
      let slots = Mutex<[Int]>([])
      try workers.forEach(4, grain: 1) { _, slot in
        slots.withLock { $0.append(slot) }
        arrived.add(1)
        while arrived.value < 4 { sched_yield() }
      }
      return slots.withLock { $0 }
    }
    #expect(slots.sorted() == [0, 1, 2, 3])
  }

  @Test func slotsAreNeverSharedByRunningBodies() async throws {
    let pool = WorkerPool(threads: 4)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<6 {
        group.addTask {
          try await pool.run { workers in
            let busy = (0..<workers.width).map { _ in Counter() }
            for _ in 0..<50 {
              try workers.forEach(64, grain: 1) { _, slot in
                #expect(busy[slot].add(1) == 0)
                sched_yield()
                busy[slot].add(-1)
              }
            }
          }
        }
      }
      try await group.waitForAll()
    }
  }

  @Test func theFirstErrorEndsTheLoopAndReachesTheCaller() async throws {
    let pool = WorkerPool(threads: 4)
    let visited = Counter()
    await #expect(throws: Failure(chunk: 3)) {
      try await pool.run { workers in
        try workers.forEach(1_000_000, grain: 1) { range, _ in
          visited.add(1)
          if range.lowerBound == 3 { throw Failure(chunk: 3) }
          while visited.value < 4 { sched_yield() }
        }
      }
    }
    #expect(visited.value < 1_000_000)
    // The pool still works.
    #expect(try await pool.run { _ in 42 } == 42)
  }

  @Test func cancellationEndsALoopAfterTheChunksThatAreRunning() async throws {
    let pool = WorkerPool(threads: 2)
    let visited = Counter()
    let task = Task {
      try await pool.run { workers in
        try workers.forEach(Int.max / 2, grain: 1) { _, _ in
          visited.add(1)
          sched_yield()
        }
      }
    }
    while visited.value < 10 { await Task.yield() }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test func aLongChunkCanSeeItsCancellation() async throws {
    let pool = WorkerPool(threads: 1)
    let isRunning = Counter()
    let task = Task {
      try await pool.run { workers in
        try workers.forEach(1, grain: 1) { _, _ in
          isRunning.add(1)
          while true {
            try workers.cancellation.check()
            sched_yield()
          }
        }
      }
    }
    while isRunning.value == 0 { await Task.yield() }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test func aCancelledTaskStartsNoJob() async throws {
    let pool = WorkerPool(threads: 1)
    let started = Counter()
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      try await pool.run { _ in _ = started.add(1) }
    }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(started.value == 0)
  }

  @Test func jobsRunSideBySide() async throws {
    // Each of five jobs waits for all others, on a pool of two threads.
    let pool = WorkerPool(threads: 2)
    let arrived = Counter()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<5 {
        group.addTask {
          try await pool.run { workers in
            arrived.add(1)
            try workers.forEach(2, grain: 1) { _, _ in while arrived.value < 5 { sched_yield() } }
          }
        }
      }
      try await group.waitForAll()
    }
  }

  @Test func aBodyMayRunALoopOfItsOwn() async throws {
    let sum = try await WorkerPool(threads: 4).run { workers in
      let sum = Counter()
      try workers.forEach(20, grain: 1) { outer, _ in
        try workers.forEach(20, grain: 1) { middle, _ in
          try workers.forEach(20, grain: 3) { inner, _ in
            for number in inner { sum.add(outer.lowerBound * 400 + middle.lowerBound * 20 + number) }
          }
        }
      }
      return sum.value
    }
    #expect(sum == 8000 * 7999 / 2)
  }

  @Test func anErrorInAnInnerLoopEndsTheOuterOne() async throws {
    await #expect(throws: Failure(chunk: 1)) {
      try await WorkerPool(threads: 4).run { workers in
        try workers.forEach(8, grain: 1) { _, _ in
          try workers.forEach(8, grain: 1) { range, _ in if range.lowerBound == 1 { throw Failure(chunk: 1) } }
        }
      }
    }
  }

  @Test func noWakeUpIsLost() async throws {
    // Thousands of very short loops of many jobs, on pools that are created and released.
    for threads in [2, 3, 8] {
      let pool = WorkerPool(threads: threads)
      let total = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<8 {
          group.addTask {
            try await pool.run { workers in
              let sum = Counter()
              for round in 1...2000 { try workers.forEach(1 + round % 5, grain: 1) { _, _ in _ = sum.add(1) } }
              return sum.value
            }
          }
        }
        return try await group.reduce(0, +)
      }
      #expect(total == 8 * (1...2000).reduce(0) { $0 + 1 + $1 % 5 })
    }
  }

  @Test func writesOfBodiesAreVisibleAfterTheLoop() async throws {
    let isOrdered = try await WorkerPool(threads: 4).run { workers in
      var values = [Int](repeating: 0, count: 10_000)
      for round in 1...50 {
        try values.withUnsafeMutableBufferPointer { values in
          try workers.forEach(values.count, grain: 100) { range, _ in for place in range { values[place] += place } }
        }
        if values[9_999] != round * 9_999 || values.indices.contains(where: { values[$0] != round * $0 }) {
          return false
        }
      }
      return true
    }
    #expect(isOrdered)
  }
}

/// A counter that several threads increment.
final class Counter: Sendable {
  private let number = Atomic<Int>(0)

  var value: Int { number.load(ordering: .sequentiallyConsistent) }

  /// Returns the previous value.
  @discardableResult
  func add(_ difference: Int) -> Int { number.add(difference, ordering: .sequentiallyConsistent).oldValue }
}
