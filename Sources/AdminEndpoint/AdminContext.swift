import Coordinator
import Glibc
import Hummingbird
import Logging
import NIOCore

/// What a request brings along: the connection it came over.
struct AdminContext: RequestContext {
  typealias Source = ApplicationRequestContextSource

  var coreContext: CoreRequestContextStorage
  let channel: any Channel

  init(source: Source) {
    coreContext = CoreRequestContextStorage(source: source)
    channel = source.channel
  }

  /// Who asks, in the words of the client endpoint: the peer's host, or the user behind a Unix socket.
  func principal() async -> Principal {
    if let host = channel.remoteAddress?.ipAddress { return Principal("host \(host)") }
    guard let provider = channel as? any SocketOptionProvider else { return Principal("unix socket") }
    let credentials: EventLoopFuture<Credentials> = provider.unsafeGetSocketOption(
      level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
    guard let user = try? await credentials.get().uid else { return Principal("unix socket") }
    return Principal("uid \(user)")
  }

  /// The layout is Linux's `struct ucred` (unix(7), SO_PEERCRED).
  private struct Credentials: Sendable {
    var pid: Int32 = 0
    var uid: UInt32 = 0
    var gid: UInt32 = 0
  }
}
