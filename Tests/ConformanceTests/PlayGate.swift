/// Lets only so many plays go on at once: all would have more passwords wait to be hashed than a server allows.
actor PlayGate {
    static let shared = PlayGate()

    private var free = 100
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func enter() async {
        guard free == 0 else { return free -= 1 }
        await withCheckedContinuation { waiting.append($0) }
    }

    func leave() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}
