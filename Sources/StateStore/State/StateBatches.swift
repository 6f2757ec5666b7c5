extension [StateChange] {
  /// The limits of a batch, below those of a transaction in any store.
  private static let batch = (changes: 100, bytes: 512 << 10)

  /// Splits changes, in order, into batches that each fit one transaction.
  public func batches() -> [ArraySlice<StateChange>] {
    var (result, start, size): ([ArraySlice<StateChange>], Int, Int) = ([], 0, 0)
    for (index, change) in enumerated() {
      let bytes = change.key.utf8.count + change.valueBytes
      if index > start, index - start >= Self.batch.changes || size + bytes > Self.batch.bytes {
        result.append(self[start..<index])
        (start, size) = (index, 0)
      }
      size += bytes
    }
    if start < count { result.append(self[start...]) }
    return result
  }
}

extension StateChange {
  /// The size of the value in bytes; 0 for a deletion.
  fileprivate var valueBytes: Int { if case .put(_, let value, _) = self { value.count } else { 0 } }
}
