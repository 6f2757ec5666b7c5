/// What of a process's last lines explains why it ended.
enum LastWords {
  /// The lines in one: without what is said when all is well, and of a stack trace the innermost functions only. A trace's
  /// outermost functions, which stand at its end, are those of every step.
  static func text(_ lines: [String]) -> String {
    let words = lines.filter { !isUsual($0) && !isFrame($0) }
    return (words.suffix(5) + lines.compactMap(function).prefix(3)).joined(separator: " | ")
  }

  /// What processes say when all is well explains no end: glog's lines that begin with I, log4j's and log4rs' of level INFO,
  /// MPI's rules, and that it ends what is left. Users' queries are among them. The time and the address that glog says
  /// before a stack trace explain nothing either.
  private static func isUsual(_ line: String) -> Bool {
    line.isEmpty || line.hasPrefix("I2") || line.hasPrefix("----") || line.hasPrefix("Primary job ")
      || line.hasPrefix("a non-zero exit code. ") || line.hasPrefix("*** Aborted at ") || line.hasPrefix("PC: @ ")
      || line.prefix(120).split(whereSeparator: { " []".contains($0) }).contains("INFO")
  }

  /// Whether glog printed the line as one of a stack trace: "    @ 0x4f03b8 gs::Dispatcher::processCmd()".
  private static func isFrame(_ line: String) -> Bool {
    line.drop { $0 == " " }.hasPrefix("@ ") && line.contains(" 0x")
  }

  /// The function of a line of a stack trace; nil for other lines, and for functions without a name.
  private static func function(_ line: String) -> String? {
    guard isFrame(line) else { return nil }
    let name = line.drop { $0 == " " }.split(separator: " ", maxSplits: 2).dropFirst(2).first
    return name == "(unknown)" ? nil : name.map(String.init)
  }
}
