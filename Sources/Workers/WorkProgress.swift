import Synchronization

/// How far a running job is. Its loops record themselves; work in rounds also states their number.
///
/// Any thread may read it at any time: the numbers are not of exactly the same moment.
public final class WorkProgress: Sendable {
  private let depth = Atomic<Int>(0)
  private let loops = Atomic<Int>(0)
  private let chunks = Atomic<Int>(0)
  private let doneChunks = Atomic<Int>(0)
  private let round = Atomic<Int>(0)
  private let rounds = Atomic<Int>(0)

  /// Creates the progress of a job that has not begun.
  public init() {}

  /// A moment of a job.
  public struct Moment: Sendable, Equatable {
    /// The number of parallel loops that have begun, without those inside of others.
    public var loops: Int
    /// The part of the running loop, or of the last one, that is done: from 0 to 1.
    public var loopFraction: Double
    /// The running round, from 1; 0 if the work has none.
    public var round: Int
    /// The greatest number of rounds; 0 if it is not known.
    public var rounds: Int

    /// Creates a moment.
    public init(loops: Int, loopFraction: Double, round: Int, rounds: Int) {
      (self.loops, self.loopFraction, self.round, self.rounds) = (loops, loopFraction, round, rounds)
    }
  }

  /// The present moment.
  public var moment: Moment {
    let total = chunks.load(ordering: .relaxed)
    let done = min(total, doneChunks.load(ordering: .relaxed))
    return Moment(
      loops: loops.load(ordering: .relaxed), loopFraction: total == 0 ? 0 : Double(done) / Double(total),
      round: round.load(ordering: .relaxed), rounds: rounds.load(ordering: .relaxed))
  }

  /// Records that a round begins. Called on the driving thread, between loops.
  /// - Parameters:
  ///   - number: The round, from 1.
  ///   - total: The greatest number of rounds; nil if it is not known.
  public func begin(round number: Int, of total: Int? = nil) {
    round.store(number, ordering: .relaxed)
    rounds.store(total ?? 0, ordering: .relaxed)
  }

  /// Records the beginning of a loop.
  /// - Returns: Whether its chunks count, because it is not inside another loop.
  func beginLoop(of count: Int) -> Bool {
    guard depth.add(1, ordering: .relaxed).oldValue == 0 else { return false }
    loops.add(1, ordering: .relaxed)
    doneChunks.store(0, ordering: .relaxed)
    chunks.store(count, ordering: .relaxed)
    return true
  }

  /// Records that a chunk of an outermost loop is done.
  func endChunk() { doneChunks.add(1, ordering: .relaxed) }

  /// Records the end of a loop, outermost or not.
  func endLoop() { depth.subtract(1, ordering: .relaxed) }
}
