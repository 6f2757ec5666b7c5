import CCurl

/// An exchange on curl's side: its handle, the memory that the handle points to, and the response header as it arrives. Confined
/// to the thread of its loop.
final class CurlTransfer {
  let easy: UnsafeMutableRawPointer
  let exchange: Exchange
  let label: String
  private var fields: UnsafeMutablePointer<curl_slist>?
  private let errorText: UnsafeMutablePointer<CChar>
  private var head = HTTPResponseHead(status: 0, headers: [])
  private var headByteCount = 0
  private var refusal: HTTPClientError?

  /// The maximum size of a response header in bytes.
  private static let maximumHeadByteCount = 256 << 10

  init(_ request: HTTPRequest, _ configuration: HTTPClientConfiguration, _ exchange: Exchange) throws(HTTPClientError) {
    label = request.label
    self.exchange = exchange
    try CurlTransfer.check(request)
    guard let easy = curl_easy_init() else { throw HTTPClientError(.transfer, "libcurl is out of memory.") }
    self.easy = easy
    errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    try configure(configuration)
    try configure(request)
  }

  deinit {
    curl_easy_cleanup(easy)
    curl_slist_free_all(fields)
    errorText.deallocate()
  }

  /// Rejects control characters: a line break in a header would let an attacker inject a header field or a request.
  private static func check(_ request: HTTPRequest) throws(HTTPClientError) {
    let scheme = request.url.prefix { $0 != ":" }.lowercased()
    guard scheme == "http" || scheme == "https" else {
      throw HTTPClientError(
        .invalidRequest, "A URL is neither http nor https.", evidence: request.label,
        hint: "Write http://host:port/path")
    }
    let texts = [request.method, request.url] + request.headers.flatMap { [$0.name, $0.value] }
    let isClean = texts.allSatisfy { text in text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 } }
    guard isClean, !request.method.isEmpty, request.headers.allSatisfy({ !$0.name.isEmpty && !$0.name.contains(":") })
    else {
      throw HTTPClientError(
        .invalidRequest, "A request contains control characters, or has no method or a malformed field name.",
        evidence: request.label)
    }
  }

  private func configure(_ configuration: HTTPClientConfiguration) throws(HTTPClientError) {
    try set(CURLOPT_NOSIGNAL, 1)
    try set(CURLOPT_CONNECTTIMEOUT_MS, configuration.connectTimeout.milliseconds)
    try set(CURLOPT_TCP_KEEPALIVE, 1)
    try set(CURLOPT_TCP_KEEPIDLE, 30)
    try set(CURLOPT_TCP_KEEPINTVL, 10)
    try set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    try set(CURLOPT_PROTOCOLS_STR, "http,https")
    try set(CURLOPT_PROXY, "")
    if let path = configuration.unixSocket { try set(CURLOPT_UNIX_SOCKET_PATH, path) }
    let tls = configuration.tls
    try set(CURLOPT_SSL_VERIFYPEER, tls.verifiesServer ? 1 : 0)
    try set(CURLOPT_SSL_VERIFYHOST, tls.verifiesServer ? 2 : 0)
    if let file = tls.authorityFile { try set(CURLOPT_CAINFO, file) }
    if let file = tls.certificateFile { try set(CURLOPT_SSLCERT, file) }
    if let file = tls.keyFile { try set(CURLOPT_SSLKEY, file) }
  }

  private func configure(_ request: HTTPRequest) throws(HTTPClientError) {
    try set(CURLOPT_URL, request.url)
    if let timeout = request.timeout { try set(CURLOPT_TIMEOUT_MS, timeout.milliseconds) }
    let sendsBody = !request.body.isEmpty || ["POST", "PUT", "PATCH"].contains(request.method)
    if sendsBody {
      try check(ccurl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, Int64(request.body.count)))
      try check(
        request.body.withUnsafeBytes {
          ccurl_set_bytes(easy, CURLOPT_COPYPOSTFIELDS, $0.baseAddress ?? .init(errorText))
        })
    }
    if request.method == "HEAD" {
      try set(CURLOPT_NOBODY, 1)
    } else if request.method != (sendsBody ? "POST" : "GET") {
      try set(CURLOPT_CUSTOMREQUEST, request.method)
    }
    // By default, curl waits for permission before a large body and declares every body to be a form.
    add("Expect:")
    if sendsBody, !request.headers.contains(where: { $0.name.lowercased() == "content-type" }) { add("Content-Type:") }
    // A semicolon makes curl send a field with an empty value; with a colon it would omit the field.
    for field in request.headers { add(field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)") }
    try check(ccurl_set_list(easy, CURLOPT_HTTPHEADER, fields))
    try check(ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText))
    // The loop keeps this object until the handle is removed, so it outlives the callbacks.
    let context = Unmanaged.passUnretained(self).toOpaque()
    try check(ccurl_set_pointer(easy, CURLOPT_WRITEDATA, context))
    try check(ccurl_set_pointer(easy, CURLOPT_HEADERDATA, context))
    try check(
      ccurl_set_callback(easy, CURLOPT_WRITEFUNCTION) { data, size, count, context in
        guard let context else { return 0 }
        let bytes = UnsafeRawBufferPointer(start: data, count: size * count)
        return Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue().receivedBody(bytes)
      })
    try check(
      ccurl_set_callback(easy, CURLOPT_HEADERFUNCTION) { data, size, count, context in
        guard let context else { return 0 }
        let line = UnsafeRawBufferPointer(start: data, count: size * count)
        return Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue().receivedLine(line)
      })
  }

  private func set(_ option: CURLoption, _ value: Int) throws(HTTPClientError) {
    try check(ccurl_set_long(easy, option, value))
  }

  private func set(_ option: CURLoption, _ value: String) throws(HTTPClientError) {
    try check(ccurl_set_string(easy, option, value))
  }

  private func check(_ result: CURLcode) throws(HTTPClientError) {
    guard result == CURLE_OK else {
      throw HTTPClientError(
        .invalidRequest, "libcurl rejected the request.",
        evidence: "\(label): \(String(cString: curl_easy_strerror(result)))")
    }
  }

  private func add(_ field: String) {
    if let longer = curl_slist_append(fields, field) { fields = longer }
  }

  // MARK: Callbacks. They return the number of bytes that they accepted; fewer than offered end the exchange.

  private func receivedBody(_ bytes: UnsafeRawBufferPointer) -> Int {
    switch exchange.received(bytes) {
    case .kept: bytes.count
    case .held: Int(CURL_WRITEFUNC_PAUSE)
    case .refused: 0
    }
  }

  private func receivedLine(_ line: UnsafeRawBufferPointer) -> Int {
    headByteCount += line.count
    guard headByteCount <= Self.maximumHeadByteCount else {
      refusal = HTTPClientError(
        .tooLarge, "The header of a response is too large.",
        evidence: "\(label), more than \(Self.maximumHeadByteCount) bytes")
      return 0
    }
    let text = String(decoding: line, as: UTF8.self).trimmed
    if text.isEmpty {
      // The final response follows the informational ones (RFC 9110, 15.2).
      if head.status >= 200 { exchange.receivedHead(head) }
    } else if text.hasPrefix("HTTP/") {
      let status = text.split(separator: " ").dropFirst().first.flatMap { Int($0) }
      head = HTTPResponseHead(status: status ?? 0, headers: [])
    } else if let colon = text.firstIndex(of: ":") {
      head.headers.append(HTTPField(String(text[..<colon]), String(text[text.index(after: colon)...]).trimmed))
    }
    return line.count
  }

  /// Returns why the exchange ended; nil if it is complete.
  func failure(_ result: CURLcode) -> HTTPClientError? {
    guard result != CURLE_OK else { return nil }
    if let refusal { return refusal }
    let text = String(cString: errorText)
    let evidence = "\(label): \(text.isEmpty ? String(cString: curl_easy_strerror(result)) : text)"
    return switch result {
    case CURLE_URL_MALFORMAT:
      HTTPClientError(.invalidRequest, "A URL is malformed.", evidence: evidence, hint: "Write http://host:port/path")
    case CURLE_COULDNT_RESOLVE_HOST:
      HTTPClientError(
        .resolve, "A host name cannot be resolved.", evidence: evidence, hint: "Check the name and DNS")
    case CURLE_COULDNT_CONNECT:
      HTTPClientError(
        .connect, "No server accepts connections at the address.", evidence: evidence,
        hint: "Check the port, and that the server runs")
    case CURLE_OPERATION_TIMEDOUT:
      HTTPClientError(.timeout, "An HTTP exchange timed out.", evidence: evidence, hint: "Check the server's load")
    case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE, CURLE_PEER_FAILED_VERIFICATION:
      HTTPClientError(
        .tls, "TLS with a server failed.", evidence: evidence,
        hint: "Check the files of the authority, the certificate and the key")
    default: HTTPClientError(.transfer, "An HTTP exchange was interrupted.", evidence: evidence)
    }
  }
}

extension Duration {
  /// Whole milliseconds, at least one, because curl takes 0 for its default.
  fileprivate var milliseconds: Int { max(1, Int(clamping: Int64(min(self / .milliseconds(1), 1e12)))) }
}

extension String {
  /// The text without white space at its ends.
  fileprivate var trimmed: String {
    let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "\n" || $0 == "\r\n" }
    guard let first = firstIndex(where: { !isSpace($0) }), let last = lastIndex(where: { !isSpace($0) }) else {
      return ""
    }
    return String(self[first...last])
  }
}
