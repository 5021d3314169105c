/// What an established connection can tell about itself and its peer.

import COpenSSL

extension SSLConnection {
    var version: TLSVersion? { TLSVersion(code: SSL_version(ssl)) }

    var cipherName: String? { SSL_CIPHER_get_name(SSL_get_current_cipher(ssl)).map { String(cString: $0) } }

    var negotiatedProtocol: String? {
        var name: UnsafePointer<UInt8>?
        var length: CUnsignedInt = 0
        SSL_get0_alpn_selected(ssl, &name, &length)
        guard let name, length > 0 else { return nil }
        return String(decoding: UnsafeBufferPointer(start: name, count: Int(length)), as: UTF8.self)
    }

    var serverName: String? { SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { String(cString: $0) } }

    var isResumed: Bool { SSL_session_reused(ssl) == 1 }

    var handshake: TLSHandshake? {
        version.map {
            TLSHandshake(
                version: $0, negotiatedProtocol: negotiatedProtocol, serverName: serverName, isResumed: isResumed)
        }
    }

    var peerCertificate: Certificate? { SSL_get1_peer_certificate(ssl).map(Certificate.init(owning:)) }

    var peerVerification: PeerVerification {
        guard SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE, let certificate = peerCertificate else { return .absent }
        if let rejection { return .untrusted(.verification(rejection, expectedName: expectedName)) }
        // A resumed session has only the code.
        let code = CInt(SSL_get_verify_result(ssl))
        guard code == X509_V_OK else {
            let rejection = Rejection(code: code, certificate: nil)
            return .untrusted(.verification(rejection, expectedName: expectedName))
        }
        if let expectedName, !certificate.covers(expectedName) {
            return .untrusted(.nameMismatch(certificate: certificate, expectedName: expectedName))
        }
        return .trusted
    }

    /// The own certificate for servers, the peer's for clients.
    var serverEndPoint: [UInt8]? {
        SSL_is_server(ssl) == 1 ? context.certifiedKey?.serverEndPoint : peerCertificate?.serverEndPoint
    }

    /// The ticket of a client, once the server has sent one.
    var session: TLSSession? {
        guard let expectedName, let pointer = SSL_get1_session(ssl) else { return nil }
        let session = TLSSession(
            owning: pointer, serverName: expectedName, isVerified: peerVerification == .trusted)
        return SSL_SESSION_is_resumable(pointer) == 1 ? session : nil
    }

    /// Whether keying material would be bound to this handshake alone: with TLS 1.2 only by RFC 7627.
    var isExportable: Bool {
        isEstablished && (version != .tls12 || COpenSSL_SSL_get_extms_support(ssl) == 1)
    }

    /// RFC 5705; nil when the result would not be bound to this handshake alone.
    func exportKeyingMaterial(label: String, context: [UInt8]?, length: Int) -> [UInt8]? {
        guard isExportable, length > 0 else { return nil }
        TLSError.clearQueue()
        var result = [UInt8](repeating: 0, count: length)
        let name = label.utf8CString
        let done = name.withUnsafeBufferPointer { name in
            SSL_export_keying_material(
                ssl, &result, length, name.baseAddress, name.count - 1, context ?? [], context?.count ?? 0,
                context == nil ? 0 : 1)
        }
        TLSError.clearQueue()
        return done == 1 ? result : nil
    }
}
