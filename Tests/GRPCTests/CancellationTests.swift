import GRPC
import NIOCore
import Synchronization
import Testing
import Turns

/// The end of a call reaches all its participants.
@Suite(.takesTurns)
struct CancellationTests {
  /// Adds a method that reports its start, waits for cancellation, and reports that.
  private static func waiting(_ service: inout GRPCService, started: Signal, stopped: Signal) {
    service.unary("Wait", decode: .bytes, encode: .bytes) { request, context in
      let told = Signal()
      context.onCancel { told.fire() }
      started.fire()
      do {
        try await Task.sleep(for: .seconds(3600))
      } catch is CancellationError {
        await told.wait()
        #expect(context.isCancelled)
        stopped.fire()
      }
      return request
    }
  }

  @Test("No handler runs for a call whose deadline has passed", arguments: ["0n", "0S", "1n"])
  func expired(timeout: String) async throws {
    let ran = Signal()
    try await Pair.run { service in
      service.synchronousUnary("Now", decode: .bytes, encode: .bytes) { request, _ in
        ran.fire()
        return request
      }
      service.unary("Soon", decode: .bytes, encode: .bytes) { request, _ in
        ran.fire()
        return request
      }
      service.bidirectional("Chat", decode: .bytes, encode: .bytes) { _, _, _ in ran.fire() }
    } _: { pair async throws in
      for method in ["Now", "Soon", "Chat"] {
        let call = try await RawCall.open(pair.address, path: "/t.S/\(method)", extra: ["grpc-timeout": timeout])
        await call.send(ByteBuffer(bytes: [0, 0, 0, 0, 0]), end: true)
        #expect(await call.outcome().fields.contains("grpc-status: 4"))
        await call.close()
      }
      #expect(!ran.hasFired)
    }
  }

  @Test func aDeadlineStopsTheHandler() async throws {
    let (started, stopped) = (Signal(), Signal())
    try await Pair.run {
      Self.waiting(&$0, started: started, stopped: stopped)
    } _: { pair async throws in
      // On a busy machine the deadline may pass before the handler has begun; then it is extended.
      var timeout = Duration.milliseconds(50)
      while !started.hasFired {
        let status = try await pair.status("Wait", ByteBuffer(), CallOptions(timeout: timeout))
        #expect(status.code == .deadlineExceeded)
        timeout *= 2
      }
      await stopped.wait()
    }
  }

  @Test func aCancelledCallerStopsTheHandler() async throws {
    let (started, stopped) = (Signal(), Signal())
    try await Pair.run {
      Self.waiting(&$0, started: started, stopped: stopped)
    } _: { pair async throws in
      let call = Task { try await pair.status("Wait") }
      await started.wait()
      call.cancel()
      #expect(try await call.value.code == .cancelled)
      await stopped.wait()
    }
  }

  @Test func aLostConnectionStopsTheHandler() async throws {
    let (started, stopped) = (Signal(), Signal())
    try await Pair.run {
      Self.waiting(&$0, started: started, stopped: stopped)
    } _: { pair async throws in
      let call = Task { try await pair.status("Wait") }
      await started.wait()
      await pair.client.close()
      #expect(try await call.value.code == .unavailable)
      await stopped.wait()
    }
  }

  @Test func aDroppedResponseStreamStopsTheHandler() async throws {
    let stopped = Signal()
    try await Pair.run {
      $0.serverStreaming("Endless", decode: .bytes, encode: .bytes) { _, writer, context in
        context.onCancel { stopped.fire() }
        while true { try await writer.write(ByteBuffer(repeating: 1, count: 10_000)) }
      }
    } _: { pair async throws in
      do {
        let responses = try await pair.client.serverStreaming(
          "/t.S/Endless", ByteBuffer(), encode: .bytes, decode: .bytes)
        for try await _ in responses { break }
      }
      await stopped.wait()
    }
  }

  @Test func shutdownEndsCallsAfterItsGrace() async throws {
    let (started, stopped) = (Signal(), Signal())
    try await Pair.run {
      Self.waiting(&$0, started: started, stopped: stopped)
    } _: { pair async throws in
      let call = Task { try await pair.status("Wait") }
      await started.wait()
      await pair.server.shutdown(grace: .milliseconds(50))
      #expect(try await call.value.code == .unavailable)
      await stopped.wait()
      #expect(pair.server.connectionCount == 0)
    }
  }

  @Test func shutdownLetsCallsFinish() async throws {
    let (started, go) = (Signal(), Signal())
    try await Pair.run {
      $0.unary("Slow", decode: .bytes, encode: .bytes) { request, _ in
        started.fire()
        await go.wait()
        return request
      }
    } _: { pair async throws in
      let call = Task { try await pair.unary("Slow", ByteBuffer(string: "done")) }
      await started.wait()
      let shutdown = Task { await pair.server.shutdown(grace: .seconds(60)) }
      // GOAWAY has arrived when no new call can be made.
      while try await pair.status("Missing").code == .unimplemented { await Task.yield() }
      go.fire()
      #expect(try await call.value == ByteBuffer(string: "done"))
      await shutdown.value
    }
  }

  /// A handler that ignores cancellation and returns after the call has ended leaks nothing.
  @Test func aStubbornHandlerLeaksNothing() async throws {
    final class Weak: Sendable {
      private let context = Mutex<WeakContext>(WeakContext())
      struct WeakContext { weak var value: ServerContext? }
      func set(_ value: ServerContext) { context.withLock { $0.value = value } }
      var isGone: Bool { context.withLock { $0.value == nil } }
    }
    let (started, cancelled, go) = (Signal(), Signal(), Signal())
    let seen = Weak()
    let late = Mutex<(any Error)?>(nil)
    try await Pair.run {
      $0.bidirectional("Stubborn", decode: .bytes, encode: .bytes) { requests, writer, context in
        seen.set(context)
        context.onCancel { cancelled.fire() }
        started.fire()
        await go.wait()
        var iterator = requests.makeAsyncIterator()
        do {
          _ = try await iterator.next()
          try await writer.write(ByteBuffer(string: "hello?"))
        } catch {
          late.withLock { $0 = error }
        }
      }
    } _: { pair async throws in
      let (_, responses) = try await pair.client.bidirectional("/t.S/Stubborn", encode: .bytes, decode: .bytes)
      await started.wait()
      responses.cancel()
      await cancelled.wait()
      go.fire()
      while !seen.isGone { await Task.yield() }
      #expect(late.withLock { $0 } is GRPCStatus)
    }
  }
}
