/// Replaces strings of header blocks that nghttp2 cannot decode, so that they end only their stream. A pure value.
///
/// nghttp2 ends the whole connection if a name or a value has more than 64 KiB as encoded (`NGHTTP2_HD_MAX_NV`, not
/// configurable). The state of header compression must survive, and the lengths of frames and blocks are already sent, so such a
/// string is overwritten in place: its length becomes one of 32 to 48 KiB, and the bytes behind that become further fields. An
/// entry of either length is larger than the dynamic table and empties it (RFC 7541, section 4.4), so later references are not
/// affected. Only the third byte of the length is changed, because the bytes before it may have been passed on already.
///
/// | state    | bytes                                                                                       |
/// |----------|---------------------------------------------------------------------------------------------|
/// | field    | first byte of a representation → index, length of a name or a value, or the next field       |
/// | index    | the last byte of an integer → the length of a value, or the next field                      |
/// | length   | the last byte of an integer → string; if it is too long: kept, then filler                  |
/// | string   | all of them → the length of the value, or the next field                                    |
/// | kept     | the same, overwritten → filler                                                              |
/// | filler   | the same, overwritten → the length of the value, or the next field                          |
struct LongFieldFilter {
  /// The maximum length of an encoded string that nghttp2 decodes.
  static let maxStringBytes = 65_536

  private enum State {
    case field
    case index(valueFollows: Bool)
    case length(digits: Int)
    case string(left: Int)
    case kept(left: Int)
    case filler(offset: Int)
  }

  private var state = State.field
  private var isName = false
  private var isHuffman = false
  /// The length of the current string, after a reduction.
  private var length = 0
  /// The number of bytes of the current string that become further fields.
  private var excess = 0
  /// Whether a string of the current block was overwritten.
  private(set) var hasShortened = false

  /// Starts with the next header block.
  mutating func beginBlock() { self = LongFieldFilter() }

  /// Overwrites the part of too long strings that is in consecutive bytes of the block. Returns false if a string is so long that
  /// the connection must end: 2 MiB and more.
  mutating func filter(_ bytes: UnsafeMutableRawBufferPointer) -> Bool {
    var position = 0
    while position < bytes.count {
      switch state {
      case .string(let left):
        let count = min(left, bytes.count - position)
        position += count
        advance(to: .string(left: left - count), if: left > count)
      case .kept(let left):
        bytes[position] = keptByte(isLast: left == 1)
        position += 1
        state = left > 1 ? .kept(left: left - 1) : .filler(offset: 0)
      case .filler(let offset):
        bytes[position] = fillerByte(offset)
        position += 1
        advance(to: .filler(offset: offset + 1), if: offset + 1 < excess)
      case .field:
        beginField(bytes[position])
        position += 1
      case .index(let valueFollows):
        if bytes[position] & 0x80 == 0 { if valueFollows { beginString(isName: false) } else { state = .field } }
        position += 1
      case .length(let digits):
        guard addToLength(&bytes[position], digits) else { return false }
        position += 1
      }
    }
    return true
  }

  /// The first byte of a representation (RFC 7541, section 6).
  private mutating func beginField(_ byte: UInt8) {
    let (isLiteral, indexBits): (Bool, UInt8) =
      if byte & 0x80 != 0 { (false, 0x7F) } else if byte & 0x40 != 0 { (true, 0x3F) } else if byte & 0x20 != 0 {
        (false, 0x1F)
      } else { (true, 0x0F) }
    let index = byte & indexBits
    if index == indexBits {
      state = .index(valueFollows: isLiteral)
    } else if isLiteral {
      beginString(isName: index == 0)
    }
  }

  private mutating func beginString(isName: Bool) {
    self.isName = isName
    excess = 0
    state = .length(digits: 0)
  }

  /// Reads one byte of a string's length (RFC 7541, section 5.1), and reduces it if it is too long.
  private mutating func addToLength(_ byte: inout UInt8, _ digits: Int) -> Bool {
    let part = Int(byte & 0x7F)
    let isLast: Bool
    switch digits {
    case 0:
      isHuffman = byte & 0x80 != 0
      length = part
      isLast = part < 0x7F
    case 1...3:
      length += part << (7 * (digits - 1))
      if digits == 3 && length > Self.maxStringBytes {
        excess = (part - Self.keptDigit) << 14
        length -= excess
        byte = byte & 0x80 | UInt8(Self.keptDigit)
        hasShortened = true
      }
      isLast = byte & 0x80 == 0
    default:
      guard part == 0 else { return false }
      isLast = byte & 0x80 == 0
    }
    guard isLast else {
      state = .length(digits: digits + 1)
      return true
    }
    if excess > 0 { state = .kept(left: length) } else { advance(to: .string(left: length), if: length > 0) }
    return true
  }

  /// The third digit of a reduced length, to the base of 128: from 32,895 to 49,278 bytes remain.
  private static let keptDigit = 2

  private mutating func advance(to same: State, if isIncomplete: Bool) {
    if isIncomplete { state = same } else if isName { beginString(isName: false) } else { state = .field }
  }

  /// A byte of a string of zeros. In the Huffman code, a zero has five bits that are 0, and the rest of the last byte must be
  /// filled with 1 (RFC 7541, section 5.2).
  private func keptByte(isLast: Bool) -> UInt8 {
    guard isHuffman else { return Self.zero }
    return isLast ? UInt8(1 << (8 * length % 5)) - 1 : 0
  }

  /// A byte of the fields that follow the reduced string. After a name, an empty value precedes them, and a name follows them that
  /// takes the value of the original field.
  private func fillerByte(_ offset: Int) -> UInt8 {
    guard isName else { return Self.fieldByte(offset, of: excess) }
    if offset == 0 { return 0 }
    let rest = excess - offset
    return rest > Self.fillerName.count
      ? Self.fieldByte(offset - 1, of: excess - 1 - Self.fillerName.count)
      : Self.fillerName[Self.fillerName.count - rest]
  }

  /// A byte of consecutive fields that have `total` bytes together: literals without indexing, `x: 000…`.
  private static func fieldByte(_ offset: Int, of total: Int) -> UInt8 {
    let position = offset % fieldBytes
    let size = min(fieldBytes, total - (offset - position))
    let head = fillerName.count
    // Too few bytes for a literal: `accept-encoding`, from the static table.
    if size <= head { return 0x90 }
    if position < head { return fillerName[position] }
    return position == head ? UInt8(size - head - 1) : zero
  }

  private static let fieldBytes = 128
  private static let fillerName: [UInt8] = [0, 1, UInt8(ascii: "x")]
  private static let zero = UInt8(ascii: "0")
}
