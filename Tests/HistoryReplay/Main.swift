import ControlPlane
import Foundation

/// Plays histories of coordinators again through the control plane, and fails when an event has other effects than it had.
///
/// `history-replay FILE…`: a coordinator of a debug build writes such files into the directory that the environment variable
/// GSCOORDINATOR_HISTORY names.
@main
struct HistoryReplay {
  static func main() {
    let paths = CommandLine.arguments.dropFirst()
    guard !paths.isEmpty else { return fail("usage: history-replay FILE…") }
    for path in paths {
      do { print("\(path): \(try replay(path))") } catch { return fail("\(path): \(error)") }
    }
  }

  private static func replay(_ path: String) throws -> String {
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { Data($0.utf8) }
    let decoder = JSONDecoder()
    guard let first = lines.first else { return "empty" }
    let header = try decoder.decode(History.Header.self, from: first)
    let entries = try lines.dropFirst().map { try decoder.decode(History.Entry.self, from: $0) }
    let plane = try History.replay(entries, header)
    return "\(entries.count) events, \(plane.sessions.count) sessions are left"
  }

  private static func fail(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
    exit(1)
  }
}
