/// What an administrator reads when certificate files are not as they should be.

import Foundation
import Testing

@testable import TLS

struct CertificateFileTests {
    private let folder: TemporaryFolder
    private let certificate: String
    private let key: String

    init() throws {
        folder = try TemporaryFolder()
        certificate = folder.path("example.test.pem")
        key = folder.path("example.test.key")
        try SelfSignedCertificate(names: ["example.test"]).write(certificateFile: certificate, keyFile: key)
    }

    private func expect(
        _ kind: TLSError.Kind, naming words: String..., certificate: String? = nil, key: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        do {
            _ = try CertifiedKey(certificateFile: certificate ?? self.certificate, keyFile: key ?? self.key)
            Issue.record("loaded", sourceLocation: sourceLocation)
        } catch {
            #expect(error.kind == kind, sourceLocation: sourceLocation)
            for word in words { #expect(error.description.contains(word), sourceLocation: sourceLocation) }
            #expect(!error.description.contains("\n"), sourceLocation: sourceLocation)
        }
    }

    @Test func aGoodPair() throws {
        let loaded = try CertifiedKey(certificateFile: certificate, keyFile: key, names: ["example.test"])
        #expect(loaded.warnings.isEmpty)
        #expect(loaded.certificate.dnsNames == ["example.test"])
        let attributes = try FileManager.default.attributesOfItem(atPath: key)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
        #expect(Set(files) == ["example.test.pem", "example.test.key"])
    }

    @Test func bothInOneFile() throws {
        let both = try folder.write("both.pem", folder.read("example.test.key") + folder.read("example.test.pem"))
        #expect(try CertifiedKey(certificateFile: both, keyFile: both).warnings.isEmpty)
    }

    @Test func missingFiles() {
        let absent = folder.path("absent.pem")
        expect(.fileMissing, naming: absent, "certificate", certificate: absent)
        expect(.fileMissing, naming: absent, "private key", key: absent)
        expect(.fileMissing, naming: certificate, certificate: certificate + "/file")
        expect(.fileUnreadable, naming: folder.url.path, certificate: folder.url.path)
    }

    @Test func filesWithoutPermission() throws {
        let locked = try folder.write("locked.key", folder.read("example.test.key"), mode: 0)
        // Also the superuser, who may read everything, becomes somebody else for the files that this thread opens.
        let symbol = try #require(dlsym(nil, "setfsuid"))
        let setfsuid = unsafeBitCast(symbol, to: (@convention(c) (uid_t) -> CInt).self)
        let before = setfsuid(65_534)
        defer { _ = setfsuid(uid_t(before)) }
        expect(.fileUnreadable, naming: folder.url.path, "uid", certificate: locked)
    }

    @Test func notPEM() throws {
        let empty = try folder.write("empty.pem", [])
        let noise = try folder.write("noise.pem", randomBytes(3000))
        for file in [empty, noise] {
            expect(.notPEM, naming: file, "BEGIN CERTIFICATE", certificate: file)
            expect(.notPEM, naming: file, "BEGIN PRIVATE KEY", key: file)
        }
        let huge = try folder.write("huge.pem", [UInt8](repeating: 65, count: 2 << 20))
        expect(.notPEM, naming: huge, "large", certificate: huge)
    }

    @Test func damagedChain() throws {
        let good = try folder.read("example.test.pem")
        let damaged = try folder.write(
            "damaged.pem", good + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".utf8)
        expect(.notPEM, naming: damaged, "certificate 2", certificate: damaged)
    }

    @Test func exchangedFiles() {
        expect(.notPEM, naming: key, "exchanged", certificate: key, key: certificate)
        expect(.notPEM, naming: certificate, "exchanged", key: certificate)
    }

    @Test func aKeyOfAnotherCertificate() throws {
        let otherKey = folder.path("other.key")
        let otherCertificate = folder.path("other.pem")
        try SelfSignedCertificate(names: ["other.test"]).write(certificateFile: otherCertificate, keyFile: otherKey)
        expect(.keyMismatch, naming: otherKey, certificate, key: otherKey)
        let wrongOrder = try folder.write("chain.pem", folder.read("other.pem") + folder.read("example.test.pem"))
        expect(.keyMismatch, naming: wrongOrder, "number 2", certificate: wrongOrder)
    }

    @Test func anEncryptedKey() throws {
        try folder.openssl(
            "pkey", "-in", "example.test.key", "-aes256", "-passout", "pass:secret", "-out", "encrypted.key")
        expect(.keyEncrypted, naming: folder.path("encrypted.key"), "openssl pkey", key: folder.path("encrypted.key"))
        try folder.openssl(
            "ec", "-in", "example.test.key", "-aes256", "-passout", "pass:secret", "-out", "traditional.key")
        expect(.keyEncrypted, naming: "traditional.key", key: folder.path("traditional.key"))
    }

    @Test func warningsDoNotPreventUse() throws {
        let loaded = try CertifiedKey(
            certificateFile: certificate, keyFile: key, names: ["example.test", "rooms.example.test"])
        #expect(loaded.warnings.map(\.kind) == [.nameMismatch])
        #expect(loaded.warnings.first?.description.contains("not rooms.example.test") == true)
        #expect(try TLSContext.server(loaded).warnings == loaded.warnings)

        let late = try CertifiedKey(certificateFile: certificate, keyFile: key, now: 4_000_000_000)
        #expect(late.warnings.map(\.kind) == [.certificateExpired])
        #expect(late.warnings.first?.description.contains(certificate) == true)
        let early = try CertifiedKey(certificateFile: certificate, keyFile: key, now: 1_000_000_000)
        #expect(early.warnings.map(\.kind) == [.certificateNotYetValid])

        let open = try folder.write("open.key", folder.read("example.test.key"), mode: 0o644)
        #expect(try CertifiedKey(certificateFile: certificate, keyFile: open).warnings.map(\.kind) == [.keyExposed])
    }

    @Test func aKeyTooSmallForOpenSSL() throws {
        try folder.openssl(
            "req", "-x509", "-newkey", "rsa:512", "-nodes", "-subj", "/CN=small.test", "-keyout", "small.key", "-out",
            "small.pem")
        let small = try CertifiedKey(certificateFile: folder.path("small.pem"), keyFile: folder.path("small.key"))
        #expect { _ = try TLSContext.server(small) } throws: { ($0 as? TLSError)?.kind == .keyUnsuitable }
    }

    @Test func selfSignedNames() throws {
        let certificate = try CertifiedKey(
            SelfSignedCertificate(names: ["a.test", "*.b.test", "127.0.0.1", "::1"], from: 1_700_000_000, days: 30)
        ).certificate
        #expect(certificate.dnsNames == ["a.test", "*.b.test"])
        for name in ["a.test", "x.b.test", "127.0.0.1", "::1"] { #expect(certificate.covers(name)) }
        #expect(!certificate.covers("127.0.0.2"))
        #expect(certificate.notBefore == 1_700_000_000)
        #expect(certificate.notAfter == 1_700_000_000 + 30 * 86_400)
        #expect(certificate.subject == "CN=a.test")
        #expect(UTCDate(certificate.notBefore).description == "2023-11-14 22:13 UTC")
        let long = String(repeating: "a", count: 60) + ".long.test"
        #expect(try CertifiedKey(SelfSignedCertificate(names: [long])).certificate.covers(long))
        for bad in ["a,DNS:evil.test", "", "a\n.test", "bücher.test"] {
            #expect(throws: TLSError.self) { try SelfSignedCertificate(names: [bad]) }
        }
        #expect(throws: TLSError.self) { try SelfSignedCertificate(names: []) }
    }

    @Test func unwritableFolders() throws {
        let nowhere = folder.path("absent/key.pem")
        #expect {
            try SelfSignedCertificate(names: ["a.test"]).write(certificateFile: nowhere, keyFile: nowhere)
        } throws: { error in
            (error as? TLSError)?.kind == .fileUnwritable && (error as? TLSError)?.description.contains(nowhere) == true
        }
    }
}
