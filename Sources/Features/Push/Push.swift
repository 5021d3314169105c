internal import Logging
internal import NIOCore
package import Server
package import Storage
package import XMPP

/// XEP-0357: devices that are not connected, or that nobody looks at, are woken by way of their push services.
package struct Push: Feature {
    package static let xeps = [357]
    package static let settings = [AnySetting(content), AnySetting(limit)]
    package static let migrations = PushStore.migrations

    /// What push services learn, which belong to strangers (§8).
    package enum Content: String, CaseIterable, Sendable {
        case count, sender, body
    }

    static let content = Setting(
        "push.content", default: Content.count,
        """
        What the push services of phones, which belong to the makers of apps, are told of a message: only how many there \
        are, also who has sent the last one, or also what it says. Encrypted messages say nothing.
        """)

    static let limit = Setting(
        "push.registrations-per-account", default: 20, in: 1...1_000,
        "How many devices of one account may be woken; with one more, the one that was registered first is forgotten.")

    private static let registrations = AccountSlot<[PushRegistration]>([])
    /// Longer nodes and forms are not kept.
    private static let sizeLimit = 4_096

    private unowned let kernel: Kernel
    private let content: Content
    private let limit: Int

    package init(kernel: Kernel) {
        self.kernel = kernel
        content = kernel.configuration[Self.content]
        limit = kernel.configuration[Self.limit]
    }

    package var registrations: [[Registration]] {
        [
            Registration.loading { account, transaction, state in
                let registrations = try PushStore.load(account, transaction)
                if !registrations.isEmpty { state[Self.registrations] = registrations }
            },
            Registration.iq(.set, "enable", in: .push, on: .account, .ordered { request throws(StanzaError) in
                try await enable(request)
                return nil
            }),
            Registration.iq(.set, "disable", in: .push, on: .account, .ordered { request throws(StanzaError) in
                try await disable(request)
                return nil
            }),
            Registration.message(.toAccount, .deliver) { stanza, scope in
                guard scope.account.has(Self.registrations.mark), Self.isEnd(stanza, scope.account) else { return .next }
                end(stanza, scope.account)
                return .handled
            },
            Registration.message(.toAccount, .observe) { stanza, scope in
                let account = scope.account
                guard account.has(Self.registrations.mark),
                    let message = PushedMessage(stanza, scope.loop.element(of: stanza), to: account.jid)
                else { return .next }
                let notifications = account.withState { state in
                    let sessions = state.sessions
                    return Self.change(&state) { $0.received(message, sessions) }
                }
                for notification in notifications { publish(notification, of: account, on: scope.loop) }
                return .next
            },
            Registration.sessionLost { session, bound in
                let account = session.account
                guard account.has(Self.registrations.mark) else { return }
                let messages = session.unacknowledgedStanzas.compactMap {
                    PushedMessage(unacknowledged: $0, by: account.jid)
                }
                let notifications = account.withState { state in
                    Self.change(&state) { $0.device == session.jid ? $0.lost(messages, bound) : nil }
                }
                for notification in notifications { publish(notification, of: account, on: session.loop) }
            },
        ]
    }

    package static func removed(_ account: JID, _ transaction: Transaction) throws {
        try PushStore.remove(account, transaction)
    }

    private static func change(
        _ state: inout AccountState, _ body: (inout PushRegistration) -> PushNotification?
    ) -> [PushNotification] {
        guard !state.isRemoved else { return [] }
        var notifications: [PushNotification] = []
        for index in state[registrations].indices {
            if let notification = body(&state[registrations][index]) { notifications.append(notification) }
        }
        return notifications
    }

    // MARK: Enabling and disabling

    /// §4
    private func enable(_ request: IQRequest) async throws(StanzaError) {
        guard request.isOwn, request.from.isFull, let account = request.account else { throw StanzaError(.forbidden) }
        let registration = PushRegistration(
            service: try Self.service(of: request.payload), node: try Self.node(of: request.payload) ?? "",
            options: try Self.options(of: request.payload), device: request.from,
            enabled: kernel.clock.date.milliseconds)
        let (before, forgotten, written) = account.withState { state in
            let before = state[Self.registrations]
            // "the server SHOULD use the last received request"
            var all = before.filter { $0.service != registration.service || $0.node != registration.node }
            let forgotten = Array(all.prefix(max(0, all.count + 1 - limit)))
            all.removeFirst(forgotten.count)
            state[Self.registrations] = all + [registration]
            let forget = PushStore.remove(forgotten, from: account.jid)
            let add = PushStore.add(registration, to: account.jid)
            let written = kernel.database.beginWrite { transaction in
                try forget(transaction)
                try add(transaction)
            }
            return (before, forgotten, written)
        }
        do { try await written.value } catch {
            account.withState { state in
                state[Self.registrations].removeAll { $0.isSame(as: registration) }
                let replaced = before.filter { $0.service == registration.service && $0.node == registration.node }
                state[Self.registrations] += forgotten + replaced
            }
            throw kernel.refusal(of: error, account.jid)
        }
    }

    /// §5
    private func disable(_ request: IQRequest) async throws(StanzaError) {
        guard request.isOwn, let account = request.account else { throw StanzaError(.forbidden) }
        let service = try Self.service(of: request.payload)
        let node = try Self.node(of: request.payload)
        let (removed, written) = remove(from: account) { $0.service == service && (node == nil || $0.node == node) }
        do { try await written.value } catch {
            account.withState { $0[Self.registrations] += removed }
            throw kernel.refusal(of: error, account.jid)
        }
        if removed.isEmpty { throw StanzaError(.itemNotFound) }
    }

    private func remove(
        from account: Account, where isMeant: (PushRegistration) -> Bool
    ) -> (removed: [PushRegistration], written: PendingWrite) {
        account.withState { state in
            let removed = state[Self.registrations].filter(isMeant)
            if !removed.isEmpty { state[Self.registrations].removeAll(where: isMeant) }
            return (removed, kernel.database.beginWrite(PushStore.remove(removed, from: account.jid)))
        }
    }

    /// A service, and not somebody's client, which the server would disturb in the account's place.
    private static func service(of payload: Element) throws(StanzaError) -> JID {
        guard let text = payload["jid"] else { throw StanzaError(.badRequest, "the address of the push service is missing") }
        guard let service = try? JID(text) else { throw StanzaError(.jidMalformed) }
        guard service.isBare else { throw StanzaError(.notAcceptable, "a push service has no resource") }
        return service
    }

    private static func node(of payload: Element) throws(StanzaError) -> String? {
        guard let node = payload["node"] else { return nil }
        guard node.utf8.count <= sizeLimit else { throw StanzaError(.policyViolation, "the node is too long") }
        return node
    }

    private static func options(of payload: Element) throws(StanzaError) -> String? {
        guard let element = payload.child("x", in: .dataForms) else { return nil }
        guard let form = DataForm(element), form.kind == .submit, form.formType == publishOptions else {
            throw StanzaError(.badRequest, "the form is none of publish-options")
        }
        let text = element.serialized
        guard text.utf8.count <= sizeLimit else { throw StanzaError(.policyViolation, "the form is too long") }
        return text
    }

    private static let publishOptions = "http://jabber.org/protocol/pubsub#publish-options"

    // MARK: Publishing

    /// §6
    private func publish(_ notification: PushNotification, of account: Account, on loop: LoopContext) {
        let registration = notification.registration
        let summary = summary(of: notification)
        kernel.request(.set, registration.service, from: account.jid.domainJID, on: loop) { writer in
            writer.element("pubsub", in: .pubSub) { writer in
                writer.element("publish", ["node": registration.node.isEmpty ? nil : registration.node]) { writer in
                    writer.element("item") { writer in
                        writer.element("notification", in: .push) { summary.write(into: &$0) }
                    }
                }
                if let options = registration.options {
                    writer.element("publish-options") { $0.raw(ByteBuffer(string: options)) }
                }
            }
        } completion: { answer in
            answered(answer, registration, of: account)
        }
    }

    private func summary(of notification: PushNotification) -> DataForm {
        var fields = [DataForm.Field("message-count", String(notification.count))]
        if content != .count, let sender = notification.message.sender {
            fields.append(DataForm.Field("last-message-sender", sender.description))
        }
        if content == .body, !notification.message.body.isEmpty {
            fields.append(DataForm.Field("last-message-body", notification.message.body))
        }
        return DataForm(.submit, formType: "urn:xmpp:push:summary", fields)
    }

    /// §6.1: who refuses for good is not told anything any more; who is away or busy is told of the next message.
    private func answered(_ answer: IQAnswer, _ registration: PushRegistration, of account: Account) {
        if case .refused(let refusal) = answer, refusal.kind != .wait {
            kernel.logger.info(
                "A push service refuses notifications, and gets no more for this device.",
                metadata: [
                    LogKeys.jid: "\(registration.service)", LogKeys.account: "\(account.jid)",
                    LogKeys.condition: "\(refusal.condition)",
                ])
            _ = remove(from: account) { $0.isSame(as: registration) }
            return
        }
        let next = account.withState { state in
            Self.change(&state) { $0.isSame(as: registration) ? $0.answered() : nil }
        }
        guard !next.isEmpty else { return }
        kernel.loops[0].execute { loop in for notification in next { publish(notification, of: account, on: loop) } }
    }

    // MARK: The service's end

    /// §7: the service says that the account may not publish there any more.
    private static func isEnd(_ stanza: Stanza, _ account: Account) -> Bool {
        guard stanza.to == account.jid, stanza.type != .error, let pubsub = stanza.element?.child("pubsub", in: .pubSub),
            let affiliation = pubsub.child("affiliation"), affiliation["affiliation"] == "none"
        else { return false }
        return affiliation["jid"].flatMap { try? JID($0) } == account.jid
    }

    private func end(_ stanza: Stanza, _ account: Account) {
        guard let service = stanza.from, let node = stanza.element?.child("pubsub", in: .pubSub)?["node"] else { return }
        _ = remove(from: account) { $0.service == service && $0.node == node }
    }
}

extension Namespace {
    /// XEP-0357
    static let push: Namespace = "urn:xmpp:push:0"
}
