import AdminEndpoint
import Foundation
import HTTPClient
import HTTPServing
import JSON
import Support
import Wire

/// The reason for which a command failed, and what to do.
struct OperatorError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// A client of the admin endpoint of a coordinator.
struct OperatorClient: Sendable {
  let address: HTTPAddress
  private let http: HTTPClient
  private let headers: [HTTPField]
  private let isSecure: Bool

  /// Largest accepted answer, in bytes.
  private static let maximumAnswerBytes = 64 << 20

  /// - Parameters:
  ///   - tls: the TLS configuration for a TCP address; nil for plain HTTP.
  ///   - token: the token to send with every request; never part of an error.
  init(_ address: HTTPAddress, tls: HTTPClientConfiguration.TLS? = nil, token: String? = nil) throws {
    self.address = address
    isSecure = tls != nil
    headers = token.map { [HTTPField("authorization", "Bearer \($0)")] } ?? []
    var configuration = HTTPClientConfiguration()
    configuration.connectTimeout = .seconds(5)
    if let tls { configuration.tls = tls }
    if case .unix(let path) = address {
      guard path.utf8.count <= HTTPAddress.maximumPathBytes else {
        throw OperatorError(
          "the path of the Unix socket '\(path)' is longer than \(HTTPAddress.maximumPathBytes) bytes. Use a workspace "
            + "with a shorter path, or --address host:port if the coordinator has an admin_port")
      }
      configuration.unixSocket = path
    }
    http = try HTTPClient(configuration)
  }

  /// Requests the JSON document at a path.
  /// - Throws: `OperatorError`.
  func get(_ path: String, _ query: [(String, String?)] = []) async throws -> JSONValue {
    try await send("GET", path, query)
  }

  /// Sends a request without a body, and returns the answer.
  /// - Throws: `OperatorError`.
  func send(_ method: String, _ path: String, _ query: [(String, String?)] = []) async throws -> JSONValue {
    let answer: HTTPResponse
    do {
      answer = try await http.send(
        HTTPRequest(
          method, url(path, query), headers: headers, maximumBodyByteCount: Self.maximumAnswerBytes))
    } catch let error as HTTPClientError {
      throw unreachable(error)
    }
    guard answer.status == 200 else { throw refusal(answer.status, answer.body, to: "\(method) \(path)") }
    do { return try JSONValue(parsing: String(decoding: answer.body, as: UTF8.self)) } catch {
      throw OperatorError("the server at \(address) is not a coordinator: \(error). Check --address")
    }
  }

  /// Passes each line of the stream at a path to `body`, until the stream ends or `body` returns false.
  /// - Throws: `OperatorError`, and what `body` throws.
  func lines(
    _ path: String, _ query: [(String, String?)], _ body: (JSONValue) async throws -> Bool
  ) async throws {
    do {
      let stream = try await http.stream(HTTPRequest("GET", url(path, query), headers: headers, timeout: nil))
      guard stream.status == 200 else {
        throw refusal(stream.status, try await stream.body.collect(upTo: 1 << 20), to: "GET \(path)")
      }
      for try await line in stream.body.lines() {
        let value = try JSONValue(parsing: String(decoding: line, as: UTF8.self))
        if value["type"]?.text == "error" { throw OperatorError(Self.text(of: value, to: "GET \(path)")) }
        guard try await body(value) else { return }
      }
    } catch let error as HTTPClientError {
      throw unreachable(error)
    } catch let error as JSONError {
      throw OperatorError("the server at \(address) is not a coordinator: \(error). Check --address")
    }
  }

  private func url(_ path: String, _ query: [(String, String?)]) -> String {
    var authority = "localhost"
    if case .tcp = address { authority = address.description }
    let parameters = query.compactMap { name, value in value.map { "\(name)=\($0.percentEncoded)" } }
    return "http\(isSecure ? "s" : "")://\(authority)\(path)"
      + (parameters.isEmpty ? "" : "?" + parameters.joined(separator: "&"))
  }

  private func unreachable(_ error: HTTPClientError) -> OperatorError {
    guard error.code == .connect || error.code == .resolve else {
      var hint = ""
      if error.code == .transfer, !isSecure, case .tcp = address {
        hint = ". If it speaks TLS, use --address https://…"
      }
      return OperatorError("the coordinator at \(address) did not answer: \(error)\(hint)")
    }
    var reason = error.code == .resolve ? "the host name cannot be resolved" : "the connection was not accepted"
    if case .unix(let path) = address, access(path, W_OK) != 0 {
      reason = String(cString: strerror(errno)).lowercased()
    } else if !error.evidence.isEmpty {
      reason += " (\(error.evidence.harmless()))"
    }
    return OperatorError(
      "no coordinator answers at \(address): \(reason). Start one with `gscoordinator serve`, or name a running one "
        + "with --workspace DIRECTORY, --address unix:/path or --address host:port")
  }

  private func refusal(_ status: Int, _ body: [UInt8], to request: String) -> OperatorError {
    guard let value = try? JSONValue(parsing: String(decoding: body, as: UTF8.self)), value["code"] != nil else {
      return OperatorError(
        "the server at \(address) is not a coordinator: it answered with status \(status). Check --address")
    }
    return OperatorError(Self.text(of: value, to: request))
  }

  /// Returns an error as `CODE: message. hint`. The HTTP request is called "this command", because users of the command line do
  /// not see requests.
  private static func text(of error: JSONValue, to request: String) -> String {
    let code = error["code"]?.text ?? "ERROR"
    let message = (error["message"]?.text ?? "").replacing(request, with: "this command")
    let hint = error["command_hint"]?.text ?? error["hint"]?.text ?? ""
    return "\(code): \(message)\(hint.isEmpty ? "" : ". \(hint)")".harmless()
  }
}

extension String {
  /// The text for use in a URL: all except unreserved characters and slashes percent-encoded (RFC 3986, 2.3).
  var percentEncoded: String {
    utf8.map { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
        UInt8(ascii: "~"), UInt8(ascii: "/"):
        String(UnicodeScalar(byte))
      default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }.joined()
  }
}
