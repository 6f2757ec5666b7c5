import NIOSSL

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Reads certificates and keys from PEM files (RFC 7468).
enum PEMFile {
  /// Maximum size of a file, in bytes.
  static let maximumBytes = 1 << 20

  /// Reads the certificates in a file.
  /// - Throws: `TLSError` that names the file.
  static func certificates(_ path: String, valid now: time_t? = nil) throws(TLSError) -> [NIOSSLCertificate] {
    let bytes = try contents(path)
    let certificates: [NIOSSLCertificate]
    do { certificates = try NIOSSLCertificate.fromPEMBytes(bytes) } catch {
      throw TLSError(
        .malformed, "'\(path)' contains no certificate", evidence: BoringSSLReason.words(error),
        hint: "Use a PEM file with -----BEGIN CERTIFICATE-----")
    }
    guard let now else { return certificates }
    for certificate in certificates {
      if let reason = certificate.invalidity(at: now) {
        throw TLSError(
          .expired, "the certificate \(certificate.title) in '\(path)' \(reason)",
          hint: "Renew it, or check this machine's clock")
      }
    }
    return certificates
  }

  /// Reads the key in a file.
  /// - Throws: `TLSError` that names the file.
  static func key(_ path: String) throws(TLSError) -> NIOSSLPrivateKey {
    let bytes = try contents(path)
    do { return try NIOSSLPrivateKey(bytes: bytes, format: .pem) } catch {
      throw TLSError(
        .malformed, "'\(path)' contains no private key", evidence: BoringSSLReason.words(error),
        hint: "Use a PEM file without a passphrase, with -----BEGIN PRIVATE KEY-----")
    }
  }

  /// Reads a file.
  static func contents(_ path: String, atMost maximumBytes: Int = maximumBytes) throws(TLSError) -> [UInt8] {
    // O_NONBLOCK, so that opening a named pipe does not block.
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw unreadable(path, errno) }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw unreadable(path, "not a regular file")
    }
    var bytes = [UInt8](repeating: 0, count: maximumBytes + 1)
    var count = 0
    while count < bytes.count {
      let got = bytes.withUnsafeMutableBytes { read(file, $0.baseAddress! + count, $0.count - count) }
      if got < 0 && errno == EINTR { continue }
      guard got >= 0 else { throw unreadable(path, errno) }
      if got == 0 { break }
      count += got
    }
    guard count <= maximumBytes else { throw unreadable(path, "larger than \(maximumBytes) bytes") }
    return Array(bytes[..<count])
  }

  private static func unreadable(_ path: String, _ evidence: String) -> TLSError {
    TLSError(.unreadable, "cannot read '\(path)'", evidence: evidence, hint: "Check its path and permissions")
  }

  private static func unreadable(_ path: String, _ code: Int32) -> TLSError {
    var error = unreadable(path, String(cString: strerror(code)))
    if code == EMFILE || code == ENFILE {
      error.hint = "Raise the number of files that this process may have open (ulimit -n, LimitNOFILE= of a service)"
    }
    return error
  }

  /// Identifies a version of a file: changes whenever the file is written or replaced.
  struct Stamp: Equatable {
    private var device: UInt64 = 0
    private var inode: UInt64 = 0
    private var size: Int64 = 0
    private var seconds = 0
    private var nanoseconds = 0

    /// Reads the stamp of a file, following symbolic links; all zero if there is none.
    init(_ path: String) {
      var status = stat()
      guard stat(path, &status) == 0 else { return }
      device = UInt64(status.st_dev)
      inode = UInt64(status.st_ino)
      size = Int64(status.st_size)
      seconds = status.st_mtim.tv_sec
      nanoseconds = status.st_mtim.tv_nsec
    }
  }
}
