/// Moves texts from the domains a transcript was written for to those it is played in.
enum DomainReplacement {
    /// Replaces each key where it stands as a domain or as the end of a longer one: with `localhost` for
    /// `t1.localhost`, `rooms.localhost` becomes `rooms.t1.localhost`, and `localhosts` stays.
    static func apply(_ domains: [String: String], to text: String) -> String {
        let names = domains.keys.sorted { $0.utf8.count > $1.utf8.count }
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        next: while index < bytes.count {
            if index == 0 || !isLabel(bytes[index - 1]) {
                for name in names where bytes[index...].starts(with: name.utf8) {
                    let end = index + name.utf8.count
                    let goesOn =
                        end < bytes.count
                        && (isLabel(bytes[end])
                            || bytes[end] == UInt8(ascii: ".") && end + 1 < bytes.count && isLabel(bytes[end + 1]))
                    guard !goesOn, let other = domains[name] else { continue }
                    result += other.utf8
                    index = end
                    continue next
                }
            }
            result.append(bytes[index])
            index += 1
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isLabel(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            true
        default: byte >= 0x80
        }
    }
}
