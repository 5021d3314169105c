internal import NIOCore
package import Server
package import XMPP

/// XEP-0077: users change their password and give up their account; where the administrator wants it, anybody makes
/// one.
package struct InBandRegistration: Feature {
    package static let xeps = [77]
    package static let settings = [
        AnySetting(isOpen), AnySetting(accountsPerHour), AnySetting(allowsPasswordChange), AnySetting(allowsRemoval),
    ]

    static let isOpen = Setting(
        "registration.open", default: false,
        "Whether anybody who connects may make an account. Open servers attract spam; invite people, or add them.")
    static let accountsPerHour = Setting(
        "registration.accounts-per-hour", default: 3, in: 1...100_000,
        "How many accounts may be made from one network address in an hour, where registration is open.")
    static let allowsPasswordChange = Setting(
        "registration.password-change", default: true, "Whether users may change their passwords with their clients.")
    static let allowsRemoval = Setting(
        "registration.removal", default: true, "Whether users may remove their accounts with their clients.")

    private unowned let kernel: Kernel
    private let open: OpenRegistration?
    private let allowsPasswordChange: Bool
    private let allowsRemoval: Bool

    package init(kernel: Kernel) {
        self.kernel = kernel
        let configuration = kernel.configuration
        allowsPasswordChange = configuration[Self.allowsPasswordChange]
        allowsRemoval = configuration[Self.allowsRemoval]
        open =
            configuration[Self.isOpen]
            ? OpenRegistration(
                accountsPerHour: configuration[Self.accountsPerHour], exempt: configuration[LimitSettings.exempt]) : nil
    }

    package var registrations: [[Registration]] {
        guard open != nil || allowsPasswordChange || allowsRemoval else { return [] }
        // Passwords in a directory are changed there.
        let isPossible: DomainCondition = { $0.local != nil }
        var all: [[Registration]] = [Asked.server, .account].flatMap { asked in
            [
                Registration.iq(
                    .get, "query", in: .registration, on: asked, where: isPossible,
                    .inline { request, _, _, writer throws(StanzaError) in
                        try writeForm(try account(of: request), into: &writer)
                    }),
                Registration.iq(
                    .set, "query", in: .registration, on: asked, where: isPossible,
                    .ordered { request throws(StanzaError) in
                        // §3.3: what is sent back must not contain the password.
                        do throws(StanzaError) { try await change(request) } catch { throw error.withoutStanza }
                        return nil
                    }),
            ]
        }
        if let open { all.append(Registration.stream(open)) }
        return all
    }

    /// Whose registration a request is about: always that of the asking account with its own server.
    private func account(of request: IQRequest) throws(StanzaError) -> JID {
        guard request.isOwn || request.to.isDomain && request.from.hasSameDomain(as: request.to) else {
            throw StanzaError(.forbidden)
        }
        guard kernel.domain(request.from.domainJID)?.local != nil else { throw StanzaError(.serviceUnavailable) }
        return request.from.bare
    }

    /// §3.1: who asks is registered already.
    private func writeForm(_ account: JID, into writer: inout XMLWriter) throws(StanzaError) {
        writer.element("query", in: .registration) { writer in
            writer.element("registered")
            writer.element("instructions", text: "You have an account. You can change its password here.")
            writer.element("username", text: account.local)
            writer.element("password")
        }
    }

    private func change(_ request: IQRequest) async throws(StanzaError) {
        let account = try account(of: request)
        if request.payload.child("remove") != nil {
            try await remove(account, request)
        } else {
            try await changePassword(of: account, request)
        }
    }

    /// §3.3
    private func changePassword(of account: JID, _ request: IQRequest) async throws(StanzaError) {
        guard allowsPasswordChange else { throw StanzaError(.notAllowed) }
        guard let username = request.payload.child("username")?.text,
            let password = request.payload.child("password")?.text, !password.isEmpty
        else { throw StanzaError(.badRequest, "name and new password are needed") }
        guard (try? JID(local: username, domain: account.domain, resource: nil)) == account else {
            throw StanzaError(.notAllowed, "this is the name of somebody else")
        }
        try await kernel.setPassword(of: account, to: password, asking: request.from)
    }

    /// §3.2
    private func remove(_ account: JID, _ request: IQRequest) async throws(StanzaError) {
        guard allowsRemoval else { throw StanzaError(.notAllowed) }
        var children = request.payload.children
        guard children.next() != nil, children.next() == nil else { throw StanzaError(.badRequest) }
        let contacts = kernel.accounts[account]?.withState { Array($0.roster.entries.values) } ?? []
        try await kernel.remove(account, asking: request.from)
        // "the server SHOULD also cancel all existing presence subscriptions"
        kernel.loops[0].execute { loop in
            for contact in contacts {
                let (subscription, jid) = (contact.subscription, contact.jid.bare)
                if subscription.to || subscription.pendingOut {
                    loop.kernel.send(Stanza(.presence, type: .unsubscribe, from: account, to: jid), on: loop)
                }
                if subscription.from || subscription.pendingIn {
                    loop.kernel.send(Stanza(.presence, type: .unsubscribed, from: account, to: jid), on: loop)
                }
            }
        }
    }
}

extension StanzaError {
    fileprivate var withoutStanza: Self {
        var error = self
        error.returnsStanza = false
        return error
    }
}

extension Namespace {
    package static let registration: Namespace = "jabber:iq:register"
    package static let registrationFeature: Namespace = "http://jabber.org/features/iq-register"
}
