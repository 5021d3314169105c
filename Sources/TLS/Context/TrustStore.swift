/// The authorities whose certificates are believed when a peer's chain is verified (RFC 5280 section 6).

import COpenSSL

/// `@unchecked Sendable`: an X509_STORE locks itself and is only read after `init`.
package final class TrustStore: @unchecked Sendable {
    let pointer: OpaquePointer

    private init() throws(TLSError) {
        OpenSSLLibrary.prepare()
        guard let store = X509_STORE_new() else { throw .fromLibrary(.internal, "no memory for a trust store") }
        pointer = store
    }

    deinit { X509_STORE_free(pointer) }

    /// The system's authorities, at OpenSSL's default locations (also SSL_CERT_FILE and SSL_CERT_DIR).
    ///
    /// Reading them takes milliseconds and a megabyte: make one store and share it.
    package static func system() throws(TLSError) -> TrustStore {
        let store = try TrustStore()
        guard X509_STORE_set_default_paths(store.pointer) == 1 else {
            throw .fromLibrary(.fileUnreadable, "the system's certificate authorities cannot be loaded")
        }
        // An absent default file is not an error for OpenSSL but stays in its queue.
        ERR_clear_error()
        return store
    }

    /// The authorities in a PEM file. A server's own certificate in the file is believed, too.
    package static func file(_ path: String) throws(TLSError) -> TrustStore {
        try certificates(PEMFile(reading: path, purpose: "certificate authority").certificates())
    }

    package static func certificates(_ certificates: [Certificate]) throws(TLSError) -> TrustStore {
        let store = try TrustStore()
        for certificate in certificates where X509_STORE_add_cert(store.pointer, certificate.pointer) != 1 {
            throw .fromLibrary(.certificateInvalid, "the authority \(certificate.subject) cannot be trusted")
        }
        X509_STORE_set_flags(store.pointer, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        return store
    }
}
