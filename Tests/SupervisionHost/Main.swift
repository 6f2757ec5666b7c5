import Foundation
import StateStore
import Supervision

/// Keeps children under a supervisor with a journal in a file, for tests that kill it. It adopts what an earlier one
/// left, starts the rest of the children in `children.json`, says so line by line, and ends them when its standard
/// input says `stop`, or leaves those that outlive it when it says `leave`.
///
/// `supervision-host DIRECTORY` for that; `supervision-host spawn N` to start and end N children and print what is left.
@main
struct SupervisionHost {
  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count > 1 else { return say("usage: supervision-host DIRECTORY | spawn N") }
    if arguments[1] == "spawn" { return try await SpawnMeasurement.run(count: Int(arguments[2]) ?? 200) }
    do { try await keep(directory: arguments[1]) } catch {
      say("failed: \(error)")
      exit(1)
    }
  }

  private static func keep(directory: String) async throws {
    let journal = try FileJournal(path: directory + "/journal.json")
    let wanted = try JSONDecoder().decode(
      [Wanted].self, from: Data(contentsOf: URL(fileURLWithPath: directory + "/children.json")))
    let supervisor = Supervisor(configuration: .init(directory: directory), journal: journal) { child, line, isError in
      say("line \(child) \(isError ? "error" : "output") \(line)")
    }
    let recovery = await supervisor.recover(await journal.all) { record in
      wanted.first { $0.name == record.name }?.specification
    }
    for child in recovery.adopted { say("adopted \(child.name) \(child.status.process ?? 0)") }
    for child in recovery.ended { say("ended \(child.name) \(child.status.lastExit?.cause.description ?? "")") }
    for child in wanted where !recovery.adopted.contains(where: { $0.name == child.name }) {
      let record = try await supervisor.start(child.specification)
      say("started \(child.name) \(record.status.process ?? 0)")
    }
    for child in wanted { try await supervisor.waitUntilReady(child.name) }
    say("ready")
    let leaves = readLine() == "leave"
    await supervisor.stopAll(leavingOutliving: leaves)
    say("over")
  }
}

/// A child of the file `children.json`.
struct Wanted: Decodable {
  var name: String
  var executable: String
  var arguments: [String]
  var lifetime: ChildLifetime

  var specification: ChildSpecification {
    ChildSpecification(
      name: name, executable: executable, arguments: arguments, lifetime: lifetime,
      readiness: .line(prefix: "up"),
      policy: .init(restart: .never, readinessDeadline: .seconds(60), termGrace: .seconds(20)))
  }
}

/// Records in a file that is replaced as a whole. The variable `SUPERVISION_FAILPOINT` says where the process kills
/// itself: `before` or `after` a phase is written, for example `before-starting`.
actor FileJournal: ChildJournal {
  private let path: String
  private var records: [String: ChildRecord] = [:]
  private let failpoint = ProcessInfo.processInfo.environment["SUPERVISION_FAILPOINT"]

  init(path: String) throws {
    self.path = path
    guard let data = FileManager.default.contents(atPath: path) else { return }
    records = try JSONDecoder().decode([String: ChildRecord].self, from: data)
  }

  var all: [ChildRecord] { Array(records.values) }

  func record(_ child: ChildRecord) async throws {
    if failpoint == "before-\(child.status.phase)" { kill(getpid(), SIGKILL) }
    records[child.name] = child
    try JSONEncoder().encode(records).write(to: URL(fileURLWithPath: path), options: .atomic)
    if failpoint == "after-\(child.status.phase)" { kill(getpid(), SIGKILL) }
  }

  func erase(_ name: String) async throws {
    records[name] = nil
    try JSONEncoder().encode(records).write(to: URL(fileURLWithPath: path), options: .atomic)
  }
}

/// Writes a line at once, also to a pipe.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

/// How long starting children takes, and what is left of them.
enum SpawnMeasurement {
  private struct NoJournal: ChildJournal {
    func record(_ child: ChildRecord) async throws {}
    func erase(_ name: String) async throws {}
  }

  static func run(count: Int) async throws {
    let supervisor = Supervisor(configuration: .init(), journal: NoJournal()) { _, _, _ in }
    // What is made once is made before the first look.
    try await start("first", supervisor)
    await supervisor.stop("first")
    await supervisor.forget("first")
    let before = descriptors()
    var times: [Duration] = []
    for number in 0..<count {
      let begin = ContinuousClock.now
      try await start("child \(number)", supervisor)
      times.append(ContinuousClock.now - begin)
    }
    let processes = await supervisor.children().compactMap(\.status.process)
    let begin = ContinuousClock.now
    await supervisor.stopAll()
    let stopping = ContinuousClock.now - begin
    times.sort()
    let after = descriptors()
    print("p50 \(times[count / 2]) p99 \(times[count * 99 / 100]) max \(times[count - 1]) stopAll \(stopping)")
    print("descriptors \(before) \(after)")
    print("processes \(processes.filter { kill($0, 0) == 0 }.count)")
    print("zombies \(zombies())")
  }

  private static func start(_ name: String, _ supervisor: Supervisor) async throws {
    try await supervisor.start(.init(name: name, executable: "/bin/sleep", arguments: ["1000"]))
  }

  private static func descriptors() -> Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? -1
  }

  /// Children of this process in state Z.
  private static func zombies() -> Int {
    let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return numbers.filter { number in
      guard let stat = try? String(contentsOfFile: "/proc/\(number)/stat", encoding: .utf8) else { return false }
      let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
      return fields.count > 1 && fields[0] == "Z" && fields[1] == "\(getpid())"
    }.count
  }
}
