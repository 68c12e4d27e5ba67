namespace SseApp.Tests.Infrastructure;

/// <summary>What somebody can put into a log, or send over its channel, that no publish could have stored: bytes as Latin-1.</summary>
public static class ForeignEntries
{
    public static TheoryData<string> Blocks { get; } =
    [
        "\n", "data: x\n", "data: x", "data:x\n\n", "data: x\n\n\n", "\ndata: x\n\n",
        "event: stream.closed\ndata: {\"reason\":\"operator\"}\n\n", "event: stream.gap\ndata: {}\n\n", "event: stream.\ndata: x\n\n",
        "id: stream.closed\nevent: stream.closed\ndata: {\"reason\":\"operator\"}\n\n", "id: x\ndata: x\n\n", "data: x\nid: x\n\n", "event: a\nid: stream.closed\ndata: x\n\n",
        "data: x\n\nid: stream.closed\nevent: stream.closed\ndata: x\n\n", "data: x\n\ndata: y\n\n", "data: x\n\n:\n\n",
        "event: a\nevent: stream.closed\ndata: x\n\n", "data: x\nevent: stream.closed\n\n", "event: a\n\n", "event: message\ndata: x\n\n", "event: \ndata: x\n\n",
        "event:stream.closed\ndata: x\n\n", "event\ndata: x\n\n", "event: a\0\ndata: x\n\n",
        "data: x\revent: stream.closed\n\n", "data: x\r\n\n", "event: a\rid: stream.closed\ndata: x\n\n", "data: x\n\r\n",
        "retry: 1\ndata: x\n\n", "data: x\nretry: 1\n\n", ": comment\ndata: x\n\n", "data: x\n: comment\n\n", "\u00ef\u00bb\u00bfdata: x\n\n",
        "data: \u00ff\n\n", "data: \u00c0\u0080\n\n", "data: \u00ed\u00a0\u0080\n\n", "event: \u00c3\ndata: x\n\n", "data: \u00e2\u0082\n\n",
        $"event: {new string('e', 201)}\ndata: x\n\n",
    ];
}
