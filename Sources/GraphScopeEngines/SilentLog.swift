import Engines

/// Discards progress of work that no client waits for.
struct SilentLog: ProgressLog {
  func info(_ line: String) {}
}
