/// What went wrong with a certificate file, a handshake or a connection, in one line for the administrator.

package struct TLSError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Kind: Equatable, Sendable {
        // Files
        case fileMissing
        case fileUnreadable
        case fileUnwritable
        case notPEM
        case keyEncrypted
        case keyMismatch
        case keyExposed
        case keyUnsuitable
        case nameInvalid

        // Certificates, one's own (as warnings) or the peer's (as reasons of a failed handshake)
        case certificateExpired
        case certificateNotYetValid
        case certificateInvalid
        case certificateRevoked
        case nameMismatch
        case unknownIssuer
        case selfSigned

        // Handshakes
        case notTLS
        case noCommonVersion
        case noCommonCipher
        case noApplicationProtocol
        /// The peer refused with this alert (RFC 8446 section 6.2).
        case refusedByPeer(alert: Int)
        case interrupted

        // Connections
        /// The peer closed without close_notify: what it sent may be incomplete.
        case truncated
        case protocolViolation
        case `internal`
    }

    package let kind: Kind
    package let description: String

    package init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
