import Glibc
import Testing

/// A proxy between a client and etcd that breaks connections on request, with one thread per connection.
final class FaultyProxy: Sendable {
  private struct State: Sendable {
    var answersToDrop = 0
    var requestsToDrop = 0
    var dropped = 0
    var sockets: Set<Int32> = []
  }

  let port: UInt16
  private let listener: Int32
  private let state = Guarded(State())

  var endpoint: String { "http://127.0.0.1:\(port)" }

  init(to upstream: UInt16) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = Self.loopback(0)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(listener, address, size) == 0 && listen(listener, 64) == 0 && getsockname(listener, address, &size) == 0
      }
    }
    try #require(status)
    self.listener = listener
    port = UInt16(bigEndian: address.sin_port)
    let state = state
    Self.startThread {
      while case let client = accept(listener, nil, nil), client >= 0 {
        Self.startThread { Self.serve(client, upstream, state) }
      }
    }
  }

  deinit {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
    cutAll()
  }

  /// Drops the next responses of etcd: the connection breaks instead.
  func dropAnswers(_ count: Int) { state.update { $0.answersToDrop = count } }

  /// Drops the next requests to etcd.
  func dropRequests(_ count: Int) { state.update { $0.requestsToDrop = count } }

  /// The number of dropped requests and responses.
  var dropped: Int { state.value.dropped }

  /// Breaks all connections.
  func cutAll() { for socket in state.value.sockets { shutdown(socket, Int32(SHUT_RDWR)) } }

  private static func serve(_ client: Int32, _ upstream: UInt16, _ state: Guarded<State>) {
    let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = loopback(upstream)
    let isConnected = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    state.update { $0.sockets.formUnion([client, server]) }
    var buffer = [UInt8](repeating: 0, count: 65536)
    var polls = [
      pollfd(fd: client, events: Int16(POLLIN), revents: 0), pollfd(fd: server, events: Int16(POLLIN), revents: 0),
    ]
    loop: while isConnected, poll(&polls, 2, -1) > 0 {
      for (index, other) in [(0, server), (1, client)] where polls[index].revents != 0 {
        let count = read(polls[index].fd, &buffer, buffer.count)
        guard count > 0, !drops(isAnswer: index == 1, state) else { break loop }
        guard write(other, buffer, count) == count else { break loop }
      }
    }
    // Remove them before closing: the descriptors may be reused.
    state.update { $0.sockets.subtract([client, server]) }
    close(client)
    close(server)
  }

  private static func drops(isAnswer: Bool, _ state: Guarded<State>) -> Bool {
    var drops = false
    state.update { state in
      if isAnswer, state.answersToDrop > 0 {
        state.answersToDrop -= 1
        drops = true
      } else if !isAnswer, state.requestsToDrop > 0 {
        state.requestsToDrop -= 1
        drops = true
      }
      if drops { state.dropped += 1 }
    }
    return drops
  }

  private static func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
  }

  private static func startThread(_ body: @escaping @Sendable () -> Void) {
    final class Box: Sendable {
      let body: @Sendable () -> Void
      init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let main: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
      Unmanaged<Box>.fromOpaque(context!).takeRetainedValue().body()
      return nil
    }
    guard pthread_create(&thread, nil, main, Unmanaged.passRetained(Box(body)).toOpaque()) == 0 else { return }
    pthread_detach(thread)
  }
}
