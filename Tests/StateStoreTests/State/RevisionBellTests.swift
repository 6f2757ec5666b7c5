import Testing
import Turns

@testable import StateStore

@Suite("Waking the followers of a store", .takesTurns)
struct RevisionBellTests {
  @Test("a waiter for a prefix sleeps through other keys, and gets the revision up to which nothing happened")
  func prefixes() async {
    let bell = RevisionBell(head: 5)
    let quiet = Task { await bell.wait(prefix: bytes("quiet/"), after: 5) }
    while bell.waiterCount == 0 { await Task.yield() }
    bell.ring([(6, ["busy"]), (7, ["quiet"])])
    #expect(bell.waiterCount == 1)
    bell.ring([(8, ["busy"]), (9, ["busy", "quiet/1"]), (10, ["quiet/1"])])
    #expect(await quiet.value == 8)
    #expect(await bell.wait(prefix: bytes("quiet/"), after: 8) == 8)
  }

  @Test("a waiter for the future is not woken by the past")
  func future() async {
    let bell = RevisionBell(head: 5)
    let waiting = Task { await bell.wait(prefix: [], after: 7) }
    while bell.waiterCount == 0 { await Task.yield() }
    bell.ring([(6, ["a"]), (7, ["a"])])
    #expect(bell.waiterCount == 1)
    bell.ring([(8, ["a"])])
    #expect(await waiting.value == 7)
  }

  @Test("cancelling and closing end waits")
  func ends() async {
    let bell = RevisionBell(head: 5)
    let cancelled = Task { await bell.wait(prefix: [], after: 5) }
    let closed = Task { await bell.wait(prefix: [], after: 5) }
    while bell.waiterCount < 2 { await Task.yield() }
    cancelled.cancel()
    #expect(await cancelled.value == nil)
    #expect(bell.waiterCount == 1)
    bell.close()
    #expect(await closed.value == nil)
    #expect(await bell.wait(prefix: [], after: 0) == nil)
  }
}
