/// A header field.
public struct HTTPField: Sendable, Equatable {
  /// The name, compared without regard to case.
  public var name: String
  /// The value.
  public var value: String

  /// Creates a header field.
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
  /// Header fields in addition to those that HTTP itself requires.
  public var headers: [HTTPField]
  /// The body. POST, PUT and PATCH send an empty body if there is none.
  public var body: [UInt8]
  /// Time for the whole exchange including the body; nil for a stream that stays open.
  public var timeout: Duration?
  /// The maximum size, in bytes, of a response that is read as a whole.
  public var maximumBodyByteCount: Int

  /// Creates a request.
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

  /// Method and URL for error messages, without query and user name, which may contain secrets.
  var label: String {
    let shown = url.prefix { $0 != "?" && $0 != "#" }
    guard let at = shown.lastIndex(of: "@"), let scheme = shown.range(of: "://") else { return "\(method) \(shown)" }
    return "\(method) \(shown[..<scheme])\(shown[shown.index(after: at)...])"
  }
}

extension Substring {
  /// Returns the range of the first occurrence of a text.
  fileprivate func range(of text: String) -> String.Index? {
    indices.first { self[$0...].hasPrefix(text) }.map { index($0, offsetBy: text.count) }
  }
}

/// Status and header of a response.
public struct HTTPResponseHead: Sendable, Equatable {
  /// The status code, 200 or above.
  public var status: Int
  /// The header fields in order of arrival.
  public var headers: [HTTPField]

  /// The value of the first field with a name, compared without regard to case.
  public subscript(name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }
}

/// A complete response.
public struct HTTPResponse: Sendable {
  /// Status and header.
  public var head: HTTPResponseHead
  /// The body.
  public var body: [UInt8]

  /// The status code, 200 or above.
  public var status: Int { head.status }
}

/// A response whose body arrives in pieces.
public struct HTTPStream: Sendable {
  /// Status and header.
  public let head: HTTPResponseHead
  /// The body. Releasing it ends the exchange.
  public let body: HTTPBody

  /// The status code, 200 or above.
  public var status: Int { head.status }
}
