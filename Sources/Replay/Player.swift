internal import XMPP

/// Plays transcripts against a server.
package struct Player: Sendable {
    private let transport: any Transport
    private let domains: [String: String]
    private let patience: Duration

    /// - Parameters:
    ///   - transport: how the server is reached.
    ///   - domains: the domains of a transcript and those to use in their place, in all that is sent and expected.
    ///   - patience: how long to wait for anything before the play has failed.
    package init(through transport: any Transport, domains: [String: String] = [:], patience: Duration = .seconds(10)) {
        self.transport = transport
        self.domains = domains
        self.patience = patience
    }

    /// Plays a transcript from its beginning to its end, and closes the connections it left open.
    /// - Throws: `ReplayFailure` for the first step that went otherwise than written.
    package func play(_ transcript: Transcript) async throws(ReplayFailure) {
        let stage = Stage(transcript.moved(to: domains), transport, patience)
        var index = 0
        var failure: ReplayFailure?
        let steps = transcript.steps
        while index < steps.count, failure == nil {
            let group = steps[index].unordered
            let end = group == nil ? index + 1 : steps[index...].firstIndex { $0.unordered != group } ?? steps.count
            failure = await stage.play(index..<end)
            index = end
        }
        await stage.clear()
        if let failure { throw failure }
    }
}

/// The roles of one play. Belongs to the task that plays it.
private final class Stage {
    private let transcript: Transcript
    private let transport: any Transport
    private let patience: Duration
    private var variables: Variables
    private var clients: [Int: ReplayClient] = [:]

    init(_ transcript: Transcript, _ transport: any Transport, _ patience: Duration) {
        self.transcript = transcript
        self.transport = transport
        self.patience = patience
        variables = Variables(roles: transcript.roles)
    }

    /// Plays one step, or several `receives:` that may happen in any order.
    func play(_ indices: Range<Int>) async -> ReplayFailure? {
        var line = transcript.steps[indices.lowerBound]
        do {
            if indices.count > 1 {
                try await receiveInAnyOrder(Array(transcript.steps[indices]), &line)
            } else {
                try await perform(line)
            }
            return nil
        } catch {
            let reason: String =
                switch error {
                case let failure as StepFailure: failure.reason
                case let missing as Variables.MissingValue: "  `${\(missing.variable)}` has no value here"
                default: "  \(error)"
                }
            return ReplayFailure(file: transcript.file, line: line.line, step: line.words, reason: reason)
        }
    }

    /// Closes what is still open.
    func clear() async {
        for (_, client) in clients.sorted(by: { $0.key < $1.key }) {
            if client.isReady { try? await client.disconnect() } else { await client.abort() }
        }
        clients = [:]
    }

    private func perform(_ step: Transcript.Step) async throws {
        if case .timePasses(let time) = step.action { return try await transport.pass(time) }
        guard let index = step.role else { return }
        let role = transcript.roles[index]
        if step.action == .connects {
            return try await connect(role, index)
        }
        // Whose connection is closed already is as disconnected as can be.
        if step.action == .disconnects, clients[index] == nil { return }
        guard let client = clients[index] else { throw StepFailure("  \(role.name) is not connected") }
        switch step.action {
        case .connects, .timePasses: break
        case .disconnects:
            clients[index] = nil
            try await client.disconnect()
        case .losesConnection:
            await client.abort()
            clients[index] = nil
        case .startsTLS:
            try await client.startTLS()
            try await learnBindings(client)
        case .sends(let template): try await client.send(try markup(template, for: role))
        case .sendsRaw(let template):
            try await client.send(RawText.bytes(of: try variables.substitute(in: template.text)))
        case .receives(let template):
            let expected = try markup(template, for: role)
            try match(expected, try await receive(client, [expected]), role)
        case .receivesNothing: try await receiveNothing(client)
        case .streamCloses(let condition): try await close(client, with: condition)
        case .connectionEnds: try await end(client)
        }
    }

    private func connect(_ role: Transcript.Role, _ index: Int) async throws {
        if let former = clients.removeValue(forKey: index) { await former.abort() }
        let connection = try await transport.connect(to: Destination(of: role))
        let client = ReplayClient(playing: role, on: connection, patience: patience)
        // Known before it is ready, so that it is closed whatever happens.
        clients[index] = client
        try await client.negotiate()
        variables.fullJIDs[role.name] = client.fullJID
        try await learnBindings(client)
    }

    /// What tokens are hashed with is the connection's.
    private func learnBindings(_ client: ReplayClient) async throws {
        guard transcript.hashesTokens else { return }
        variables.bindings[client.role.name] = try await ChannelBindings(of: client).bindings
    }

    private func markup(_ template: Transcript.Template, for role: Transcript.Role) throws -> Markup {
        try Markup(parsing: try variables.substitute(in: template.text), in: role.contentNamespace)
    }

    /// The next element, whichever of those expected it may be.
    private func receive(_ client: ReplayClient, _ expected: [Markup]) async throws(StepFailure) -> Markup {
        let incoming: ReplayClient.Incoming
        do {
            incoming = try await client.next(acknowledging: Set(expected.compactMap(\.acknowledging)))
        } catch {
            throw StepFailure(
                error.reason + "; expected:\n"
                    + expected[0].indented(inheriting: client.role.contentNamespace, by: "    "))
        }
        switch incoming {
        case .element(let received), .header(let received): return received
        case .streamEnd, .end:
            throw StepFailure(
                "  received \(client.describe(incoming)); expected:\n"
                    + expected[0].indented(inheriting: client.role.contentNamespace, by: "    "))
        }
    }

    private func match(_ expected: Markup, _ received: Markup, _ role: Transcript.Role) throws(StepFailure) {
        var matcher = Matcher(content: role.contentNamespace)
        let differences = matcher.differences(expected, received)
        variables.fullJIDs[role.name] = clients.values.first { $0.role.name == role.name }?.fullJID ?? variables.fullJIDs[role.name]
        guard differences.isEmpty else {
            throw StepFailure(
                expected: expected, received: received, differences: differences, content: role.contentNamespace)
        }
        variables.captured.merge(matcher.captured) { $1 }
    }

    private func receiveInAnyOrder(_ steps: [Transcript.Step], _ current: inout Transcript.Step) async throws {
        guard let index = current.role else { return }
        let role = transcript.roles[index]
        guard let client = clients[index] else { throw StepFailure("  \(role.name) is not connected") }
        var open = steps
        while let first = open.first {
            current = first
            var expected: [Markup] = []
            for case .receives(let template) in open.map(\.action) { expected.append(try markup(template, for: role)) }
            let received = try await receive(client, expected)
            let found = expected.firstIndex { expected in
                var matcher = Matcher(content: role.contentNamespace)
                return matcher.differences(expected, received).isEmpty
            }
            // The failure is told of the likeliest: the first with the same name.
            let chosen = found ?? expected.firstIndex { $0.name == received.name } ?? 0
            current = open.remove(at: chosen)
            try match(expected[chosen], received, role)
        }
    }

    /// Whatever the others have sent has been dealt with, and so has what followed from it for this client.
    private func receiveNothing(_ client: ReplayClient) async throws(StepFailure) {
        for (_, other) in clients.sorted(by: { $0.key < $1.key }) where other !== client && other.isReady {
            try await other.barrier()
        }
        try await client.barrier()
        if let unexpected = client.unread {
            throw StepFailure("  received \(client.describe(unexpected))")
        }
    }

    private func end(_ client: ReplayClient) async throws(StepFailure) {
        var incoming = try await client.next()
        if case .streamEnd = incoming { incoming = try await client.next() }
        guard case .end = incoming else {
            throw StepFailure("  expected the end of the connection, received \(client.describe(incoming))")
        }
        await client.abort()
    }

    private func close(_ client: ReplayClient, with condition: String?) async throws(StepFailure) {
        if let condition {
            let error = try await client.nextElement()
            let conditions = error.children.filter {
                $0.namespace == Namespace.streamErrors.description && $0.name != "text"
            }
            guard error.name == "error", error.namespace == Namespace.streams.description else {
                throw StepFailure("  expected a stream error, received \(client.describe(.element(error)))")
            }
            guard conditions.map(\.name) == [condition] else {
                throw StepFailure(
                    "  expected the stream error \(condition), received \(client.describe(.element(error)))")
            }
        }
        let end = try await client.next()
        guard case .streamEnd = end else {
            throw StepFailure("  expected the end of the stream, received \(client.describe(end))")
        }
        try? await client.send("</stream:stream>")
        let closed = try await client.next()
        guard case .end = closed else {
            throw StepFailure("  expected the end of the connection, received \(client.describe(closed))")
        }
        await client.abort()
    }
}
