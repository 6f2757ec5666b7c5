import Digests
import Engines
import Vocabulary
import Wire

/// An algorithm on one class of graphs, the unit that is compiled into a library.
struct ApplicationType: Sendable {
  let description: ApplicationDescription
  let fragment: FragmentType
  /// The client's own archive; nil for a built-in algorithm.
  let archive: [UInt8]?
  /// Additional definitions that the client passes to cmake, for example `-DWCC_USE_GID=ON`.
  let options: [String]

  init(
    _ description: ApplicationDescription, for fragment: FragmentType, archive: [UInt8]?,
    attributes: [ParamKey: AttributeValue]
  ) throws(EngineError) {
    self.description = description
    self.fragment = fragment
    self.archive = archive
    let options = (attributes[.cmakeExtraOptions]?.text ?? "").split(separator: " ").map(String.init)
    for option in options where !Self.isSafe(option) {
      throw EngineError(
        .invalidArgument, "CMAKE_EXTRA_OPTIONS contains '\(option.prefix(100))'", hint: "Use definitions: -DNAME=VALUE")
    }
    self.options = options
  }

  /// The name of the library that the engine loads. It equals that of the ready-made libraries, which ignores options.
  var signature: String {
    let text = "\(description.kind.rawValue).\(description.template).\(fragment.name)"
    guard let archive, description.kind != .cppPIE else { return sha256(Array(text.utf8)).hexadecimal }
    return sha256(Array(text.utf8), archive).hexadecimal
  }

  /// Returns whether an option is a plain definition: as arguments of cmake, other options can name files and programs.
  private static func isSafe(_ option: String) -> Bool {
    guard option.hasPrefix("-D"), option.utf8.count <= 200 else { return false }
    let parts = option.dropFirst(2).split(separator: "=", omittingEmptySubsequences: false)
    return parts.count == 2 && !parts[0].hasPrefix("CMAKE_")
      && parts.allSatisfy { part in
        !part.isEmpty && part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
      }
  }
}
