import Glibc

/// Cuts a stream of bytes into lines. Bytes that are not UTF-8 are replaced; a line of more than `maximumBytes` is cut
/// into several; a line's end may be written `\n` or `\r\n`.
struct LineSplitter {
  let maximumBytes: Int
  /// The beginning of a line whose end has not come yet.
  private var beginning: [UInt8] = []

  init(maximumBytes: Int = 64 * 1024) { self.maximumBytes = max(4, maximumBytes) }

  /// How many bytes wait for the end of their line; at most `maximumBytes`.
  var pendingBytes: Int { beginning.count }

  /// Takes bytes; calls `emit` with each line that is complete, or as long as a line can be.
  mutating func append(_ bytes: UnsafeRawBufferPointer, emit: (String) -> Void) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let room = maximumBytes - beginning.count
      let view = UnsafeRawBufferPointer(rebasing: rest)
      if let newline = memchr(view.baseAddress!, 10, min(view.count, room + 1)) {
        let length = view.baseAddress!.distance(to: UnsafeRawPointer(newline))
        beginning.append(contentsOf: view[..<length])
        emitLine(emit)
        rest = rest.dropFirst(length + 1)
      } else {
        beginning.append(contentsOf: view.prefix(room))
        rest = rest.dropFirst(room)
        if beginning.count == maximumBytes { emitPiece(emit) }
      }
    }
  }

  /// The stream is over: what has no end is a line as well.
  mutating func finish(emit: (String) -> Void) {
    if !beginning.isEmpty { emitLine(emit) }
  }

  private mutating func emitLine(_ emit: (String) -> Void) {
    if beginning.last == 13 { beginning.removeLast() }
    emit(String(decoding: beginning, as: UTF8.self))
    beginning.removeAll(keepingCapacity: true)
  }

  /// Emits what fills a line, up to a character that is not complete.
  private mutating func emitPiece(_ emit: (String) -> Void) {
    var end = beginning.count
    var back = 0
    // The first byte of a character is among the last four.
    while back < 3, end - back > 1, beginning[end - back - 1] & 0xC0 == 0x80 { back += 1 }
    let first = beginning[end - back - 1]
    let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1
    if length > back + 1 { end -= back + 1 }
    emit(String(decoding: beginning[..<end], as: UTF8.self))
    beginning.removeFirst(end)
  }
}
