/// A client's ticket for a shorter handshake with a server where it was before (RFC 8446 section 2.2, RFC 5077).

import COpenSSL

/// `@unchecked Sendable`: an SSL_SESSION is reference-counted atomically and locked by OpenSSL.
package final class TLSSession: @unchecked Sendable {
    let pointer: OpaquePointer
    /// Resumption repeats no verification, so the session is good for this name only.
    let serverName: String
    /// Whether the server's certificate was found good; otherwise the session is no substitute for a verification.
    let isVerified: Bool

    /// Takes over one reference to `pointer`.
    init(owning pointer: OpaquePointer, serverName: String, isVerified: Bool) {
        self.pointer = pointer
        self.serverName = serverName
        self.isVerified = isVerified
    }

    deinit { SSL_SESSION_free(pointer) }
}
