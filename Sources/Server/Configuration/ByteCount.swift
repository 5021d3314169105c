/// A size in bytes, written `65536`, `64K`, `10M` or `2G` (powers of 1,024).
package struct ByteCount: Hashable, Comparable, Sendable {
    package let bytes: Int

    package init(_ bytes: Int) {
        self.bytes = bytes
    }

    package static func kibibytes(_ count: Int) -> Self { Self(count << 10) }
    package static func mebibytes(_ count: Int) -> Self { Self(count << 20) }
    package static func gibibytes(_ count: Int) -> Self { Self(count << 30) }

    package static func < (left: Self, right: Self) -> Bool { left.bytes < right.bytes }

    private static let units: [(letter: Character, shift: Int)] = [("G", 30), ("M", 20), ("K", 10)]

    /// From text; nil if it is no size or does not fit.
    init?(_ text: String) {
        let unit = Self.units.first { $0.letter == text.last }
        let digits = unit == nil ? text[...] : text.dropLast()
        guard digits.first?.isWholeNumber == true, let count = Int(digits) else { return nil }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: 1 << (unit?.shift ?? 0))
        guard !overflow else { return nil }
        self.bytes = bytes
    }
}

extension ByteCount: CustomStringConvertible {
    package var description: String {
        for unit in Self.units where bytes != 0 && bytes % (1 << unit.shift) == 0 {
            return "\(bytes >> unit.shift)\(unit.letter)"
        }
        return "\(bytes)"
    }
}
