import Glibc

/// Asks a Gremlin server one real query, over a WebSocket (RFC 6455) in TinkerPop's GraphSON. Blocks for a few seconds at
/// most.
enum GremlinProbe {
  private static let seconds = 5
  private static let mimeType = "application/vnd.gremlin-v3.0+json"

  /// Whether the server on this port of 127.0.0.1 answers a query.
  static func answers(port: UInt16) -> Bool {
    guard let connection = Connection(port: port, seconds: seconds) else { return false }
    let upgrade =
      "GET /gremlin HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      + "Sec-WebSocket-Key: Z3Njb29yZGluYXRvcg==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    guard connection.send(Array(upgrade.utf8)), let head = connection.head(),
      head.hasPrefix("HTTP/1.1 101")
    else { return false }
    guard connection.send(frame(request)), let answer = connection.message() else { return false }
    return isSuccess(String(decoding: answer, as: UTF8.self))
  }

  /// The query behind the type of its encoding, as TinkerPop frames requests.
  static var request: [UInt8] {
    let query =
      #"{"requestId":{"@type":"g:UUID","@value":"41d2e28a-20a4-4ab0-b379-d810dede3786"},"op":"eval","processor":"","#
      + #""args":{"@type":"g:Map","@value":["gremlin","g.V().limit(1)","language","gremlin-groovy","aliases","#
      + #"{"@type":"g:Map","@value":["g","g"]}]}}"#
    return [UInt8(mimeType.utf8.count)] + Array(mimeType.utf8) + Array(query.utf8)
  }

  /// A binary message in one frame, masked as clients must (section 5.3); the mask hides nothing here.
  static func frame(_ payload: [UInt8]) -> [UInt8] {
    [0x82, 0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xff), 0, 0, 0, 0] + payload
  }

  /// Whether the status of an answer is SUCCESS, NO CONTENT or PARTIAL CONTENT.
  static func isSuccess(_ answer: String) -> Bool {
    guard let status = answer.firstRange(of: "\"code\":") else { return false }
    let rest = answer[status.upperBound...]
    guard let number = rest.split(whereSeparator: { !$0.isNumber }).first(where: { $0.count == 3 }) else {
      return false
    }
    return ["200", "204", "206"].contains(String(number))
  }

  /// A TCP connection whose reads and writes give up in time.
  private final class Connection {
    private let descriptor: Int32

    init?(port: UInt16, seconds: Int) {
      descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      guard descriptor >= 0 else { return nil }
      var limit = timeval(tv_sec: seconds, tv_usec: 0)
      let size = socklen_t(MemoryLayout<timeval>.size)
      setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
      setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
      let status = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      if status != 0 { return nil }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func send(_ bytes: [UInt8]) -> Bool {
      var sent = 0
      while sent < bytes.count {
        let count = bytes[sent...].withUnsafeBytes {
          Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count > 0 else { return false }
        sent += count
      }
      return true
    }

    /// The head of an HTTP answer.
    func head() -> String? {
      var bytes: [UInt8] = []
      while bytes.count < 8192, !bytes.ends(with: [13, 10, 13, 10]) {
        guard let byte = read(1)?.first else { return nil }
        bytes.append(byte)
      }
      return String(decoding: bytes, as: UTF8.self)
    }

    /// The payload of the first message that is no control frame.
    func message() -> [UInt8]? {
      for _ in 0..<16 {
        guard let start = read(2) else { return nil }
        var count = Int(start[1] & 0x7f)
        if count >= 126 {
          guard let long = read(count == 126 ? 2 : 8) else { return nil }
          count = long.reduce(0) { ($0 & 0xff_ffff) << 8 | Int($1) }
        }
        guard count < 1 << 20, let payload = read(count) else { return nil }
        if start[0] & 0x0f <= 2 { return payload }
      }
      return nil
    }

    private func read(_ count: Int) -> [UInt8]? {
      var bytes = [UInt8](repeating: 0, count: count)
      var got = 0
      while got < count {
        let step = bytes[got...].withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
        guard step > 0 else { return nil }
        got += step
      }
      return bytes
    }
  }
}

extension [UInt8] {
  fileprivate func ends(with other: [UInt8]) -> Bool { suffix(other.count).elementsEqual(other) }
}
