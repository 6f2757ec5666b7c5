/// A header field.
public struct HTTPField: Sendable, Equatable {
  /// The name; case does not matter.
  public var name: String
  /// The value.
  public var value: String

  /// A header field.
  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// A request.
public struct HTTPRequest: Sendable {
  /// GET, POST, PUT, …
  public var method: String
  /// An absolute URL, `http` or `https`.
  public var url: String
  /// Header fields beyond those that HTTP itself needs.
  public var headers: [HTTPField]
  /// The body. POST, PUT and PATCH send an empty one if there is none.
  public var body: [UInt8]
  /// Time for the whole exchange, the body included. Nil for a stream that stays open.
  public var timeout: Duration?
  /// Bound on the size of an answer that is read as a whole, in bytes.
  public var maximumBodyByteCount: Int

  /// A request.
  public init(
    _ method: String = "GET", _ url: String, headers: [HTTPField] = [], body: [UInt8] = [],
    timeout: Duration? = .seconds(30), maximumBodyByteCount: Int = 16 << 20
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.timeout = timeout
    self.maximumBodyByteCount = maximumBodyByteCount
  }

  /// Method and URL for error messages. Queries and user names may hold secrets.
  var label: String {
    let shown = url.prefix { $0 != "?" && $0 != "#" }
    guard let at = shown.lastIndex(of: "@"), let scheme = shown.range(of: "://") else { return "\(method) \(shown)" }
    return "\(method) \(shown[..<scheme])\(shown[shown.index(after: at)...])"
  }
}

extension Substring {
  /// The end of the first occurrence of a text.
  fileprivate func range(of text: String) -> String.Index? {
    indices.first { self[$0...].hasPrefix(text) }.map { index($0, offsetBy: text.count) }
  }
}

/// Status and header of an answer.
public struct HTTPResponseHead: Sendable, Equatable {
  /// The status, from 200 on.
  public var status: Int
  /// The header fields in the order of their arrival.
  public var headers: [HTTPField]

  /// The value of the first field of a name, in any case.
  public subscript(name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }
}

/// A whole answer.
public struct HTTPResponse: Sendable {
  /// Status and header.
  public var head: HTTPResponseHead
  /// The body.
  public var body: [UInt8]

  /// The status, from 200 on.
  public var status: Int { head.status }
}

/// An answer whose body arrives piece by piece.
public struct HTTPStream: Sendable {
  /// Status and header.
  public let head: HTTPResponseHead
  /// The body. Dropping it ends the exchange.
  public let body: HTTPBody

  /// The status, from 200 on.
  public var status: Int { head.status }
}
