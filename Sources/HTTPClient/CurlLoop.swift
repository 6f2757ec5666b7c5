import CCurl
import Glibc
import Synchronization

/// The thread that drives all exchanges of a client.
/// @unchecked Sendable: only the loop's own thread uses `multi`, except for curl_multi_wakeup, the one function that libcurl
/// allows from any thread; `wake` calls it under the lock with which `run` announces the end of `multi`.
final class CurlLoop: @unchecked Sendable {
  /// Commands from tasks to the thread.
  enum Command: Sendable {
    case start(HTTPRequest, Exchange)
    case cancel(Exchange)
    case resume(Exchange)
  }

  private struct Inbox {
    var commands: [Command] = []
    var open = 0
    var isStopping = false
    var hasEnded = false
  }

  private let configuration: HTTPClientConfiguration
  private let multi: UnsafeMutableRawPointer
  private let inbox = Mutex(Inbox())

  init(_ configuration: HTTPClientConfiguration) throws(HTTPClientError) {
    guard Self.libraryIsReady, let multi = curl_multi_init() else {
      throw HTTPClientError(.closed, "libcurl could not be started.", hint: "Check the free memory of the machine")
    }
    self.configuration = configuration
    self.multi = multi
    var thread = pthread_t()
    let context = Unmanaged.passRetained(self)
    let status = pthread_create(&thread, nil, CurlLoop.main, context.toOpaque())
    guard status == 0 else {
      context.release()
      curl_multi_cleanup(multi)
      throw HTTPClientError(
        .closed, "A thread for HTTP could not be started.", evidence: String(cString: strerror(status)),
        hint: "Raise the limit on processes (ulimit -u)")
    }
    pthread_detach(thread)
  }

  private static let libraryIsReady = ccurl_global_init() == CURLE_OK

  private static let main: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
    if let context { Unmanaged<CurlLoop>.fromOpaque(context).takeRetainedValue().run() }
    return nil
  }

  /// Passes a command to the thread. An exchange that cannot be started ends at once.
  func submit(_ command: Command) {
    let refusal: HTTPClientError? = inbox.withLock { inbox in
      if case .start = command {
        if inbox.isStopping { return HTTPClientError(.closed, "The HTTP client is closed.") }
        guard inbox.open < configuration.maximumOpenRequests else {
          return HTTPClientError(
            .busy, "Too many HTTP requests are open.", evidence: "\(inbox.open) requests",
            hint: "Try again later, or raise maximumOpenRequests")
        }
        inbox.open += 1
      }
      wake(&inbox, command)
      return nil
    }
    if let refusal, case .start(_, let exchange) = command { exchange.ended(refusal) }
  }

  /// Ends all exchanges and the thread.
  func stop() {
    inbox.withLock { inbox in
      inbox.isStopping = true
      wake(&inbox, nil)
    }
  }

  private func wake(_ inbox: inout Inbox, _ command: Command?) {
    guard !inbox.hasEnded else { return }
    if let command { inbox.commands.append(command) }
    curl_multi_wakeup(multi)
  }

  // MARK: The thread

  private func run() {
    var transfers: [ObjectIdentifier: CurlTransfer] = [:]
    while true {
      let (commands, isStopping) = inbox.withLock { inbox in
        defer { inbox.commands = [] }
        return (inbox.commands, inbox.isStopping)
      }
      for command in commands { perform(command, &transfers) }
      if isStopping { break }
      var running: Int32 = 0
      let status = curl_multi_perform(multi, &running)
      finish(&transfers)
      if status != CURLM_OK || curl_multi_poll(multi, nil, 0, 60_000, nil) != CURLM_OK {
        inbox.withLock { $0.isStopping = true }
      }
    }
    for transfer in transfers.values {
      curl_multi_remove_handle(multi, transfer.easy)
      transfer.exchange.ended(HTTPClientError(.closed, "The HTTP client is closed.", evidence: transfer.label))
    }
    let late = inbox.withLock { inbox in
      inbox.hasEnded = true
      return inbox.commands
    }
    for case .start(_, let exchange) in late { exchange.ended(HTTPClientError(.closed, "The HTTP client is closed.")) }
    curl_multi_cleanup(multi)
  }

  private func perform(_ command: Command, _ transfers: inout [ObjectIdentifier: CurlTransfer]) {
    switch command {
    case .start(let request, let exchange):
      do throws(HTTPClientError) {
        let transfer = try CurlTransfer(request, configuration, exchange)
        guard curl_multi_add_handle(multi, transfer.easy) == CURLM_OK else {
          throw HTTPClientError(.transfer, "libcurl rejected the exchange.", evidence: request.label)
        }
        transfers[ObjectIdentifier(exchange)] = transfer
      } catch {
        inbox.withLock { $0.open -= 1 }
        exchange.ended(error)
      }
    case .cancel(let exchange):
      guard let transfer = transfers.removeValue(forKey: ObjectIdentifier(exchange)) else { return }
      remove(transfer)
      exchange.ended(CancellationError())
    case .resume(let exchange):
      if let transfer = transfers[ObjectIdentifier(exchange)] { curl_easy_pause(transfer.easy, CURLPAUSE_CONT) }
    }
  }

  /// Ends the exchanges that curl has completed.
  private func finish(_ transfers: inout [ObjectIdentifier: CurlTransfer]) {
    var left: Int32 = 0
    while let message = curl_multi_info_read(multi, &left) {
      let (easy, result) = (message.pointee.easy_handle, message.pointee.data.result)
      guard let (id, transfer) = transfers.first(where: { $0.value.easy == easy }) else { continue }
      transfers[id] = nil
      remove(transfer)
      transfer.exchange.ended(transfer.failure(result))
    }
  }

  private func remove(_ transfer: CurlTransfer) {
    curl_multi_remove_handle(multi, transfer.easy)
    inbox.withLock { $0.open -= 1 }
  }
}
