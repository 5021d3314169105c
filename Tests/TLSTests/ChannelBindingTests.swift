/// What channel bindings of SASL are made of (RFC 5705, RFC 5929, RFC 9266).

import NIOCore
import NIOEmbedded
import Testing

@testable import TLS

struct ChannelBindingTests {
    @Test(arguments: [TLSVersion.tls12, .tls13])
    func bothEndsExportTheSame(version: TLSVersion) throws {
        let joined = try Joined(maximumVersion: version)
        #expect(joined.client.tls.exporterChannelBinding == nil)
        try joined.run()
        let binding = try #require(joined.client.tls.exporterChannelBinding)
        #expect(binding.count == 32)
        #expect(joined.server.tls.exporterChannelBinding == binding)
        let other = joined.client.tls.exportKeyingMaterial(label: "EXPORTER-Other", context: [1, 2], length: 50)
        #expect(other?.count == 50)
        #expect(joined.server.tls.exportKeyingMaterial(label: "EXPORTER-Other", context: [1, 2], length: 50) == other)
        #expect(joined.server.tls.exportKeyingMaterial(label: "EXPORTER-Other", context: [1, 3], length: 50) != other)
        let next = try Joined(maximumVersion: version)
        try next.run()
        #expect(next.client.tls.exporterChannelBinding != binding)
        joined.client.channel.close(promise: nil)
        try joined.run()
        #expect(joined.server.tls.exporterChannelBinding == nil)
    }

    @Test(arguments: [("-sha256", Hash.sha256), ("-sha512", .sha512), ("-sha1", .sha256)])
    func theEndPointUsesTheHashOfTheSignature(option: String, hash: Hash) throws {
        let folder = try TemporaryFolder()
        try folder.openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=a.test",
            option, "-keyout", "key.pem", "-out", "cert.pem")
        let certificate = try PEMFile(reading: folder.path("cert.pem"), purpose: "certificate").certificates()[0]
        #expect(certificate.serverEndPoint == hash.digest(certificate.der))
    }

    @Test func ed25519HasNoEndPoint() throws {
        let folder = try TemporaryFolder()
        try folder.openssl(
            "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=a.test", "-keyout", "key.pem", "-out",
            "cert.pem")
        let certificate = try PEMFile(reading: folder.path("cert.pem"), purpose: "certificate").certificates()[0]
        #expect(certificate.serverEndPoint == nil)
    }
}
