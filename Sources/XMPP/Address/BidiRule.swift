import CICU

/// The six conditions for text with right-to-left characters (RFC 5893 §2).
enum BidiRule {
    /// Whether the text has a right-to-left character, so that the rule applies to it.
    static func applies(to text: some Sequence<Unicode.Scalar>) -> Bool {
        text.contains { $0.direction == .rightToLeft || $0.direction == .arabicNumber }
    }

    static func isSatisfied(by text: [Unicode.Scalar]) -> Bool {
        let directions = text.map(\.direction)
        let last = directions.last { $0 != .nonspacingMark }
        switch directions.first {
        case .leftToRight:
            return directions.allSatisfy { [.leftToRight, .europeanNumber, .neutral, .nonspacingMark].contains($0) }
                && (last == .leftToRight || last == .europeanNumber)
        case .rightToLeft:
            return !directions.contains { $0 == .leftToRight || $0 == .forbidden }
                && last != .neutral
                && !(directions.contains(.europeanNumber) && directions.contains(.arabicNumber))
        default:
            return false
        }
    }
}
