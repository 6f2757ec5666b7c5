import Testing

@testable import GraphScopeEngines

@Suite("The last lines of an engine's process")
struct LastWordsTests {
  @Test("The innermost functions of a stack trace are kept, and the lines before it")
  func trace() {
    let text = LastWords.text([
      "I20260801 15:35:52.955621 27545 grape_instance.cc:281] Projecting graph",
      "F20260801 15:35:52 a.cc:1] Check failed: x",
      "*** Aborted at 1795880152 (unix time) try \"date -d @1795880152\" if you are using GNU date ***",
      "PC: @                0x0 (unknown)", "*** SIGSEGV (@0x28) received by PID 27542; stack trace: ***",
      "    @     0x7effbf45a050 (unknown)", "    @     0x7effa5ac33b0 vineyard::ObjectMeta::AddMember()",
      "    @     0x7effba7dfe39 gs::ArrowProjectedFragment<>::Project()", "    @     0x7effba792e9d Project",
      "    @           0x4f03b8 gs::Dispatcher::processCmd()", "    @     0x7effbf5278ec (unknown)",
    ])
    #expect(
      text
        == "F20260801 15:35:52 a.cc:1] Check failed: x | *** SIGSEGV (@0x28) received by PID 27542; stack trace: *** | "
        + "vineyard::ObjectMeta::AddMember() | gs::ArrowProjectedFragment<>::Project() | Project")
  }

  @Test("Without a stack trace, the last five lines that are not routine are kept")
  func lines() {
    let usual = ["", "I2026 fine", "2026-08-01 [main] INFO started", "-------", "Primary job  terminated normally"]
    #expect(LastWords.text(usual) == "")
    #expect(
      LastWords.text(usual + (1...7).map { "line @ \($0)" } + usual)
        == "line @ 3 | line @ 4 | line @ 5 | line @ 6 | line @ 7")
  }
}
