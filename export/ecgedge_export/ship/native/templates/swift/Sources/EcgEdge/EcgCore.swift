import CEcgEdge
import Foundation

/// One wearer's stream: notifications of a wearable in, events and samples out, over any number of connections.
///
///     let core = try EcgCore(fs: 130, kind: .polar, device: "Polar H10")
///     let said = core.receive(characteristic.value!, hostTime: ProcessInfo.processInfo.systemUptime)
///     for line in said.lines { show(try JSONSerialization.jsonObject(with: Data(line.utf8))) }
///
/// Threads may share it: calls wait for each other. Not a medical device.
public final class EcgCore {
    /// What comes in: frames of Polar's, ecgedge's own frames, or samples that were decoded elsewhere.
    public enum Kind: Int32 {
        case samples = -1
        case polar = 0
        case own = 1
    }

    /// Samples in mV that have found their place: `sample` is the index of the first one, lost ones counted.
    public struct Block {
        public let sample: Int64
        public let millivolt: [Float]
        public let fsHat: Double
        public let hostTime: Double
    }

    /// What a call led to. `isAnalysed` is false where the device's own rate is more than 10 % off.
    public struct Said {
        public let lines: [String]
        public let blocks: [Block]
        public let isAnalysed: Bool
    }

    /// There is no setup for a rate: make the bundle with `ecgedge-export bundle --fs`.
    public struct NoSetup: Error {
        public let fs: Double
    }

    private final class Collected {
        var lines: [String] = []
        var blocks: [Block] = []
    }

    private let collected: Collected
    private let memory: UnsafeMutableRawPointer
    private let phone: OpaquePointer
    private let lock = NSLock()

    /// - Parameters:
    ///   - fs: the wearable's nominal rate in Hz: one that the bundle was made for
    ///   - kind: what is received
    ///   - device: the name that notes carry
    public init(fs: Double, kind: Kind = .polar, device: String = "") throws {
        guard let setup = ecg_setup_for(fs) else { throw NoSetup(fs: fs) }
        let collected = Collected()
        let takes = ecg_phone_takes(
            context: Unmanaged.passUnretained(collected).toOpaque(),
            line: { context, _, line, _ in
                guard let context = context, let line = line else { return }
                let text = String(cString: line)
                Unmanaged<Collected>.fromOpaque(context).takeUnretainedValue().lines.append(String(text.dropLast()))
            },
            block: { context, block in
                guard let context = context, let block = block?.pointee else { return }
                let samples = UnsafeBufferPointer(start: block.millivolt, count: Int(block.count))
                Unmanaged<Collected>.fromOpaque(context).takeUnretainedValue().blocks.append(
                    Block(
                        sample: block.sample, millivolt: Array(samples), fsHat: block.fs_hat,
                        hostTime: block.host_time_s))
            })
        let bytes = ecg_phone_bytes(setup)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: MemoryLayout<Double>.alignment)
        guard let phone = ecg_phone_init(setup, kind.rawValue, device, memory, bytes, takes) else {
            memory.deallocate()
            throw NoSetup(fs: fs)
        }
        self.collected = collected
        self.memory = memory
        self.phone = phone
    }

    deinit {
        memory.deallocate()
    }

    /// Takes a notification of the data characteristic, and its arrival on a monotonic clock in seconds.
    public func receive(_ notification: Data, hostTime: Double) -> Said {
        said {
            notification.withUnsafeBytes { raw in
                ecg_phone_receive(phone, raw.bindMemory(to: UInt8.self).baseAddress, raw.count, hostTime)
            }
        }
    }

    /// Takes samples in mV that were decoded elsewhere. `sample` is the index of the first one, lost ones counted;
    /// -1: they go on where those before ended. `fsHat` is the rate that was measured so far, 0 where none was.
    public func samples(_ millivolt: [Float], sample: Int64 = -1, fsHat: Double = 0) -> Said {
        said { ecg_phone_samples(phone, sample, millivolt, Int32(millivolt.count), fsHat) }
    }

    /// Tells what is pending; what comes after it begins another segment.
    public func finish() -> Said {
        said {
            ecg_phone_finish(phone)
            return 0
        }
    }

    private func said(_ call: () -> Int32) -> Said {
        lock.lock()
        defer { lock.unlock() }
        collected.lines = []
        collected.blocks = []
        let done = call()
        return Said(lines: collected.lines, blocks: collected.blocks, isAnalysed: done == 0)
    }
}
