import Glibc
import Synchronization
import Workers

/// Reads tables from clients' files into column files.
public enum TableReader {
  /// Reads the requested columns of a delimited text file into column files created in `staging` (an existing directory).
  ///
  /// The dialect is that of Apache Arrow's CSV reader, which GraphScope uses. Fields may be enclosed in double quotes, with inner
  /// quotes doubled; lines end with LF, CR LF or CR; blank lines and a UTF-8 byte order mark are skipped. Types that are not
  /// declared are inferred from the whole file (integer, bool, date, timestamp, decimal, string, in this order). A missing value
  /// (an empty cell, `NULL`, `NA`, `nan`, …) becomes zero or an empty string. Unlike in Arrow, a quoted field may contain line
  /// ends anywhere in the file, `bool` becomes int32, a column without any value becomes a column of empty strings, and times of
  /// day remain strings, because GraphStore has no type for them.
  ///
  /// The columns of the result are `options.columns` in their order, followed by all others if they are requested.
  ///
  /// - Parameters:
  ///   - path: The path as the client wrote it; see `expandPath`.
  ///   - progress: Called on the calling thread at most ten times per second, with a fraction that never decreases.
  /// - Throws: `GraphStoreError` with file, line, column and value of the first error in the order of the file;
  ///   `CancellationError`. Files made by then stay in `staging`, which the caller removes.
  public static func readCSV(
    path: String, options: CSVOptions, staging: String, workers: Workers, progress: (_ fraction: Double) -> Void
  ) throws -> Table {
    try readCSV(
      try OpenedFile(path: path), options: options, staging: staging, workers: workers, progress: progress)
  }

  /// Reads a file that is already open, as `readCSV(path:…)` does.
  public static func readCSV(
    _ file: OpenedFile, options: CSVOptions, staging: String, workers: Workers, progress: (_ fraction: Double) -> Void
  ) throws -> Table {
    try CSVReader.read(file, options: options, staging: staging, workers: workers, progress: progress)
  }

  /// Expands a path: removes a leading `file://`, replaces `~/` by the home directory of the coordinator's user, and replaces
  /// `$NAME` and `${NAME}` by environment variables of the coordinator; unknown variables are left as they are. Patterns such as
  /// `*.csv` have no meaning. Show clients the path that they wrote, never the result: it may contain secrets.
  public static func expandPath(_ path: String) -> String {
    var rest = withoutScheme(path)
    var expanded = ""
    if rest == "~" || rest.hasPrefix("~/"), let home = environment("HOME") {
      expanded = home
      rest = rest.dropFirst()
    }
    while let dollar = rest.firstIndex(of: "$") {
      expanded += rest[..<dollar]
      rest = rest[rest.index(after: dollar)...]
      let isBraced = rest.first == "{"
      let body = isBraced ? rest.dropFirst() : rest
      let name = body.prefix { $0.isASCII && ($0.isLetter || $0.isNumber) || $0 == "_" }
      let after = body[name.endIndex...]
      guard !name.isEmpty, !isBraced || after.first == "}", let value = environment(String(name)) else {
        expanded += "$"
        continue
      }
      expanded += value
      rest = isBraced ? after.dropFirst() : after
    }
    return expanded + rest
  }

  /// Returns the path without a leading `file://` in any spelling.
  public static func withoutScheme(_ path: String) -> Substring {
    path.prefix(7).lowercased() == "file://" ? path.dropFirst(7) : Substring(path)
  }

  private static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }
}

/// Reports the progress of work to a caller, on the caller's own thread and at a limited rate.
final class ProgressMeter {
  private let report: (Double) -> Void
  private let done = Atomic<Int>(0)
  private var total: Int
  private var shown = 0.0
  private var last = ContinuousClock.now

  /// Creates a meter for `total` units of work.
  init(total: Int, report: @escaping (Double) -> Void) {
    self.total = max(1, total)
    self.report = report
  }

  /// Adds units of work to the total. Call it on the driving thread while no work is running.
  func expect(_ units: Int) { total += units }

  /// Records work done by the thread in `slot`; slot 0 is the driving thread.
  func advance(_ units: Int, slot: Int) {
    let now = done.add(units, ordering: .relaxed).newValue
    guard slot == 0, last.duration(to: .now) >= .milliseconds(100) else { return }
    last = .now
    shown = max(shown, min(1, Double(now) / Double(total)))
    report(shown)
  }
}
