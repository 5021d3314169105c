/// A client's ticket for a shorter handshake with a server where it was before (RFC 8446 section 2.2, RFC 5077).

import COpenSSL

/// `@unchecked Sendable`: an SSL_SESSION is reference-counted atomically and locked by OpenSSL.
package final class TLSSession: @unchecked Sendable {
    let pointer: OpaquePointer
    /// The session stands for a verification of this name only.
    let serverName: String

    /// Takes over one reference to `pointer`.
    init(owning pointer: OpaquePointer, serverName: String) {
        self.pointer = pointer
        self.serverName = serverName
    }

    deinit { SSL_SESSION_free(pointer) }
}
