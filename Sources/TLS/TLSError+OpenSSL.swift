/// Translation of OpenSSL's error queue and verification codes into a `TLSError` in plain words.

import COpenSSL

extension TLSError {
    /// Takes everything out of this thread's error queue; OpenSSL requires an empty one before each operation.
    static func clearQueue() {
        if ERR_peek_error() != 0 { ERR_clear_error() }
    }

    /// What made an operation on a connection fail, taken from the error queue, which is empty afterwards.
    static func fromQueue(rejection: SSLConnection.Rejection?, expectedName: String?) -> TLSError {
        let code = ERR_peek_error()
        defer { ERR_clear_error() }
        let reason = ERR_GET_REASON(code)
        guard ERR_GET_LIB(code) == ERR_LIB_SSL else {
            return TLSError(.protocolViolation, "TLS failed: \(text(of: code))")
        }
        switch reason {
        case SSL_R_CERTIFICATE_VERIFY_FAILED:
            let rejection = rejection ?? SSLConnection.Rejection(code: X509_V_ERR_UNSPECIFIED, certificate: nil)
            return verification(rejection, expectedName: expectedName)
        case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST:
            return TLSError(.notTLS, "the peer sent an HTTP request in clear text where a TLS handshake was expected")
        case SSL_R_WRONG_VERSION_NUMBER:
            return TLSError(.notTLS, "the peer does not speak TLS on this port: its first bytes are no TLS record")
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_NO_PROTOCOLS_AVAILABLE, SSL_R_VERSION_TOO_LOW, SSL_R_VERSION_TOO_HIGH:
            return TLSError(.noCommonVersion, "the peer speaks no version of TLS that is allowed here")
        case SSL_R_NO_SHARED_CIPHER, SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, SSL_R_NO_SUITABLE_KEY_SHARE,
            SSL_R_NO_SUITABLE_GROUPS:
            return TLSError(.noCommonCipher, "no cipher in common with the peer (\(text(of: code)))")
        case SSL_R_NO_APPLICATION_PROTOCOL:
            return TLSError(
                .noApplicationProtocol, "the peer offers by ALPN only protocols that are not spoken on this port")
        case SSL_AD_REASON_OFFSET...(SSL_AD_REASON_OFFSET + 255):
            return refused(alert: Int(reason - SSL_AD_REASON_OFFSET))
        default:
            return TLSError(.protocolViolation, "the peer broke the TLS protocol: \(text(of: code))")
        }
    }

    /// Why a chain is not trusted (X509_V_ERR_…).
    static func verification(_ rejection: SSLConnection.Rejection, expectedName: String?) -> TLSError {
        let whose = expectedName.map { "the certificate of \($0)" } ?? "the peer's certificate"
        let certificate = rejection.certificate
        switch rejection.code {
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED:
            let issuer = certificate.map { " (\($0.issuer))" } ?? ""
            return TLSError(
                .unknownIssuer,
                "\(whose) was issued by an authority that is not trusted here\(issuer), or its chain is incomplete")
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            return TLSError(.selfSigned, "\(whose) is self-signed and not trusted here")
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
            return TLSError(.unknownIssuer, "\(whose) leads to a root authority that is not trusted here")
        case X509_V_ERR_CERT_HAS_EXPIRED:
            let which = certificate.map { ": \($0.subject) on \(UTCDate($0.notAfter))" } ?? ""
            return TLSError(.certificateExpired, "\(whose), or one in its chain, has expired\(which)")
        case X509_V_ERR_CERT_NOT_YET_VALID:
            let which = certificate.map { ": \($0.subject) from \(UTCDate($0.notBefore)) on" } ?? ""
            return TLSError(.certificateNotYetValid, "\(whose), or one in its chain, is not valid yet\(which)")
        case X509_V_ERR_CERT_REVOKED:
            return TLSError(.certificateRevoked, "\(whose) was revoked by its issuer")
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            return nameMismatch(certificate: certificate, expectedName: expectedName)
        default:
            return TLSError(
                .certificateInvalid,
                "\(whose) is not valid: \(String(cString: X509_verify_cert_error_string(Int(rejection.code))))")
        }
    }

    static func nameMismatch(certificate: Certificate?, expectedName: String?) -> TLSError {
        let names = certificate?.dnsNames ?? []
        let held = names.isEmpty ? "is " : "is for \(names.prefix(8).joined(separator: ", ")), "
        return TLSError(
            .nameMismatch, "the peer's certificate \(held)not for \(expectedName ?? "the expected name")")
    }

    /// The plain words for an alert with which the peer ended the handshake or the connection.
    private static func refused(alert: Int) -> TLSError {
        let meaning: String =
            switch CInt(alert) {
            case SSL3_AD_HANDSHAKE_FAILURE: "no acceptable set of parameters (versions, ciphers, certificates)"
            case SSL3_AD_BAD_CERTIFICATE: "it finds our certificate bad"
            case SSL3_AD_UNSUPPORTED_CERTIFICATE: "it does not support our kind of certificate"
            case SSL3_AD_CERTIFICATE_REVOKED: "it says that our certificate was revoked"
            case SSL3_AD_CERTIFICATE_EXPIRED: "it says that our certificate has expired"
            case SSL3_AD_CERTIFICATE_UNKNOWN: "it does not accept our certificate"
            case TLS1_AD_UNKNOWN_CA: "it does not trust the issuer of our certificate"
            case TLS1_AD_ACCESS_DENIED: "it denies access"
            case TLS1_AD_PROTOCOL_VERSION: "it speaks no version of TLS that is allowed here"
            case TLS1_AD_INSUFFICIENT_SECURITY: "it asks for stronger ciphers"
            case TLS1_AD_INTERNAL_ERROR: "it has an internal error"
            case TLS1_AD_USER_CANCELLED: "its user cancelled"
            case TLS1_AD_UNRECOGNIZED_NAME: "it does not serve the name that was asked for"
            case TLS1_AD_NO_APPLICATION_PROTOCOL: "it speaks none of the application protocols that were offered"
            case TLS13_AD_CERTIFICATE_REQUIRED: "it requires a certificate from us"
            default: String(cString: SSL_alert_desc_string_long(CInt(alert)))
            }
        return TLSError(.refusedByPeer(alert: alert), "the peer refused TLS: \(meaning) (alert \(alert))")
    }

    /// The most recent error in OpenSSL's words, for failures that are not the peer's; empties the queue.
    static func fromLibrary(_ kind: Kind, _ what: String) -> TLSError {
        let code = ERR_peek_last_error()
        defer { ERR_clear_error() }
        return TLSError(kind, code == 0 ? what : "\(what): \(text(of: code))")
    }

    private static func text(of code: UInt) -> String {
        guard let reason = ERR_reason_error_string(code) else { return "error \(code)" }
        return String(cString: reason)
    }
}
