import HTTPServing
import Hummingbird
import Objects
import StateStore
import Support

extension ObjectKind {
  /// Parses the plural, singular or short name of a kind, ignoring case.
  /// - Throws: `RequestError` with the code `notFound`, which suggests the nearest name.
  public init(named text: String) throws(RequestError) {
    let wanted = text.lowercased()
    let kind = Self.allCases.first { $0.names.contains(wanted) }
    guard let kind else {
      let names = Self.allCases.map(\.plural)
      let nearest = NearestName.of(wanted, among: names).map { "Did you mean '\($0)'?" }
      throw RequestError(
        .notFound, "there is no kind of object '\(text.prefix(64))'",
        hint: nearest ?? "Kinds are " + names.joined(separator: ", "))
    }
    self = kind
  }
}

extension ObjectReference {
  /// Parses `kind/name`, with any of the names of the kind.
  /// - Throws: `RequestError` with the code `invalidArgument` or `notFound`.
  init(parsing text: String) throws(RequestError) {
    guard let slash = text.firstIndex(of: "/"), slash != text.startIndex, text.index(after: slash) != text.endIndex
    else {
      throw RequestError(.invalidArgument, "'\(text.prefix(64))' does not name an object", hint: "Write kind/name")
    }
    self.init(try ObjectKind(named: String(text[..<slash])), String(text[text.index(after: slash)...]))
  }

  /// Returns the name in a path after the first `count` components; it may contain slashes, plain or encoded.
  /// - Throws: `RequestError` with the code `invalidArgument`.
  static func name(in request: Request, after count: Int) throws(RequestError) -> String {
    let components = request.uri.path.split(separator: "/").dropFirst(count)
    guard let name = String(percentDecoding: components.joined(separator: "/")), !name.isEmpty else {
      throw RequestError(.invalidArgument, "the name in the path is not percent-encoded UTF-8")
    }
    guard name.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f }) else {
      throw RequestError(.invalidArgument, "the name in the path contains control characters")
    }
    return name
  }
}
