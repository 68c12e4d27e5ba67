namespace SseApp.Bench.Generator;

internal enum ResponsePart
{
    Head,
    ChunkSize,
    ChunkExtension,
    Body,
    ChunkEnd,
    Ended,
}
