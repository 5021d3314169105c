internal import Accounts
internal import Logging
internal import NIOCore
internal import XMPP

/// XEP-0114 §3: a component proves that it knows its secret, and its stream carries stanzas.
struct ComponentHandshake: StreamFeature {
    let rule = StreamFeatureRule(
        requires: .secure, excludes: .authenticated, elements: [("handshake", .client)])

    func offer(on stream: StreamHandler, into writer: inout XMLWriter) {}

    func negotiate(_ element: Element, on stream: StreamHandler) throws(StreamError) {
        guard let component = stream.machine.domain.flatMap({ stream.kernel.component(at: $0) }) else {
            throw StreamError(.hostUnknown)
        }
        let (decision, attempt) = stream.kernel.throttle.begin(nil, from: stream.address)
        switch decision {
        case .refuse:
            throw StreamError(.policyViolation, "too many log-ins have failed lately")
        case .proceed(after: .zero):
            try check(element.text, component, stream, attempt)
        case .proceed(let delay):
            let (proof, resume) = (element.text, stream.pause())
            stream.loop.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(delay)) {
                defer { resume() }
                guard !stream.machine.isClosing else { return }
                do throws(StreamError) {
                    try check(proof, component, stream, attempt)
                } catch {
                    stream.close(error)
                }
            }
        }
    }

    private func check(
        _ proof: String, _ component: Component, _ stream: StreamHandler, _ attempt: LoginAttempt
    ) throws(StreamError) {
        guard component.isProven(by: proof, streamID: stream.id) else {
            attempt.end(.failed)
            stream.log(.notice, "A component does not know its secret.", [LogKeys.jid: "\(component.jid)"])
            throw StreamError(.notAuthorized)
        }
        attempt.end(.succeeded)
        try connect(component, stream)
    }

    private func connect(_ component: Component, _ stream: StreamHandler) throws(StreamError) {
        let kernel = stream.kernel
        let handle = SessionHandle(id: kernel.nextSessionID(), jid: component.jid, loop: stream.loop.index)
        switch component.connect(handle) {
        case .connected:
            stream.log(.info, "A component is connected.", [LogKeys.jid: "\(component.jid)"])
            stream.output { $0.writeStaticString("<handshake/>") }
            stream.attach(ComponentConnection(component, handle: handle, on: stream))
        case .refused:
            throw StreamError(.conflict, "the component is connected already")
        case .replaces(let other):
            let resume = stream.pause()
            let stream = NIOLoopBound(stream, eventLoop: stream.loop.eventLoop)
            kernel.loops[other.loop].execute { loop in
                loop.component(other)?.close(StreamError(.conflict, "the component has connected anew"))
                kernel.loops[handle.loop].execute { _ in
                    defer { resume() }
                    guard !stream.value.machine.isClosing else { return }
                    do throws(StreamError) {
                        try connect(component, stream.value)
                    } catch {
                        stream.value.close(error)
                    }
                }
            }
        }
    }
}
