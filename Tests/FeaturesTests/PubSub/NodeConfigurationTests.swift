import Testing
import XMPP

@testable import Features

/// The configuration of nodes as a form and in storage.
struct NodeConfigurationTests {
    private let limits = PubSubLimits()

    private func form(_ fields: [String: [String]]) -> DataForm {
        DataForm(.submit, formType: Configuring.formType, fields.map { DataForm.Field("pubsub#\($0.key)", values: $0.value) })
    }

    @Test("what is stored is what was configured")
    func storage() throws {
        let defaults = NodeConfiguration.personal(limits)
        var configuration = defaults
        try configuration.submit(
            form([
                "title": ["A title\nof two lines"], "access_model": ["roster"], "roster_groups_allowed": ["Friends", "", "Lovers"],
                "max_items": ["max"], "item_expire": ["60"], "persist_items": ["0"], "notify_delete": ["false"],
                "publish_node_full": ["reject"], "contact": ["romeo@example.org"],
            ]), limits: limits)
        let text = configuration.stored(defaults: defaults)
        #expect(NodeConfiguration(stored: text, defaults: defaults, limits: limits) == configuration)
        #expect(defaults.stored(defaults: defaults).isEmpty)
        #expect(NodeConfiguration(stored: "", defaults: defaults, limits: limits) == defaults)
        #expect(NodeConfiguration(stored: "nonsense\u{1F}1\u{1E}\u{1E}", defaults: defaults, limits: limits) == defaults)
    }

    @Test("what a form does not have stays as it is")
    func partial() throws {
        var configuration = NodeConfiguration.personal(limits)
        configuration.title = "Tune"
        try configuration.submit(form(["max_items": ["5"], "unknown": ["1"]]), limits: limits)
        #expect(configuration.title == "Tune" && configuration.maxItems == .number(5))
    }

    @Test("preconditions are met by equal values, however they are spelt")
    func preconditions() {
        let configuration = NodeConfiguration.personal(limits)
        #expect(configuration.meets(form(["persist_items": ["true"], "access_model": ["presence"]]), limits: limits))
        #expect(configuration.meets(form(["persist_items": ["1"], "max_items": ["1"]]), limits: limits))
        #expect(!configuration.meets(form(["access_model": ["open"]]), limits: limits))
        #expect(!configuration.meets(form(["unknown": ["1"]]), limits: limits))
        #expect(!configuration.meets(form(["max_items": ["nonsense"]]), limits: limits))
    }

    @Test("values beyond limits are refused", arguments: [
        ("max_items", "0"), ("max_items", "1001"), ("max_items", "-1"), ("item_expire", "soon"), ("max_payload_size", "262145"),
        ("persist_items", "yes"), ("send_last_published_item", "always"), ("access_model", ""),
    ])
    func refusals(name: String, value: String) {
        var configuration = NodeConfiguration.personal(limits)
        let before = configuration
        #expect(throws: StanzaError.self) { try configuration.submit(form([name: [value]]), limits: limits) }
        #expect(configuration == before)
    }

    @Test("subscription options", arguments: [
        SubscriptionOptions(), SubscriptionOptions(delivers: false, expiry: .presence),
        SubscriptionOptions(delivers: true, expiry: .at(DateTime(milliseconds: 1_000_000))),
    ])
    func options(options: SubscriptionOptions) {
        #expect(SubscriptionOptions(stored: options.stored) == options)
    }
}
