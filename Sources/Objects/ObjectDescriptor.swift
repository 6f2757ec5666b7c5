/// The properties of a kind of objects that all parts of the coordinator need. To add a kind, add a case of `ObjectKind`, its
/// descriptor here, and a file with its controller.
public struct ObjectDescriptor: Sendable {
  /// The kind's name in keys, commands and addresses, for example `sessions`.
  public let plural: String
  /// A shorter name, accepted from people.
  public var short: String?
  /// Whether its objects are in the state store, with a history that can be read and changes that can be watched.
  public var isStored = true
  /// Whether its objects are sessions or belong to one: their names begin with that of the session, and those created before
  /// tenants existed belong to the default tenant.
  public var belongsToSession = false
}

extension ObjectKind {
  /// The descriptor of the kind.
  public var descriptor: ObjectDescriptor {
    switch self {
    case .session: ObjectDescriptor(plural: "sessions", short: "sess", belongsToSession: true)
    case .step: ObjectDescriptor(plural: "steps", belongsToSession: true)
    case .graph: ObjectDescriptor(plural: "graphs", isStored: false, belongsToSession: true)
    case .result: ObjectDescriptor(plural: "results", isStored: false, belongsToSession: true)
    case .instance: ObjectDescriptor(plural: "instances", short: "inst", belongsToSession: true)
    case .graphService: ObjectDescriptor(plural: "graphservices", short: "gs")
    case .job: ObjectDescriptor(plural: "jobs")
    case .child: ObjectDescriptor(plural: "children")
    case .tenant: ObjectDescriptor(plural: "tenants")
    case .host: ObjectDescriptor(plural: "hosts")
    }
  }

  /// The kind's name in keys, commands and addresses, for example `sessions`.
  public var plural: String { descriptor.plural }

  /// Whether objects of this kind are in the state store, with a history that can be read and changes that can be watched.
  public var isStored: Bool { descriptor.isStored }

  /// The accepted names of the kind, in lower case.
  public var names: [String] { [plural, rawValue.lowercased()] + (descriptor.short.map { [$0] } ?? []) }

  /// The prefix of the keys of this kind in the state store.
  public var prefix: String { plural + "/" }

  /// Returns the key of an object in the state store.
  public func key(_ name: String) -> String { prefix + name }
}
