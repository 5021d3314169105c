package import XMPP

/// XEP-0352: the client says whether somebody looks at it; what only somebody who looks would see waits for that.
package struct ClientState: StreamFeature {
    package let rule = StreamFeatureRule(
        requires: [.authenticated, .secure], elements: [("active", .clientState), ("inactive", .clientState)])

    static let isSaving = Setting(
        "client-state.saving", default: true,
        "Whether presence and chat states are held back from clients that say that nobody looks at them.")

    package func offer(on stream: StreamHandler, into writer: inout XMLWriter) {
        writer.element("csi", in: .clientState)
    }

    package func negotiate(_ element: Element, on stream: StreamHandler) throws(StreamError) {
        guard let session = stream.session else { return }
        Self.set(isInactive: element.isNamed("inactive"), session)
    }

    private static func set(isInactive: Bool, _ session: Session) {
        session.account.withState { state in
            state.updateSession(session.handle.id) { bound in
                if bound.isInactive, !isInactive { bound.returns += 1 }
                bound.isInactive = isInactive
            }
        }
        if !isInactive {
            session.becomeActive()
        } else if session.held == nil, session.kernel.configuration[isSaving] {
            session.held = HeldStanzas()
        }
    }

    /// XEP-0386 §3.2: "the session must begin in that state."
    static let inline = Registration.inline(.clientState) { bind, session, _ in
        if bind.child("inactive", in: .clientState) != nil { set(isInactive: true, session) }
    }
}

extension Session {
    /// Somebody looks: what was held back is sent (§5.1), and nothing is any more.
    func becomeActive() {
        guard var held else { return }
        self.held = nil
        for stanza in held.takeAll() { send(stanza, .needed, .burst) }
    }
}

extension Namespace {
    /// XEP-0352
    package static let clientState: Namespace = "urn:xmpp:csi:0"
}
