import QueryValues

/// A word of a script with the place where it begins.
struct GremlinToken {
  /// What it is.
  enum Kind: Equatable {
    case name(String)
    case text(String)
    case integer32(Int32)
    case integer(Int64)
    case float(Double)
    case float32(Float)
    case symbol(Character)
    case range
    case lineEnd
    case end
  }

  var kind: Kind
  /// In Unicode scalars from the start of the script.
  var offset: Int

  /// How an error names it.
  var spelling: String {
    switch kind {
    case .name(let name): name
    case .text(let text): "'\(text.prefix(40))'"
    case .integer32(let number): String(number)
    case .integer(let number): String(number)
    case .float(let number): String(number)
    case .float32(let number): String(number)
    case .symbol(let symbol): String(symbol)
    case .range: ".."
    case .lineEnd: "the end of the line"
    case .end: "the end of the script"
    }
  }
}
