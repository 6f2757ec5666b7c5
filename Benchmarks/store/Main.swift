import Glibc
import StateStore

/// Times the transitions of a journal: transactions like the one with which a step begins.
///
/// Usage: `StoreBenchmark KIND TARGET COMMITS COMMITTERS`: KIND is `sqlite-normal`, `sqlite-full` or `append`, with an existing
/// directory as target, or `etcd`, with an endpoint. COMMITTERS tasks commit at the same time, COMMITS transactions in all.
/// Prints a line of JSON: the median, the 99th and the 99.9th percentile of the duration of a commit, and the elapsed time and
/// this process's processor time per commit; all in microseconds.
///
/// `append` is the minimum that a journal must do: it appends as many bytes to a file, and flushes it to disk once for every
/// COMMITTERS transactions.
@main
struct StoreBenchmark {
  /// The number of commits that are not measured.
  private static let warmup = 200

  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 5, let commits = Int(arguments[3]), let committers = Int(arguments[4]),
      commits > 0, committers > 0
    else {
      let usage = "usage: StoreBenchmark sqlite-normal|sqlite-full|append|etcd TARGET COMMITS COMMITTERS\n"
      _ = write(2, usage, usage.utf8.count)
      exit(2)
    }
    let (kind, target) = (arguments[1], arguments[2])
    if kind == "append" {
      print(try Appending(directory: target).measure(commits, together: committers))
      return
    }
    let store: any StateStore
    switch kind {
    case "etcd": store = try await EtcdStateStore.open(EtcdConfiguration(endpoints: [target]))
    case "sqlite-normal", "sqlite-full":
      var options = SQLiteStateStore.Options()
      options.synchronous = kind == "sqlite-full" ? .full : .normal
      store = try SQLiteStateStore(directory: target, options: options)
    default: preconditionFailure("there is no store '\(kind)'")
    }
    _ = try await commit(warmup, by: 1, to: store)
    print(try await commit(commits, by: committers, to: store))
    await store.close()
  }

  private static func commit(_ commits: Int, by committers: Int, to store: any StateStore) async throws -> Times {
    let (start, processor) = (microseconds(CLOCK_MONOTONIC), microseconds(CLOCK_PROCESS_CPUTIME_ID))
    let each = try await withThrowingTaskGroup(of: [Double].self) { group in
      for _ in 0..<committers {
        group.addTask { try await commit(commits / committers, to: store) }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    let elapsed = microseconds(CLOCK_MONOTONIC) - start
    return Times(each, elapsed: elapsed, processor: microseconds(CLOCK_PROCESS_CPUTIME_ID) - processor)
  }

  /// Commits the steps of one session, one after the other.
  private static func commit(_ commits: Int, to store: any StateStore) async throws -> [Double] {
    let session = randomStateID()
    var times: [Double] = []
    times.reserveCapacity(commits)
    for number in 0..<commits {
      let transaction = Step(session: session, number: number).transaction
      let start = microseconds(CLOCK_MONOTONIC)
      _ = try await store.commit(transaction)
      times.append(microseconds(CLOCK_MONOTONIC) - start)
    }
    return times
  }
}

/// The beginning of a step: puts a document and deletes the one of a hundred steps before.
struct Step {
  let session: String
  let number: Int

  var transaction: StateTransaction {
    var changes = [StateChange.put(key(number), Array(value.utf8))]
    if number >= 100 { changes.append(.delete(key(number - 100))) }
    return StateTransaction(author: "anonymous", summary: "run a step", changes: changes)
  }

  private func key(_ number: Int) -> String { "steps/session_\(session)/\(1_000_000_000 + number)" }

  /// A value as long as the document of a step with one operation.
  private var value: String {
    let operation = #"{"key":"0123456789abcdef0123456789abcdef","kind":"BIND_APP","parents":["0","1"]}"#
    let name = "session_\(session)/\(1_000_000_000 + number)"
    return #"{"conditions":[],"created":1764000000000,"kind":"step","name":"\#(name)","owner":"anonymous","#
      + #""spec":{"operations":[\#(operation)]},"status":{"phase":"running"},"version":1}"#
  }
}

/// Returns the time of a clock in microseconds.
func microseconds(_ clock: clockid_t) -> Double {
  var now = timespec()
  clock_gettime(clock, &now)
  return Double(now.tv_sec) * 1e6 + Double(now.tv_nsec) / 1e3
}
