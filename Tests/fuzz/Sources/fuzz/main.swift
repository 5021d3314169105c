/// Fuzzes the reading and writing of streams with libFuzzer; its options are those of the command line.
///
/// Half of the inputs are changed by libFuzzer, half by `StreamMutator`, which knows what a stream is made of.

/// libFuzzer's own entry point, with which a program may have a `main` of its own.
@_silgen_name("LLVMFuzzerRunDriver")
func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

@_silgen_name("LLVMFuzzerMutate")
func mutateBytes(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ maximum: Int) -> Int

nonisolated(unsafe) private let difference = StreamDifference()

@_cdecl("LLVMFuzzerCustomMutator")
func mutate(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ maximum: Int, _ seed: UInt32) -> Int {
    var mutator = StreamMutator(seed: UInt64(seed))
    var bytes = Array(UnsafeBufferPointer(start: data, count: size))
    switch mutator.next() % 16 {
    case 0: bytes = mutator.stream()
    case 1..<8: return mutateBytes(data, size, maximum)
    default: for _ in 0...(mutator.next() % 3) { mutator.change(&bytes) }
    }
    let count = min(bytes.count, maximum)
    data.update(from: bytes, count: count)
    return count
}

private func test(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    // The same bytes arrive in the same pieces.
    var pieces = StreamMutator(seed: bytes.reduce(UInt64(size)) { $0 &* 31 &+ UInt64($1) })
    if let problem = difference.find(in: bytes, chunk: { pieces.chunk() }) {
        fatalError("\(problem)\nin \(String(decoding: bytes, as: UTF8.self))")
    }
    return 0
}

var count = CommandLine.argc
var arguments = CommandLine.unsafeArgv
let status = runFuzzer(&count, &arguments) { test($0, $1) }
if status != 0 { fatalError("libFuzzer ended with \(status)") }
