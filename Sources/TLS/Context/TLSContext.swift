/// What connections with the same certificate share: key, chain, trusted authorities, versions and ciphers.

import COpenSSL
import Synchronization

/// `@unchecked Sendable`: an SSL_CTX is reference-counted and locked by OpenSSL; it is configured in `init` only.
package final class TLSContext: @unchecked Sendable {
    package enum Role: Sendable { case server, client }

    package let role: Role
    /// The key and certificate shown to peers; always present for servers.
    package let certifiedKey: CertifiedKey?
    let pointer: OpaquePointer
    private let connectionCount = Atomic<Int>(0)

    /// What the administrator should be told about the certificate, in one line each.
    package var warnings: [TLSError] { certifiedKey?.warnings ?? [] }

    /// How many connections use this context now; after a reload the former contexts run empty.
    package var connections: Int { connectionCount.load(ordering: .relaxed) }

    /// - Parameter clientTrust: who vouches for the certificates of clients, for handlers that ask for them.
    package static func server(
        _ certifiedKey: CertifiedKey, minimumVersion: TLSVersion = .tls12, clientTrust: TrustStore? = nil
    ) throws(TLSError) -> TLSContext {
        try TLSContext(.server, certifiedKey, minimumVersion: minimumVersion, trust: clientTrust)
    }

    /// - Parameters:
    ///   - trust: who vouches for servers; with nil no server is trusted.
    ///   - certifiedKey: shown to servers that ask for a certificate.
    package static func client(
        trust: TrustStore?, certifiedKey: CertifiedKey? = nil, minimumVersion: TLSVersion = .tls12
    ) throws(TLSError) -> TLSContext {
        try TLSContext(.client, certifiedKey, minimumVersion: minimumVersion, trust: trust)
    }

    init(
        _ role: Role, _ certifiedKey: CertifiedKey?, minimumVersion: TLSVersion, maximumVersion: TLSVersion = .tls13,
        trust: TrustStore?
    ) throws(TLSError) {
        OpenSSLLibrary.prepare()
        TLSError.clearQueue()
        guard let context = SSL_CTX_new(role == .server ? TLS_server_method() : TLS_client_method()) else {
            throw .fromLibrary(.internal, "OpenSSL gives no TLS context")
        }
        self.role = role
        self.certifiedKey = certifiedKey
        pointer = context
        // From here on deinit frees the context, also when an error is thrown.

        guard COpenSSL_SSL_CTX_set_min_proto_version(context, minimumVersion.code) == 1,
            COpenSSL_SSL_CTX_set_max_proto_version(context, maximumVersion.code) == 1
        else {
            throw .fromLibrary(.internal, "OpenSSL's configuration allows no version of TLS from \(minimumVersion) on")
        }
        SSL_CTX_set_options(
            context,
            COpenSSL_SSL_OP_NO_RENEGOTIATION | COpenSSL_SSL_OP_NO_COMPRESSION | COpenSSL_SSL_OP_CIPHER_SERVER_PREFERENCE
                | COpenSSL_SSL_OP_PRIORITIZE_CHACHA)
        // Released buffers are two thirds of an idle connection's memory.
        let modes = SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
        _ = COpenSSL_SSL_CTX_set_mode(context, Int(modes))
        // TLS 1.2 only; those of TLS 1.3 are all forward secret and authenticated.
        guard SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 else {
            throw .fromLibrary(.internal, "OpenSSL's configuration allows no cipher with forward secrecy")
        }
        // A log-in is mostly the schedule of keys and the signature: SHA-256 costs half of what SHA-384 does there. Who
        // wants only AES-256 offers only that.
        guard
            SSL_CTX_set_ciphersuites(
                context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") == 1
        else {
            throw .fromLibrary(.internal, "OpenSSL's configuration allows no cipher of TLS 1.3")
        }
        // Sessions live in tickets only, which cost the server no memory; one is enough for one connection.
        _ = COpenSSL_SSL_CTX_set_session_cache_mode(context, Int(SSL_SESS_CACHE_OFF))
        SSL_CTX_set_num_tickets(context, 1)

        if let trust {
            SSL_CTX_set1_cert_store(context, trust.pointer)
        }
        if let certifiedKey {
            try Self.install(certifiedKey, in: context)
        }
        if role == .server {
            // Required when client certificates are asked for; the tickets are bound to it.
            let name = Array("martlet".utf8)
            SSL_CTX_set_session_id_context(context, name, CUnsignedInt(name.count))
            SSLConnection.installServerCallbacks(in: context)
        }
    }

    deinit { SSL_CTX_free(pointer) }

    private static func install(_ certifiedKey: CertifiedKey, in context: OpaquePointer) throws(TLSError) {
        guard SSL_CTX_use_certificate(context, certifiedKey.certificate.pointer) == 1,
            SSL_CTX_use_PrivateKey(context, certifiedKey.key) == 1
        else {
            throw .fromLibrary(
                .keyUnsuitable,
                "the key of the certificate \(certifiedKey.certificate.subject) is not accepted by OpenSSL "
                    + "(make one of type EC P-256, or RSA of at least 2048 bits)")
        }
        for issuer in certifiedKey.chain.dropFirst()
        where COpenSSL_SSL_CTX_add1_chain_cert(context, issuer.pointer) != 1 {
            throw .fromLibrary(
                .certificateInvalid, "the chain certificate \(issuer.subject) is not accepted by OpenSSL")
        }
    }

    func connectionOpened() {
        connectionCount.add(1, ordering: .relaxed)
    }

    func connectionClosed() {
        connectionCount.subtract(1, ordering: .relaxed)
    }
}
