import QueryAlgebra
import QueryValues

extension GremlinCompiler {
  mutating func functionStep(_ original: GremlinCall) throws(QueryError) -> Step? {
    var call = original
    switch call.name {
    case "concat":
      var operands: [Operand] = []
      for argument in call.arguments { operands.append(try operand(argument, "concat")) }
      return .concat(operands)
    case "format":
      try call.count(1...1)
      need(.labels)
      return .format(try call.arguments[0].text("format"), by: try projections(call))
    case "reverse": return .text(.reverse, .global)
    default: break
    }
    guard Self.textSteps.contains(call.name) else { return try listStep(call) }
    let scope = call.takeScope()
    return .text(try textFunction(call), scope)
  }

  private static let textSteps: Set<String> = [
    "asString", "length", "toLower", "toUpper", "trim", "lTrim", "rTrim", "replace", "split", "substring",
  ]

  private func textFunction(_ call: GremlinCall) throws(QueryError) -> TextFunction {
    switch call.name {
    case "asString": return .asString
    case "length": return .length
    case "toLower": return .toLower
    case "toUpper": return .toUpper
    case "trim": return .trim
    case "lTrim": return .trimStart
    case "rTrim": return .trimEnd
    case "replace":
      try call.count(2...2)
      return .replace(try Self.optional(call.arguments[0]), try Self.optional(call.arguments[1]))
    case "split":
      try call.count(1...1)
      return .split(try Self.optional(call.arguments[0]))
    default:
      try call.count(1...2)
      return .substring(try call.integer(0), call.arguments.count > 1 ? try call.integer(1) : nil)
    }
  }

  /// A text, or null.
  private static func optional(_ argument: Bytecode.Argument) throws(QueryError) -> String? {
    if case .value(.null) = argument { return nil }
    return try argument.text("replace")
  }

  private mutating func listStep(_ call: GremlinCall) throws(QueryError) -> Step? {
    if let function = ListFunction(rawValue: call.name) {
      try call.count(1...1)
      return .listFunction(function, try operand(call.arguments[0], call.name))
    }
    switch call.name {
    case "conjoin":
      try call.count(1...1)
      return .conjoin(try call.arguments[0].text("conjoin"))
    case "asDate": return .date(.parse)
    case "dateAdd":
      try call.count(2...2)
      guard case .constant("DT", let name) = call.arguments[0], let unit = DateUnit(rawValue: name) else {
        throw call.mistake("needs a unit such as DT.day.")
      }
      return .date(.add(unit, try call.integer(1)))
    case "dateDiff":
      try call.count(1...1)
      return .date(.difference(try operand(call.arguments[0], "dateDiff")))
    default: return nil
    }
  }
}
