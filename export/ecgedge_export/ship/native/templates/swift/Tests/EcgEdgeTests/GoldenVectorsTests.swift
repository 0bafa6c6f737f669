import EcgEdge
import Foundation
import XCTest

final class GoldenVectorsTests: XCTestCase {
    private let golden = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("golden")

    private func object(_ text: String) throws -> [String: Any] {
        try XCTUnwrap(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    private func lines(_ folder: URL, _ name: String) throws -> [String] {
        let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
        return text.split(separator: "\n").map(String.init)
    }

    private func bytes(_ hex: String) -> Data {
        let digits = Array(hex.utf8).map { UInt8($0 < 58 ? $0 - 48 : $0 - 87) }
        return Data(stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
    }

    private func play(_ name: String, kind: EcgCore.Kind) throws {
        let folder = golden.appendingPathComponent(name)
        let about = try object(lines(folder, "about.json").joined())
        let core = try EcgCore(
            fs: XCTUnwrap(about["fs"] as? Double), kind: kind, device: XCTUnwrap(about["device"] as? String))
        var found: [String] = []
        for line in try lines(folder, "frames.jsonl") {
            let frame = try object(line)
            guard let hex = frame["hex"] as? String, frame["uuid"] as? String == about["data_uuid"] as? String else {
                continue
            }
            let arrival = try XCTUnwrap(frame["host_time_s"] as? Double)
            found += core.receive(bytes(hex), hostTime: arrival).lines
        }
        found += core.finish().lines
        XCTAssertEqual(found, try lines(folder, "events.jsonl"))
    }

    func testPolar() throws {
        try play("polar", kind: .polar)
    }

    func testOwnFrames() throws {
        try play("ecgedge", kind: .own)
    }

    func testARateWithoutASetupIsRefused() {
        XCTAssertThrowsError(try EcgCore(fs: 131))
    }
}
