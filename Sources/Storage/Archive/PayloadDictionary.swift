internal import CZstd
internal import Foundation

/// What is known beforehand of messages, so that a short one can be compressed. Payloads name theirs by its number.
///
/// `@unchecked Sendable`: zstd only reads the digested dictionaries.
final class PayloadDictionary: @unchecked Sendable {
    /// By number, from 1; old ones stay, for there are payloads that need them.
    static let all: [PayloadDictionary] = [PayloadDictionary(text1)]
    /// The one that new payloads are written with.
    static let newest = all.count

    /// Little is gained by more: 3 makes 143 bytes of what 1 makes 144 of.
    private static let level: CInt = 3

    let compressing: OpaquePointer?
    let decompressing: OpaquePointer?

    /// Lives as long as the process.
    private init(_ text: StaticString) {
        let bytes = Data(base64Encoded: text.description) ?? Data()
        (compressing, decompressing) = bytes.withUnsafeBytes { bytes in
            (
                ZSTD_createCDict(bytes.baseAddress, bytes.count, Self.level),
                ZSTD_createDDict(bytes.baseAddress, bytes.count)
            )
        }
    }
}
