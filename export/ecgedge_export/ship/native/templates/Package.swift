// swift-tools-version:5.5
import PackageDescription

// `swift test` plays the golden vectors. Build CMake's files elsewhere: all C files below core/ are compiled.
let package = Package(
    name: "EcgEdge",
    products: [.library(name: "EcgEdge", targets: ["EcgEdge"])],
    targets: [
        .target(
            name: "CEcgEdge", path: "core", exclude: ["CMakeLists.txt", "check.c"], publicHeadersPath: "include"),
        .target(name: "EcgEdge", dependencies: ["CEcgEdge"], path: "swift/Sources/EcgEdge"),
        .testTarget(name: "EcgEdgeTests", dependencies: ["EcgEdge"], path: "swift/Tests/EcgEdgeTests"),
    ],
    cLanguageStandard: .c99
)
