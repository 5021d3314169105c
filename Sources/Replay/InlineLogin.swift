internal import XMPP

/// A client logs in and binds in one step (XEP-0388, XEP-0386).
enum InlineLogin {
    private static let sasl = Namespace.sasl2.description
    private static let bind = "urn:xmpp:bind:0"

    static func logIn(_ client: ReplayClient, _ features: Markup) async throws {
        guard let offer = features.child("authentication", in: sasl) else {
            throw StepFailure("  the server does not offer SASL2")
        }
        let mechanisms = offer.children.filter { $0.name == "mechanism" && $0.namespace == sasl }.map(\.text)
        let bindings =
            features.child("sasl-channel-binding", in: "urn:xmpp:sasl-cb:0")?.children.compactMap { $0["type"] } ?? []
        var exchange = try Authentication(
            of: client.role, on: try await ChannelBindings(of: client),
            offered: SASLAdvertisement(mechanisms: mechanisms, channelBindingTypes: bindings))
        try await client.send(request(exchange, client.role.wantedResource))
        while true {
            let answer = try await client.nextElement()
            switch answer.name {
            case "challenge":
                try await client.send("<response xmlns='\(sasl)'>\(try exchange.challenged(answer.text))</response>")
            case "success":
                try exchange.succeeded(answer.child("additional-data", in: sasl)?.text ?? "")
                guard client.isReady, answer.child("bound", in: bind) != nil else {
                    throw StepFailure("  no resource was bound: \(client.describe(.element(answer)))")
                }
                let features = try await client.nextElement()
                guard features.name == "features", features.namespace == Namespace.streams.description else {
                    throw StepFailure("  expected the stream features, received \(client.describe(.element(features)))")
                }
                return
            default:
                throw StepFailure(
                    "  could not authenticate with \(exchange.mechanism): \(client.describe(.element(answer)))")
            }
        }
    }

    private static func request(_ exchange: Authentication, _ tag: String?) -> String {
        let tag = tag.map { "<tag>\(Markup.escaped($0))</tag>" } ?? ""
        return """
            <authenticate xmlns='\(sasl)' mechanism='\(exchange.mechanism)'>\
            <initial-response>\(exchange.initialResponse)</initial-response><bind xmlns='\(bind)'>\(tag)</bind></authenticate>
            """
    }
}
