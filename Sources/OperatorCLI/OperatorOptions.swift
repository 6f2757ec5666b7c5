import AdminEndpoint
import ArgumentParser
import Foundation
import HTTPClient
import HTTPServing
import Objects
import ServerConfiguration
import StateStore
import Support

/// The options that all operators' commands share: how to reach the coordinator.
struct OperatorOptions: ParsableArguments {
  @OptionGroup var configuration: WorkspaceOptions
  @Option(
    help: "The coordinator's address: host:port, https://host:port or unix:/path. Default: the socket in its workspace."
  )
  var address: String?
  @Option(help: "A file with the token to send. Default: the token in GSCOORDINATOR_TOKEN, if it is set.")
  var tokenFile: String?
  @Option(help: "For https: the file with the trusted authorities. Default: the system's.") var caFile: String?
  @Option(help: "For https: the file with the client certificate, if the coordinator requests one.")
  var certificate: String?
  @Option(help: "For https: the file with the key of the client certificate.") var key: String?

  /// Returns a client of the coordinator that the options specify.
  func client(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws -> OperatorClient {
    let token = try token(environment)
    if let address, address.hasPrefix("https://") {
      var tls = HTTPClientConfiguration.TLS()
      (tls.authorityFile, tls.certificateFile, tls.keyFile) = (caFile, certificate, key)
      return try OperatorClient(HTTPAddress(parsing: String(address.dropFirst(8))), tls: tls, token: token)
    }
    guard [caFile, certificate, key].allSatisfy({ $0 == nil }) else {
      throw ConfigurationError("--ca-file, --certificate and --key require --address https://host:port")
    }
    if let address {
      let isURL = address.hasPrefix("http://")
      let parsed = try HTTPAddress(parsing: isURL ? String(address.dropFirst(7)) : address)
      return try OperatorClient(parsed, token: token)
    }
    return try OperatorClient(try defaultAdminAddress(configuration.resolve().settings), token: token)
  }

  /// Reads the token. It cannot be passed as an argument, because other users of the machine can see arguments.
  private func token(_ environment: [String: String]) throws -> String? {
    var text = environment["GSCOORDINATOR_TOKEN"]
    if let tokenFile {
      do { text = String(decoding: try SmallFile.read(tokenFile), as: UTF8.self) } catch {
        throw OperatorError("cannot read the token in '\(tokenFile)': \(error.reason)")
      }
    }
    guard let text = text?.trimmingCharacters(in: .whitespacesAndNewlines), !text.isEmpty else { return nil }
    guard text.utf8.count <= 4096, text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
      let place = tokenFile.map { "'\($0)'" } ?? "GSCOORDINATOR_TOKEN"
      throw OperatorError("\(place) does not contain a token. A token is one word that begins with gsc_")
    }
    return text
  }
}

/// The objects that a command applies to, written `KIND`, `KIND NAME` or `KIND/NAME`.
struct ObjectArguments: ParsableArguments {
  @Argument(help: "\(ObjectKind.help), in the singular or plural.")
  var kind: String
  @Argument(help: "The object's name. Default: all objects of the kind.")
  var name: String?

  /// Returns the kind and name.
  func resolve() throws -> (kind: ObjectKind, name: String?) {
    if name == nil, let slash = kind.firstIndex(of: "/") {
      let rest = String(kind[kind.index(after: slash)...])
      return (try ObjectKind(named: String(kind[..<slash])), rest.isEmpty ? nil : rest)
    }
    return (try ObjectKind(named: kind), name)
  }
}

/// The single object of a kind that a command applies to, written `NAME`, `KIND NAME` or `KIND/NAME`.
struct ObjectWords: Equatable {
  let name: String

  /// - Throws: `ValidationError` when the words name no object, or one of another kind.
  init(_ words: [String], of kind: ObjectKind) throws {
    var words = words[...]
    if let first = words.first, words.count == 2 || !first.contains("/"), Self.isKind(first, kind) {
      words = words.dropFirst()
    } else if let first = words.first, words.count == 1, let slash = first.firstIndex(of: "/"),
      let named = try? ObjectKind(named: String(first[..<slash]))
    {
      words = named == kind ? [String(first[first.index(after: slash)...])] : []
    }
    guard words.count == 1, let name = words.first, !name.isEmpty else {
      throw ValidationError(
        "name one \(kind.rawValue), as `\(kind.rawValue) NAME` or `NAME`; `gscoordinator get \(kind.plural)` lists them"
      )
    }
    self.name = name
  }

  private static func isKind(_ word: String, _ kind: ObjectKind) -> Bool { (try? ObjectKind(named: word)) == kind }
}

extension ObjectKind {
  /// The list of kinds for the help.
  fileprivate static var help: String {
    let names = allCases.map(\.plural)
    return "The kind: " + names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
  }

  /// Returns the path of this kind, or of one of its objects, at the admin endpoint.
  func path(_ name: String? = nil) -> String {
    "/control/v1/\(plural)" + (name.map { "/" + $0.percentEncoded } ?? "")
  }
}
