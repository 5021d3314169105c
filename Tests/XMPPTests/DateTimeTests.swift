import Testing
import XMPP

/// XEP-0082 §3.2: dates and times, read and written.
struct DateTimeTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2002-09-10T23:08:25Z", 1_031_699_305_000), ("2002-09-10T23:08:25.123Z", 1_031_699_305_123),
        ("1969-07-21T02:56:15Z", -14_159_025_000), ("1969-07-20T21:56:15-05:00", -14_159_025_000),
        ("2000-02-29T12:00:00+05:30", 951_805_800_000), ("2002-09-10T23:08:25.1234567Z", 1_031_699_305_123),
    ] as [(String, Int64)])
    func read(text: String, milliseconds: Int64) {
        #expect(DateTime(text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "now", "2002-09-10", "2002-09-10T23:08:25", "2002-13-10T23:08:25Z", "2002-09-10T24:08:25Z", "2002-09-10T23:08:25.Z",
        "2002-09-10T23:08:25+5", "2002-09-10T23:08:25Zulu", "2002-09-10 23:08:25Z", "20020910T23:08:25Z+01:00",
    ])
    func refused(text: String) {
        #expect(DateTime(text) == nil)
    }

    @Test func written() {
        let time = DateTime(milliseconds: 1_031_699_305_123)
        #expect(DateTime(time.description) == time)
    }
}
