import Glibc
import Synchronization

/// Reads tables from where users keep them into column files.
public enum TableReader {
  /// Reads the wanted columns of a delimited text file into column files made in `staging` (an existing directory).
  ///
  /// The dialect is that of Apache Arrow's CSV reader, which GraphScope uses: fields may stand in double quotes, with
  /// inner quotes doubled; lines end with LF, CR LF or CR; blank lines and a UTF-8 byte order mark are skipped; types
  /// that are not declared are inferred from the whole file (integer, bool, date, timestamp, decimal, string, in this
  /// order); a missing value (an empty cell, `NULL`, `NA`, `nan`, …) becomes zero, or an empty string. Different from
  /// Arrow, a quoted field may hold line ends wherever it lies, `bool` becomes int32, a column without any value
  /// becomes one of empty strings, and times of day remain strings, for there is no type for them here.
  ///
  /// The columns of the result are `options.columns` in their order, then all others if they are wanted.
  ///
  /// - Parameters:
  ///   - path: as the user wrote it, see `expandPath`.
  ///   - progress: called on the calling thread at most ten times per second, with a fraction that never falls.
  /// - Throws: `GraphStoreError` with file, line, column and value of the first error in the order of the file, or
  ///   `CancellationError`. Files that were made stay in `staging`, which the caller removes.
  public static func readCSV(
    path: String, options: CSVOptions, staging: String, workers: Workers, progress: (_ fraction: Double) -> Void
  ) throws -> Table {
    try CSVReader.read(path: path, options: options, staging: staging, workers: workers, progress: progress)
  }

  /// The path that is meant: without a leading `file://`, with `~/` as the home directory of the coordinator's user,
  /// and with `$NAME` and `${NAME}` replaced by environment variables of the coordinator; unknown ones stay as they
  /// are. Patterns such as `*.csv` mean nothing. Show users what they typed, never the outcome: it may hold secrets.
  public static func expandPath(_ path: String) -> String {
    var rest = Substring(path)
    if rest.hasPrefix("file://") { rest = rest.dropFirst(7) }
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

  private static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }
}

/// Tells a caller how far work has come, from the caller's own thread and not too often.
final class ProgressMeter {
  private let report: (Double) -> Void
  private let done = Atomic<Int>(0)
  private var total: Int
  private var shown = 0.0
  private var last = ContinuousClock.now

  /// A meter for `total` units of work.
  init(total: Int, report: @escaping (Double) -> Void) {
    self.total = max(1, total)
    self.report = report
  }

  /// More work has turned up. Call from the driving thread while no work is running.
  func expect(_ units: Int) { total += units }

  /// Work was done by the thread in `slot`; slot 0 is the driving thread.
  func advance(_ units: Int, slot: Int) {
    let now = done.add(units, ordering: .relaxed).newValue
    guard slot == 0, last.duration(to: .now) >= .milliseconds(100) else { return }
    last = .now
    shown = max(shown, min(1, Double(now) / Double(total)))
    report(shown)
  }
}
