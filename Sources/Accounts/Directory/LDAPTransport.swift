import Glibc
import NIOCore
import NIOPosix
import TLS

/// Connects to a server and protects the connection; libldap gets one end of a socket pair and never sees the network.
///
/// libldap's own TLS waits for ever on a server that hangs, and does not say why a certificate was refused.
/// Whatever ends one side ends the other: closing the descriptor closes the connection, and the reverse.
struct LDAPTransport: Sendable {
    let group: any EventLoopGroup
    let context: TLSContext?
    let timeouts: DirectoryConfiguration.Timeouts

    /// The descriptor of a connection on which LDAP can be spoken in confidence.
    func open(_ address: DirectoryServerAddress, by deadline: ContinuousClock.Instant) async throws(DirectoryFailure)
        -> CInt
    {
        let left = ContinuousClock.now.duration(to: deadline)
        guard left > .zero else { throw DirectoryFailure(.timedOut, "no time is left to connect") }
        let handshakeTime = min(left, timeouts.tls)
        do {
            return try await ClientBootstrap(group: group.next())
                .connectTimeout(TimeAmount(min(left, timeouts.connect)))
                .connect(host: address.host, port: address.port)
                .flatMap { channel in
                    secure(channel, address, within: TimeAmount(handshakeTime))
                        .flatMap { Self.join(channel) }
                        .flatMapErrorThrowing { error in
                            channel.close(promise: nil)
                            throw error
                        }
                }
                .get()
        } catch {
            throw Self.failure(for: error, address)
        }
    }

    private func secure(_ channel: any Channel, _ address: DirectoryServerAddress, within time: TimeAmount)
        -> EventLoopFuture<Void>
    {
        let secured = channel.eventLoop.makePromise(of: Void.self)
        let timer = channel.eventLoop.scheduleTask(in: time) {
            secured.fail(DirectoryFailure(.timedOut, "the server accepts connections but does not answer"))
        }
        secured.futureResult.whenComplete { _ in timer.cancel() }
        do {
            let handler = LDAPSecuringHandler(address: address, context: context, secured: secured)
            try channel.pipeline.syncOperations.addHandler(handler)
        } catch {
            secured.fail(error)
        }
        return secured.futureResult
    }

    private static func join(_ network: any Channel) -> EventLoopFuture<CInt> {
        let loop = network.eventLoop
        var pair: [CInt] = [-1, -1]
        guard socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            return loop.makeFailedFuture(DirectoryFailure(.configuration, "no descriptor is left (raise LimitNOFILE)"))
        }
        let (ours, theirs) = (pair[0], pair[1])
        return ClientBootstrap(group: loop)
            .channelInitializer { local in
                loop.makeCompletedFuture {
                    let (outer, inner) = LDAPLeg.pair()
                    try local.pipeline.syncOperations.addHandler(inner)
                    try network.pipeline.syncOperations.addHandler(outer)
                    let securing = try network.pipeline.syncOperations.handler(type: LDAPSecuringHandler.self)
                    network.pipeline.syncOperations.removeHandler(securing, promise: nil)
                }
            }
            .withConnectedSocket(ours)
            .map { _ in theirs }
            .flatMapErrorThrowing { error in
                Glibc.close(theirs)
                throw error
            }
    }

    private static func failure(for error: any Error, _ address: DirectoryServerAddress) -> DirectoryFailure {
        switch error {
        case let failure as DirectoryFailure: return failure
        case let error as TLSError: return DirectoryFailure(.tls, error.description + remedy(for: error.kind))
        case let error as NIOConnectionError:
            if let cause = error.connectionErrors.first?.error { return failure(for: cause, address) }
            return DirectoryFailure(.resolveOrConnect, "the name \(error.host) cannot be resolved")
        case let error as IOError:
            return DirectoryFailure(.resolveOrConnect, String(cString: strerror(error.errnoCode)).lowercased())
        case ChannelError.connectTimeout:
            return DirectoryFailure(.timedOut, "the server did not accept the connection in time")
        default:
            return DirectoryFailure(.resolveOrConnect, "\(error)")
        }
    }

    private static func remedy(for kind: TLSError.Kind) -> String {
        switch kind {
        case .unknownIssuer, .selfSigned: "; name the file of its authority as ca"
        case .nameMismatch: "; write a name that the certificate has into servers"
        case .certificateExpired, .certificateNotYetValid: "; renew it, or correct the clock"
        case .notTLS: "; use ldap:// if the port has TLS only after StartTLS"
        default: ""
        }
    }
}
