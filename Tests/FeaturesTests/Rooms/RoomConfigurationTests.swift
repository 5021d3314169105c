import Testing
import XMPP

@testable import Features

/// The configuration of a room, as a form and as it is kept.
struct RoomConfigurationTests {
    private func submitted(_ fields: [String: [String]]) throws(StanzaError) -> RoomConfiguration {
        var configuration = RoomConfiguration()
        try configuration.submit(
            DataForm(
                .submit, formType: RoomConfiguration.formType,
                fields.map { DataForm.Field($0.key, values: $0.value) }))
        return configuration
    }

    @Test func everyFieldIsKept() throws {
        let values: [String: [String]] = [
            "muc#roomconfig_roomname": ["A Dark Cave"], "muc#roomconfig_roomdesc": ["For witches"],
            "muc#roomconfig_lang": ["en"], "muc#roomconfig_pubsub": ["xmpp:pubsub.example.org?;node=cave"],
            "muc#roomconfig_enablelogging": ["1"], "muc#roomconfig_changesubject": ["1"],
            "muc#roomconfig_allowinvites": ["1"], "muc#roomconfig_allowpm": ["moderators"],
            "muc#roomconfig_maxusers": ["20"], "muc#roomconfig_presencebroadcast": ["moderator"],
            "muc#roomconfig_getmemberlist": [], "muc#roomconfig_publicroom": ["0"],
            "muc#roomconfig_persistentroom": ["1"], "muc#roomconfig_moderatedroom": ["1"],
            "muc#roomconfig_membersonly": ["1"], "muc#roomconfig_registration": ["approval"],
            "muc#roomconfig_passwordprotectedroom": ["1"], "muc#roomconfig_roomsecret": ["cauldronburn"],
            "muc#roomconfig_whois": ["anyone"], "muc#maxhistoryfetch": ["7"],
            "muc#roomconfig_slow_mode_duration": ["20"],
        ]
        #expect(Set(values.keys) == Set(RoomConfiguration.fields.map(\.name)))
        let configuration = try submitted(values)
        for field in RoomConfiguration.fields {
            #expect(field.get(configuration) == values[field.name], "\(field.name)")
            #expect(field.get(RoomConfiguration()) != values[field.name], "\(field.name) is the default")
        }
        #expect(RoomConfiguration(stored: configuration.stored) == configuration)
    }

    @Test func nothingIsKeptOfDefaults() {
        #expect(RoomConfiguration().stored == "")
        #expect(RoomConfiguration(stored: "") == RoomConfiguration())
    }

    @Test func whatIsNotKnownAnyMoreIsPassedOver() {
        let stored = "muc#roomconfig_future\u{1F}1\u{1E}muc#roomconfig_whois\u{1F}anyone\u{1E}muc#maxhistoryfetch\u{1F}x"
        #expect(RoomConfiguration(stored: stored).stored == "muc#roomconfig_whois\u{1F}anyone")
    }

    @Test(
        "what makes no sense is not acceptable",
        arguments: [
            ["muc#roomconfig_passwordprotectedroom": ["1"]], ["muc#roomconfig_whois": ["none"]],
            ["muc#roomconfig_allowpm": ["everybody"]], ["muc#roomconfig_membersonly": ["yes"]],
            ["muc#roomconfig_maxusers": ["0"]], ["muc#roomconfig_maxusers": ["many"]],
            ["muc#roomconfig_presencebroadcast": ["owner"]], ["muc#maxhistoryfetch": ["-1"]],
            ["muc#roomconfig_roomname": [String(repeating: "x", count: 5_000)]],
        ])
    func refused(fields: [String: [String]]) {
        let error = #expect(throws: StanzaError.self) { try submitted(fields) }
        #expect(error?.condition == .notAcceptable)
    }

    @Test(
        "codes of changes",
        arguments: [
            (["muc#roomconfig_whois": ["anyone"]], [172]), (["muc#roomconfig_enablelogging": ["1"]], [170]),
            (["muc#roomconfig_roomname": ["Cave"]], [104]), (["muc#roomconfig_roomname": []], []),
            (["muc#roomconfig_whois": ["anyone"], "muc#roomconfig_moderatedroom": ["1"]], [172, 104]),
        ] as [([String: [String]], [Int])])
    func codes(fields: [String: [String]], codes: [Int]) throws {
        let changed = try submitted(fields)
        #expect(changed.codes(after: RoomConfiguration()) == codes)
        let back = codes.map { $0 == 172 ? 173 : $0 == 170 ? 171 : $0 }
        #expect(RoomConfiguration().codes(after: changed) == back)
    }

    @Test func everyAbilityIsChecked() {
        #expect(RoomConfiguration().abilities.count == Mirror(reflecting: RoomConfiguration()).children.count)
    }
}
