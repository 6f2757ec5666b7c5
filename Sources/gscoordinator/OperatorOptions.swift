import AdminEndpoint
import ArgumentParser
import Cluster

/// The options that all operators' commands share: which coordinator they ask.
struct OperatorOptions: ParsableArguments {
  @OptionGroup var configuration: ConfigurationOptions
  @Option(help: "The coordinator to ask: host:port or unix:/path. Default: the socket in the workspace.")
  var address: String?

  /// A client of the coordinator that is meant.
  func client() throws -> OperatorClient {
    if let address { return try OperatorClient(AdminAddress(parsing: address)) }
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
