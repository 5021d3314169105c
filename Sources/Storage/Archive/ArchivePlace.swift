/// The place of a message in an archive: places are in the order of time, and none is ever used again.
///
/// Milliseconds since the beginning of 1970, UTC, and below them a counter of 14 bits.
package struct ArchivePlace: Sendable, Hashable, Comparable {
    package let number: Int64

    package init(number: Int64) { self.number = number }

    /// Below all places.
    package static let beginning = ArchivePlace(number: 0)
    /// Above all places.
    package static let end = ArchivePlace(number: .max)
    static let counterBits: Int64 = 14

    /// The first place of a millisecond.
    /// - Parameter milliseconds: cut to what a place can hold.
    package init(firstOf milliseconds: Int64) {
        number = min(max(milliseconds, 0), Int64.max >> Self.counterBits) << Self.counterBits
    }

    package var milliseconds: Int64 { number >> Self.counterBits }

    package static func < (left: ArchivePlace, right: ArchivePlace) -> Bool { left.number < right.number }
}

/// A month, by the calendar and in UTC: as much as one file of an archive holds.
struct ArchiveMonth: Sendable, Hashable, Comparable {
    /// Months since January of the year 0.
    let number: Int

    init(containing place: ArchivePlace) {
        let days = Int(place.milliseconds / 86_400_000)
        var number = (1970 + days / 366) * 12
        while Self(number: number + 1).firstDay <= days { number += 1 }
        self.number = number
    }

    private init(number: Int) { self.number = number }

    /// The month of a file's name without its ending; nil for other files.
    init?(name: String) {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "archive", parts[1].count == 4, parts[2].count == 2, let year = Int(parts[1]),
            let month = Int(parts[2]), year >= 1970, (1...12).contains(month)
        else { return nil }
        number = year * 12 + month - 1
    }

    /// `archive-2002-09`
    var name: String {
        let month = number % 12 + 1
        let year = String(number / 12)
        return "archive-\(String(repeating: "0", count: max(0, 4 - year.count)))\(year)-\(month < 10 ? "0" : "")\(month)"
    }

    /// The first place of the month.
    var start: ArchivePlace { ArchivePlace(firstOf: Int64(firstDay) * 86_400_000) }
    /// The first place of the next month.
    var end: ArchivePlace { Self(number: number + 1).start }

    func contains(_ place: ArchivePlace) -> Bool { start <= place && place < end }

    static func < (left: ArchiveMonth, right: ArchiveMonth) -> Bool { left.number < right.number }

    /// Days since the beginning of 1970, by the Gregorian calendar.
    private var firstDay: Int {
        // Years that begin in March have their leap day at the end.
        let year = (number - 2) / 12
        let month = (number - 2) % 12
        return year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 - 719_468
    }
}
