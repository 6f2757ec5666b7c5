extension Value {
  /// How deep lists, sets and maps may be nested. Comparisons, hashes and texts of values recurse as deep as values nest, and
  /// so does releasing them; whoever builds values in a loop checks `nests(deeperThan:)` now and then.
  public static let deepestNesting = 1_000

  /// Whether lists, sets and maps are nested deeper than a limit. The cost is that of visiting every element.
  public func nests(deeperThan limit: Int) -> Bool {
    switch self {
    case .list(let values), .set(let values): limit <= 0 || values.contains { $0.nests(deeperThan: limit - 1) }
    case .map(let map): limit <= 0 || map.entries.contains { $0.value.nests(deeperThan: limit - 1) }
    default: false
    }
  }
}
