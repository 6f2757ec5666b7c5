import Digests
import Engines
import Wire

/// An algorithm for one class of graphs: what a library is compiled for.
struct ApplicationType: Sendable {
  let description: ApplicationDescription
  let fragment: FragmentType
  /// The user's own archive; nil for a built-in algorithm.
  let archive: [UInt8]?
  /// Further definitions that the client asks cmake for, for example `-DWCC_USE_GID=ON`.
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
        .invalidArgument, "CMAKE_EXTRA_OPTIONS holds '\(option.prefix(100))'", hint: "Use definitions: -DNAME=VALUE")
    }
    self.options = options
  }

  /// The name of the library that the engine loads. It is that of the ready-made ones, which know nothing of options.
  var signature: String {
    let text = "\(description.kind.rawValue).\(description.template).\(fragment.name)"
    guard let archive, description.kind != .cppPIE else { return sha256(Array(text.utf8)).hexadecimal }
    return sha256(Array(text.utf8), archive).hexadecimal
  }

  /// Plain definitions only: options go to cmake as arguments, which can name files and programs otherwise.
  private static func isSafe(_ option: String) -> Bool {
    guard option.hasPrefix("-D"), option.utf8.count <= 200 else { return false }
    let parts = option.dropFirst(2).split(separator: "=", omittingEmptySubsequences: false)
    return parts.count == 2 && !parts[0].hasPrefix("CMAKE_")
      && parts.allSatisfy { part in
        !part.isEmpty && part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
      }
  }
}
