internal import NIOCore
internal import TLS
package import XMPP

/// XEP-0386: a resource is bound, and what the client wants for its session enabled, with the log-in.
struct Bind2 {
    private unowned let kernel: Kernel

    init(kernel: Kernel) {
        self.kernel = kernel
    }

    /// Binds a resource and does what the client has asked for.
    /// - Parameter completion: called on the stream's event loop, with the content of `<bound/>` and the full JID; without
    ///   content and with the bare JID if no resource could be bound.
    func bind(
        _ wish: Element, _ account: JID, device: String?, stream: NIOLoopBound<StreamHandler>,
        completion: @escaping @Sendable (JID, ByteBuffer?) -> Void
    ) {
        let resource = resource(tag: wish.child("tag")?.text, account, device)
        let reference = kernel.loops[stream.value.loop.index]
        kernel.binding.bind(account, resource: resource, device: device, stream: stream) { [kernel] result in
            guard case .success(let session) = result else { return completion(account, nil) }
            var writer = XMLWriter()
            for feature in kernel.registry.inlineFeatures { feature.enable(wish, session, &writer) }
            let (jid, account, enabled) = (session.jid, session.account, writer.buffer)
            let reports = kernel.registry.boundReports
            guard !reports.isEmpty else { return completion(jid, enabled) }
            reference.task {
                var content = ByteBuffer()
                for report in reports {
                    if let report = await report(account) { content.writeImmutableBuffer(report) }
                }
                content.writeImmutableBuffer(enabled)
                reference.execute { [content] _ in completion(jid, content) }
            }
        }
    }

    /// §3.2.1: the client's tag, and behind it what is the same whenever this client comes, and tells nobody what it is
    /// made of.
    private func resource(tag: String?, _ account: JID, _ device: String?) -> String {
        let own =
            device.map { device in
                let message = Array("resource\0\(account)\0\(tag ?? "")\0\(device)".utf8)
                return Self.text(Array(Hash.sha256.hmac(key: kernel.secret, message).prefix(12)))
            } ?? StreamHandler.randomID()
        guard let tag, !tag.isEmpty else { return own }
        let full = "\(tag)/\(own)"
        // A tag that cannot be in a resource is left out.
        return (try? account.with(resource: full)) == nil ? own : full
    }

    private static func text(_ bytes: [UInt8]) -> String {
        String(decoding: Base64.encode(bytes), as: UTF8.self).replacing("/", with: "_").replacing("+", with: "-")
    }
}

extension Namespace {
    /// XEP-0386
    package static let bind2: Namespace = "urn:xmpp:bind:0"
}
