/// Extracts from a process's last lines those that explain its end.
enum LastWords {
  /// Joins the lines into one, without routine messages, and with only the innermost functions of a stack trace. The outermost
  /// functions, at the end of a trace, are the same for every step.
  static func text(_ lines: [String]) -> String {
    let words = lines.filter { !isUsual($0) && !isFrame($0) }
    return (words.suffix(5) + lines.compactMap(function).prefix(3)).joined(separator: " | ")
  }

  /// Returns whether a line is a routine message, which does not explain an end: lines of glog that begin with I, those of log4j
  /// and log4rs with level INFO, which include clients' queries, separator lines of MPI, and its announcement that it ends the
  /// remaining processes. The time and the address that glog prints before a stack trace explain nothing either.
  private static func isUsual(_ line: String) -> Bool {
    line.isEmpty || line.hasPrefix("I2") || line.hasPrefix("----") || line.hasPrefix("Primary job ")
      || line.hasPrefix("a non-zero exit code. ") || line.hasPrefix("*** Aborted at ") || line.hasPrefix("PC: @ ")
      || line.prefix(120).split(whereSeparator: { " []".contains($0) }).contains("INFO")
  }

  /// Returns whether the line is a frame of a stack trace by glog: "    @ 0x4f03b8 gs::Dispatcher::processCmd()".
  private static func isFrame(_ line: String) -> Bool {
    line.drop { $0 == " " }.hasPrefix("@ ") && line.contains(" 0x")
  }

  /// Returns the function in a frame of a stack trace; nil for other lines, and for functions without a name.
  private static func function(_ line: String) -> String? {
    guard isFrame(line) else { return nil }
    let name = line.drop { $0 == " " }.split(separator: " ", maxSplits: 2).dropFirst(2).first
    return name == "(unknown)" ? nil : name.map(String.init)
  }
}
