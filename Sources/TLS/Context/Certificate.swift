/// An X.509 certificate (RFC 5280), one's own or a peer's.

import COpenSSL
import Glibc

/// `@unchecked Sendable`: the X509 object is reference-counted atomically and never changed after `init`; what OpenSSL
/// computes lazily inside it, it protects with its own lock.
package final class Certificate: @unchecked Sendable {
    /// RFC 9525: wildcards stand for one whole label, and the common name of the subject says nothing.
    static let nameRules = UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)

    let pointer: OpaquePointer

    /// Takes over one reference to `pointer`.
    init(owning pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit { X509_free(pointer) }

    /// The encoded certificate.
    package var der: [UInt8] {
        let length = i2d_X509(pointer, nil)
        guard length > 0 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: Int(length)) { buffer, count in
            var cursor = buffer.baseAddress
            count = Int(max(0, i2d_X509(pointer, &cursor)))
        }
    }

    /// The subject's distinguished name in the form of RFC 4514; control characters are escaped.
    package var subject: String { text(of: X509_get_subject_name(pointer)) }

    /// The issuer's distinguished name, as `subject`.
    package var issuer: String { text(of: X509_get_issuer_name(pointer)) }

    /// Seconds since 1970 (UTC) from which on the certificate is valid.
    package var notBefore: Int64 { seconds(X509_get0_notBefore(pointer)) }

    /// Seconds since 1970 (UTC) up to which the certificate is valid.
    package var notAfter: Int64 { seconds(X509_get0_notAfter(pointer)) }

    /// The DNS names among the alternative names; bytes outside printable ASCII appear as `?`.
    package var dnsNames: [String] {
        alternativeNames { name in
            guard name.type == GEN_DNS, let string = name.d.dNSName else { return nil }
            return String(decoding: bytes(of: string).map { (0x21...0x7E).contains($0) ? $0 : 0x3F }, as: UTF8.self)
        }
    }

    /// Whether the certificate is valid for an XMPP domain: by DNS name (wildcards only as the whole first label), by
    /// `_xmpp-server` or `_xmpp-client` SRVName, or by `xmppAddr` (RFC 6120 section 13.7.1.2, RFC 9525).
    package func covers(_ domain: String) -> Bool {
        if IPAddress.isLiteral(domain) {
            return X509_check_ip_asc(pointer, domain, 0) == 1
        }
        let flags = Self.nameRules
        if X509_check_host(pointer, domain, domain.utf8.count, flags, nil) == 1 { return true }
        let wanted = domain.asciiLowercased
        return alternativeNames { name in
            guard name.type == GEN_OTHERNAME, let other = name.d.otherName, let value = other.pointee.value,
                let string = value.pointee.value.asn1_string
            else { return nil }
            let text = String(decoding: bytes(of: string), as: UTF8.self).asciiLowercased
            switch (identifier(of: other.pointee.type_id), value.pointee.type) {
            case ("1.3.6.1.5.5.7.8.5", V_ASN1_UTF8STRING): return text == wanted
            case ("1.3.6.1.5.5.7.8.7", V_ASN1_IA5STRING):
                return text == "_xmpp-server.\(wanted)" || text == "_xmpp-client.\(wanted)"
            default: return nil
            }
        }.contains(true)
    }

    /// The hash of the certificate for `tls-server-end-point` (RFC 5929 section 4.1): that of its signature algorithm,
    /// SHA-256 where this is MD5 or SHA-1; nil for signatures without a hash of their own (Ed25519).
    package var serverEndPoint: [UInt8]? {
        var hash = NID_undef
        guard X509_get_signature_info(pointer, &hash, nil, nil, nil) == 1, hash != NID_undef else {
            TLSError.clearQueue()
            return nil
        }
        if hash == NID_md5 || hash == NID_sha1 { hash = NID_sha256 }
        guard let name = OBJ_nid2sn(hash), let function = EVP_get_digestbyname(name) else { return nil }
        return [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { buffer, count in
            var length: CUnsignedInt = 0
            count = X509_digest(pointer, function, buffer.baseAddress, &length) == 1 ? Int(length) : 0
        }
    }

    private func alternativeNames<T>(_ read: (GENERAL_NAME) -> T?) -> [T] {
        guard let names = X509_get_ext_d2i(pointer, NID_subject_alt_name, nil, nil) else {
            TLSError.clearQueue()
            return []
        }
        let stack = OpaquePointer(names)
        defer { GENERAL_NAMES_free(stack) }
        return (0..<max(0, OPENSSL_sk_num(stack))).compactMap { index in
            OPENSSL_sk_value(stack, index).flatMap { read($0.assumingMemoryBound(to: GENERAL_NAME.self).pointee) }
        }
    }

    private func bytes(of string: UnsafeMutablePointer<ASN1_STRING>) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: ASN1_STRING_get0_data(string), count: Int(ASN1_STRING_length(string)))
    }

    private func identifier(of object: OpaquePointer?) -> String {
        var text = [CChar](repeating: 0, count: 64)
        let length = OBJ_obj2txt(&text, CInt(text.count), object, 1)
        guard length > 0, length < text.count else { return "" }
        return String(decoding: text[..<Int(length)].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private func text(of name: OpaquePointer?) -> String {
        guard let memory = BIO_new(BIO_s_mem()) else { return "" }
        defer { BIO_free(memory) }
        X509_NAME_print_ex(memory, name, 0, COpenSSL_XN_FLAG_RFC2253)
        var text = [UInt8](repeating: 0, count: 1024)
        let length = BIO_read(memory, &text, CInt(text.count))
        return String(decoding: text[..<Int(max(0, length))], as: UTF8.self)
    }

    private func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64 {
        var fields = tm()
        guard ASN1_TIME_to_tm(time, &fields) == 1 else { return 0 }
        return Int64(timegm(&fields))
    }
}

/// A point in time as an administrator reads it, for example `2026-03-01 12:00 UTC`.
struct UTCDate: CustomStringConvertible {
    let description: String

    init(_ seconds: Int64) {
        var time = time_t(seconds)
        var fields = tm()
        gmtime_r(&time, &fields)
        func padded(_ value: CInt) -> String { value < 10 ? "0\(value)" : "\(value)" }
        description =
            "\(fields.tm_year + 1900)-\(padded(fields.tm_mon + 1))-\(padded(fields.tm_mday)) "
            + "\(padded(fields.tm_hour)):\(padded(fields.tm_min)) UTC"
    }
}
