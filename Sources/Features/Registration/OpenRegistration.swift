internal import NIOCore
internal import Server
internal import Synchronization
internal import XMPP

/// Accounts are made by whoever connects, before log-in (XEP-0077 §3.1.1, §8).
final class OpenRegistration: StreamFeature {
    let rule = StreamFeatureRule(requires: .secure, excludes: .authenticated, elements: [("iq", .client)])
    private let quota: Mutex<RegistrationQuota>
    private let exempt: AddressSet

    init(accountsPerHour: Int, exempt: AddressSet) {
        quota = Mutex(RegistrationQuota(limit: accountsPerHour))
        self.exempt = exempt
    }

    func offer(on stream: StreamHandler, into writer: inout XMLWriter) {
        guard isPossible(on: stream) else { return }
        writer.element("register", in: .registrationFeature)
    }

    /// Whether the domain keeps accounts of its own.
    private func isPossible(on stream: StreamHandler) -> Bool {
        stream.machine.domain.flatMap { stream.kernel.domain($0)?.local } != nil
    }

    func negotiate(_ element: Element, on stream: StreamHandler) throws(StreamError) {
        let type = element["type"]
        guard let request = element.child("query", in: .registration), let domain = stream.machine.domain,
            type == "get" || type == "set"
        else { throw StreamError(.notAuthorized, "log in first") }
        let id = element["id"]
        do throws(StanzaError) {
            guard isPossible(on: stream) else { throw StanzaError(.serviceUnavailable) }
            if type == "get" { return writeForm(id, on: stream) }
            // §3.2: who is not logged in cannot give up an account.
            guard request.child("remove") == nil else { throw StanzaError(.unexpectedRequest) }
            let (account, password) = try read(request, domain)
            try takeQuota(of: stream)
            add(account, password, id, on: stream)
        } catch {
            refuse(error, id, on: stream)
        }
    }

    /// §3.1: what has to be filled in.
    private func writeForm(_ id: String?, on stream: StreamHandler) {
        answer(id, on: stream) { writer in
            writer.element("query", in: .registration) { writer in
                writer.element("instructions", text: "Choose a name and a password.")
                writer.element("username")
                writer.element("password")
            }
        }
    }

    private func read(_ request: Element, _ domain: JID) throws(StanzaError) -> (JID, String) {
        guard let username = request.child("username")?.text, let password = request.child("password")?.text,
            !username.isEmpty, !password.isEmpty
        else { throw StanzaError(.notAcceptable, "name and password are needed") }
        do {
            return (try JID(local: username, of: domain), password)
        } catch {
            throw StanzaError(.notAcceptable, "this cannot be a name")
        }
    }

    private func takeQuota(of stream: StreamHandler) throws(StanzaError) {
        guard let address = stream.address, !exempt.contains(address) else { return }
        guard quota.withLock({ $0.take(address.bytes, now: stream.kernel.clock.instant) }) else {
            throw StanzaError(.resourceConstraint, "too many accounts were made from your address; try again later")
        }
    }

    private func add(_ account: JID, _ password: String, _ id: String?, on stream: StreamHandler) {
        let kernel = stream.kernel
        let loop = kernel.loops[stream.loop.index]
        let bound = NIOLoopBound(stream, eventLoop: stream.loop.eventLoop)
        let resume = stream.pause()
        Task {
            let outcome: Result<Void, StanzaError>
            do throws(StanzaError) {
                outcome = .success(try await kernel.add(account, password: password))
            } catch {
                outcome = .failure(error)
            }
            loop.execute { _ in
                switch outcome {
                case .success: self.answer(id, on: bound.value) { _ in }
                case .failure(let error): self.refuse(error, id, on: bound.value)
                }
                resume()
            }
        }
    }

    private func answer(_ id: String?, on stream: StreamHandler, _ content: (inout XMLWriter) -> Void) {
        write("result", id, on: stream, content)
    }

    private func refuse(_ error: StanzaError, _ id: String?, on stream: StreamHandler) {
        write("error", id, on: stream) { error.write(into: &$0) }
    }

    private func write(
        _ type: String, _ id: String?, on stream: StreamHandler, _ content: (inout XMLWriter) -> Void
    ) {
        let from = stream.machine.domain?.description
        stream.output { buffer in
            var writer = XMLWriter(into: buffer)
            buffer = ByteBuffer()
            writer.element("iq", ["type": type, "id": id, "from": from], content)
            buffer = writer.buffer
        }
    }
}
