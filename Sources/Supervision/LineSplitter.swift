import Glibc

/// Splits a stream of bytes into lines that end with `\n` or `\r\n`. Replaces bytes that are not UTF-8; splits a line of more
/// than `maximumBytes` into several.
struct LineSplitter {
  let maximumBytes: Int
  /// The beginning of an unterminated line.
  private var beginning: [UInt8] = []

  init(maximumBytes: Int = 64 * 1024) { self.maximumBytes = max(4, maximumBytes) }

  /// The number of bytes of the unterminated line; at most `maximumBytes`.
  var pendingBytes: Int { beginning.count }

  /// Appends bytes; calls `emit` for each line that is complete or has reached the maximum length.
  mutating func append(_ bytes: UnsafeRawBufferPointer, emit: (String) -> Void) {
    var rest = bytes[...]
    while let first = rest.first {
      // Only now is it certain that the line is too long.
      if beginning.count == maximumBytes, first != UInt8(ascii: "\n") { emitPiece(emit) }
      let room = maximumBytes - beginning.count
      let view = UnsafeRawBufferPointer(rebasing: rest)
      if let newline = memchr(view.baseAddress!, Int32(UInt8(ascii: "\n")), min(view.count, room + 1)) {
        let length = view.baseAddress!.distance(to: UnsafeRawPointer(newline))
        beginning.append(contentsOf: view[..<length])
        emitLine(emit)
        rest = rest.dropFirst(length + 1)
      } else {
        beginning.append(contentsOf: view.prefix(room))
        rest = rest.dropFirst(room)
      }
    }
  }

  /// Ends the stream: emits an unterminated rest as a line.
  mutating func finish(emit: (String) -> Void) {
    if !beginning.isEmpty { emitLine(emit) }
  }

  private mutating func emitLine(_ emit: (String) -> Void) {
    if beginning.last == 13 { beginning.removeLast() }
    emit(String(decoding: beginning, as: UTF8.self))
    beginning.removeAll(keepingCapacity: true)
  }

  /// Emits a piece of maximum length, cut before an incomplete character.
  private mutating func emitPiece(_ emit: (String) -> Void) {
    var end = beginning.count
    var back = 0
    // The first byte of a character is among the last four bytes.
    while back < 3, end - back > 1, beginning[end - back - 1] & 0xC0 == 0x80 { back += 1 }
    let first = beginning[end - back - 1]
    let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1
    if length > back + 1 { end -= back + 1 }
    emit(String(decoding: beginning[..<end], as: UTF8.self))
    beginning.removeFirst(end)
  }
}
