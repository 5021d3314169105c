/// Which of some known words was probably meant by a mistyped one.
enum Suggestion {
    /// The nearest candidate, or nil if none is near enough to be worth saying.
    static func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
        let typed = folded(word)
        var nearest: (candidate: String, distance: Int)?
        for candidate in candidates {
            let known = folded(candidate)
            let shorter = min(typed.count, known.count)
            let isBeginning = shorter >= 3 && typed.prefix(shorter) == known.prefix(shorter)
            let distance = distance(typed, known)
            // One slip in three letters; a word cut short or made longer is forgiven more.
            guard distance <= max(1, max(typed.count, known.count) / 3) && distance < shorter || isBeginning else {
                continue
            }
            if distance < nearest?.distance ?? .max { nearest = (candidate, distance) }
        }
        return nearest?.candidate
    }

    /// Case, and whether words are joined by `-`, `_` or `.`, are the smallest of slips.
    private static func folded(_ word: String) -> [UInt8] {
        word.lowercased().utf8.map { $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") ? UInt8(ascii: "-") : $0 }
    }

    /// The number of letters to insert, remove, replace or swap with their neighbour.
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        // Longer words are no typing errors, and the cost is the product of the lengths.
        guard left.count <= 64, right.count <= 64 else { return left == right ? 0 : 64 }
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for (row, letter) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (letter == other ? 0 : 1))
                if row > 0, column > 0, letter == right[column - 1], other == left[row - 1] {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}
