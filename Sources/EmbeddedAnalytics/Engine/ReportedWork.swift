import Engines
import Workers

/// Lines for the client about work that takes long: its round, the part that is done, and how fast it is.
struct ReportedWork: Sendable {
  /// What is done, such as "Running pagerank".
  let name: String
  let progress: WorkProgress
  let log: any ProgressLog
  /// The time until the first line; the time between lines doubles, up to `longestInterval`.
  let firstInterval: Duration

  private static let longestInterval = Duration.seconds(30)

  /// Reports until the task is cancelled.
  func report() async {
    let start = ContinuousClock.now
    var interval = firstInterval
    while (try? await Task.sleep(for: interval)) != nil {
      line(progress.moment, after: start.duration(to: .now))
      interval = min(interval * 2, max(Self.longestInterval, firstInterval))
    }
  }

  /// Appends the line for a moment.
  func line(_ moment: WorkProgress.Moment, after elapsed: Duration) {
    let seconds = max(elapsed / .seconds(1), 0.001)
    let percentOfLoop = Int(moment.loopFraction * 100)
    guard moment.round > 0 else {
      let pass = moment.loops == 0 ? "" : "pass \(moment.loops), \(percentOfLoop)% of it, "
      return log.info("\(name): \(pass)\(Self.text(seconds)) s")
    }
    let rate = "\(Self.text(Double(moment.round) / seconds)) rounds/s, \(Self.text(seconds)) s"
    guard moment.rounds > 0 else { return log.info("\(name): round \(moment.round), \(rate)") }
    log.progress(
      of: name, percent: min(99, (moment.round - 1) * 100 / moment.rounds),
      note: ", round \(moment.round) of at most \(moment.rounds), \(rate)")
  }

  /// Formats a positive number with one decimal.
  private static func text(_ value: Double) -> String {
    let tenths = Int(min(value, 1e15) * 10 + 0.5)
    return "\(tenths / 10).\(tenths % 10)"
  }
}

extension EmbeddedAnalyticalEngine {
  /// Runs a job of the pool, and reports its progress if it takes long.
  func run<R: Sendable>(
    _ name: String, _ log: any ProgressLog, _ job: @escaping @Sendable (Workers) throws -> R
  ) async throws -> R {
    let progress = WorkProgress()
    let work = ReportedWork(name: name, progress: progress, log: log, firstInterval: firstReport)
    let reports = Task { await work.report() }
    defer { reports.cancel() }
    return try await pool.run(storage: storage, threads: threads, progress: progress, job)
  }
}
