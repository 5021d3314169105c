internal import Synchronization

/// A place for what a feature keeps on every event loop; nobody else reaches it.
///
/// Declared once, as a static constant of the feature.
package struct LoopSlot<Value>: Sendable {
    let index: Int
    let make: @Sendable () -> Value

    package init(_ make: @escaping @Sendable () -> Value) {
        index = loopSlotCount.add(1, ordering: .relaxed).oldValue
        self.make = make
    }
}

private let loopSlotCount = Atomic<Int>(0)

extension LoopContext {
    package subscript<Value>(slot: LoopSlot<Value>) -> Value {
        get { slots[slot.index, slot.make()] }
        _modify { yield &slots[slot.index, slot.make()] }
    }
}
