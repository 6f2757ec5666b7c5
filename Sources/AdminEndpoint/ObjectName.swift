import Cluster
import GraphStore
import Hummingbird

extension ObjectKind {
  /// The kind of a name as people write it: plural, singular or short, in any case.
  /// - Throws: `AdminError` of code `notFound` with the nearest name.
  public init(named text: String) throws(AdminError) {
    let wanted = text.lowercased()
    let kind = Self.allCases.first { $0.names.contains(wanted) }
    guard let kind else {
      let names = Self.allCases.map(\.plural)
      let nearest = NearestName.of(wanted, among: names).map { "Did you mean '\($0)'?" }
      throw AdminError(
        .notFound, "there is no kind '\(text.prefix(64))'",
        hint: nearest ?? "Kinds are " + names.joined(separator: ", "))
    }
    self = kind
  }

  private var names: [String] {
    switch self {
    case .session: ["sessions", "session", "sess"]
    case .step: ["steps", "step"]
    case .instance: ["instances", "instance", "inst"]
    case .graphService: ["graphservices", "graphservice", "gs"]
    case .job: ["jobs", "job"]
    case .child: ["children", "child"]
    case .tenant: ["tenants", "tenant"]
    case .host: ["hosts", "host"]
    }
  }
}

/// An object as a path or an argument names it.
struct ObjectName: Equatable {
  var kind: ObjectKind
  var name: String

  init(kind: ObjectKind, name: String) {
    self.kind = kind
    self.name = name
  }

  /// Reads `kind/name`.
  /// - Throws: `AdminError` of code `invalidArgument` or `notFound`.
  init(parsing text: String) throws(AdminError) {
    guard let slash = text.firstIndex(of: "/"), slash != text.startIndex, text.index(after: slash) != text.endIndex
    else { throw AdminError(.invalidArgument, "'\(text.prefix(64))' does not name an object", hint: "Write kind/name") }
    self.init(kind: try ObjectKind(named: String(text[..<slash])), name: String(text[text.index(after: slash)...]))
  }

  /// The object of a key of the state store; nil for keys that are not objects'.
  init?(key: String) {
    guard let kind = ObjectKind.allCases.first(where: { key.utf8.starts(with: $0.prefix.utf8) }) else { return nil }
    self.init(kind: kind, name: String(decoding: key.utf8.dropFirst(kind.prefix.utf8.count), as: UTF8.self))
  }

  /// The name in a path after its first `count` components; it may contain slashes, plain or encoded.
  /// - Throws: `AdminError` of code `invalidArgument`.
  static func name(in request: Request, after count: Int) throws(AdminError) -> String {
    let components = request.uri.path.split(separator: "/").dropFirst(count)
    guard let name = String(percentDecoding: components.joined(separator: "/")), !name.isEmpty else {
      throw AdminError(.invalidArgument, "the name in the path is not percent-encoded UTF-8")
    }
    guard name.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f }) else {
      throw AdminError(.invalidArgument, "the name in the path holds control characters")
    }
    return name
  }

  /// `kind/name` as log records have it.
  var reference: String { "\(kind.rawValue)/\(name)" }
}
