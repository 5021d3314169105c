import Features
import Foundation
import Replay
import Server
import Testing

/// What is written about the program is what the program says of itself.
@Suite struct CoherenceTests {
    static let claims = (try? Claim.all(in: Repository.path("xep"))) ?? []

    @Test func everyFolderHasAClaim() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Repository.path("xep"))
            .filter { !$0.contains(".") }.sorted()
        #expect(try Claim.all(in: Repository.path("xep")).map(\.folder).sorted() == folders)
    }

    @Test(arguments: claims)
    func claimsAreProven(_ claim: Claim) throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Repository.path("xep/\(claim.folder)"))
        switch claim.status {
        case .complete, .partial:
            #expect(files.contains { $0.hasSuffix(".scs") }, "there is no transcript")
            #expect(Self.sources.contains("\(claim.feature).swift"), "no file of that name implements it")
        case .planned, .deprecated, .removed, .wontfix:
            break
        }
    }

    @Test func everyFeatureHasAClaim() {
        for feature in allFeatures {
            for number in feature.xeps {
                let specification = String(repeating: "0", count: 4 - String(number).count) + String(number)
                let claim = Self.claims.first { $0.specification == specification }
                #expect(claim?.feature == "\(feature)", "XEP-\(specification)")
                #expect(claim?.status == .complete || claim?.status == .partial, "XEP-\(specification)")
            }
        }
    }

    @Test func everyClaimOfAFeatureIsTheFeatures() {
        for claim in Self.claims where claim.isXEP {
            guard let feature = allFeatures.first(where: { "\($0)" == claim.feature }), let number = Int(claim.specification)
            else { continue }
            #expect(feature.xeps.contains(number), "\(feature) does not say that it implements \(claim.name)")
        }
    }

    @Test func everyAdvertisedNamespaceIsPlayed() async throws {
        let server = try await LiveStages.shared.stage(for: Transcript(file: "coherence")).server
        let transcripts = try Runner.transcripts(in: [Repository.path("xep")])
            .map { try String(contentsOfFile: $0, encoding: .utf8) }.joined()
        let registry = try #require(server.kernel.registry)
        let features = server.kernel.domains.keys.flatMap { domain in
            [Asked.server, .account].flatMap { registry.discovery(of: $0, at: domain).features }
        }
        for namespace in Set(features) {
            #expect(transcripts.contains(namespace), "\(namespace)")
        }
    }

    @Test func configurationIsDerived() throws {
        let derived = Configuration.reference(settings: Server.settings(of: allFeatures))
        #expect(try Repository.text("conf/martlet.yaml") == derived, "make conf")
    }

    @Test func descriptionOfTheProjectIsDerived() throws {
        #expect(try Repository.text("xep/doap.xml") == Self.claims.doap, "make conf")
    }

    @Test func tableOfTheREADMEIsDerived() throws {
        #expect(try Repository.text("README.md").contains(Self.claims.table), "martlet support")
    }

    private static let sources: Set<String> = {
        let files = FileManager.default.enumerator(atPath: Repository.path("Sources"))
        return Set((files?.allObjects as? [String] ?? []).map { String($0.split(separator: "/").last ?? "") })
    }()
}
