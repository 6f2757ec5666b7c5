import Glibc
import Synchronization

/// A record of a state store's identity and progress, kept next to it. It distinguishes a store that has lost transactions, or
/// was replaced by another one, from one that never had them.
struct StateSeal: Sendable, Equatable {
  /// The identity of the store, created randomly with it.
  var identity: String
  /// The last committed revision.
  var revision: Revision
  /// The last revision known to be on disk, which survives a crash of the machine.
  var durable: Revision
  /// The kernel's boot id at the time of writing.
  var boot = StateSeal.currentBoot

  /// The current boot id.
  static let currentBoot: String = {
    guard let file = fopen("/proc/sys/kernel/random/boot_id", "re") else { return "" }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 64)
    guard fgets(&line, 40, file) != nil else { return "" }
    return String(decoding: line.prefix { $0 > 32 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }()

  /// The revision that must be present now. After a crash of the machine, that is the last one on disk; otherwise, the last
  /// committed one, since data written by a process survives the process.
  var required: Revision { boot == Self.currentBoot ? revision : min(revision, durable) }
}

/// The file of a seal. It has two slots, written alternately, each with a checksum: if one is torn, the other one has the state
/// of one commit earlier. A slot is written after every commit, but rarely flushed to disk, which suffices to survive the death
/// of the process.
final class StateSealFile: Sendable {
  /// The seal found in a directory.
  enum Found: Sendable, Equatable {
    case none
    /// Both slots are unreadable.
    case damaged
    case seal(StateSeal)
  }

  private struct Slot {
    var sequence: UInt64
    var seal: StateSeal
  }

  private let descriptor: Int32
  private let slot: Mutex<Slot>

  private static let slotSpacing = 512
  private static let slotBytes = 96
  private static let magic: UInt64 = 0x3130_4c41_4553_5347

  /// Creates a seal, replacing an existing one, and flushes it to disk.
  /// - Throws: `StateStoreError`.
  convenience init(creating path: String, _ seal: StateSeal) throws {
    let draft = path + ".new"
    unlink(draft)
    let slot = Slot(sequence: 1, seal: seal)
    let descriptor = open(draft, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw fileError("cannot create", draft) }
    var bytes = [UInt8](repeating: 0, count: 2 * Self.slotSpacing)
    bytes.replaceSubrange(Self.offset(of: slot)..<Self.offset(of: slot) + Self.slotBytes, with: Self.encode(slot))
    guard pwrite(descriptor, bytes, bytes.count, 0) == bytes.count else {
      let error = fileError("cannot write", draft)
      close(descriptor)
      throw error
    }
    do { try moveDurably(draft, to: path) } catch {
      close(descriptor)
      throw error
    }
    self.init(descriptor: descriptor, slot)
  }

  /// Continues the existing seal of a directory.
  /// - Throws: `StateStoreError`.
  convenience init(reopening path: String, _ seal: StateSeal) throws {
    guard let last = try Self.readSlot(path) else {
      try self.init(creating: path, seal)
      return
    }
    let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { throw fileError("cannot open", path) }
    self.init(descriptor: descriptor, Slot(sequence: last.sequence, seal: seal))
    write(durably: false) { _ in true }
  }

  private init(descriptor: Int32, _ slot: Slot) {
    self.descriptor = descriptor
    self.slot = Mutex(slot)
  }

  deinit { close(descriptor) }

  /// Reads the seal at a path.
  /// - Throws: `StateStoreError` if it exists and cannot be read, which differs from no seal.
  static func read(_ path: String) throws -> Found {
    guard try existingSize(path) != nil else { return .none }
    return try readSlot(path).map { .seal($0.seal) } ?? .damaged
  }

  /// The current seal.
  var seal: StateSeal { slot.withLock { $0.seal } }

  /// Records a committed revision. If the disk has no room for the record, the next one makes up for it.
  func note(_ revision: Revision, isDurable: Bool = false) {
    write(durably: false) { seal in
      guard revision > seal.revision else { return false }
      seal.revision = revision
      if isDurable { seal.durable = revision }
      return true
    }
  }

  /// Records that everything up to a revision was flushed to disk, and flushes the seal afterwards.
  func noteDurable(_ revision: Revision) {
    write(durably: true) { seal in
      guard revision > seal.durable else { return false }
      seal.durable = revision
      return true
    }
  }

  private func write(durably: Bool, _ change: (inout StateSeal) -> Bool) {
    let isWritten = slot.withLock { slot in
      guard change(&slot.seal) else { return false }
      slot.sequence += 1
      let bytes = Self.encode(slot)
      return pwrite(descriptor, bytes, bytes.count, off_t(Self.offset(of: slot))) == bytes.count
    }
    if durably, isWritten { fdatasync(descriptor) }
  }

  // MARK: The format

  private static func offset(of slot: Slot) -> Int { slot.sequence % 2 == 0 ? slotSpacing : 0 }

  private static func readSlot(_ path: String) throws -> Slot? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { throw fileError("cannot open", path) }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 2 * slotSpacing)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    guard count >= 0 else { throw fileError("cannot read", path) }
    let slots = [0, slotSpacing].compactMap { decode(bytes[$0..<$0 + slotBytes]) }
    return slots.max { $0.sequence < $1.sequence }
  }

  /// The magic number, the slot's number, both revisions, 16 bytes of identity, 40 of the boot id and the checksum.
  private static func encode(_ slot: Slot) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(slotBytes)
    for number in [magic, slot.sequence, UInt64(slot.seal.revision), UInt64(slot.seal.durable)] {
      append(number, to: &bytes)
    }
    for (text, size) in [(slot.seal.identity, 16), (slot.seal.boot, 40)] {
      bytes += text.utf8.prefix(size)
      bytes += [UInt8](repeating: 0, count: max(0, size - text.utf8.count))
    }
    append(bytes.withUnsafeBytes { stateChecksum($0) }, to: &bytes)
    return bytes
  }

  private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
  }

  private static func decode(_ bytes: ArraySlice<UInt8>) -> Slot? {
    let number = { (offset: Int) in
      (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[bytes.startIndex + offset + $1]) << (8 * UInt64($1)) }
    }
    let text = { (range: Range<Int>) in
      String(
        decoding: bytes[bytes.startIndex + range.lowerBound..<bytes.startIndex + range.upperBound].prefix { $0 != 0 },
        as: UTF8.self)
    }
    let body = bytes.dropLast(8)
    guard number(0) == magic, number(slotBytes - 8) == body.withUnsafeBytes({ stateChecksum($0) }),
      let revision = Revision(exactly: number(16)), let durable = Revision(exactly: number(24))
    else { return nil }
    let seal = StateSeal(identity: text(32..<48), revision: revision, durable: durable, boot: text(48..<88))
    return Slot(sequence: number(8), seal: seal)
  }
}

/// Returns a 64-bit checksum against accidental damage: FNV-1a over words of eight bytes. Every step is a bijection, so a change
/// within a single word is always detected.
func stateChecksum(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0xcbf2_9ce4_8422_2325) -> UInt64 {
  let prime: UInt64 = 0x100_0000_01b3
  var sum = (seed ^ UInt64(bytes.count)) &* prime
  var offset = 0
  while offset + 8 <= bytes.count {
    sum = (sum ^ UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))) &* prime
    // The multiplication alone does not propagate high bits to low ones.
    sum ^= sum >> 32
    offset += 8
  }
  while offset < bytes.count {
    sum = (sum ^ UInt64(bytes[offset])) &* prime
    offset += 1
  }
  return sum
}
