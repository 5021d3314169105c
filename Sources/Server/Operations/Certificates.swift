internal import Logging
internal import TLS

#if canImport(Glibc)
    import Glibc
#endif

/// Reads the certificates of the domains, and makes self-signed ones where none are configured.
struct Certificates {
    private let configuration: Configuration
    private let logger: Logger

    init(_ configuration: Configuration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    func identities() throws(TLSError) -> TLSIdentities {
        let (fallback, contexts) = try contexts()
        return TLSIdentities(fallback: fallback, contexts: contexts)
    }

    /// Shows the certificates as they are now in their files to whoever connects from now on.
    func renew(_ identities: TLSIdentities) throws(TLSError) {
        let (fallback, contexts) = try contexts()
        identities.replace(fallback: fallback, contexts: contexts)
    }

    private func contexts() throws(TLSError) -> (fallback: TLSContext, contexts: [String: TLSContext]) {
        var contexts: [String: TLSContext] = [:]
        var first: TLSContext?
        for domain in configuration.domains {
            let context = try TLSContext.server(key(of: domain))
            for warning in context.warnings { logger.warning("\(warning.description)") }
            contexts[domain.name] = context
            first = first ?? context
        }
        guard let first else { throw TLSError(.internal, "no domain is configured") }
        return (first, contexts)
    }

    private func key(of domain: DomainSection) throws(TLSError) -> CertifiedKey {
        if let certificate = domain.certificate, let key = domain.key {
            return try CertifiedKey(certificateFile: certificate, keyFile: key, names: [domain.name])
        }
        let folder = configuration.data + "/certs"
        let certificate = "\(folder)/\(domain.name).pem"
        let key = "\(folder)/\(domain.name).key"
        if access(certificate, F_OK) != 0 || access(key, F_OK) != 0 {
            mkdir(folder, 0o700)
            try SelfSignedCertificate(names: [domain.name, "*.\(domain.name)"])
                .write(certificateFile: certificate, keyFile: key)
            logger.notice(
                "A self-signed certificate was made; clients will ask whether to trust it.",
                metadata: [LogKeys.domain: "\(domain.name)", LogKeys.file: "\(certificate)"])
        }
        return try CertifiedKey(certificateFile: certificate, keyFile: key, names: [domain.name])
    }
}
