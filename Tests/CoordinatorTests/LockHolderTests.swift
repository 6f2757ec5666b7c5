import Foundation
import Testing
import Turns

@testable import Coordinator

@Suite("The holder of a workspace", .takesTurns)
struct LockHolderTests {
  private func start(_ process: Int32) throws -> String {
    let text = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
    return String(text[text.lastIndex(of: ")")!...].split(separator: " ")[20])
  }

  @Test("a process is distinguished from another with the same id, and a stopped one can be ended")
  func process() async throws {
    let child = Process()
    child.executableURL = URL(fileURLWithPath: "/bin/sleep")
    child.arguments = ["600"]
    try child.run()
    let number = child.processIdentifier
    let parts = LockHolder.current.text.split(separator: " ").map(String.init)
    let machine = parts[2...].joined(separator: " ")
    let holder = try #require(LockHolder("\(number) \(try start(number)) \(machine)"))
    #expect(holder.isAlive && !holder.isStopped)
    for other in ["\(number) 1 \(machine)", "\(number) \(try start(number)) another \(parts[3])"] {
      #expect(try #require(LockHolder(other)).isAlive == false)
      #expect(try #require(LockHolder(other)).end() == false)
    }
    kill(number, SIGSTOP)
    var status: Int32 = 0
    waitpid(number, &status, WUNTRACED)
    #expect(holder.isStopped)
    #expect(holder.end())
    child.waitUntilExit()
    #expect(!holder.isAlive && !holder.end())
  }

  @Test("malformed text is not a holder, and this process is not one to itself")
  func text() {
    for text in ["", "4711", "1 2 3 4", "-5 2 3 4", "a b c d"] { #expect(LockHolder(text) == nil) }
    #expect(!LockHolder.current.isAlive && !LockHolder.current.end())
    #expect(LockHolder(LockHolder.current.text) == LockHolder.current)
  }
}
