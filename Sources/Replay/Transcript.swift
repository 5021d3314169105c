/// A play of one or more XMPP clients against a server, written in the language of scansion.
///
/// The language and our additions to it are described in `xep/README.md`.
package struct Transcript: Sendable {
    /// The file's name as it was given, for messages.
    package var file: String
    /// The first comment of the file.
    package var title: String?
    /// What follows `##` at the head of the file.
    package var tags: [String] = []
    /// What the server must be set to, from `# needs: key=value, …`.
    package var needs: [String: String] = [:]
    package var roles: [Role] = []
    package var steps: [Step] = []

    package init(file: String) {
        self.file = file
    }

    /// Somebody with a connection to the server: `[Client] Romeo`.
    package struct Role: Sendable {
        package enum Kind: String, Sendable, CaseIterable {
            case client = "Client"
            /// An external component (XEP-0114); its password is the secret.
            case component = "Component"
        }

        /// How the connection is encrypted.
        package enum Encryption: String, Sendable, CaseIterable {
            case none, starttls, direct
        }

        /// After what `connects` leaves the rest of the negotiation to the transcript.
        ///
        /// Except after `tcp`, the next element to receive is the stream features.
        package enum Stage: String, Sendable, CaseIterable {
            case tcp, stream, tls, auth
        }

        /// Whether the account of a client exists before the play.
        package enum Account: String, Sendable, CaseIterable {
            case given, none
        }

        /// How the client authenticates and binds.
        package enum Profile: String, Sendable, CaseIterable {
            /// RFC 6120
            case one = "1"
            /// XEP-0388 and XEP-0386
            case two = "2"
        }

        package var name: String
        package var kind: Kind
        package var line: Int
        /// The address, bare or full; a full one asks for its resource.
        package var jid = ""
        package var password = ""
        package var account = Account.given
        package var resource: String?
        /// Where to connect to instead of where the transport does by itself.
        package var host: String?
        package var port: Int?
        /// The server the stream is opened to, if it is not the address's domain.
        package var domain: String?
        /// nil uses STARTTLS where the server offers it.
        package var encryption: Encryption?
        /// The name of a SASL mechanism; nil takes the best of those offered.
        package var mechanism: String?
        package var profile = Profile.one
        /// The hash functions of SCRAM that the account has keys for; empty for all.
        package var keys: [String] = []
        package var stopsAt: Stage?

        package init(name: String, kind: Kind, line: Int) {
            self.name = name
            self.kind = kind
            self.line = line
        }
    }

    /// One line of the play with the text below it.
    package struct Step: Sendable {
        package var line: Int
        /// The words of the line, for messages.
        package var words: String
        /// Index of the role that acts; nil where nobody does.
        package var role: Int?
        package var action: Action
        /// Adjacent steps with the same number are `receives:` of one role that may happen in any order.
        package var unordered: Int?
    }

    package enum Action: Sendable, Equatable {
        case connects
        case disconnects
        /// The connection ends without the stream being closed.
        case losesConnection
        case startsTLS
        case sends(Template)
        case sendsRaw(Template)
        case receives(Template)
        case receivesNothing
        /// The server closes the stream, with this stream error if it is not nil.
        case streamCloses(String?)
        /// The server ends the connection, having closed the stream or not.
        case connectionEnds
        /// Nobody does anything for a while.
        case timePasses(Duration)
    }

    /// Text in which `${…}` is replaced when the step is played.
    package struct Template: Sendable, Equatable {
        package var text: String
        /// The line of the file where the text starts.
        package var line: Int
    }
}

extension Transcript {
    /// The domains that the addresses of the clients are in, in the order of their appearance.
    package var domains: [String] {
        var domains: [String] = []
        for role in roles where role.kind == .client && !domains.contains(role.serverDomain) { domains.append(role.serverDomain) }
        return domains
    }

    /// The accounts that must exist before the play, by their bare addresses, with their passwords: that of the
    /// first role where several have the same address.
    package var accounts: [String: String] {
        var accounts: [String: String] = [:]
        for role in roles where role.kind == .client && role.account == .given && !role.localpart.isEmpty {
            if accounts[role.bareJID] == nil { accounts[role.bareJID] = role.password }
        }
        return accounts
    }

    /// The components that the server must know, by their addresses, with their secrets: that of the first role where
    /// several have the same address.
    package var components: [String: String] {
        let known = roles.filter { $0.kind == .component && $0.account == .given }
        return Dictionary(known.map { ($0.bareJID, $0.password) }, uniquingKeysWith: { first, _ in first })
    }

    /// The accounts that have keys for some hash functions only, and for which.
    package var keys: [String: [String]] {
        var keys: [String: [String]] = [:]
        for role in roles where !role.keys.isEmpty { keys[role.bareJID] = role.keys }
        return keys
    }

    /// Whether the play needs more of the connection than bytes in and bytes out.
    package var needsTLS: Bool {
        steps.contains { $0.action == .startsTLS }
            || roles.contains { $0.encryption == .starttls || $0.encryption == .direct }
    }

    /// Whether time passes in the play, for which the server's clock must be settable.
    package var needsClock: Bool {
        steps.contains { if case .timePasses = $0.action { true } else { false } }
    }

    /// The same play in other domains: each key of `domains` is replaced wherever it stands as a domain or as
    /// the end of one.
    package func moved(to domains: [String: String]) -> Transcript {
        guard !domains.isEmpty else { return self }
        let move = { (text: String) in DomainReplacement.apply(domains, to: text) }
        var moved = self
        moved.needs = needs.mapValues(move)
        for index in roles.indices {
            moved.roles[index].jid = move(roles[index].jid)
            moved.roles[index].domain = roles[index].domain.map(move)
        }
        for index in steps.indices {
            switch steps[index].action {
            case .sends(var template):
                template.text = move(template.text)
                moved.steps[index].action = .sends(template)
            case .sendsRaw(var template):
                template.text = move(template.text)
                moved.steps[index].action = .sendsRaw(template)
            case .receives(var template):
                template.text = move(template.text)
                moved.steps[index].action = .receives(template)
            case .connects, .disconnects, .losesConnection, .startsTLS, .receivesNothing, .streamCloses, .connectionEnds,
                .timePasses:
                break
            }
        }
        return moved
    }
}

extension Transcript.Role {
    package var bareJID: String { String(jid.prefix { $0 != "/" }) }

    /// The localpart, "" for none.
    package var localpart: String {
        let bare = bareJID
        return bare.firstIndex(of: "@").map { String(bare[..<$0]) } ?? ""
    }

    /// The server that the stream is opened to.
    package var serverDomain: String {
        if let domain { return domain }
        let bare = bareJID
        return bare.firstIndex(of: "@").map { String(bare[bare.index(after: $0)...]) } ?? bare
    }

    /// The resource to bind; nil lets the server choose.
    package var wantedResource: String? {
        resource ?? jid.firstIndex(of: "/").map { String(jid[jid.index(after: $0)...]) }
    }

    /// The default namespace of the role's stream.
    var contentNamespace: String {
        switch kind {
        case .client: "jabber:client"
        case .component: "jabber:component:accept"
        }
    }
}
