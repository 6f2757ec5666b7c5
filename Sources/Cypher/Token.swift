/// A piece of the text of a query.
struct Token: Sendable {
  var kind: Kind
  /// The position of the first scalar.
  var offset: Int
  /// The position behind the last scalar.
  var end: Int
  /// The name in upper case, if the token is a name without quotes; keywords are such names.
  var keyword = ""

  enum Kind: Equatable, Sendable {
    case name(String)
    /// The magnitude of a whole number; nil if 64 bits do not hold it.
    case integer(UInt64?)
    case float(Double)
    case string(String)
    case parameter(String)
    case symbol(Symbol)
    /// Digits with something behind them that makes no number.
    case malformedNumber
    case end
  }
}

/// Punctuation and operators. Arrows are read as single signs.
enum Symbol: String, CaseIterable, Sendable {
  case leftParenthesis = "("
  case rightParenthesis = ")"
  case leftBracket = "["
  case rightBracket = "]"
  case leftBrace = "{"
  case rightBrace = "}"
  case comma = ","
  case dots = ".."
  case dot = "."
  case colon = ":"
  case semicolon = ";"
  case addAssign = "+="
  case plus = "+"
  case minus = "-"
  case star = "*"
  case slash = "/"
  case percent = "%"
  case caret = "^"
  case matches = "=~"
  case equal = "="
  case notEqual = "<>"
  case bangEqual = "!="
  case lessOrEqual = "<="
  case less = "<"
  case greaterOrEqual = ">="
  case greater = ">"
  case bar = "|"
  case ampersand = "&"
  case bang = "!"
  case dollar = "$"
}
