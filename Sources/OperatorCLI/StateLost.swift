import ArgumentParser
import Coordinator
import Foundation
import ServerConfiguration
import StateStore
import Support

extension StateCommand {
  /// Lists the files that were set aside.
  struct Lost: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists the files that were set aside because the state does not name them.",
      discussion:
        "They stay in lost+found in the workspace for limits.lost_found_days. `state repair` brings them back.")

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
      guard let workspace = WorkspaceChoice(try options.resolve().settings).path else {
        throw ConfigurationError("the workspace is not known. Give it with --workspace")
      }
      let lostAndFound = LostAndFound(workspace: workspace)
      let entries = try lostAndFound.list()
      guard !entries.isEmpty else { return print("Nothing was set aside in '\(workspace)'.") }
      for entry in entries { Self.show(entry, at: lostAndFound.path(of: entry)) }
      print("`gscoordinator state repair --workspace \(workspace)` brings back what it can.")
    }

    private static func show(_ entry: SetAside, at path: String) {
      let time = Date(timeIntervalSince1970: Double(entry.milliseconds) / 1000).formatted(.iso8601)
      let what = entry.kind == .session ? "session" : "\(entry.keys.count) objects of session"
      print("\(time)  \(what) \(entry.session): \(entry.reason)".harmless(replacement: " "))
      print("  \(path)".harmless(replacement: " "))
    }
  }

  /// Recreates the entries that the state has lost, from the records in the directories of sessions, and prints a report.
  static func rebuild(workspace: Workspace, store: any StateStore) async throws {
    let author = "uid \(getuid()) on \(ProcessInfo.processInfo.hostName)"
    let report = try await StateRebuilding(workspace: workspace, store: store, author: author).run()
    guard !report.isEmpty else { return }
    for session in report.sessions {
      print("session \(session): recovered from its directory".harmless(replacement: " "))
    }
    if report.objects > 0 { print("\(report.objects) objects: recovered from the directories of their sessions") }
    for text in report.broughtBack { print("\(text): brought back from lost+found".harmless(replacement: " ")) }
    for text in report.left { print("left in place: \(text)".harmless(replacement: " ")) }
  }
}
