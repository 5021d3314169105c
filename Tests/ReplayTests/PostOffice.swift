import NIOCore
import Synchronization

@testable import Replay

/// The least that can be called an XMPP server: logs anybody in whose password is the first letter of the name,
/// answers pings, acknowledges nothing when asked (XEP-0198), and passes stanzas on between full addresses.
final class PostOffice: Transport {
    private struct State {
        var pipes: [String: Pipe] = [:]
        var count = 0
        var time = Duration.zero
    }

    private let state = Mutex(State())

    func connect(to destination: Destination) async throws -> any Connection {
        let desk = Desk(isComponent: destination.listener == .component, office: self)
        let pipe = Pipe(sent: { desk.receive($0) }, closed: {})
        desk.pipe.withLock { $0 = pipe }
        return pipe
    }

    func pass(_ time: Duration) async throws { state.withLock { $0.time += time } }

    /// How much time has passed.
    var time: Duration { state.withLock { $0.time } }

    func bind(_ address: String, to pipe: Pipe) -> String {
        state.withLock { state in
            state.count += 1
            let jid = address.contains("@") ? "\(address)/\(state.count)" : address
            state.pipes[jid] = pipe
            return jid
        }
    }

    func send(_ stanza: Markup, to address: String) {
        let pipe = state.withLock { $0.pipes[address] }
        pipe?.deliver(ByteBuffer(string: stanza.serialized(inheriting: "jabber:client")))
    }
}

/// The server's end of one connection.
private final class Desk: Sendable {
    private struct State {
        var stream = IncomingStream()
        var user = ""
        var domain = ""
        var jid: String?
    }

    let pipe = Mutex<Pipe?>(nil)
    private let isComponent: Bool
    private let office: PostOffice
    private let state: Mutex<State>

    init(isComponent: Bool, office: PostOffice) {
        self.isComponent = isComponent
        self.office = office
        state = Mutex(State())
    }

    func receive(_ bytes: ByteBuffer) {
        let events = state.withLock { state in (try? state.stream.receive(bytes)) ?? [] }
        for event in events {
            switch event {
            case .header(let header): open(header)
            case .element(let element): handle(element)
            case .streamEnd: close("")
            }
        }
    }

    private func open(_ header: Markup) {
        let jid = state.withLock { state in
            state.domain = header["to"] ?? ""
            return state.user
        }
        let content = isComponent ? "jabber:component:accept" : "jabber:client"
        reply(
            "<?xml version='1.0'?><stream:stream xmlns='\(content)' xmlns:stream='http://etherx.jabber.org/streams' id='s' version='1.0'>"
        )
        guard !isComponent else { return }
        reply(
            jid.isEmpty
                ? "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>"
                : "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>")
    }

    private func handle(_ element: Markup) {
        let (user, domain, jid) = state.withLock { ($0.user, $0.domain, $0.jid) }
        switch element.name {
        case "auth":
            // The initial responses of the two who may log in.
            let user = ["AHJvbWVvAHI=": "romeo", "AGp1bGlldABq": "juliet"][element.text]
            guard let user else {
                return reply("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>")
            }
            state.withLock { $0.user = user }
            reply("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
        case "handshake":
            // SHA-1 of "ssecret".
            guard element.text == "ac0145c331470eb8831701aa21e99303aacb90d6" else { return close("not-authorized") }
            bind(domain)
            reply("<handshake/>")
        case "iq" where element.child("bind", in: "urn:ietf:params:xml:ns:xmpp-bind") != nil:
            let jid = bind("\(user)@\(domain)")
            reply(
                "<iq type='result' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>\(jid)</jid></bind></iq>"
            )
        case "iq" where element.child("ping", in: "urn:xmpp:ping") != nil:
            reply("<iq type='result' id='\(element["id"] ?? "")'/>")
        case "r":
            reply("<r xmlns='urn:xmpp:sm:3'/><a xmlns='urn:xmpp:sm:3' h='0'/>")
        case "message", "presence", "iq":
            var stanza = element
            stanza.namespace = "jabber:client"
            stanza.attributes.append(Markup.Attribute(name: "from", namespace: nil, value: jid ?? ""))
            office.send(stanza, to: element["to"] ?? "")
        default:
            close("unsupported-stanza-type")
        }
    }

    @discardableResult
    private func bind(_ address: String) -> String {
        guard let pipe = pipe.withLock({ $0 }) else { return address }
        let jid = office.bind(address, to: pipe)
        state.withLock { $0.jid = jid }
        return jid
    }

    private func close(_ condition: String) {
        if !condition.isEmpty {
            reply("<stream:error><\(condition) xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>")
        }
        reply("</stream:stream>")
        pipe.withLock { $0 }?.end()
    }

    private func reply(_ text: String) { pipe.withLock { $0 }?.deliver(ByteBuffer(string: text)) }
}
