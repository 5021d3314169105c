import Testing

@testable import Features

/// XEP-0082 §3.3: how a time zone is written.
struct EntityTimeTests {
    @Test(arguments: [
        (0, "Z"), (3_600, "+01:00"), (-21_600, "-06:00"), (19_800, "+05:30"), (-12_600, "-03:30"), (45_900, "+12:45"),
        (-1_172, "-00:19"),
    ])
    func zone(secondsEast: Int, text: String) {
        #expect(EntityTime.zone(secondsEast: secondsEast) == text)
    }
}
