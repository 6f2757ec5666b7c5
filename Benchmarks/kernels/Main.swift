import EmbeddedAnalytics
import Engines
import Glibc
import Workers

/// Times every kernel on a generated graph, on one thread and on two, and measures how long it takes to stop when it is cancelled
/// midway.
///
/// Usage: `KernelBenchmark [scale] [edges] [repetitions]`: 2^scale vertices. Prints the shortest wall-clock time, the processor
/// time of that run, and the longest time to stop, in milliseconds.
@main
struct KernelBenchmark {
  static func main() async throws {
    let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
    let scale = arguments.first ?? 17
    let edgeCount = arguments.dropFirst().first ?? 1_000_000
    let repetitions = arguments.dropFirst(2).first ?? 5
    let path = "/tmp/kernel-benchmark-\(getpid())"
    defer { unlink(path) }
    let graph = try GeneratedGraph(scale: scale, edgeCount: edgeCount, seed: 42, weightsPath: path)
    let simple = graph.simple()
    print("\(1 << scale) vertices, \(edgeCount) undirected edges; the busiest vertex is \(graph.busiest)")
    print("algorithm\tthreads\twall ms\tprocessor ms\tstop ms")
    let source = QueryValue.integer(Int64(graph.busiest))
    let runs: [(String, [QueryValue])] = [
      ("pagerank", []), ("bfs", [source]), ("sssp", [source]), ("wcc", []), ("cdlp", []), ("lcc", []),
    ]
    for (name, values) in runs {
      let algorithm = try Algorithms.builtIn.named(name)
      for threads in [1, 2] {
        let pool = WorkerPool(threads: threads)
        var best = (wall: Double.infinity, processor: Double.infinity)
        for _ in 0..<repetitions {
          let (wall, processor) = (milliseconds(CLOCK_MONOTONIC), milliseconds(CLOCK_PROCESS_CPUTIME_ID))
          _ = try await pool.run { try algorithm.run(on: simple, values, workers: $0) }
          let elapsed = milliseconds(CLOCK_MONOTONIC) - wall
          if elapsed < best.wall { best = (elapsed, milliseconds(CLOCK_PROCESS_CPUTIME_ID) - processor) }
        }
        var stop = 0.0
        for part in 1...5 {
          let job = Task { try await pool.run { try algorithm.run(on: simple, values, workers: $0) } }
          try await Task.sleep(for: .milliseconds(best.wall * Double(part) / 6))
          let start = milliseconds(CLOCK_MONOTONIC)
          job.cancel()
          _ = await job.result
          stop = max(stop, milliseconds(CLOCK_MONOTONIC) - start)
        }
        print("\(name)\t\(threads)\t\(tenths(best.wall))\t\(tenths(best.processor))\t\(tenths(stop))")
      }
    }
  }

  private static func milliseconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) * 1000 + Double(time.tv_nsec) / 1e6
  }

  private static func tenths(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}
