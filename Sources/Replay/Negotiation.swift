internal import XMPP

/// What a client does between the connection and its first stanza (RFC 6120 §4.3, §5, §6, §7).
enum Negotiation {
    private static let tls = "urn:ietf:params:xml:ns:xmpp-tls"
    private static let sasl = "urn:ietf:params:xml:ns:xmpp-sasl"
    /// XEP-0440.
    private static let channelBinding = "urn:xmpp:sasl-cb:0"
    private static let bind = "urn:ietf:params:xml:ns:xmpp-bind"
    private static let session = "urn:ietf:params:xml:ns:xmpp-session"

    /// Negotiates until the client's stream is bound or the stage at which its role stops is reached.
    static func negotiate(_ client: ReplayClient) async throws {
        let role = client.role
        var features = try await open(client)
        if role.stopsAt == .stream { return client.putBack(features) }
        if try await wantsTLS(client, features) {
            try await client.send("<starttls xmlns='\(tls)'/>")
            let answer = try await client.nextElement()
            guard answer.name == "proceed", answer.namespace == tls else {
                throw StepFailure("  STARTTLS was answered with \(client.describe(.element(answer)))")
            }
            try await client.startTLS()
            features = try await open(client)
        }
        if role.stopsAt == .tls { return client.putBack(features) }
        if role.profile == .two { return try await InlineLogin.logIn(client, features) }
        try await authenticate(client, features)
        features = try await open(client)
        if role.stopsAt == .auth { return client.putBack(features) }
        try await bindResource(client, features)
    }

    private static func open(_ client: ReplayClient) async throws -> Markup {
        try await client.openStream()
        let features = try await client.nextElement()
        guard features.name == "features", features.namespace == Namespace.streams.description else {
            throw StepFailure("  expected the stream features, received \(client.describe(.element(features)))")
        }
        return features
    }

    private static func wantsTLS(_ client: ReplayClient, _ features: Markup) async throws -> Bool {
        let isOffered = features.child("starttls", in: tls) != nil
        switch client.role.encryption {
        case nil: return isOffered && client.canStartTLS
        case .starttls:
            guard isOffered else { throw StepFailure("  the server does not offer STARTTLS") }
            return true
        case .some(.none), .direct: return false
        }
    }

    private static func authenticate(_ client: ReplayClient, _ features: Markup) async throws {
        let mechanisms = features.child("mechanisms", in: sasl)?.children.map(\.text) ?? []
        let bindings =
            features.child("sasl-channel-binding", in: channelBinding)?.children.compactMap { $0["type"] } ?? []
        var exchange = try Authentication(
            of: client.role, on: try await ChannelBindings(of: client),
            offered: SASLAdvertisement(mechanisms: mechanisms, channelBindingTypes: bindings))
        var message = Markup("auth", in: sasl)
        message.attributes = [Markup.Attribute(name: "mechanism", namespace: nil, value: exchange.mechanism)]
        message.content = [.text(exchange.initialResponse)]
        while true {
            try await client.send(message)
            let answer = try await client.nextElement()
            switch answer.name {
            case "challenge":
                message = Markup("response", in: sasl)
                message.content = [.text(try exchange.challenged(answer.text))]
            case "success":
                return try exchange.succeeded(answer.text)
            default:
                throw StepFailure(
                    "  could not authenticate with \(exchange.mechanism): \(client.describe(.element(answer)))")
            }
        }
    }

    private static func bindResource(_ client: ReplayClient, _ features: Markup) async throws {
        let resource = client.role.wantedResource.map { "<resource>\(Markup.escaped($0))</resource>" } ?? ""
        let answer = try await ask(client, "<iq type='set' id='bind'><bind xmlns='\(bind)'>\(resource)</bind></iq>")
        guard let jid = answer.child("bind", in: bind)?.child("jid", in: bind)?.text, answer["type"] == "result" else {
            throw StepFailure("  could not bind a resource: \(client.describe(.element(answer)))")
        }
        // RFC 3921 servers needed a session; RFC 6121 servers offer it as optional, if at all.
        if let session = features.child("session", in: session), session.child("optional", in: Self.session) == nil {
            let answer = try await ask(client, "<iq type='set' id='session'><session xmlns='\(Self.session)'/></iq>")
            guard answer["type"] == "result" else {
                throw StepFailure("  could not start a session: \(client.describe(.element(answer)))")
            }
        }
        client.bound(to: jid)
    }

    private static func ask(_ client: ReplayClient, _ iq: String) async throws -> Markup {
        try await client.send(iq)
        return try await client.nextElement()
    }
}
