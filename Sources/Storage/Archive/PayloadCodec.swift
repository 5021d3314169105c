internal import CZstd
internal import NIOCore
internal import Synchronization

/// Writes the payloads of archives as short as they can be, and reads them.
///
/// A payload begins with one byte: 0 before what stands there as it is, or the number of a dictionary before a frame of
/// zstd without its magic number, which would be the same four bytes in each.
final class PayloadCodec: Sendable {
    /// `@unchecked Sendable`: protected by the lock `compressor`, inside which alone it is used.
    private final class Compressor: @unchecked Sendable {
        let context = ZSTD_createCCtx()
        init() {
            ZSTD_CCtx_setParameter(context, ZSTD_c_dictIDFlag, 0)
            ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 0)
            ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 1)
            ZSTD_CCtx_refCDict(context, PayloadDictionary.all[PayloadDictionary.newest - 1].compressing)
        }
        deinit { ZSTD_freeCCtx(context) }
    }

    /// `@unchecked Sendable`: taken out of `decompressors` and put back under that lock; between, one thread has it.
    private final class Decompressor: @unchecked Sendable {
        let context = ZSTD_createDCtx()
        /// A frame with its magic number.
        var frame = PayloadCodec.magic
        deinit { ZSTD_freeDCtx(context) }
    }

    private static let magic: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]
    /// No stanza is as large.
    private static let sizeLimit: UInt64 = 64 << 20

    private let compressor = Mutex(Compressor())
    /// Those that nobody uses at the moment; as many as have ever been used at once.
    private let decompressors = Mutex<[Decompressor]>([])

    func encode(_ payload: ByteBuffer) -> [UInt8] {
        let size = payload.readableBytes
        let bound = ZSTD_compressBound(size)
        let frame = payload.withUnsafeReadableBytes { source in
            [UInt8](unsafeUninitializedCapacity: bound + 1) { target, count in
                let length = compressor.withLock { compressor in
                    ZSTD_compress2(compressor.context, target.baseAddress, bound, source.baseAddress, size)
                }
                // The number takes the place of the magic number's last byte.
                guard ZSTD_isError(length) == 0, length < size, length > Self.magic.count else { return count = 0 }
                target[Self.magic.count - 1] = UInt8(PayloadDictionary.newest)
                count = length
            }
        }
        return frame.isEmpty ? [0] + payload.readableBytesView : Array(frame[(Self.magic.count - 1)...])
    }

    /// Appends what `encode` was given.
    func decode(_ bytes: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) throws(StorageError) {
        guard let number = bytes.first.map(Int.init) else { throw .corrupt("a payload of an archive is empty") }
        let content = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
        if number == 0 {
            buffer.writeBytes(content)
            return
        }
        guard number <= PayloadDictionary.all.count else {
            throw .newerSchema("a payload of an archive was written by a newer version, with dictionary \(number)")
        }
        let decompressor = decompressors.withLock { $0.popLast() } ?? Decompressor()
        defer { decompressors.withLock { $0.append(decompressor) } }
        decompressor.frame.removeLast(decompressor.frame.count - Self.magic.count)
        decompressor.frame.append(contentsOf: content)
        let isRight = decompressor.frame.withUnsafeBytes { frame in
            let size = ZSTD_getFrameContentSize(frame.baseAddress, frame.count)
            guard size <= Self.sizeLimit else { return false }
            let written = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Int(size)) { target in
                let count = ZSTD_decompress_usingDDict(
                    decompressor.context, target.baseAddress, Int(size), frame.baseAddress, frame.count,
                    PayloadDictionary.all[number - 1].decompressing)
                return ZSTD_isError(count) == 0 ? count : 0
            }
            return written == Int(size)
        }
        guard isRight else { throw .corrupt("a payload of an archive cannot be decompressed") }
    }
}
