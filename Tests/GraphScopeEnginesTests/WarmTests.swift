import Engines
import FoundationEssentials
import Synchronization
import Testing
import Turns

@testable import GraphScopeEngines

@Suite("The number of engines started ahead")
struct WarmStockTests {
  @Test("Another set is started until there are enough, and again when one is taken")
  func refill() {
    var stock = WarmStock<String>(size: 2)
    #expect(stock.pause == .zero)
    let kept = [("a", 1), ("b", 2), ("c", 3)].map { stock.started($0.0, number: $0.1) }
    #expect(kept == [true, true, false], "two are enough")
    #expect(stock.pause == nil)
    let first = stock.take()
    #expect(first == "a", "the oldest goes first")
    #expect(stock.pause == .zero)
    let removed = stock.remove(1)
    #expect(removed == nil, "that one is a session's")
  }

  @Test("After repeated failures, sets are started less often, until one is used successfully")
  func pauses() {
    var stock = WarmStock<String>(size: 1)
    let pauses = (0..<9).map { _ in
      stock.failed()
      return stock.pause
    }
    let seconds: [Duration?] = [1, 2, 4, 8, 16, 32, 60, 60, 60].map { .seconds($0) }
    #expect(pauses == seconds)
    let isKept = stock.started("a", number: 1)
    let removed = stock.remove(1)
    #expect(isKept && removed == "a")
    #expect(stock.pause == .seconds(60), "it died unused: that is no success")
    stock.served()
    #expect(stock.pause == .zero)
  }

  @Test("After the end, no set is started or kept")
  func end() {
    var stock = WarmStock<String>(size: 2)
    let isKept = stock.started("a", number: 1)
    let left = stock.close()
    #expect(isKept && left == ["a"])
    #expect(stock.pause == nil && stock.count == 0)
    let isKeptLater = stock.started("b", number: 2)
    #expect(!isKeptLater)
  }

  @Test("No sets are started by default")
  func none() { #expect(WarmStock<String>(size: 0).pause == nil) }
}

@Suite("Engines started ahead", .takesTurns, .timeLimit(.minutes(1)))
struct WarmEngineTests {
  private let directory = FileManager.default.temporaryDirectory.path + "/gse-\(UInt32.random(in: 0...UInt32.max))"

  @Test("A session receives a waiting set, which is replaced, and the end leaves only the session's set")
  func handOut() async throws {
    let site = Site(directory)
    let pool = site.pool(size: 1)
    pool.begin()
    await site.waitForStarts(1)
    let mine = try await taken(from: pool)
    await site.waitForStarts(2)
    await pool.end()
    #expect(site.launcher("warm-1").running == ["vineyardd", "grape_engine"], "a session works with it")
    #expect(site.launcher("warm-2").running.isEmpty)
    #expect(!FileManager.default.fileExists(atPath: directory + "/warm-2"))
    #expect(await pool.take() == nil)
    await mine.stop()
    try FileManager.default.removeItem(atPath: directory)
  }

  @Test("A set that does not answer is replaced instead of handed out")
  func silent() async throws {
    let site = Site(directory)
    let pool = site.pool(size: 2) { $0.commands.directory.hasSuffix("/warm-1") == false }
    pool.begin()
    await site.waitForStarts(2)
    let set = try await taken(from: pool)
    #expect(set.commands.directory.hasSuffix("/warm-2"))
    #expect(site.launcher("warm-1").running.isEmpty)
    await site.waitForStarts(3)
    await set.stop()
    await pool.end()
    try FileManager.default.removeItem(atPath: directory)
  }

  @Test("A set that dies while it waits is ended and replaced", arguments: ["grape_engine", "vineyardd"])
  func death(_ victim: String) async throws {
    let site = Site(directory)
    let pool = site.pool(size: 1)
    pool.begin()
    await site.waitForStarts(1)
    site.launcher("warm-1").kill(victim, ChildEnd(isSuccess: false, cause: "was killed by signal 9 (SIGKILL)"))
    await site.waitForStarts(2)
    await site.launcher("warm-1").waitUntilNothingRuns()
    let set = try await taken(from: pool)
    #expect(set.commands.directory.hasSuffix("/warm-2"))
    await set.stop()
    await pool.end()
    try FileManager.default.removeItem(atPath: directory)
  }

  /// Returns a set from the pool, which it enters a moment after its start.
  private func taken(from pool: WarmEngines) async throws -> SessionProcesses {
    while true {
      if let set = await pool.take() { return set }
      await Task.yield()
    }
  }
}

/// Launches sets by name, and counts the started sets.
private final class Site: Sendable {
  private let directory: String
  private let launchers = Mutex<[String: FakeLauncher]>([:])
  private let starts = AsyncStream.makeStream(of: Int.self)

  init(_ directory: String) { self.directory = directory }

  func launcher(_ name: String) -> FakeLauncher {
    launchers.withLock { launchers in
      if let launcher = launchers[name] { return launcher }
      launchers[name] = FakeLauncher()
      return launchers[name]!
    }
  }

  func pool(size: Int, probe: @escaping WarmEngines.Probe = { _ in true }) -> WarmEngines {
    WarmEngines(
      size: size,
      start: { [self] name in
        var installation = Installation(home: "/gs", engine: "/gs/bin/grape_engine")
        installation.vineyardd = "/gs/bin/vineyardd"
        let commands = EngineCommands(
          installation: installation, directory: "\(directory)/\(name)", shared: "\(directory)/\(name)-shared",
          hosts: WorkerHosts(here: 1), path: "/usr/bin")
        let set = try await SessionProcesses.start(commands, launcher(name))
        starts.continuation.yield(Int(name.dropFirst("warm-".count)) ?? 0)
        return set
      }, probe: probe, report: { _, _ in })
  }

  /// Returns when the set with this number was started.
  func waitForStarts(_ number: Int) async {
    for await started in starts.stream where started >= number { return }
  }
}
