import Testing
import XMPP

/// The exchanges printed in the RFCs, played by both machines.
struct ScramVectorTests {
    struct Exchange: Sendable {
        let name: ScramHash.Name
        let clientNonce, serverNonce, salt: String
        let clientFirst, serverFirst, clientFinal, serverFinal: String
        var advertisement: SASLAdvertisement?
        var binding: ChannelBinding?

        var bindsChannel: Bool { binding != nil }
    }

    /// RFC 5802 §5.
    static let sha1 = Exchange(
        name: .sha1, clientNonce: "fyko+d2lbbFgONRv9qkxdawL", serverNonce: "3rfcNHYJY1ZVvWVs7j",
        salt: "QSXCR+Q6sek8bf92",
        clientFirst: "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        serverFirst: "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        clientFinal: "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        serverFinal: "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=")

    /// RFC 7677 §3.
    static let sha256 = Exchange(
        name: .sha256, clientNonce: "rOprNGfwEbeRWgbNEkqO", serverNonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
        salt: "W22ZaJ0SNY7soEsUEjb6gQ==",
        clientFirst: "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        serverFirst: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        clientFinal: "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            + "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        serverFinal: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")

    /// No document prints one for SHA-512: computed with another implementation, channel binding and XEP-0474 included.
    static let sha512 = Exchange(
        name: .sha512, clientNonce: "rOprNGfwEbeRWgbNEkqO", serverNonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
        salt: "W22ZaJ0SNY7soEsUEjb6gQ==",
        clientFirst: "p=tls-exporter,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        serverFirst: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
            + "h=8IQjB1HSIlDdCS8spaKb9hcrRNWEcsq1YMjHH4zYWbm5JyI1x4yyzFOqEkUqHmhlIrOtg7wsqwMbt22R1A5ELg==",
        clientFinal: "c=cD10bHMtZXhwb3J0ZXIsLAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f,"
            + "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            + "p=zxHigkiVfKdwAkiBysleAv2mfyiYOlh8fynq9oE/IMEibDzV+JyJ3fJudj2sr5qW3V+1m2FA7/zGSqhlQFh4xw==",
        serverFinal: "v=E2+t9FzjRF9yqvR7KpndY1Lyvug8WbsLqTAg9hvEF6E8Xa8rKQHEBejlfU478VisKnY2sbfRLi2Y05DTlm6rtA==",
        advertisement: SASLAdvertisement(
            mechanisms: ["SCRAM-SHA-512-PLUS", "PLAIN"], channelBindingTypes: ["tls-server-end-point", "tls-exporter"]),
        binding: SASLTestServer.exporter)

    static let exchanges = [sha1, sha256, sha512]

    private func keys(_ exchange: Exchange) throws -> ScramKeys {
        let hash = ScramHash.forTests(exchange.name)
        let salt = try #require(Base64.decode(Array(exchange.salt.utf8)))
        return ScramKeys(
            saltedPassword: hash.saltedPassword("pencil", salt: salt, iterations: 4096), salt: salt, iterations: 4096,
            hash: hash)
    }

    @Test(arguments: exchanges) func theServerSaysWhatIsPrinted(exchange: Exchange) throws {
        let hash = ScramHash.forTests(exchange.name)
        let offer = SASLOffer(
            SASLOffer.Facts(
                hasTLS: true, channelBindingTypes: exchange.binding.map { [$0.type] } ?? [],
                scramHashes: [exchange.name], checksPasswords: false))
        let context = SASLContext(
            offer: offer, downgradeProtection: exchange.advertisement?.downgradeProtection([hash]) ?? [:], hashes: [hash],
            channelBindings: exchange.binding.map { [$0] } ?? [], decoy: ScramDecoy(secret: [], iterations: 4096),
            isOwnIdentity: { _, _ in false })
        var server = ScramServer(
            hash: hash, bindsChannel: exchange.bindsChannel, nonce: try #require(ScramNonce(exchange.serverNonce)),
            context: context)
        guard case .lookUpKeys("user") = server.received(Array(exchange.clientFirst.utf8)) else {
            Issue.record("no question for the keys")
            return
        }
        guard case .challenge(let serverFirst) = server.keysFound(.found(try keys(exchange))) else {
            Issue.record("no challenge")
            return
        }
        #expect(String(decoding: serverFirst, as: UTF8.self) == exchange.serverFirst)
        guard case .succeeded("user", let type, let final) = server.received(Array(exchange.clientFinal.utf8)) else {
            Issue.record("no success")
            return
        }
        #expect(type == exchange.binding?.type)
        #expect(String(decoding: final, as: UTF8.self) == exchange.serverFinal)
    }

    @Test(arguments: exchanges) func theClientSaysWhatIsPrinted(exchange: Exchange) throws {
        var client = ScramClient(
            hash: .forTests(exchange.name), username: "user", password: "pencil",
            binding: exchange.binding.map { .bound($0) } ?? .unsupported,
            nonce: try #require(ScramNonce(exchange.clientNonce)), advertisement: exchange.advertisement,
            requiresDowngradeProtection: exchange.advertisement != nil)
        #expect(String(decoding: client.initialResponse, as: UTF8.self) == exchange.clientFirst)
        let final = try client.challenged(Array(exchange.serverFirst.utf8))
        #expect(String(decoding: final, as: UTF8.self) == exchange.clientFinal)
        #expect(!client.isVerified)
        try client.finished(Array(exchange.serverFinal.utf8))
        #expect(client.isVerified)
    }

    /// XEP-0474 §5.3, "Full Example".
    @Test func theDowngradeProtectionHashIsThatOfTheExample() throws {
        let challenge =
            "r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6,s=QSXCR+Q6sek8bf92,i=4096,"
            + "h=G6k/rBLDqgOhRRaCuuatSDFkJ08="
        for types in [["tls-exporter", "tls-server-end-point"], ["tls-server-end-point", "tls-exporter"]] {
            var client = ScramClient(
                hash: .testSHA1, username: "user", password: "pencil", binding: .bound(SASLTestServer.exporter),
                nonce: try #require(ScramNonce("12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6")),
                advertisement: SASLAdvertisement(
                    mechanisms: ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-1"], channelBindingTypes: types),
                requiresDowngradeProtection: true)
            #expect(throws: Never.self) { try client.challenged(Array(challenge.utf8)) }
        }
    }
}
