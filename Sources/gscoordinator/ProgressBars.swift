import Coordinator
import Foundation
import Synchronization

/// Progress bars on standard output, in the format of the Python coordinator. A client that started the coordinator and does
/// not show its log forwards only lines that contain "Loading" and "it/s]", as these bars do.
final class ProgressBars: Sendable {
  /// Writes bars to standard output.
  static let onStandardOutput: ProgressDisplay = { [bars = ProgressBars()] session, work, percent in
    if let line = bars.line(session, work, percent, at: .now) { LogWriter.shared.write(line + "\n", to: STDOUT_FILENO) }
  }

  private static let capacity = 1000

  /// The start times of pieces of work, by session and work.
  private let begun = Mutex<[String: ContinuousClock.Instant]>([:])

  /// Returns a bar for a percentage of a piece of work; nil if the work is not a load.
  func line(_ session: String, _ work: String, _ percent: Int, at now: ContinuousClock.Instant) -> String? {
    guard work.contains("Loading") else { return nil }
    let key = session + " " + work
    let start = begun.withLock { begun in
      if begun.count >= Self.capacity { begun = [:] }
      let start = percent == 0 ? now : begun[key] ?? now
      begun[key] = percent < 100 ? start : nil
      return start
    }
    let title = String(work.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? "?" : Character($0) })
    return Self.bar(title, tenths: min(max(percent / 10, 0), 10), percent: percent, start.duration(to: now))
  }

  private static func bar(_ title: String, tenths: Int, percent: Int, _ elapsed: Duration) -> String {
    let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
    let cells = String(repeating: "█", count: tenths) + String(repeating: " ", count: 10 - tenths)
    let isKnown = tenths > 0 && seconds > 0
    let remaining = isKnown ? clock(seconds / Double(tenths) * Double(10 - tenths)) : "?"
    let rate = isKnown ? String(format: "%.2f", Double(tenths) / seconds) : "?"
    return title + ": " + String(format: "%3d", percent) + "%|\(cells)| \(tenths)/10 [\(clock(seconds))<\(remaining), "
      + rate + "it/s]"
  }

  /// Formats a time as `01:05`.
  private static func clock(_ seconds: Double) -> String {
    let whole = Int(min(seconds, 359_999))
    let minutes = String(format: "%02d:%02d", whole / 60 % 60, whole % 60)
    return whole < 3600 ? minutes : "\(whole / 3600):" + minutes
  }
}
