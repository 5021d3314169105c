/// A new ECDSA P-256 key with a certificate that it signs itself, for a server that has no other yet.

import COpenSSL
import Glibc

package struct SelfSignedCertificate: Sendable {
    package let certificatePEM: [UInt8]
    package let keyPEM: [UInt8]

    /// - Parameters:
    ///   - names: domains (A-labels, also wildcards) and addresses; the first one is the subject.
    ///   - from: seconds since 1970; an hour ago when nil.
    ///   - days: how long the certificate is valid.
    package init(names: [String], from: Int64? = nil, days: Int = 3650) throws(TLSError) {
        OpenSSLLibrary.prepare()
        TLSError.clearQueue()
        let alternatives = try Self.alternativeNames(names)
        guard let key = COpenSSL_EVP_EC_gen("P-256"), let certificate = X509_new() else {
            throw .fromLibrary(.internal, "no key can be made")
        }
        defer {
            EVP_PKEY_free(key)
            X509_free(certificate)
        }
        let start = time_t(from ?? Int64(time(nil)) - 3600)
        // A name of an X.520 commonName has at most 64 characters; peers read the alternative names anyway.
        let subject = names.first.flatMap { $0.utf8.count <= 64 ? $0 : nil } ?? "XMPP server"
        let serial = randomBytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) } >> 1 | 1
        let name = X509_get_subject_name(certificate)
        guard X509_set_version(certificate, Int(X509_VERSION_3)) == 1,
            ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial) == 1,
            ASN1_TIME_set(X509_getm_notBefore(certificate), start) != nil,
            ASN1_TIME_set(X509_getm_notAfter(certificate), start + time_t(days) * 86_400) != nil,
            X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, subject, -1, -1, 0) == 1,
            X509_set_issuer_name(certificate, name) == 1,
            X509_set_pubkey(certificate, key) == 1,
            Self.add(NID_subject_alt_name, alternatives, to: certificate),
            Self.add(NID_basic_constraints, "critical,CA:FALSE", to: certificate),
            Self.add(NID_key_usage, "critical,digitalSignature", to: certificate),
            Self.add(NID_ext_key_usage, "serverAuth,clientAuth", to: certificate),
            Self.add(NID_subject_key_identifier, "hash", to: certificate),
            X509_sign(certificate, key, EVP_sha256()) > 0,
            let certificatePEM = Self.encode({ PEM_write_bio_X509($0, certificate) }),
            let keyPEM = Self.encode({ PEM_write_bio_PKCS8PrivateKey($0, key, nil, nil, 0, nil, nil) })
        else { throw .fromLibrary(.internal, "no certificate can be made") }
        self.certificatePEM = certificatePEM
        self.keyPEM = keyPEM
    }

    /// Writes both files, each complete or not at all; only the owner may read the key.
    package func write(certificateFile: String, keyFile: String) throws(TLSError) {
        try Self.replace(keyFile, with: keyPEM, mode: 0o600)
        try Self.replace(certificateFile, with: certificatePEM, mode: 0o644)
    }

    /// The extension in OpenSSL's configuration syntax, in which a name must not contain anything with a meaning.
    private static func alternativeNames(_ names: [String]) throws(TLSError) -> String {
        guard !names.isEmpty else { throw TLSError(.nameInvalid, "a certificate needs at least one name") }
        var alternatives = [String]()
        for name in names {
            if IPAddress.isLiteral(name) {
                alternatives.append("IP:\(name)")
                continue
            }
            let isValid = name.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                    UInt8(ascii: "*"):
                    true
                default: false
                }
            }
            guard isValid, (1...253).contains(name.utf8.count) else {
                throw TLSError(
                    .nameInvalid,
                    "'\(name)' cannot be the name in a certificate; write international names as A-labels (xn--…)")
            }
            alternatives.append("DNS:\(name)")
        }
        return alternatives.joined(separator: ",")
    }

    private static func add(_ identifier: CInt, _ value: String, to certificate: OpaquePointer) -> Bool {
        var configuration = X509V3_CTX()
        X509V3_set_ctx(&configuration, certificate, certificate, nil, nil, 0)
        guard let part = X509V3_EXT_conf_nid(nil, &configuration, identifier, value) else { return false }
        defer { X509_EXTENSION_free(part) }
        return X509_add_ext(certificate, part, -1) == 1
    }

    private static func encode(_ write: (OpaquePointer) -> CInt) -> [UInt8]? {
        guard let memory = BIO_new(BIO_s_mem()) else { return nil }
        defer { BIO_free(memory) }
        guard write(memory) == 1 else { return nil }
        var text = [UInt8](repeating: 0, count: BIO_ctrl_pending(memory))
        let length = BIO_read(memory, &text, CInt(text.count))
        return length == text.count ? text : nil
    }

    private static func replace(_ path: String, with bytes: [UInt8], mode: mode_t) throws(TLSError) {
        let temporary = "\(path).\(getpid()).new"
        func failed(_ code: CInt) -> TLSError {
            unlink(temporary)
            return TLSError(
                .fileUnwritable,
                "\(path): cannot be written: \(String(cString: strerror(code))); create the folder or make it writable "
                    + "for the server's user (uid \(geteuid()))")
        }
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failed(errno) }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let code = errno
                close(descriptor)
                throw failed(code)
            }
            written += count
        }
        let synced = fsync(descriptor) == 0
        let code = errno
        guard close(descriptor) == 0, synced else { throw failed(code) }
        guard rename(temporary, path) == 0 else { throw failed(errno) }
    }
}
