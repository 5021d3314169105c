package import Server
package import XMPP

/// XEP-0199: whoever asks whether the server is there gets an answer.
package struct Ping: Feature {
    package static let xeps = [199]

    package init(kernel: Kernel) {}

    package var registrations: [[Registration]] {
        [
            Registration.iq(.get, "ping", in: .ping, on: .server, .inline { _, _, _, _ in }),
            Registration.iq(.get, "ping", in: .ping, on: .services, .inline { _, _, _, _ in }),
            Registration.iq(.get, "ping", in: .ping, on: .account, .inline { request, _, _, _ throws(StanzaError) in
                // Strangers would learn which accounts exist.
                guard request.maySeePresence else { throw StanzaError(.serviceUnavailable) }
            }),
        ]
    }
}

extension Namespace {
    package static let ping: Namespace = "urn:xmpp:ping"
}
