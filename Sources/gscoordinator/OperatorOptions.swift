import AdminEndpoint
import ArgumentParser
import Cluster
import Foundation
import HTTPClient

/// The options that all operators' commands share: which coordinator they ask.
struct OperatorOptions: ParsableArguments {
  @OptionGroup var configuration: ConfigurationOptions
  @Option(help: "The coordinator to ask: host:port, https://host:port or unix:/path. Default: the workspace's socket.")
  var address: String?
  @Option(help: "A file with the token to show. Default: the token in GSCOORDINATOR_TOKEN, if it is set.")
  var tokenFile: String?
  @Option(help: "With https: file of the authorities to trust. Default: the system's.") var caFile: String?
  @Option(help: "With https: file of our certificate, if the coordinator asks for one.") var certificate: String?
  @Option(help: "With https: file of the key of our certificate.") var key: String?

  /// A client of the coordinator that is meant.
  func client(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws -> OperatorClient {
    let token = try token(environment)
    if let address, address.hasPrefix("https://") {
      var tls = HTTPClientConfiguration.TLS()
      (tls.authorityFile, tls.certificateFile, tls.keyFile) = (caFile, certificate, key)
      return try OperatorClient(AdminAddress(parsing: String(address.dropFirst(8))), tls: tls, token: token)
    }
    guard [caFile, certificate, key].allSatisfy({ $0 == nil }) else {
      throw ConfigurationError("--ca-file, --certificate and --key go with --address https://host:port")
    }
    if let address {
      let isURL = address.hasPrefix("http://")
      let parsed = try AdminAddress(parsing: isURL ? String(address.dropFirst(7)) : address)
      return try OperatorClient(parsed, token: token)
    }
    return try OperatorClient(try defaultAdminAddress(configuration.resolve().settings), token: token)
  }

  /// A token is no argument: other users of the machine see those.
  private func token(_ environment: [String: String]) throws -> String? {
    var text = environment["GSCOORDINATOR_TOKEN"]
    if let tokenFile {
      guard let content = try? String(contentsOfFile: tokenFile, encoding: .utf8) else {
        throw OperatorError("cannot read the token in '\(tokenFile)'")
      }
      text = content
    }
    guard let text = text?.trimmingCharacters(in: .whitespacesAndNewlines), !text.isEmpty else { return nil }
    guard text.utf8.count <= 4096, text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
      let place = tokenFile.map { "'\($0)'" } ?? "GSCOORDINATOR_TOKEN"
      throw OperatorError("what is in \(place) is not a token: a token is one word, gsc_…")
    }
    return text
  }
}

/// The objects that a command is about, written `KIND`, `KIND NAME` or `KIND/NAME`.
struct ObjectArguments: ParsableArguments {
  @Argument(help: "The kind: sessions, steps, instances, graphservices, jobs, children, tenants or hosts.")
  var kind: String
  @Argument(help: "The object's name. Without it all of the kind are meant.")
  var name: String?

  /// Kind and name.
  func resolve() throws -> (kind: ObjectKind, name: String?) {
    if name == nil, let slash = kind.firstIndex(of: "/") {
      let rest = String(kind[kind.index(after: slash)...])
      return (try ObjectKind(named: String(kind[..<slash])), rest.isEmpty ? nil : rest)
    }
    return (try ObjectKind(named: kind), name)
  }
}

extension ObjectKind {
  /// Where the endpoint shows objects of this kind, or one of them.
  func path(_ name: String? = nil) -> String {
    "/api/v1/\(plural)" + (name.map { "/" + $0.percentEncoded } ?? "")
  }
}
