/// A private key and the certificate chain that vouches for it, with what an administrator should know about them.

import COpenSSL
import Glibc

/// `@unchecked Sendable`: the EVP_PKEY is reference-counted atomically and never changed after `init`.
package final class CertifiedKey: @unchecked Sendable {
    /// The own certificate first, then those of its issuers.
    package let chain: [Certificate]
    /// What does not prevent use but makes peers refuse the certificate, or is careless: expired, not yet valid, a name
    /// not covered, a key that every user may read.
    package let warnings: [TLSError]
    /// `Certificate.serverEndPoint` of the own certificate, which every log-in may ask for.
    let serverEndPoint: [UInt8]?
    let key: OpaquePointer

    package var certificate: Certificate { chain[0] }

    /// Reads a certificate chain and its key.
    /// - Parameters:
    ///   - names: the domains (A-labels) for which the certificate will be used; each one not covered is a warning.
    ///   - now: seconds since 1970, for the warnings about the period of validity.
    package convenience init(
        certificateFile: String, keyFile: String, names: [String] = [], now: Int64 = Int64(time(nil))
    ) throws(TLSError) {
        let certificates = try PEMFile(reading: certificateFile, purpose: "certificate")
        let key = try PEMFile(reading: keyFile, purpose: "private key")
        try self.init(certificates: certificates, key: key, names: names, now: now)
    }

    package convenience init(_ selfSigned: SelfSignedCertificate) throws(TLSError) {
        try self.init(
            certificates: PEMFile(path: "self-signed certificate", bytes: selfSigned.certificatePEM),
            key: PEMFile(path: "key of the self-signed certificate", bytes: selfSigned.keyPEM),
            names: [], now: Int64(time(nil)))
    }

    init(certificates: PEMFile, key keyFile: PEMFile, names: [String], now: Int64) throws(TLSError) {
        let chain = try certificates.certificates()
        let key = try keyFile.privateKey()
        guard X509_check_private_key(chain[0].pointer, key) == 1 else {
            ERR_clear_error()
            let misplaced = chain.firstIndex { X509_check_private_key($0.pointer, key) == 1 }
            ERR_clear_error()
            EVP_PKEY_free(key)
            throw TLSError(
                .keyMismatch,
                misplaced.map {
                    "\(certificates.path): the certificate of \(keyFile.path) is number \($0 + 1) in the file; "
                        + "it must be the first, followed by its issuers"
                }
                    ?? "\(keyFile.path): the private key does not belong to the certificate in \(certificates.path) "
                    + "(\(chain[0].subject)); name the key that was made together with it")
        }
        self.chain = chain
        self.key = key
        serverEndPoint = chain[0].serverEndPoint
        warnings = Self.warnings(of: chain[0], certificates: certificates, key: keyFile, names: names, now: now)
    }

    deinit { EVP_PKEY_free(key) }

    private static func warnings(
        of certificate: Certificate, certificates: PEMFile, key: PEMFile, names: [String], now: Int64
    ) -> [TLSError] {
        var warnings = [TLSError]()
        if certificate.notAfter < now {
            warnings.append(
                TLSError(
                    .certificateExpired,
                    "\(certificates.path): the certificate expired on \(UTCDate(certificate.notAfter)); renew it"))
        }
        if certificate.notBefore > now {
            warnings.append(
                TLSError(
                    .certificateNotYetValid,
                    "\(certificates.path): the certificate is valid only from \(UTCDate(certificate.notBefore)) on; "
                        + "check the clock of this machine"))
        }
        for name in names where !certificate.covers(name) {
            let covered = certificate.dnsNames
            let held = covered.isEmpty ? "names no domain" : "covers only \(covered.prefix(8).joined(separator: ", "))"
            warnings.append(
                TLSError(
                    .nameMismatch,
                    "\(certificates.path): the certificate \(held), not \(name); get one that includes this name"))
        }
        if key.isReadableByAll {
            warnings.append(
                TLSError(.keyExposed, "\(key.path): every user of this machine can read the private key; chmod 600 it"))
        }
        return warnings
    }
}
