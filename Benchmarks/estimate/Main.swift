import ClientOperations
import EmbeddedAnalytics
import Engines
import FoundationEssentials
import GeneratedTables
import Glibc
import GraphStore
import Synchronization
import Workers

/// Compares the estimate of a load with its actual size for tables of many shapes, and measures the cost of the accounting.
///
/// Usage: `EstimateBenchmark [edges] [edges of the last part] [repetitions]`. Prints two Markdown tables. Sizes are in MiB; times
/// are processor times in milliseconds unless stated otherwise.
@main
struct EstimateBenchmark {
  static func main() async throws {
    let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
    let edges = arguments.first ?? 1_000_000
    let manyEdges = arguments.dropFirst().first ?? 10_000_000
    let repetitions = arguments.dropFirst(2).first ?? 5
    let directory = "/tmp/estimate-benchmark-\(getpid())"
    mkdir(directory, 0o700)
    defer { remove(directory) }

    print(
      "| tables of \(edges) edges | stays | estimated | error | peak | estimated | error | process grew "
        + "| estimate took | load took |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for shape in GeneratedTables.all {
      let tables = directory + "/tables"
      mkdir(tables, 0o700)
      let sources = try shape.write(in: tables, edges: edges)
      let trial = try await Trial(shape.options, sources, directory)
      print(
        "| \(shape.name) | \(trial.resident.mebibytes) | \(trial.estimate.residentBytes.mebibytes) "
          + "| \(percent(trial.estimate.residentBytes, trial.resident)) | \(trial.peak.mebibytes) "
          + "| \(trial.estimate.peakBytes.mebibytes) | \(percent(trial.estimate.peakBytes, trial.peak)) "
          + "| \(trial.growth.mebibytes) | \(tenths(trial.estimateTime)) | \(tenths(trial.loadTime)) |")
      remove(tables)
      fflush(nil)
    }

    let tables = directory + "/tables"
    mkdir(tables, 0o700)
    let shape = GeneratedTables.all[1]
    let sources = try shape.write(in: tables, edges: manyEdges)
    print("\n| a load of \(manyEdges) edges | wall | processor |")
    print("|---|---|---|")
    var times: [Bool: [(wall: Double, processor: Double)]] = [:]
    for repetition in 0..<repetitions {
      for isCounted in repetition % 2 == 0 ? [false, true] : [true, false] {
        let storage: any StorageAccount = isCounted ? Recording() : UnboundedStorage()
        let (wall, processor) = (milliseconds(CLOCK_MONOTONIC), milliseconds(CLOCK_PROCESS_CPUTIME_ID))
        try await load(shape.options, sources, directory, storage)
        times[isCounted, default: []].append(
          (milliseconds(CLOCK_MONOTONIC) - wall, milliseconds(CLOCK_PROCESS_CPUTIME_ID) - processor))
      }
    }
    for (isCounted, name) in [(false, "no account"), (true, "an account that counts")] {
      print("| \(name) | \(spread(times[isCounted]!.map(\.wall))) | \(spread(times[isCounted]!.map(\.processor))) |")
    }
  }

  /// Returns the median, the smallest and the largest value.
  private static func spread(_ values: [Double]) -> String {
    let sorted = values.sorted()
    return "\(tenths(sorted[sorted.count / 2])) (\(tenths(sorted[0]))–\(tenths(sorted.last!)))"
  }

  private static func percent(_ estimate: Int, _ actual: Int) -> String {
    let error = tenths(100 * (Double(estimate) / Double(actual) - 1))
    return "\(error > 0 ? "+" : "")\(error) %"
  }
}

/// A load of tables, estimated beforehand and measured.
struct Trial {
  var estimate = LoadEstimate(residentBytes: 0, peakBytes: 0, diskBytes: 0, basis: "")
  var estimateTime = Double.infinity
  var loadTime = 0.0
  var resident = 0
  var peak = 0
  /// The maximum growth of the process's memory, including mapped files.
  var growth = 0

  init(_ options: GraphOptions, _ sources: [TableSource], _ directory: String) async throws {
    let account = Recording()
    var (estimate, estimateTime) = (LoadEstimate?.none, Double.infinity)
    let engine = try await makeEngine(directory, account)
    let operation = Engines.Operation.createGraph(options, GraphLayout())
    for _ in 0..<3 {
      let start = milliseconds(CLOCK_PROCESS_CPUTIME_ID)
      estimate = try await engine.estimate(operation, on: [.tables(sources)])
      estimateTime = min(estimateTime, milliseconds(CLOCK_PROCESS_CPUTIME_ID) - start)
    }
    (self.estimate, self.estimateTime) = (estimate!, estimateTime)
    resetPeakMemory()
    let before = memory("VmRSS")
    let start = milliseconds(CLOCK_PROCESS_CPUTIME_ID)
    _ = try await engine.perform(operation, on: [.tables(sources)], log: Silence())
    loadTime = milliseconds(CLOCK_PROCESS_CPUTIME_ID) - start
    growth = memory("VmHWM") - before
    (resident, peak) = account.levels
    await engine.close()
    guard account.levels.now == 0 else { throw Leak() }
  }

  /// Bytes that were taken and not returned.
  struct Leak: Error {}
}

private func makeEngine(_ directory: String, _ storage: any StorageAccount) async throws -> any AnalyticalEngine {
  let workspace = directory + "/session"
  mkdir(workspace, 0o700)
  return try await EmbeddedAnalyticsProvider(pool: pool).makeEngine(workspace: workspace, storage: storage)
}

private let pool = WorkerPool(threads: 2)

private func load(
  _ options: GraphOptions, _ sources: [TableSource], _ directory: String, _ storage: any StorageAccount
) async throws {
  let engine = try await makeEngine(directory, storage)
  _ = try await engine.perform(.createGraph(options, GraphLayout()), on: [.tables(sources)], log: Silence())
  await engine.close()
}

private struct Silence: ProgressLog {
  func info(_ line: String) {}
}

/// An account that records the bytes taken.
final class Recording: StorageAccount {
  private let state = Mutex((now: 0, peak: 0))

  var levels: (now: Int, peak: Int) { state.withLock { $0 } }

  func take(_ bytes: Int, as kind: StorageKind) { takeUnconditionally(bytes, as: kind) }

  func takeUnconditionally(_ bytes: Int, as kind: StorageKind) {
    state.withLock {
      $0.now += bytes
      $0.peak = max($0.peak, $0.now)
    }
  }

  func giveBack(_ bytes: Int, as kind: StorageKind) { state.withLock { $0.now -= bytes } }
}

private func remove(_ directory: String) {
  try? FileManager.default.removeItem(atPath: directory)
}

private func resetPeakMemory() {
  guard let file = fopen("/proc/self/clear_refs", "w") else { return }
  fputs("5", file)
  fclose(file)
}

/// Returns a line of /proc/self/status in bytes.
private func memory(_ name: String) -> Int {
  guard let file = fopen("/proc/self/status", "r") else { return 0 }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 256)
  while fgets(&line, 256, file) != nil {
    let words = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self).split {
      $0 == ":" || $0.isWhitespace
    }
    if words.count > 1, words[0] == name { return (Int(words[1]) ?? 0) << 10 }
  }
  return 0
}

private func milliseconds(_ clock: clockid_t) -> Double {
  var time = timespec()
  clock_gettime(clock, &time)
  return Double(time.tv_sec) * 1000 + Double(time.tv_nsec) / 1e6
}

private func tenths(_ value: Double) -> Double { (value * 10).rounded() / 10 }

extension Int {
  fileprivate var mebibytes: Double { tenths(Double(self) / Double(1 << 20)) }
}
