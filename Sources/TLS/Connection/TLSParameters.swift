/// What a handler needs until its handshake is complete, by role.

/// What a server does about certificates of clients.
package enum ClientCertificatePolicy: Sendable {
    /// None is asked for.
    case ignored
    /// One is asked for; the handshake goes on without it and with an untrusted one, see
    /// `TLSHandler.peerVerification` (SASL EXTERNAL, XEP-0178).
    case requested
}

/// What a client does about the certificate of the server.
package enum ServerCertificatePolicy: Sendable {
    /// The handshake fails unless the chain is trusted and the certificate covers the server's name.
    case required
    /// The handshake goes on; the result is in `TLSHandler.peerVerification` (dialback, XEP-0220).
    case reported
    /// Nothing is verified; for tests.
    case ignored
}

/// Whether the peer is who it should be.
package enum PeerVerification: Equatable, Sendable {
    /// The peer showed no certificate, or nothing is verified.
    case absent
    case trusted
    case untrusted(TLSError)
}

struct TLSServerParameters {
    let identities: TLSIdentities.Table
    let protocols: ApplicationProtocols
    let clientCertificates: ClientCertificatePolicy
    let fallbackName: String?
}

struct TLSClientParameters {
    let context: TLSContext
    let serverName: String
    let protocols: ApplicationProtocols
    let policy: ServerCertificatePolicy
    let session: TLSSession?
}
