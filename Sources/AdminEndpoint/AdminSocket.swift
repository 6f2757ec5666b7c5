import Glibc
import HTTPServing

extension HTTPAddress {
  /// Returns the address of the Unix socket of the coordinator that uses a workspace. The socket is in the workspace, or below
  /// `/tmp` if its path would be too long for a socket.
  public static func socket(ofWorkspace workspace: String) -> HTTPAddress {
    let path = workspace + "/admin.sock"
    guard path.utf8.count > maximumPathBytes else { return .unix(path: path) }
    // FNV-1a, 64 bits (RFC 9923): unlike `Hasher`, the same in every process.
    let hash = path.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    return .unix(path: "/tmp/gscoordinator-\(getuid())-\(String(hash, radix: 36)).sock")
  }
}
