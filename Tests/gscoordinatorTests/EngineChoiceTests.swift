import Engines
import Logging
import ServerConfiguration
import Testing

@testable import gscoordinator

@Suite("Choice of a session's engines")
struct EngineChoiceTests {
  private func factory(_ policy: EngineChoice, isInstalled: Bool = true) -> ChoosingFactory {
    ChoosingFactory(
      policy: policy, embedded: NoEngines(), native: isInstalled ? NoEngines() : nil, nativeProblem: nil,
      memoryBytes: 8 << 30, logger: Logger(label: "test"))
  }

  private func size(_ workers: Int, _ memoryBytes: Int64 = 0) -> EngineSize {
    EngineSize(hosts: Array(repeating: "localhost", count: workers), memoryBytes: memoryBytes)
  }

  @Test("auto chooses GraphScope's engines for several workers, and for more memory than this process may use")
  func auto() {
    let auto = factory(.auto)
    #expect(!auto.choice(size(1)).isNative)
    #expect(!auto.choice(size(1, 8 << 30)).isNative)
    #expect(auto.choice(size(2)) == (true, "2 workers are requested"))
    #expect(
      auto.choice(size(1, 9 << 30))
        == (true, "9216 MiB of memory are requested, and this process may use 8192 MiB"))
  }

  @Test("auto reports that they are not installed")
  func missing() {
    let (isNative, reason) = factory(.auto, isInstalled: false).choice(size(2))
    #expect(!isNative)
    #expect(reason == "2 workers are requested, but GraphScope's engines are not installed")
  }

  @Test("A configured engine is used for every request")
  func fixed() {
    #expect(factory(.graphscope).choice(size(1)).isNative)
    #expect(!factory(.embedded).choice(size(3, 9 << 30)).isNative)
  }
}

/// A factory that creates nothing.
private struct NoEngines: EngineFactory {
  func makeEngines(_ request: EngineRequest) async throws -> SessionEngines { throw CancellationError() }
}
