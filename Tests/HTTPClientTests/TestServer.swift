import Glibc
import Synchronization
import Testing

/// A small HTTP server on a port chosen by the kernel. Each connection has a thread and serves one request.
final class TestServer: Sendable {
  struct Request: Sendable {
    var line: String
    var headers: [String]
    var body: [UInt8]
  }

  let port: UInt16
  private let listener: Int32

  /// Listens on a port, or on a Unix socket if a path is given.
  init(
    unixSocket path: String? = nil, _ handler: @escaping @Sendable (Request, TestConnection) -> Void
  ) throws {
    let (listener, port) = try path.map { (try TestServer.listen(unixSocket: $0), 0) } ?? TestServer.listen()
    self.listener = listener
    self.port = port
    startThread {
      while true {
        let socket = accept(listener, nil, nil)
        guard socket >= 0 else { return }
        startThread {
          let connection = TestConnection(socket: socket)
          if let request = connection.readRequest() { handler(request, connection) }
          close(socket)
        }
      }
    }
  }

  deinit {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  func url(_ path: String = "/") -> String { "http://127.0.0.1:\(port)\(path)" }

  private static func listen(unixSocket path: String) throws -> Int32 {
    let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let status = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0 && Glibc.listen(listener, 64) == 0
      }
    }
    try #require(status)
    return listener
  }

  /// Returns a listening socket and its port.
  static func listen() throws -> (Int32, UInt16) {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(listener, address, size) == 0 && Glibc.listen(listener, 64) == 0
          && getsockname(listener, address, &size) == 0
      }
    }
    try #require(status)
    return (listener, UInt16(bigEndian: address.sin_port))
  }
}

struct TestConnection: Sendable {
  let socket: Int32

  func readRequest() -> TestServer.Request? {
    var bytes: [UInt8] = []
    while true {
      if let end = headerEnd(bytes) {
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n").map(String.init)
        let length = lines.first { $0.lowercased().hasPrefix("content-length:") }
          .flatMap { Int($0.dropFirst(15).filter { $0 != " " }) }
        while bytes.count < end + (length ?? 0), let more = read() { bytes += more }
        return TestServer.Request(line: lines[0], headers: Array(lines.dropFirst()), body: Array(bytes[end...]))
      }
      guard let more = read() else { return nil }
      bytes += more
    }
  }

  /// Returns what the client sends next; nil when it has disconnected.
  func read() -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = recv(socket, &buffer, buffer.count, 0)
    return count > 0 ? Array(buffer.prefix(count)) : nil
  }

  /// Returns whether everything was sent.
  @discardableResult
  func write(_ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  @discardableResult
  func write(_ text: String) -> Bool { write(Array(text.utf8)) }

  func answer(_ status: String = "200 OK", headers: String = "", body: [UInt8] = []) {
    write("HTTP/1.1 \(status)\r\nContent-Length: \(body.count)\r\nConnection: close\r\n\(headers)\r\n")
    write(body)
  }

  func beginChunked() { write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n") }

  @discardableResult
  func chunk(_ text: String) -> Bool { write("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n") }

  /// Waits until the client disconnects.
  func waitForEnd() { while read() != nil {} }

  private func headerEnd(_ bytes: [UInt8]) -> Int? {
    guard bytes.count >= 4 else { return nil }
    return (3..<bytes.count).first { bytes[$0 - 3...$0].elementsEqual([13, 10, 13, 10]) }.map { $0 + 1 }
  }
}

private func startThread(_ body: @escaping @Sendable () -> Void) {
  final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  let context = Unmanaged.passRetained(Box(body)).toOpaque()
  pthread_create(
    &thread, nil,
    { context in
      if let context { Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body() }
      return nil
    }, context)
  pthread_detach(thread)
}

/// An event that occurs once and for which tasks can wait.
final class Event: Sendable {
  private let state = Mutex<(happened: Bool, waiters: [CheckedContinuation<Void, Never>])>((false, []))

  func happen() {
    let waiters = state.withLock { state in
      state.happened = true
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  func wait() async {
    await withCheckedContinuation { continuation in
      let happened = state.withLock { state in
        if !state.happened { state.waiters.append(continuation) }
        return state.happened
      }
      if happened { continuation.resume() }
    }
  }
}
