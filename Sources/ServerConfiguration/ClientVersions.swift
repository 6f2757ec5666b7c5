import Coordinator

/// The client releases that are supported in addition to the server's own.
public struct ClientVersions {
  /// The additional releases.
  public let served: Set<ReleaseVersion>

  /// Parses `clients.versions`.
  /// - Throws: `ConfigurationError` that names an entry that is not a release, or a release that has not been tested.
  public init(_ settings: Settings) throws {
    var served: Set<ReleaseVersion> = []
    for text in (settings.optionalText(.clientVersions) ?? "").split(whereSeparator: { $0 == "," || $0 == " " }) {
      let release = ReleaseVersion(String(text))
      let known = ReleaseVersion.others.union([ReleaseVersion(clientVersion)!])
      guard let release, known.contains(release) else {
        throw ConfigurationError(
          "clients.versions (\(settings.origin(.clientVersions))) contains '\(text)', but must list supported releases: "
            + known.map(\.description).sorted().joined(separator: ", ") + ". Example: 0.27,0.28")
      }
      served.insert(release)
    }
    self.served = served
  }
}
