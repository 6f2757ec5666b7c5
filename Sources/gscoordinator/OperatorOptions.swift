import AdminEndpoint
import ArgumentParser
import Cluster
import HTTPClient

/// The options that all operators' commands share: which coordinator they ask.
struct OperatorOptions: ParsableArguments {
  @OptionGroup var configuration: ConfigurationOptions
  @Option(help: "The coordinator to ask: host:port, https://host:port or unix:/path. Default: the workspace's socket.")
  var address: String?
  @Option(help: "With https: file of the authorities to trust. Default: the system's.") var caFile: String?
  @Option(help: "With https: file of our certificate, if the coordinator asks for one.") var certificate: String?
  @Option(help: "With https: file of the key of our certificate.") var key: String?

  /// A client of the coordinator that is meant.
  func client() throws -> OperatorClient {
    let files = [caFile, certificate, key]
    if let address, address.hasPrefix("https://") {
      var tls = HTTPClientConfiguration.TLS()
      (tls.authorityFile, tls.certificateFile, tls.keyFile) = (caFile, certificate, key)
      return try OperatorClient(AdminAddress(parsing: String(address.dropFirst(8))), tls: tls)
    }
    guard files.allSatisfy({ $0 == nil }) else {
      throw ConfigurationError("--ca-file, --certificate and --key go with --address https://host:port")
    }
    if let address {
      let isURL = address.hasPrefix("http://")
      return try OperatorClient(AdminAddress(parsing: isURL ? String(address.dropFirst(7)) : address))
    }
    return try OperatorClient(try defaultAdminAddress(configuration.resolve().settings))
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
