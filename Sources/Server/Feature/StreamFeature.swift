package import XMPP

/// Something that is negotiated on a stream, or only announced there (RFC 6120 §4.3.2).
///
/// All of it is here: when it may be negotiated, how it is offered, and what its elements do. The stream itself
/// knows no feature.
package protocol StreamFeature: Sendable {
    /// When the feature is offered, and which elements are its own.
    var rule: StreamFeatureRule { get }

    /// Writes the feature's element inside `<stream:features/>`; nothing where it does not apply. What is written is
    /// kept for other streams with the same listener, domain, facts and offer of authentication: nothing else may
    /// decide about it but the configuration.
    func offer(on stream: StreamHandler, into writer: inout XMLWriter)

    /// One of the feature's elements has arrived at a time when the rule applies. On the stream's event loop.
    func negotiate(_ element: Element, on stream: StreamHandler) throws(StreamError)
}

extension StreamFeature {
    package func negotiate(_ element: Element, on stream: StreamHandler) throws(StreamError) {}
}

/// A feature that is only announced, by an empty element.
package struct AnnouncedFeature: StreamFeature {
    package let rule: StreamFeatureRule
    private let name: StaticString
    private let namespace: Namespace

    /// - Parameter requires: what must have been reached before it is announced.
    package init(_ name: StaticString, in namespace: Namespace, requires: StreamFacts = [.authenticated]) {
        self.name = name
        self.namespace = namespace
        rule = StreamFeatureRule(requires: requires)
    }

    package func offer(on stream: StreamHandler, into writer: inout XMLWriter) {
        writer.element(name, in: namespace)
    }
}
