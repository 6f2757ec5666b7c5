import ArgumentParser

/// Placeholder of the program that tests kill; see Tests/ClusterTests.
@main
struct SupervisionHost: ParsableCommand {
  func run() throws {}
}
