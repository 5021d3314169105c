/// What OpenSSL asks during a handshake: which certificate (SNI), which protocol (ALPN), is the chain good.

import COpenSSL

extension SSLConnection {
    static func installServerCallbacks(in context: OpaquePointer) {
        _ = COpenSSL_SSL_CTX_set_tlsext_servername_callback(context) { ssl, _, _ in
            SSLConnection.of(ssl)?.selectContext() ?? SSL_TLSEXT_ERR_NOACK
        }
        SSL_CTX_set_alpn_select_cb(
            context,
            { ssl, chosen, chosenLength, offer, offerLength, _ in
                guard let chosen, let chosenLength, let offer else { return SSL_TLSEXT_ERR_NOACK }
                guard let protocols = SSLConnection.of(ssl)?.serverParameters?.protocols, !protocols.isEmpty else {
                    return SSL_TLSEXT_ERR_NOACK
                }
                let names = UnsafeBufferPointer(start: offer, count: Int(offerLength))
                // XEP-0368 section 4: nothing in common ends the handshake with no_application_protocol.
                guard let range = protocols.preferred(in: names) else { return SSL_TLSEXT_ERR_ALERT_FATAL }
                chosen.pointee = offer + range.lowerBound
                chosenLength.pointee = UInt8(range.count)
                return SSL_TLSEXT_ERR_OK
            }, nil)
        SSL_CTX_set_info_callback(context) { ssl, event, value in
            guard event == SSL_CB_WRITE_ALERT, value & 0xFF == SSL_AD_NO_RENEGOTIATION else { return }
            SSLConnection.of(ssl)?.peerRenegotiates = true
        }
    }

    /// Ends the handshake at the first thing that is wrong with a chain.
    static let requireVerification: @convention(c) (CInt, OpaquePointer?) -> CInt = { isGood, store in
        if isGood == 0 { noteRejection(store) }
        return isGood
    }

    /// Lets every chain pass.
    static let reportVerification: @convention(c) (CInt, OpaquePointer?) -> CInt = { isGood, store in
        if isGood == 0 { noteRejection(store) }
        return 1
    }

    private static func noteRejection(_ store: OpaquePointer?) {
        let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx())
        guard let connection = SSLConnection.of(ssl.map { OpaquePointer($0) }), connection.rejection == nil else {
            return
        }
        let certificate = X509_STORE_CTX_get_current_cert(store)
        if let certificate { X509_up_ref(certificate) }
        connection.rejection = Rejection(
            code: X509_STORE_CTX_get_error(store), certificate: certificate.map(Certificate.init(owning:)))
    }

    private static func of(_ ssl: OpaquePointer?) -> SSLConnection? {
        SSL_get_ex_data(ssl, 0).map { Unmanaged.fromOpaque($0).takeUnretainedValue() }
    }

    private func selectContext() -> CInt {
        guard let parameters = serverParameters else { return SSL_TLSEXT_ERR_NOACK }
        let asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { String(cString: $0).normalizedDomain }
        guard let name = asked ?? parameters.fallbackName?.normalizedDomain,
            let selected = parameters.identities.context(for: name)
        else { return SSL_TLSEXT_ERR_NOACK }
        if selected !== context {
            guard SSL_set_SSL_CTX(ssl, selected.pointer) != nil else { return SSL_TLSEXT_ERR_ALERT_FATAL }
            context.connectionClosed()
            context = selected
            selected.connectionOpened()
        }
        return asked == nil ? SSL_TLSEXT_ERR_NOACK : SSL_TLSEXT_ERR_OK
    }
}
